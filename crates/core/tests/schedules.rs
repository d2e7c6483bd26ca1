//! Random schedules of calls and senders: what must never happen.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use resayil_core::error::HintSource;
use resayil_core::quota::{Admission, EnterOptions, Priority, QuotaOptions, Settlement, Ticket};
use resayil_core::retry::{Budget, StopReason};
use resayil_core::{Decision, Error, Kind, Policy, Quota, Timestamp};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The wait that a server asks for.
#[derive(Clone, Copy, Debug)]
enum Hint {
    Absent,
    Millis(u64),
    /// It ends so many milliseconds before the deadline.
    Before(u64),
}

fn failure() -> impl Strategy<Value = (Kind, Hint)> {
    let kind = prop_oneof![
        Just(Kind::RateLimit),
        Just(Kind::Server),
        Just(Kind::Overloaded),
        Just(Kind::Timeout),
    ];
    let hint = prop_oneof![
        Just(Hint::Absent),
        (1_u64..200_000).prop_map(Hint::Millis),
        (1_u64..200).prop_map(Hint::Before),
    ];
    (kind, hint)
}

proptest! {
    /// Never a retry before the server's hint, never a wait past the deadline, and never an early
    /// `deadline` for a hint that would have fitted.
    #[test]
    fn waits_keep_the_hint_and_the_deadline(
        failures in proptest::collection::vec((failure(), 0_u64..5_000), 1..30),
        deadline in 1_u64..600_000,
        seed in any::<u64>(),
    ) {
        let deadline = millis(deadline);
        let policy = Policy::builder().deadline(deadline).max_attempts(50).build().unwrap();
        let mut call = policy.start(Duration::ZERO, seed).with_budget(Budget::default());
        let mut now = Duration::ZERO;
        for ((kind, hint), took) in failures {
            now += millis(took);
            let error = Error::new(kind, "");
            let error = match hint {
                Hint::Absent => error,
                Hint::Millis(hint) => error.with_retry_after(millis(hint), HintSource::Body),
                Hint::Before(margin) => {
                    match deadline.saturating_sub(now + millis(margin)) {
                        // A wait of zero is as good as none.
                        Duration::ZERO => error,
                        hint => error.with_retry_after(hint, HintSource::Body),
                    }
                }
            };
            match call.on_error(&error, now) {
                Decision::Retry { delay, .. } => {
                    prop_assert!(delay >= error.retry_after().unwrap_or_default());
                    prop_assert!(now + delay < deadline);
                    now += delay;
                }
                Decision::Stop { reason } => {
                    if let (StopReason::Deadline, Some(hint)) = (reason, error.retry_after()) {
                        prop_assert!(now + hint >= deadline);
                    }
                    break;
                }
            }
        }
    }

    /// Every sender is admitted in the end, in order within its class, and the server, which counts
    /// in aligned windows, refuses nothing when the limit is known.
    #[test]
    fn nobody_starves_and_nothing_is_refused(
        limit in 1_u32..8,
        arrivals in proptest::collection::vec((0_u64..20_000, 0_u8..3, any::<bool>()), 1..60),
        start in 0_u64..60_000,
        transit in 0_u64..200,
    ) {
        let epoch = 1_760_000_040_000 + start;
        let wall = Timestamp::from_unix_micros(epoch as i64 * 1000);
        let quota = Quota::new(QuotaOptions::default().with_limit(limit), wall, Duration::ZERO);
        let mut arrivals = arrivals;
        arrivals.sort_by_key(|(at, ..)| *at);
        let mut waiting: Vec<(usize, u8, u64, Ticket)> = Vec::new();
        let mut admitted: Vec<(usize, u8)> = Vec::new();
        let mut counted: HashMap<u64, u32> = HashMap::new();
        let mut now = 0;
        let (mut next, mut expected) = (0, 0);
        for _ in 0..200_000 {
            while let Some((_, class, stays)) = arrivals.get(next).filter(|(at, ..)| *at <= now) {
                let priority = [Priority::High, Priority::Normal, Priority::Low][*class as usize];
                let ticket = quota.enter_with(&EnterOptions::default().with_priority(priority));
                // Some leave the line at once, which frees the place.
                if *stays {
                    waiting.push((next, *class, now, ticket));
                    expected += 1;
                }
                next += 1;
            }
            let mut left = Vec::new();
            let mut soonest = arrivals.get(next).map_or(u64::MAX, |(at, ..)| *at);
            for (number, class, asked, mut ticket) in waiting.drain(..) {
                match ticket.poll(millis(now)) {
                    Admission::Ready => {
                        let minute = (epoch + now + transit) / 60_000;
                        *counted.entry(minute).or_default() += 1;
                        admitted.push((number, class));
                        ticket.settle(&Settlement::unknown(), millis(now + transit));
                    }
                    Admission::Wait(wait) => {
                        prop_assert!(!wait.is_zero());
                        soonest = soonest.min(now + wait.as_millis().max(1) as u64);
                        left.push((number, class, asked, ticket));
                    }
                }
            }
            waiting = left;
            if waiting.is_empty() && next == arrivals.len() {
                break;
            }
            now = soonest.max(now + 1);
        }
        prop_assert_eq!(admitted.len(), expected);
        prop_assert!(counted.values().all(|count| *count <= limit), "{:?} of {}", counted, limit);
        for class in 0..3 {
            let of_class: Vec<_> =
                admitted.iter().filter(|(_, it)| *it == class).map(|(number, _)| *number).collect();
            prop_assert!(of_class.is_sorted(), "{of_class:?}");
        }
    }

    /// The wait that a sender is told is never longer than the one it needs, so nobody gives up
    /// early. Nobody leaves the line here, which alone can make a wait shorter.
    #[test]
    fn no_wait_is_told_too_long(
        limit in 1_u32..5,
        senders in 1_usize..30,
        // What is sent in the last quarter of a second may be counted in the next window.
        start in 0_u64..59_700,
    ) {
        let wall = Timestamp::from_unix_micros((1_760_000_040_000 + start as i64) * 1000);
        let quota = Quota::new(QuotaOptions::default().with_limit(limit), wall, Duration::ZERO);
        let mut tickets: Vec<_> = (0..senders).map(|_| quota.enter()).collect();
        let mut told = Vec::new();
        for ticket in &mut tickets {
            told.push(match ticket.poll(Duration::ZERO) {
                Admission::Ready => Duration::ZERO,
                Admission::Wait(wait) => wait,
            });
        }
        let mut now = Duration::ZERO;
        for (ticket, told) in tickets.iter_mut().zip(told) {
            let early = told.saturating_sub(millis(1));
            // Time goes forward: those who wait for the same window are asked at the same time.
            if early > now {
                prop_assert_ne!(ticket.poll(early), Admission::Ready);
            }
            now = told;
            prop_assert_eq!(ticket.poll(now), Admission::Ready);
        }
    }
}
