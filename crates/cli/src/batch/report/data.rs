//! What a report shows, as data: the same for people and for programs.

use serde::Serialize;

use super::latency::Percentiles;
use super::notable::Listed;
use super::timeline::Bins;
use super::tokens::Tokens;
use super::told::Group;

/// All that was recorded of a batch's run. Times are in seconds since its start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Data {
    /// Requests that were answered in this run, by how long the whole call took, waits included.
    pub(super) call_seconds: Percentiles,
    /// The same by how long the request took that was answered.
    pub(super) answer_seconds: Percentiles,
    pub(super) tokens: Tokens,
    /// Why requests were sent again, and how often.
    pub(super) retries_by_reason: Vec<Retries>,
    pub(super) failures: Vec<Group>,
    pub(super) slowest: Vec<Listed>,
    /// The first of those that failed.
    pub(super) failed_requests: Vec<Listed>,
    pub(super) timeline: Bins,
}

/// Retries of one reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Retries {
    /// The failure: its status and kind.
    pub(crate) cause: String,
    /// What the wait followed from.
    pub(crate) reason: &'static str,
    pub(crate) count: u64,
}

impl Data {
    /// What answers took, for a line of text; nothing if none of them says.
    pub(crate) fn tokens_text(&self) -> String {
        let Tokens { answers, input, output, .. } = self.tokens;
        match answers {
            0 => String::new(),
            _ => format!(", tokens {input} in and {output} out ({})", self.tokens.estimate()),
        }
    }

    /// Why requests were sent again.
    pub(crate) fn retries(&self) -> &[Retries] {
        &self.retries_by_reason
    }
}
