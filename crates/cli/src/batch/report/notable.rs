//! The slowest requests and those that failed: as many as one can look at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

/// So many of the slowest are kept.
const MAX_SLOWEST: usize = 20;
/// So many of those that failed are kept, the first ones.
const MAX_FAILED: usize = 100;
/// What a message is cut to, in characters.
const MAX_MESSAGE: usize = 300;

/// One request, as it is listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Listed {
    /// Of the input.
    pub(super) line: u64,
    /// Of the output.
    pub(super) result_line: u64,
    pub(super) custom_id: Option<String>,
    /// The whole call, waits included.
    pub(super) seconds: f64,
    /// Of these, in line for the quota, and between attempts.
    pub(super) quota_wait_seconds: f64,
    pub(super) retry_wait_seconds: f64,
    pub(super) attempts: u32,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failed>,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Failed {
    pub(super) kind: String,
    pub(super) status: Option<u16>,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
}

/// Keeps what is notable.
#[derive(Debug, Default)]
pub(super) struct Notable {
    slowest: BinaryHeap<Reverse<ByTime>>,
    failed: Vec<Listed>,
}

/// In the order of how long it took.
#[derive(Debug)]
struct ByTime(Listed);

impl Ord for ByTime {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_time = self.0.seconds.total_cmp(&other.0.seconds);
        by_time.then_with(|| other.0.line.cmp(&self.0.line))
    }
}

impl PartialOrd for ByTime {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByTime {}

impl Notable {
    pub(super) fn add(&mut self, mut listed: Listed) {
        if let Some(failure) = &mut listed.failure {
            if failure.message.chars().count() > MAX_MESSAGE {
                failure.message =
                    failure.message.chars().take(MAX_MESSAGE).collect::<String>() + "…";
            }
            if self.failed.len() < MAX_FAILED {
                self.failed.push(listed);
            }
            return;
        }
        let is_full = self.slowest.len() >= MAX_SLOWEST;
        if is_full && self.slowest.peek().is_some_and(|Reverse(it)| it.0.seconds >= listed.seconds)
        {
            return;
        }
        if is_full {
            self.slowest.pop();
        }
        self.slowest.push(Reverse(ByTime(listed)));
    }

    /// The slowest first.
    pub(super) fn slowest(&self) -> Vec<Listed> {
        let mut slowest: Vec<_> = self.slowest.iter().map(|Reverse(it)| it).collect();
        slowest.sort_by(|one, other| other.cmp(one));
        slowest.into_iter().map(|it| it.0.clone()).collect()
    }

    /// In the order of the input.
    pub(super) fn failed(&self) -> Vec<Listed> {
        let mut failed = self.failed.clone();
        failed.sort_by_key(|it| it.line);
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_and_the_first_that_failed_are_kept() {
        let mut notable = Notable::default();
        for line in 0..1000u64 {
            let seconds = (line * 7919 % 1000) as f64;
            notable.add(Listed { line, seconds, ..Listed::default() });
            let failure = Failed {
                kind: "server".to_owned(),
                status: Some(500),
                message: "x".repeat(2000),
                request_id: None,
            };
            notable.add(Listed { line, failure: Some(failure), ..Listed::default() });
        }
        let slowest: Vec<_> = notable.slowest().iter().map(|it| it.seconds as u64).collect();
        assert_eq!(slowest, (980..1000).rev().collect::<Vec<_>>());
        let failed = notable.failed();
        assert_eq!((failed.len(), failed[0].line, failed[99].line), (MAX_FAILED, 0, 99));
        assert!(failed[0].failure.as_ref().unwrap().message.chars().count() <= MAX_MESSAGE + 1);
    }
}
