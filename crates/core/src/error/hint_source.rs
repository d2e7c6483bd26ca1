//! Where a wait was read.

use crate::named::named;

named! {
    /// Where a wait was read.
    HintSource, "source" {
        /// A member of the body: `retry_after`, `retryDelay`, `estimated_time` and the like.
        Body = "body",
        /// The end of LLM Resayil's clock minute, by the answer's `Date`.
        Window = "window",
        /// The header `retry-after-ms` or `x-ms-retry-after-ms`.
        RetryAfterMs = "retry_after_ms",
        /// The header `Retry-After` (RFC 9110 section 10.2.3).
        RetryAfter = "retry_after",
        /// A reset header of a rate limit that is used up.
        RateLimitReset = "rate_limit_reset",
        /// The prose of the message.
        Message = "message",
        /// This program's own quota, not the server.
        Quota = "quota",
    }
}
