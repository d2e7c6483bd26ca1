//! What refusals and answers teach of a limit.

use std::time::Duration;

use super::bucket::Bucket;
use super::fixed::Fixed;
use super::{Kind, Meter, SECOND, TOLERANCE, micros};
use crate::error::LimitScope;
use crate::quota::clock::ServerClock;
use crate::quota::{Settlement, nanos};

impl Meter {
    /// A refusal that names its own wait shows how the server counts, and perhaps when a window ends.
    pub(in crate::quota) fn recognise(
        &mut self,
        amount: u64,
        hint: Duration,
        clock: &mut ServerClock,
        now: Duration,
    ) {
        if self.is_of_another(hint) {
            return;
        }
        let whole = Duration::from_secs(1);
        let end = now.saturating_add(hint);
        // What is counted now was admitted, but for what is still to be refused.
        let counted = self.spread.total().max(1);
        let limit = self.limit().unwrap_or(counted);
        let amount = u32::try_from(amount.max(1)).unwrap_or(u32::MAX);
        let unit = self.length() / u32::try_from(limit).unwrap_or(u32::MAX);
        let may_be_a_bucket = hint <= unit.saturating_mul(2).saturating_mul(amount) + whole;
        let ends_a_window = {
            let from = end.saturating_sub(whole + TOLERANCE);
            let to = end.saturating_add(TOLERANCE);
            match &self.kind {
                Kind::Fixed(fixed) => fixed.may_end_within(self.length, clock, from, to),
                _ => self.clock_may_end_within(clock, from, to),
            }
        };
        // Once it seemed to be something else, that may be by chance.
        let is_likely = match &self.kind {
            Kind::Fixed(_) => true,
            Kind::Rolling => self
                .coincidence
                .is_some_and(|before| nanos(end).abs_diff(before) > nanos(self.length()) / 2),
            Kind::Bucket(_) => !may_be_a_bucket,
        };
        self.coincidence = ends_a_window.then(|| self.coincidence.unwrap_or(nanos(end)));
        if ends_a_window && is_likely {
            match &self.kind {
                Kind::Fixed(fixed) => fixed.observe_end(self.length, clock, end),
                _ => {
                    let used = self.limit().unwrap_or_default().max(counted);
                    Fixed::new().observe_end(self.length, clock, end);
                    self.kind = Kind::Fixed(Fixed::used_up(used, self.length, clock, now));
                }
            }
            return;
        }
        // It does not say that of a bucket, and of a rolling window it may say less.
        if matches!(self.kind, Kind::Rolling) || !may_be_a_bucket {
            self.kind = Kind::Rolling;
            if self.limit().is_none() {
                self.learned = Some(counted);
            }
            return;
        }
        if !matches!(self.kind, Kind::Bucket(_)) {
            let bucket = Bucket::empty_until(nanos(end), nanos(micros(self.length)), limit);
            self.kind = Kind::Bucket(bucket);
        }
    }

    /// No window of this limit is as long as this wait.
    fn is_of_another(&self, hint: Duration) -> bool {
        hint > self.length().saturating_add(Duration::from_secs(1))
    }

    /// A request was refused: when it is admitted again as far as is known here; `None` if that says
    /// nothing about this window.
    pub(in crate::quota) fn refused(
        &mut self,
        amount: u64,
        at: Duration,
        hint: Option<Duration>,
        clock: &ServerClock,
        now: Duration,
    ) -> Option<Duration> {
        match &self.kind {
            // A refusal from an earlier window says nothing about this one.
            Kind::Fixed(fixed) if fixed.is_over(self.length, clock, at) => None,
            Kind::Fixed(_) => {
                self.give_back(amount, nanos(at));
                if let Some(hint) = hint.filter(|hint| self.is_of_another(*hint)) {
                    return Some(hint);
                }
                // Nothing can be learned from a count that is not certain.
                if self.carried() == 0 || self.told_limit().is_some() {
                    self.learn(self.used() - self.carried());
                }
                // The server knows better when it admits again.
                let end = self.reset_after(clock, now).unwrap_or_default();
                Some(hint.map_or(end, |hint| end.min(hint)))
            }
            Kind::Rolling => {
                self.spread.remove(amount, nanos(at));
                let counted = self.spread.total();
                match self.told_limit() {
                    // Others use it, too: what was got is this process's part.
                    Some(limit) => self.share = (counted < limit).then_some(counted),
                    None => {
                        let counted = counted.max(1);
                        self.learned = Some(self.learned.map_or(counted, |it| it.min(counted)));
                    }
                }
                Some(hint.unwrap_or_default())
            }
            Kind::Bucket(_) => {
                self.spread.remove(amount, nanos(at));
                let lately = self.spread.total();
                if let (Kind::Bucket(bucket), Some(hint)) = (&mut self.kind, hint) {
                    let end = nanos(now.saturating_add(hint));
                    bucket.refused(nanos(at), lately, end, nanos(now));
                }
                Some(hint.unwrap_or_default())
            }
        }
    }

    /// The server admits no more than so much of this process's in this window.
    pub(super) fn learn(&mut self, count: u64) {
        let again = self.last_count == Some(count);
        self.count = Some(count);
        match (self.told_limit(), self.learned_before) {
            (Some(limit), _) => self.share = (count < limit).then_some(count),
            // The same number twice: it is the limit, or as good as that.
            (None, Some(known)) if count < known && !again => {
                (self.learned, self.share) = (Some(known), Some(count));
            }
            (None, _) => (self.learned, self.share) = (Some(count.max(1)), None),
        }
    }

    /// A request was answered, and counted.
    pub(in crate::quota) fn answered(&mut self, amount: u64, at: u64, settlement: &Settlement) {
        let Kind::Fixed(fixed) = &mut self.kind else { return };
        let Some(date) = settlement.date else { return };
        // Counted before the second that the answer shows was over.
        let second = date.unix_micros();
        let last = fixed.index_of(self.length, second.saturating_add(SECOND - 1));
        fixed.counted_by(last, amount, at);
        // Sent and answered in this window, so the remainder is that of this window.
        if fixed.is_current(at) && fixed.index_of(self.length, second) == fixed.index() {
            let told = settlement.rate_limit.filter(|_| self.scope == LimitScope::Requests);
            if let Some(remaining) = told.and_then(|told| told.remaining()) {
                self.headers.remaining(remaining);
            }
        }
    }

    /// Whether a window of the server's clock may end within this time.
    fn clock_may_end_within(&self, clock: &ServerClock, from: Duration, to: Duration) -> bool {
        Fixed::new().may_end_within(self.length, clock, from, to)
    }
}
