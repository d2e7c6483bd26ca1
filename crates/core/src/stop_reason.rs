//! Why a call ended without an answer.

use crate::named::named;

named! {
    /// Why no further attempt is made.
    StopReason, "reason" {
        /// The server said so by `x-should-retry: false`.
        ServerInstruction = "server_instruction",
        /// Another try of the same request cannot succeed.
        NotRetryable = "not_retryable",
        /// The caller cancelled the call.
        Cancelled = "cancelled",
        /// An inner layer has used up its retries.
        Exhausted = "exhausted",
        /// Part of the answer has been delivered already.
        Delivered = "delivered",
        /// The request may have been carried out, and the policy forbids to repeat it then.
        Ambiguous = "ambiguous",
        /// The policy's number of attempts is reached.
        MaxAttempts = "max_attempts",
        /// One call was refused as often as the policy accepts.
        MaxQuotaWaits = "max_quota_waits",
        /// The retry budget that the client's calls share is used up.
        Budget = "budget",
        /// The wait would pass the deadline of the call.
        Deadline = "deadline",
        /// The server asks for a longer wait than the policy accepts.
        MaxHint = "max_hint",
        /// The request is larger than a limit of the quota, so that it could never be sent.
        ExceedsLimit = "exceeds_limit",
    }
}
