//! What a limit counts.

use crate::named::named;

named! {
    /// What the limit counts that refused a request.
    LimitScope, "scope" {
        /// Requests in a window.
        Requests = "requests",
        /// Tokens in a window, of the prompt and of the answer.
        Tokens = "tokens",
        /// Tokens of the prompt in a window.
        InputTokens = "input_tokens",
        /// Tokens of the answer in a window.
        OutputTokens = "output_tokens",
        /// Requests that are under way at the same time.
        Concurrency = "concurrency",
        /// Images in a window.
        Images = "images",
        /// Money: credits, a budget, a limit of what may be spent.
        Spend = "spend",
    }
}
