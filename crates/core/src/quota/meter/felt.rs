//! A limit that was found out by trying, since nobody tells it.

use std::time::Duration;

use super::bucket::Bucket;
use super::fixed::{Fixed, Rolled};
use super::{Context, Kind, LONGEST, Meter, Wanted};
use crate::error::LimitScope;
use crate::quota::bytes::record;
use crate::quota::clock::ServerClock;
use crate::quota::feel::{Feel, Finding, Run};
use crate::quota::flight::Flight;
use crate::quota::nanos;
use crate::quota::operation::QuotaDelay as Delay;

/// What is thought of a limit that was found out by trying is tried out in each window anew: one is sent
/// first, and the others when it is not refused. When the next window may have begun, one is sent, too, which
/// shows more of when it begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Felt {
    /// Of a bucket: since it was empty.
    run: Run,
    /// Whether something was admitted in this window.
    is_proven: bool,
    /// When one was sent that shows whether the next window has begun, and how many of them in this one.
    trial: Option<u64>,
    trials: u32,
    /// Windows that had not begun when they seemed to have, one after the other.
    misses: u32,
    /// What was admitted since the last refusal.
    smooth: u64,
    /// In so long nothing came after it was used up.
    gap: u64,
}

record!(Felt { run, is_proven, trial, trials, misses, smooth, gap });

/// A limit that was found out by trying is tried upward after so many full windows, and each time in vain
/// after twice as many, up to [`RETRY`](super::RETRY).
const FIRST_RETRY: u32 = 2;

/// After this a window is looked for again that had not begun when it should.
const MISSED: Duration = Duration::from_secs(1);
/// And so often, before all is found out anew.
const MOST_MISSES: u32 = 1;

/// From so many on half of what a bucket gave is forgotten: its refill may change.
const MANY: u64 = 128;

impl Felt {
    pub(super) fn is_sound(&self) -> bool {
        self.run.is_sound()
            && self.smooth.max(self.gap) < 1 << 61
            && self.trials.max(self.misses) < 1 << 31
    }

    fn take(&mut self, amount: u64) {
        self.run.count = self.run.count.saturating_add(amount);
        self.smooth = self.smooth.saturating_add(amount);
    }

    fn take_back(&mut self, amount: u64) {
        self.run.count = self.run.count.saturating_sub(amount);
        self.smooth = self.smooth.saturating_sub(amount);
    }

    /// Whether as much came at as regular intervals, when something is refused that was sent then.
    fn may_be_a_bucket(&self, at: u64) -> bool {
        let Run { began, count } = self.run;
        at > began && (count <= 1 || (at - began) / (count - 1) >= self.gap)
    }

    /// Another window began.
    pub(super) fn roll(&mut self) {
        (self.is_proven, self.trial, self.trials) = (false, None, 0);
    }

    /// Whether a bucket should have refused something by now, were its refill as slow as is thought.
    fn is_overdue(&self) -> bool {
        self.smooth > 2 * (self.run.count.saturating_sub(self.smooth)) + 2
    }
}

impl Meter {
    /// A limit of requests that was found out by trying.
    pub(in crate::quota) fn found(
        finding: Finding,
        feel: &Feel,
        clock: &ServerClock,
        now: Duration,
    ) -> Self {
        let (length, limit) = match finding {
            Finding::Stretch { limit, length, .. } | Finding::Window { limit, length, .. } => {
                (length, limit)
            }
            Finding::Even { interval, burst, .. } => (interval.saturating_mul(burst), burst),
        };
        let length =
            Duration::from_nanos(length).min(Duration::from_micros(LONGEST.unsigned_abs()));
        let mut meter = Meter::new(LimitScope::Requests, length, None);
        (meter.learned, meter.learned_before) = (Some(limit), Some(limit));
        meter.retry = FIRST_RETRY;
        let mut felt = Felt { run: feel.run(), is_proven: true, ..Felt::default() };
        for (count, at) in feel.history() {
            meter.spread.add(count, at);
        }
        meter.spread.roll(nanos(now));
        meter.kind = match finding {
            Finding::Stretch { since, refused, .. } => {
                (felt.run.began, felt.gap) = (since, refused.saturating_sub(since));
                Kind::Rolling
            }
            Finding::Window { begins, .. } => {
                let mut fixed = Fixed::beginning(begins, meter.length, clock);
                fixed.roll(meter.length, clock, now);
                fixed.take(felt.run.count, nanos(now));
                Kind::Fixed(fixed)
            }
            Finding::Even { since, interval, burst } => {
                felt.run.began = since;
                let next = nanos(now).saturating_add(interval / 2);
                Kind::Bucket(Bucket::empty_until(next, interval.saturating_mul(burst), burst))
            }
        };
        meter.felt = Some(felt);
        meter
    }

    /// Whether it was found out by trying.
    pub(in crate::quota) fn is_felt(&self) -> bool {
        self.felt.is_some()
    }

    /// When one may be sent because the next window may have begun; `None` if that is not to be tried.
    pub(super) fn trial_in(&self, context: &Context<'_>) -> Option<Duration> {
        let (Some(felt), Kind::Fixed(fixed)) = (&self.felt, &self.kind) else { return None };
        if felt.trials > 0 || !felt.is_proven {
            return None;
        }
        fixed.until_guess(self.length, context.clock, context.now)
    }

    /// Whether one that tries whether the next window has begun is under way.
    pub(super) fn is_trial_under_way(&self) -> bool {
        self.felt.is_some_and(|felt| felt.trial.is_some())
    }

    /// Something is sent.
    #[cold]
    pub(super) fn feel(&mut self, amount: u64, now: u64) {
        let is_full = self.cap().is_some_and(|cap| self.used() >= cap);
        let Some(felt) = &mut self.felt else { return };
        felt.take(amount);
        match &mut self.kind {
            Kind::Fixed(_) if is_full => (felt.trial, felt.trials) = (Some(now), felt.trials + 1),
            Kind::Bucket(bucket) if bucket.is_half_full(now) => {
                // It may have been full, and what it gave then says nothing of its refill.
                let count = felt.run.count.min(MANY) / 4;
                let began = now.saturating_sub(bucket.time_of(count));
                (felt.run, felt.smooth) = (Run { began, count }, 0);
            }
            Kind::Bucket(bucket) if felt.is_overdue() => bucket.speed_up(felt.run.count),
            _ => {}
        }
    }

    /// How long somebody has to wait because of the first in a window, of which is not known what became.
    pub(super) fn delay_of_first(&self, wanted: Wanted, context: &Context<'_>) -> Option<Delay> {
        self.felt.filter(|felt| !felt.is_proven)?;
        let own = self.used() - self.carried();
        let uncertain = context.flight.uncertain(nanos(context.now));
        if own == 0 && wanted.is_first {
            return None;
        }
        let after = context.flight.presumed_after();
        let (first, last) = match uncertain.count {
            0 if own > 0 => return None,
            0 => (after, after),
            _ => (uncertain.first, uncertain.last),
        };
        Some(Delay::between(first, last))
    }

    /// What was sent to try something out was not refused for long enough. Says whether it shows another window.
    pub(in crate::quota) fn presume(
        &mut self,
        flight: &Flight,
        clock: &ServerClock,
        now: Duration,
    ) -> bool {
        let Some(felt) = self.felt else { return false };
        if felt.is_proven && felt.trial.is_none() {
            return false;
        }
        let at = nanos(now);
        let after = nanos(flight.presumed_after());
        match felt.trial {
            Some(sent) if at.saturating_sub(sent) >= after => self.trial_admitted(sent, clock, now),
            Some(_) => false,
            None => {
                if flight.uncertain(at).count == 0 && self.used() > self.carried() {
                    self.first_admitted();
                }
                false
            }
        }
    }

    /// A request was admitted that was sent then. Says whether it shows another window.
    pub(in crate::quota) fn admitted(
        &mut self,
        at: u64,
        clock: &ServerClock,
        now: Duration,
    ) -> bool {
        let Some(felt) = self.felt else { return false };
        if felt.trial == Some(at) {
            return self.trial_admitted(at, clock, now);
        }
        if matches!(&self.kind, Kind::Fixed(fixed) if fixed.is_current(at)) {
            self.first_admitted();
        }
        false
    }

    fn first_admitted(&mut self) {
        if let Some(felt) = &mut self.felt {
            (felt.is_proven, felt.misses) = (true, 0);
        }
    }

    /// The next window had begun when it was tried.
    fn trial_admitted(&mut self, sent: u64, clock: &ServerClock, now: Duration) -> bool {
        if let Kind::Fixed(fixed) = &mut self.kind {
            fixed.begun_by(self.length, sent, clock);
            if fixed.compare(self.length, clock, now) == Rolled::On {
                self.roll(clock, now);
            }
        }
        if let Some(felt) = &mut self.felt {
            (felt.trial, felt.is_proven) = (None, true);
        }
        true
    }

    /// A request was refused without a hint although this limit admitted it. When it is admitted again as
    /// far as can be said; the last run that is known if it cannot.
    pub(in crate::quota) fn refused_unhinted(
        &mut self,
        amount: u64,
        at: u64,
        clock: &ServerClock,
        now: Duration,
    ) -> Result<Duration, Run> {
        self.spread.remove(amount, at);
        let limit = self.limit().unwrap_or(1);
        let mut felt = self.felt.unwrap_or_default();
        let lost = Err(Run { count: limit, ..felt.run });
        felt.take_back(amount);
        let result = match &mut self.kind {
            Kind::Fixed(fixed) if felt.trial == Some(at) => {
                fixed.give_back(amount, at);
                fixed.not_begun_by(self.length, at, clock);
                felt.trial = None;
                Ok(Duration::ZERO)
            }
            Kind::Fixed(fixed) => {
                fixed.give_back(amount, at);
                let count = fixed.used() - fixed.carried();
                if self.trying {
                    self.retry = (self.retry * 2).min(super::RETRY);
                }
                if count == 0 && !felt.is_proven && felt.misses < MOST_MISSES {
                    felt.misses += 1;
                    fixed.put_off(MISSED, self.length);
                    Ok(MISSED)
                } else if count * 4 < limit {
                    lost
                } else {
                    self.learn(count);
                    Ok(self.reset_after(clock, now).unwrap_or_default())
                }
            }
            Kind::Rolling => {
                let count = self.spread.total();
                if felt.smooth < limit && felt.may_be_a_bucket(at) {
                    // It only seemed to be one.
                    let interval = (at - felt.run.began) / (felt.run.count + 1);
                    let (next, whole) = (nanos(now) + interval / 2, interval.saturating_mul(limit));
                    self.kind = Kind::Bucket(Bucket::empty_until(next, whole, limit));
                    felt.smooth = 0;
                    Ok(Duration::ZERO)
                } else if count * 2 < limit {
                    lost
                } else {
                    self.learned = Some(count.max(1));
                    Ok(Duration::ZERO)
                }
            }
            Kind::Bucket(bucket) => {
                let Run { began, count } = felt.run;
                if at <= began {
                    // It was sent before the last refusal came.
                    Ok(Duration::ZERO)
                } else if !bucket.refused_after(count, at - began, nanos(now)) {
                    lost
                } else {
                    felt.smooth = 0;
                    if count >= MANY {
                        felt.run = Run { began: at - (at - began) / 2, count: count / 2 };
                    }
                    Ok(Duration::ZERO)
                }
            }
        };
        self.felt = Some(felt);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    #[test]
    fn what_is_found_is_no_longer_than_what_is_shared() {
        let now = Duration::from_secs(1);
        let clock = ServerClock::new(Timestamp::from_unix_seconds(50), now);
        let finding = Finding::Even { since: 1, interval: 1 << 40, burst: 1 << 56 };
        let meter = Meter::found(finding, &Feel::new(), &clock, now);
        assert!(meter.is_sound());
    }
}
