//! What answers and refusals teach.

use std::time::Duration;

use super::QuotaModel;
use crate::error::HintSource;
use crate::error::LimitScope;
use crate::quota::cost::{Amounts, Cost};
use crate::quota::meter::Meter;
use crate::quota::operation::QuotaGrant;
use crate::quota::{Settlement, nanos};

/// No more processes are thought to share a limit of which a refusal does not say that it was the one.
const MOST_PARTIES: f64 = 8.0;

impl QuotaModel {
    fn refused(&mut self, grant: &QuotaGrant, settlement: &Settlement, now: Duration) {
        self.flight.refused(now.saturating_sub(grant.at()));
        let own = matches!(
            settlement.retry_after_source,
            Some(HintSource::Window | HintSource::RateLimitReset | HintSource::Quota)
        );
        let hint = settlement.retry_after.filter(|hint| !hint.is_zero());
        if let Some(hint) = hint {
            self.told_until = self.told_until.max(now.saturating_add(hint));
        }
        let says_so = match settlement.limit_scope {
            Some(scope) => Some(scope == LimitScope::Concurrency),
            None => hint.map(|_| false),
        };
        let at = nanos(now);
        if self.at_once.refused(grant.sent_with(), grant.at, says_so, &self.flight, at) {
            self.not_counted(grant, now);
            let wait = match self.flight.under_way() {
                // There is no answer to wait for.
                0 => Some(hint.unwrap_or(Duration::from_secs(1))),
                _ => hint,
            };
            self.latch(now.saturating_add(wait.unwrap_or_default()));
            return;
        }
        if self.feel.is_some() {
            return self.refused_feeling(grant, settlement.said_scope(), hint, now);
        }
        let cost = if self.knows(grant) { self.cost_of(grant) } else { Amounts::default() };
        let blamed = self.blamed(settlement, hint);
        if let (Some(hint), Some(index)) = (hint.filter(|_| !own), blamed) {
            if let Some(meter) = self.meters.get_mut(index) {
                meter.recognise(cost.of(meter.scope()), hint, &mut self.clock, now);
            }
            self.learn_the_time(now);
        }
        let mut latch = None;
        for (index, meter) in self.meters.iter_mut().enumerate() {
            let amount = cost.of(meter.scope());
            if blamed == Some(index) {
                latch = latch.max(meter.refused(amount, grant.at(), hint, &self.clock, now));
            } else {
                meter.give_back(amount, grant.at);
            }
            meter.keep_no_more(u64::from(cost.output));
        }
        if blamed.is_none() {
            latch = hint;
        }
        if let Some(wait) = latch {
            self.latch(now.saturating_add(wait));
        }
    }

    /// Which limit refused a request, by what the refusal says. Else it is the one of which most is used; one
    /// that is not known only if none of those that are can be it.
    fn blamed(&self, settlement: &Settlement, hint: Option<Duration>) -> Option<usize> {
        // Longer than any window that is not a day's.
        const LONG: Duration = Duration::from_secs(2 * 3600);
        let is_long = settlement.limit_window.or(hint).is_some_and(|it| it > LONG);
        let of_scope = |scope: LimitScope| {
            let fits = |meter: &Meter| {
                meter.scope() == scope
                    && meter.is_daily() == (is_long && meter.scope() == LimitScope::Requests)
            };
            self.meters.iter().position(fits)
        };
        if let Some(scope) = settlement.said_scope() {
            return of_scope(scope);
        }
        let shares = self.meters.iter().enumerate().filter_map(|(index, meter)| {
            let limit = meter.limit().filter(|_| meter.is_daily() == is_long)?;
            Some((index, meter.used() as f64 / limit as f64))
        });
        let fullest = shares.max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)));
        let known = fullest.filter(|(_, share)| *share >= 1.0 / MOST_PARTIES);
        let unknown = |meter: &Meter| meter.is_daily() == is_long && meter.limit().is_none();
        known
            .map(|(index, _)| index)
            .or_else(|| of_scope(settlement.limit_scope?))
            .or_else(|| self.meters.iter().position(unknown))
            .or(fullest.map(|(index, _)| index))
    }

    /// The same where no window is known.
    fn refused_feeling(
        &mut self,
        grant: &QuotaGrant,
        scope: Option<LimitScope>,
        hint: Option<Duration>,
        now: Duration,
    ) {
        let counted = self.cost_of(grant);
        if self.knows(grant) {
            let given = self.meters.iter_mut().filter(|meter| !meter.is_felt());
            given.for_each(|meter| meter.give_back(counted.of(meter.scope()), grant.at));
        }
        if let (Some(hint), Some(pool)) = (hint, &mut self.pool) {
            pool.refused(scope, &counted, hint, nanos(now));
            let is_known = pool.is_known();
            self.latch(now.saturating_add(hint));
            if is_known {
                return;
            }
        }
        let Some(feel) = &mut self.feel else { return };
        let cost = counted.of(LimitScope::Requests);
        let felt = self.meters.iter_mut().find(|meter| meter.is_felt() && !feel.is_closed());
        if let Some(meter) = felt {
            feel.give_back(grant.at);
            match meter.refused_unhinted(cost, grant.at, &self.clock, now) {
                Ok(wait) => self.latch(now.saturating_add(wait)),
                Err(run) => {
                    let hint_at = hint.map(|hint| nanos(now.saturating_add(hint)));
                    feel.close(run, grant.at, hint_at, &self.clock, now);
                    self.forget_felt();
                }
            }
        } else {
            feel.refused(grant.at, hint, &self.clock, now);
        }
    }

    /// A request was not counted.
    fn not_counted(&mut self, grant: &QuotaGrant, now: Duration) {
        if !self.knows(grant) {
            return;
        }
        let counted = self.cost_of(grant);
        if let Some(feel) = &mut self.feel {
            feel.give_back(grant.at);
        }
        for meter in &mut self.meters {
            meter.give_back(counted.of(meter.scope()), grant.at);
            meter.keep_no_more(u64::from(counted.output));
        }
        if let Some(pool) = &mut self.pool {
            pool.give_back(&counted, grant.at, nanos(now));
        }
    }

    /// An admitted request took this in the end.
    pub(in crate::quota) fn correct(&mut self, grant: &QuotaGrant, used: &Cost, now: Duration) {
        // What is not told stays as it was reserved.
        let used = used.with_requests(grant.cost.requests).or(&grant.cost);
        self.experience.learn(&grant.cost, grant.is_input_told(), &used);
        if !self.knows(grant) {
            return;
        }
        let parties = self.parties_of(grant);
        let (counted, used) = (self.cost_of(grant), self.counted(&used, parties));
        for meter in &mut self.meters {
            let scope = meter.scope();
            meter.correct(counted.of(scope), used.of(scope), grant.at);
            meter.keep_no_more(u64::from(counted.output));
        }
        if let Some(pool) = &mut self.pool {
            pool.correct(&counted, &used, grant.at, nanos(now));
        }
    }

    /// Whether the request was admitted by this model, and not by one that had parted.
    fn knows(&self, grant: &QuotaGrant) -> bool {
        self.apart.parties > 0 || !grant.is_apart()
    }

    /// Learns from the answer.
    pub(in crate::quota) fn settle(
        &mut self,
        grant: &QuotaGrant,
        settlement: &Settlement,
        now: Duration,
    ) {
        let is_known = self.knows(grant);
        let cost = self.cost_of(grant);
        if is_known {
            self.flight.settle(grant.at);
        }
        match settlement.date {
            Some(date) => {
                self.clock.observe(date, grant.at(), now);
                self.learn_the_time(now);
            }
            None => self.roll(now),
        }
        if let Some(told) = &settlement.rate_limit {
            let is_counted = is_known && !settlement.refused && settlement.consumed != Some(false);
            let counted = if is_counted { cost } else { Amounts::default() };
            if let (Some(pool), true) = (&mut self.pool, is_known && settlement.refused) {
                pool.give_back(&cost, grant.at, nanos(now));
            }
            if let Some(pool) = &mut self.pool {
                let is_first = !pool.is_known() && !settlement.refused;
                pool.learn(told, &counted, settlement.refused, grant.at, now);
                if is_first {
                    let under_way = self.flight.uncertain(nanos(now)).count;
                    pool.expect(under_way as u64, nanos(now));
                }
                self.meters.retain(|meter| meter.is_daily() || !pool.tells(meter.scope()));
            } else if let (Some(limit), Some(meter)) =
                (told.of(LimitScope::Requests).limit, self.meters.first_mut())
            {
                meter.set_limit(limit);
            }
        } else if let (Some(pool), true) = (&mut self.pool, is_known && settlement.refused) {
            pool.give_back(&cost, grant.at, nanos(now));
        }
        if let (true, Some(hint)) = (settlement.exhausted, settlement.retry_after) {
            // Nobody else needs to ask before.
            self.closed_until = self.closed_until.max(now.saturating_add(hint));
            self.not_counted(grant, now);
            return;
        }
        if settlement.refused {
            return self.refused(grant, settlement, now);
        }
        if is_known {
            self.at_once.answered(&self.flight, nanos(now));
        }
        if settlement.consumed == Some(false) {
            self.not_counted(grant, now);
        } else if is_known {
            if let Some(feel) = &mut self.feel {
                feel.answered(grant.at, nanos(now));
            }
            let mut is_later = false;
            for meter in &mut self.meters {
                meter.answered(cost.of(meter.scope()), grant.at, settlement);
                is_later |= meter.admitted(grant.at, &self.clock, now);
            }
            if is_later {
                self.learn_the_time(now);
            }
        }
        if let Some(used) = &settlement.usage {
            self.correct(grant, used, now);
        }
        self.roll_feeling(now);
    }

    /// There will be no answer: the request counts.
    pub(in crate::quota) fn abandon(&mut self, grant: &QuotaGrant) {
        if self.knows(grant) {
            self.flight.settle(grant.at);
        }
    }
}
