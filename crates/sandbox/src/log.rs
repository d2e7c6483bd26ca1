//! What the server received, and what it did about it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::stop::lock;

/// What a request said in its `Authorization` header. The value itself is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Authorization {
    /// No such header.
    Absent,
    /// Not `Bearer`, one space, and a key of a documented form.
    Malformed,
    /// `Bearer`, one space, and a key of a documented form; not necessarily the accepted one.
    WellFormed,
}

/// One request to the API. Requests to the control plane are not logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// Position in order of arrival, from 0.
    pub index: u64,
    /// When the head of the request had arrived, by this machine's clock: Unix seconds.
    pub time: f64,
    /// The same moment by the server's clock (see [`Builder::clock_offset`](crate::Builder::clock_offset)).
    pub server_time: f64,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status sent; `None` when nothing was sent (dropped, hung, or not yet).
    pub status: Option<u16>,
    /// When that was, by this machine's clock: Unix seconds.
    pub status_time: Option<f64>,
    /// Seconds that the answer asked to wait, in its body or in `Retry-After`.
    pub retry_after: Option<f64>,
    /// Whether the answer itself says that another try may help, or cannot: by `X-Should-Retry`, or by
    /// the code of an account that is used up.
    pub should_retry: Option<bool>,
    /// The number of the quota window by the server's clock: where the request was counted if it was,
    /// else where it arrived.
    pub window: u64,
    /// Whether it consumed quota.
    pub consumed: bool,
    /// Whether it was answered with a 429.
    pub refused: bool,
    /// Whether a complete, right 200 chat answer was written to the connection.
    pub answered: bool,
    /// Whether the server is done with it.
    pub finished: bool,
    /// The name of the fault that befell it.
    pub fault: Option<String>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// The last user message, trimmed.
    pub prompt: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// What the `Authorization` header was like.
    pub authorization: Authorization,
    /// The other headers, names in lower case, but for those that carry credentials (`X-Api-Key`,
    /// `Cookie`); values of a repeated header are joined by `, `.
    pub headers: BTreeMap<String, String>,
}

impl LogEntry {
    /// An estimate of the memory that it takes.
    fn size(&self) -> usize {
        let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + v.len()).sum();
        512 + self.path.len()
            + text(&self.prompt)
            + text(&self.model)
            + text(&self.idempotency_key)
            + headers
    }
}

/// The entries, the oldest forgotten when they take too much memory.
#[derive(Debug)]
pub(crate) struct Log {
    max_bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    next: u64,
    forgotten: u64,
    /// Grows by one at each reset: an entry of before is not to be found again.
    era: u64,
}

/// Names an entry, also across a reset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryId {
    era: u64,
    pub(crate) index: u64,
}

impl Log {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, inner: Mutex::default() }
    }

    /// Adds an entry and numbers it.
    pub(crate) fn begin(&self, mut entry: LogEntry) -> EntryId {
        let mut inner = lock(&self.inner);
        let index = inner.next;
        inner.next += 1;
        entry.index = index;
        inner.bytes += entry.size();
        inner.entries.push_back(entry);
        inner.shrink(self.max_bytes);
        EntryId { era: inner.era, index }
    }

    /// Changes an entry, if it is still there.
    pub(crate) fn update(&self, id: EntryId, change: impl FnOnce(&mut LogEntry)) {
        let mut inner = lock(&self.inner);
        let Some(first) = inner.entries.front().map(|e| e.index) else {
            return;
        };
        if inner.era != id.era || id.index < first {
            return;
        }
        let Ok(at) = usize::try_from(id.index - first) else {
            return;
        };
        if let Some(entry) = inner.entries.get_mut(at) {
            let before = entry.size();
            change(entry);
            let after = entry.size();
            inner.bytes = inner.bytes + after - before;
            inner.shrink(self.max_bytes);
        }
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        lock(&self.inner).entries.iter().cloned().collect()
    }

    /// How many were forgotten to save memory.
    pub(crate) fn forgotten(&self) -> u64 {
        lock(&self.inner).forgotten
    }

    pub(crate) fn clear(&self) {
        let mut inner = lock(&self.inner);
        let era = inner.era + 1;
        *inner = Inner { era, ..Inner::default() };
    }
}

impl Inner {
    fn shrink(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> LogEntry {
        LogEntry {
            index: 0,
            time: 0.0,
            server_time: 0.0,
            method: "GET".into(),
            path: path.into(),
            status: None,
            status_time: None,
            retry_after: None,
            should_retry: None,
            window: 0,
            consumed: false,
            refused: false,
            answered: false,
            finished: false,
            fault: None,
            idempotency_key: None,
            model: None,
            prompt: None,
            stream: false,
            authorization: Authorization::Absent,
            headers: BTreeMap::new(),
        }
    }

    #[test]
    fn the_oldest_entries_go_when_memory_runs_out() {
        let log = Log::new(2000);
        let ids: Vec<_> = (0..5).map(|_| log.begin(entry("/v1/x"))).collect();
        let kept: Vec<_> = log.entries().iter().map(|e| e.index).collect();
        assert_eq!(kept, [2, 3, 4]);
        assert_eq!(log.forgotten(), 2);
        log.update(ids[0], |e| e.status = Some(1));
        log.update(ids[3], |e| e.status = Some(200));
        let statuses: Vec<_> = log.entries().iter().map(|e| e.status).collect();
        assert_eq!(statuses, [None, Some(200), None]);
        log.update(ids[4], |e| e.prompt = Some("x".repeat(5000)));
        assert!(log.entries().is_empty());
        assert_eq!(log.inner.lock().unwrap().bytes, 0);
    }

    #[test]
    fn an_entry_of_before_a_reset_is_not_written_into() {
        let log = Log::new(1 << 20);
        let old = log.begin(entry("/old"));
        log.clear();
        let new = log.begin(entry("/new"));
        assert_eq!(new.index, 0);
        log.update(old, |e| e.status = Some(500));
        assert_eq!(log.entries()[0].status, None);
    }
}
