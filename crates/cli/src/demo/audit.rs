//! What the sandbox's own log says of a batch.

use std::collections::BTreeMap;

use resayil_sandbox::LogEntry;

/// The log's account.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Audit {
    /// Prompts that were answered exactly once.
    pub(super) once: u64,
    /// Prompts that were not answered.
    pub(super) lost: u64,
    /// Prompts that were answered more than once, and prompts that nobody asked for.
    pub(super) surplus: u64,
    /// Requests that counted against the quota.
    pub(super) admitted: u64,
    /// The same by window, the first in which the batch ran at the front.
    pub(super) by_window: Vec<u64>,
    /// Of these, requests that met a fault.
    pub(super) faults: BTreeMap<String, u64>,
    /// Requests that were refused in the window in which the batch began.
    pub(super) refused_at_first: u64,
    /// Requests that were refused later.
    pub(super) refused_later: u64,
}

impl Audit {
    /// Reads the log of a batch of these prompts.
    pub(super) fn of(log: &[LogEntry], prompts: &[String]) -> Self {
        let mut audit = Audit::default();
        let mut answers: BTreeMap<&str, u64> =
            prompts.iter().map(|prompt| (prompt.as_str(), 0)).collect();
        let first_window = log.first().map(|entry| entry.window);
        for entry in log {
            if entry.consumed {
                audit.admitted += 1;
                let window = entry.window.saturating_sub(first_window.unwrap_or(entry.window));
                audit.count_in(usize::try_from(window).unwrap_or(usize::MAX));
            }
            if let Some(fault) = entry.fault.as_ref().filter(|_| entry.consumed) {
                *audit.faults.entry(fault.clone()).or_default() += 1;
            }
            if entry.refused {
                let first = Some(entry.window) == first_window;
                let count =
                    if first { &mut audit.refused_at_first } else { &mut audit.refused_later };
                *count += 1;
            }
            if entry.answered {
                match entry.prompt.as_deref().and_then(|prompt| answers.get_mut(prompt)) {
                    Some(count) => *count += 1,
                    None => audit.surplus += 1,
                }
            }
        }
        for count in answers.values() {
            match count {
                0 => audit.lost += 1,
                1 => audit.once += 1,
                _ => audit.surplus += 1,
            }
        }
        audit
    }

    fn count_in(&mut self, window: usize) {
        // A batch does not last this long; a clock that is set may make it seem so.
        const MOST: usize = 10_000;
        let window = window.min(MOST);
        if self.by_window.len() <= window {
            self.by_window.resize(window + 1, 0);
        }
        self.by_window[window] += 1;
    }

    /// Whether each prompt was answered exactly once.
    pub(super) fn is_clean(&self) -> bool {
        self.lost == 0 && self.surplus == 0
    }
}
