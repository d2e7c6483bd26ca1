//! What the log says about the program that sent the requests.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::log::LogEntry;

/// A clock's grain: a repeat this much before its time is not early. Seconds.
const GRAIN: f64 = 0.01;
/// So many times may one request be sent within a second; once more is a storm.
const MAX_SENDS_A_SECOND: usize = 3;
/// Who has failed so often may give up.
const MIN_ATTEMPTS: usize = 3;
/// Who is asked to wait for longer may give up. Seconds.
const LONG_WAIT: f64 = 60.0;
/// A request that meets a fault is expected to be open for so long without anybody's mistake. Seconds.
const SHORT: f64 = 0.25;

/// A mistake of a program that calls the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mistake {
    /// It repeated a request before the wait was over that the server had asked for, or in the same
    /// window of the quota that had refused it.
    RetriedTooEarly,
    /// It repeated a request after an answer that will be the same the next time, such as a 401.
    RetriedTerminal,
    /// It sent one request four times within a second.
    Storm,
    /// A stream ended without a finish, or with an error, and it did not ask again.
    CutStreamAccepted,
    /// It asked fewer than three times, though another try may have been answered.
    GaveUp,
    /// It still waits for an answer that does not come.
    NoTimeout,
}

impl Mistake {
    /// The name in JSON, such as `retried_too_early`.
    pub fn name(self) -> &'static str {
        match self {
            Mistake::RetriedTooEarly => "retried_too_early",
            Mistake::RetriedTerminal => "retried_terminal",
            Mistake::Storm => "storm",
            Mistake::CutStreamAccepted => "cut_stream_accepted",
            Mistake::GaveUp => "gave_up",
            Mistake::NoTimeout => "no_timeout",
        }
    }
}

/// One mistake, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Which mistake.
    pub mistake: Mistake,
    /// The [index](LogEntry::index) of the request by which it shows.
    pub request: u64,
    /// A sentence for people.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mistake.name(), self.text)
    }
}

/// What is to be said of the program under test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// How many requests it sent.
    pub requests: usize,
    /// Its mistakes, in the order of the requests; empty is good.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether no mistake was found.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, count) = (self.requests, self.findings.len());
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "verdict: {count} mistake{plural} in {requests} requests")?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Judges by the log, at `now` of this machine's clock. `failed`: the program said that it failed, so
/// that what broke was not taken for whole.
///
/// Requests are one, repeated, when they carry the same idempotency key; without keys when path, model,
/// last message and form are the same, and the earlier has failed.
pub(crate) fn judge(log: &[LogEntry], now: f64, failed: bool) -> Verdict {
    let mut courses: HashMap<_, Vec<Course<'_>>> = HashMap::new();
    for entry in log {
        let of_this = courses.entry(identity(entry)).or_default();
        let new = entry.headers.get("x-stainless-retry-count").is_some_and(|count| count == "0");
        // The one that has failed for the longest: where several look the same, none looks early.
        let course = of_this
            .iter_mut()
            .filter(|course| !new && course.may_go_on(entry))
            .min_by(|a, b| a.last().time.total_cmp(&b.last().time));
        match course {
            Some(course) => course.0.push(entry),
            None => of_this.push(Course(vec![entry])),
        }
    }
    let mut findings: Vec<Finding> =
        courses.values().flatten().flat_map(|course| course.findings(now, failed)).collect();
    findings.sort_by_key(|finding| (finding.request, finding.mistake.name()));
    Verdict { requests: log.len(), findings }
}

/// What makes two requests the same.
fn identity(entry: &LogEntry) -> impl Eq + std::hash::Hash + use<'_> {
    let content = (&entry.method, &entry.path, &entry.model, &entry.prompt, entry.stream);
    match &entry.idempotency_key {
        Some(key) => (Some(key), None),
        None => (None, Some(content)),
    }
}

/// One request and its repeats.
struct Course<'a>(Vec<&'a LogEntry>);

impl<'a> Course<'a> {
    fn last(&self) -> &'a LogEntry {
        self.0[self.0.len() - 1]
    }

    /// Whether this request may be the next of the course: the last has failed before it came.
    fn may_go_on(&self, next: &LogEntry) -> bool {
        let last = self.last();
        let key = next.idempotency_key.is_some();
        // Who got no answer may have left at any time.
        let told = last.status_time.filter(|_| last.status.is_some()).unwrap_or(last.time);
        // With a key it is the same, whatever came; a success is repeated by nobody else.
        (key || !is_success(last)) && told <= next.time
    }

    fn findings(&self, now: f64, failed: bool) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |mistake, entry: &LogEntry, text: String| {
            found.push(Finding { mistake, request: entry.index, text });
        };
        for pair in self.0.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let gap = after.time - before.status_time.unwrap_or(before.time);
            let what = describe(before);
            if is_terminal(before) {
                let text = format!("request {} came again after {what}", before.index);
                add(Mistake::RetriedTerminal, after, text);
            } else if let Some(wait) = before.retry_after.filter(|&wait| gap + GRAIN < wait) {
                let text = format!(
                    "request {} came again after {gap:.2} s; {what} asked for {wait} s",
                    before.index
                );
                add(Mistake::RetriedTooEarly, after, text);
            } else if before.refused && before.fault.is_none() && before.window == after.window {
                let text = format!(
                    "request {} came again after {gap:.2} s, in the window that had refused it",
                    before.index
                );
                add(Mistake::RetriedTooEarly, after, text);
            }
        }
        let crowd = self.0.windows(MAX_SENDS_A_SECOND + 1).find(|sends| {
            let (first, last) = (sends[0], sends[MAX_SENDS_A_SECOND]);
            last.time - first.time < 1.0
        });
        if let Some(sends) = crowd {
            let text = format!(
                "request {} was sent {} times within a second",
                sends[0].index,
                sends.len()
            );
            add(Mistake::Storm, sends[MAX_SENDS_A_SECOND], text);
        }
        self.judge_end(now, failed, &mut add);
        found
    }

    /// How the course ended.
    fn judge_end(&self, now: f64, failed: bool, add: &mut impl FnMut(Mistake, &LogEntry, String)) {
        let last = self.last();
        if !last.finished {
            let open = now - last.time;
            if last.fault.is_some() && open > SHORT {
                let text = format!("request {} is waited for since {open:.1} s", last.index);
                add(Mistake::NoTimeout, last, text);
            }
            return;
        }
        if is_success(last) || is_terminal(last) {
            return;
        }
        let what = describe(last);
        if last.stream && last.status.is_some_and(|status| status < 300) {
            if !failed {
                let text = format!("{what}, request {}, was not asked for again", last.index);
                add(Mistake::CutStreamAccepted, last, text);
            }
            return;
        }
        let may_go = last.retry_after.is_some_and(|wait| wait > LONG_WAIT);
        if self.0.len() < MIN_ATTEMPTS && !may_go {
            let (index, count) = (last.index, self.0.len());
            let text = format!("request {index} met {what}, and was tried {count} times in all");
            add(Mistake::GaveUp, last, text);
        }
    }
}

/// Whether it was answered as it should. What nobody made go wrong went right, or was left by the client.
fn is_success(entry: &LogEntry) -> bool {
    entry.answered || (entry.fault.is_none() && entry.status.is_none_or(|status| status < 400))
}

/// Whether the same request will get the same answer.
fn is_terminal(entry: &LogEntry) -> bool {
    let Some(status) = entry.status.filter(|_| !is_success(entry)) else { return false };
    let by_status = || match status {
        408 | 409 | 425 | 429 | 501 | 505 => matches!(status, 501 | 505),
        status => (300..500).contains(&status),
    };
    entry.should_retry.map_or_else(by_status, |should| !should)
}

fn describe(entry: &LogEntry) -> String {
    match (entry.status, entry.stream) {
        (None, _) => "no answer".to_owned(),
        (Some(200..=299), true) => "a broken stream".to_owned(),
        (Some(200..=299), false) => "a broken answer".to_owned(),
        (Some(status), _) => format!("a {status}"),
    }
}
