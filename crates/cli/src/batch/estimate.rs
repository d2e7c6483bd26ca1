//! When a batch will be done, by the quota.

use std::time::Duration;

use resayil::quota::QuotaState;

/// What an estimate is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Requests without a result, those under way included.
    pub(super) left: u64,
    /// Of these, requests under way.
    pub(super) under_way: u64,
    /// Requests that got their result in this run, and the time that took.
    pub(super) done: u64,
    pub(super) elapsed: Duration,
    /// The length of the quota's window.
    pub(super) window: Option<Duration>,
}

/// The time until the last request is done; `None` while nothing can be said.
pub(super) fn time_left(facts: &Facts, quota: Option<&QuotaState>) -> Option<Duration> {
    if facts.left == 0 {
        return Some(Duration::ZERO);
    }
    by_quota(facts, quota?).or_else(|| by_rate(facts))
}

/// With a known limit, the windows that are still needed.
fn by_quota(facts: &Facts, quota: &QuotaState) -> Option<Duration> {
    let (limit, window) = (u64::from(quota.limit?), facts.window?);
    let unsent = facts.left.saturating_sub(facts.under_way);
    let later = unsent.saturating_sub(u64::from(quota.remaining?));
    let windows = later.div_ceil(limit.max(1));
    let full = u32::try_from(windows.saturating_sub(1)).unwrap_or(u32::MAX);
    let waits = if windows == 0 {
        Duration::ZERO
    } else {
        quota.reset_after?.saturating_add(window.saturating_mul(full))
    };
    // Without windows to wait for, the requests themselves take the time.
    if waits.is_zero() { by_rate(facts) } else { Some(waits) }
}

fn by_rate(facts: &Facts) -> Option<Duration> {
    if facts.done == 0 {
        return None;
    }
    let each = facts.elapsed.as_secs_f64() / facts.done as f64;
    Duration::try_from_secs_f64(each * facts.left as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use resayil::quota::QuotaOptions;
    use resayil::{Quota, Timestamp};

    /// The state of a quota of 20 in 60 s, ten seconds before its window ends, with so many used.
    fn state(used: usize) -> QuotaState {
        let options = QuotaOptions::default().with_limit(20);
        let quota = Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
        for _ in 0..used {
            let mut ticket = quota.enter();
            let _ = ticket.poll(Duration::ZERO);
        }
        quota.state(Duration::ZERO)
    }

    fn facts(left: u64) -> Facts {
        Facts {
            left,
            under_way: 0,
            done: 10,
            elapsed: Duration::from_secs(5),
            window: Some(Duration::from_secs(60)),
        }
    }

    #[test]
    fn windows_are_counted() {
        let seconds = |left, used| time_left(&facts(left), Some(&state(used))).unwrap().as_secs();
        assert_eq!(seconds(0, 20), 0);
        assert_eq!(seconds(20, 20), 10);
        assert_eq!(seconds(21, 20), 70);
        assert_eq!(seconds(21, 10), 10);
        assert_eq!(seconds(10, 10), 5, "by the rate alone");
    }

    #[test]
    fn without_a_limit_the_rate_decides_and_without_a_rate_nothing() {
        let options = QuotaOptions::default();
        let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
        let state = quota.state(Duration::ZERO);
        assert_eq!(time_left(&facts(4), Some(&state)), Some(Duration::from_secs(2)));
        assert_eq!(time_left(&Facts { done: 0, ..facts(4) }, Some(&state)), None);
    }
}
