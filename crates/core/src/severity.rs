//! How grave an error is.

use crate::named::named;

named! {
    /// How grave an error is, in the words of the LLM Resayil error guide.
    #[derive(PartialOrd, Ord)]
    Severity, "degree" {
        /// Nothing went wrong, or it was asked for.
        Info = "info",
        /// The request has to change; the service is well.
        Warning = "warning",
        /// Somebody has to act: a key, credits, a wait.
        Error = "error",
        /// The service itself failed.
        Critical = "critical",
    }
}
