//! What answers and refusals teach.

use std::time::Duration;

use super::QuotaModel;
use crate::error::HintSource;
use crate::error::LimitScope;
use crate::quota::cost::Amounts;
use crate::quota::operation::QuotaGrant;
use crate::quota::pool::Pool;
use crate::quota::{Settlement, nanos};

impl QuotaModel {
    fn refused(&mut self, grant: &QuotaGrant, settlement: &Settlement, now: Duration) {
        self.flight.refused(now.saturating_sub(grant.at()));
        let own = matches!(
            settlement.retry_after_source,
            Some(HintSource::Window | HintSource::RateLimitReset | HintSource::Quota)
        );
        let hint = settlement.retry_after.filter(|hint| !hint.is_zero());
        let says_so = match settlement.limit_scope {
            Some(scope) => Some(scope == LimitScope::Concurrency),
            None => hint.map(|_| false),
        };
        let at = nanos(now);
        if self.at_once.refused(grant.sent_with(), grant.at, says_so, &self.flight, at) {
            self.not_counted(grant);
            let wait = match self.flight.under_way() {
                // There is no answer to wait for.
                0 => Some(hint.unwrap_or(Duration::from_secs(1))),
                _ => hint,
            };
            self.latch(now.saturating_add(wait.unwrap_or_default()));
            return;
        }
        if self.feel.is_some() {
            return self.refused_feeling(grant, hint, now);
        }
        if let (Some(hint), Some(meter)) = (hint.filter(|_| !own), self.meters.first_mut()) {
            meter.recognise(hint, &mut self.clock, now);
            self.learn_the_time(now);
        }
        let mut latch = None;
        let cost = if self.knows(grant) { grant.cost } else { Amounts::default() };
        for meter in &mut self.meters {
            let amount = cost.of(meter.scope());
            latch = latch.max(meter.refused(amount, grant.at(), hint, &self.clock, now));
        }
        if let Some(wait) = latch {
            self.latch(now.saturating_add(wait));
        }
    }

    /// The same where no window is known.
    fn refused_feeling(&mut self, grant: &QuotaGrant, hint: Option<Duration>, now: Duration) {
        if let (Some(hint), Some(pool)) = (hint, &mut self.pool) {
            pool.refused_until(now.saturating_add(hint));
            self.latch(now.saturating_add(hint));
        }
        let Some(feel) = &mut self.feel else { return };
        let cost = grant.cost.of(LimitScope::Requests);
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
    fn not_counted(&mut self, grant: &QuotaGrant) {
        if !self.knows(grant) {
            return;
        }
        if let Some(feel) = &mut self.feel {
            feel.give_back(grant.at);
        }
        for meter in &mut self.meters {
            meter.give_back(grant.cost.of(meter.scope()), grant.at);
        }
    }

    /// Whether the request was admitted by this model, and not by one that had parted.
    fn knows(&self, grant: &QuotaGrant) -> bool {
        self.apart.is_apart || !grant.is_apart()
    }

    /// Learns from the answer.
    pub(in crate::quota) fn settle(
        &mut self,
        grant: &QuotaGrant,
        settlement: &Settlement,
        now: Duration,
    ) {
        let is_known = self.knows(grant);
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
            if let (Some(limit), Some(meter)) = (told.limit(), self.meters.first_mut()) {
                meter.set_limit(limit);
            }
            // Where a refusal names its wait, resets tell nothing better.
            let named = settlement.refused && settlement.retry_after.is_some();
            match &mut self.pool {
                Some(pool) if named => *pool = Pool::default(),
                Some(pool) => pool.learn(told, now),
                None => {}
            }
        }
        if settlement.refused {
            return self.refused(grant, settlement, now);
        }
        if is_known {
            self.at_once.answered(&self.flight, nanos(now));
        }
        if settlement.consumed == Some(false) {
            self.not_counted(grant);
        } else if is_known {
            if let Some(feel) = &mut self.feel {
                feel.answered(grant.at);
            }
            let mut is_later = false;
            for meter in &mut self.meters {
                meter.answered(grant.cost.of(meter.scope()), grant.at, settlement);
                is_later |= meter.admitted(grant.at, &self.clock, now);
            }
            if is_later {
                self.learn_the_time(now);
            }
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
