//! When requests were sent, one by one.

use super::Run;
use crate::quota::bytes::Record;

/// So many are remembered one by one.
const LOGGED: usize = 60;

/// When the first requests of a run were sent, in nanoseconds.
#[derive(Clone)]
pub(super) struct Log {
    times: [u64; LOGGED],
    len: u8,
}

impl Default for Log {
    fn default() -> Self {
        Log { times: [0; LOGGED], len: 0 }
    }
}

impl Record for Log {
    fn put(&self, out: &mut Vec<u8>) {
        self.len.put(out);
        self.times().iter().for_each(|time| time.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut log = Log { len: u8::get(input)?, ..Log::default() };
        for time in log.times.get_mut(..usize::from(log.len))? {
            *time = u64::get(input)?;
        }
        Some(log)
    }
}

impl Log {
    pub(super) fn times(&self) -> &[u64] {
        self.times.get(..usize::from(self.len)).unwrap_or_default()
    }

    pub(super) fn add(&mut self, at: u64) {
        if let Some(slot) = self.times.get_mut(usize::from(self.len)) {
            *slot = at;
            self.len += 1;
        }
    }

    pub(super) fn remove(&mut self, at: u64) {
        if let Some(index) = self.times().iter().rposition(|known| *known == at) {
            self.times.copy_within(index + 1.., index);
            self.len -= 1;
        }
    }

    /// All that this run sent, and when; what is not remembered is taken to have been sent last.
    pub(super) fn with_rest(&self, run: Run) -> impl Iterator<Item = (u64, u64)> {
        let times = self.times();
        let rest = run.count.saturating_sub(times.len() as u64);
        let last = times.last().copied().unwrap_or(run.began);
        times.iter().map(|at| (1, *at)).chain([(rest, last)])
    }
}
