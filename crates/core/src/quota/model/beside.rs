//! What the model of one process is good for beside a key that a fleet shares.

use std::time::Duration;

use super::{QuotaModel, QuotaOptions};
use crate::error::LimitScope;
use crate::quota::cost::{Amounts, Cost, Sum};
use crate::quota::meter::{Context, Meter, Wanted};
use crate::quota::operation::{Ahead, QuotaDelay, QuotaGrant, QuotaRequest};
use crate::timestamp::Timestamp;

/// What the limits of a window count, in the order of the script.
pub(in crate::quota) const SCOPES: [LimitScope; 4] =
    [LimitScope::Requests, LimitScope::Tokens, LimitScope::InputTokens, LimitScope::OutputTokens];

/// How the provider counts, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quota) enum Counting {
    /// In windows of its clock, of so many milliseconds.
    Windows(i64),
    /// Evenly: so many milliseconds fill all of it.
    Evenly(i64),
    Unknown,
}

impl QuotaModel {
    /// How long a request has to wait for what the key does not know: `None` if for nothing.
    pub(in crate::quota) fn ask_beside(
        &mut self,
        request: &QuotaRequest,
        now: Duration,
    ) -> Option<QuotaDelay> {
        if !matches!(self.counting().0, Counting::Windows(_)) {
            return self.ask(request, now);
        }
        self.roll(now);
        if let Some((scope, limit)) = self.exceeded_by(&request.cost().or(&Amounts::default())) {
            return Some(QuotaDelay::never(scope, limit));
        }
        let held = self.held_until().checked_sub(now).filter(|left| !left.is_zero());
        let held = held.map(QuotaDelay::exactly);
        let context =
            Context { clock: &self.clock, flight: &self.flight, sent: self.sent.requests, now };
        let of_day = self.meters.iter().filter(|meter| meter.is_daily()).filter_map(|meter| {
            let wanted = Wanted {
                amount: u64::from(request.cost().requests()),
                ahead: request.ahead.count,
                is_first: request.ahead.count == 0,
                waiting: request.waiting(),
            };
            meter.delay(wanted, &context)
        });
        of_day.chain(held).chain(self.delay_at_once(request)).reduce(QuotaDelay::and)
    }

    /// Admits a request, since the key does.
    pub(in crate::quota) fn admit(&mut self, cost: &Cost, now: Duration) -> QuotaGrant {
        self.roll(now);
        let flags = QuotaGrant::WATCHED | QuotaGrant::told(cost);
        self.send(self.experience.expect(cost), flags, now)
    }

    /// What a request is reckoned with, and what those in front of it are.
    pub(in crate::quota) fn expected(&self, cost: &Cost, ahead: &Ahead) -> (Amounts, Sum) {
        (self.experience.expect(cost), self.experience.expect_all(ahead))
    }

    /// How the provider counts, and the limits that it or the program told.
    pub(in crate::quota) fn counting(&self) -> (Counting, [u64; 4]) {
        let of_windows = |scope| {
            let fits = move |meter: &&Meter| meter.scope() == scope && !meter.is_daily();
            self.meters.iter().find(fits)
        };
        let told = SCOPES.map(|scope| of_windows(scope).and_then(Meter::told_limit).unwrap_or(0));
        if let Some(pool) = &self.pool {
            if let Some((limits, refill)) = pool.evenly() {
                return (Counting::Evenly(refill), limits);
            }
            if told == [0; 4] {
                return (Counting::Unknown, told);
            }
        }
        let Some(first) = self.meters.iter().find(|meter| !meter.is_daily()) else {
            return (Counting::Unknown, told);
        };
        let length = i64::try_from(first.length().as_millis()).unwrap_or(i64::MAX).max(1);
        if first.is_fixed() {
            return (Counting::Windows(length), told);
        }
        let limits = SCOPES.map(|scope| of_windows(scope).and_then(Meter::limit).unwrap_or(0));
        match limits {
            [0, 0, 0, 0] => (Counting::Unknown, limits),
            _ => (Counting::Evenly(length), limits),
        }
    }

    /// Microseconds that the provider's clock is ahead of this process's, at least and at the most, if it has
    /// shown its clock.
    pub(in crate::quota) fn clock_ahead(&self) -> Option<(i64, i64)> {
        let zero = Duration::ZERO;
        self.clock.is_observed().then(|| (self.clock.earliest(zero), self.clock.latest(zero)))
    }

    /// Nobody is admitted before this, because of a refusal.
    pub(in crate::quota) fn held_until(&self) -> Duration {
        self.latched_until.max(self.closed_until)
    }

    /// After this time without a refusal a request is presumed to be admitted.
    pub(in crate::quota) fn presumed_after(&self) -> Duration {
        self.flight.presumed_after()
    }

    /// A model with these limits for a process that goes on alone, of which so much is used already.
    pub(in crate::quota) fn alone(
        &self,
        options: QuotaOptions,
        used: [u64; 4],
        now: Duration,
    ) -> QuotaModel {
        let mut model = QuotaModel::new(options, Timestamp::from_unix_seconds(0), now);
        model.clock = self.clock;
        model.flight = self.flight.clone();
        model.experience = self.experience;
        (model.latched_until, model.closed_until) = (self.latched_until, self.closed_until);
        model.learn_the_time(now);
        for meter in model.meters.iter_mut().filter(|meter| !meter.is_daily()) {
            let used = SCOPES.iter().zip(used).find(|(scope, _)| **scope == meter.scope());
            meter.take(used.map_or(0, |(_, used)| used), crate::quota::nanos(now));
        }
        model.part(now);
        model
    }
}
