//! How long a sender has to wait for a limit.

use std::time::Duration;

use super::told::{PATIENCE, ToldGate};
use super::{Context, FIRST, Kind, LOOK, Meter, SECOND, Wanted, micros};
use crate::error::LimitScope;
use crate::quota::nanos;
use crate::quota::operation::QuotaDelay as Delay;

/// One part of so many of what is left of a window is sent at once, while others may be about. Found by simulation:
/// fewer are refused if it is a smaller one, and a lone sender's first window is used later.
const CAREFUL_PART: u64 = 4;
/// And so few always.
const CAREFUL_FEW: usize = 2;
/// That takes no longer than this.
const SOON: Duration = Duration::from_secs(5);

/// Requests a minute of LLM Resayil's highest tier.
const LIKELY: u64 = 60;
const MINUTE: i64 = 60 * SECOND;

impl Meter {
    /// Whether the only one who asks may send, by what most are admitted by: a known limit that is all
    /// one's own. If not, [`delay`](Self::delay) tells.
    #[inline]
    pub(in crate::quota) fn is_open(&self, amount: u64) -> bool {
        let Kind::Fixed(fixed) = &self.kind else { return false };
        let has_room = |limit| self.trying || fixed.used().saturating_add(amount) <= limit;
        self.share.is_none()
            && !self.headers.on_success
            && !self.is_careful()
            && self.limit().is_some_and(has_room)
    }

    /// How long the sender has to wait who wants this; `None` if it may send. Call
    /// [`roll`](Self::roll) first.
    pub(in crate::quota) fn delay(&self, wanted: Wanted, context: &Context<'_>) -> Option<Delay> {
        let now = context.now;
        if let Kind::Bucket(bucket) = &self.kind {
            let amount = wanted.amount.min(bucket.most());
            let wait = bucket.wait_for(wanted.ahead.saturating_add(amount), nanos(now));
            return wait.map(|wait| Delay::exactly(Duration::from_nanos(wait)));
        }
        let cap = match &self.kind {
            Kind::Rolling => self.limit(),
            _ => self.cap(),
        };
        if let Some(cap) = cap {
            // What is added for care does not make it larger than a limit that it fits to.
            let amount = wanted.amount.min(cap);
            let needed = self.used().saturating_add(wanted.ahead).saturating_add(amount);
            if let Some(over) = needed.checked_sub(cap).filter(|over| *over > 0) {
                let delay = self.delay_until_room(over, cap, wanted, context);
                // A window that the program gave is waited for, however long it is.
                let reset = if self.is_daily { self.until_next(context) } else { Duration::ZERO };
                // Whatever comes back of what is kept, it does not fit into the rest of this window: what
                // those behind it take of that does not delay it.
                let least = self.used().saturating_sub(self.kept).saturating_add(amount);
                let is_aside = least > cap
                    && self.scope != LimitScope::Requests
                    && self.share.is_none()
                    && matches!(self.kind, Kind::Fixed(_));
                let aside = if is_aside { self.until_next(context) } else { Duration::ZERO };
                return delay.map(|delay| delay.with_reset(reset).with_aside(aside));
            }
        }
        match &self.kind {
            Kind::Rolling if self.share.is_none() => None,
            _ => self
                .delay_of_first(wanted, context)
                .or_else(|| self.delay_of_careful(wanted, context))
                .or_else(|| self.delay_of_unsure(wanted, context)),
        }
    }

    /// Whether others may use the same tokens, which only a refusal would tell: nothing of the kind is known, and
    /// no window was used up by this process alone.
    fn is_careful(&self) -> bool {
        let is_at_first = |limit: u64| self.full == 0 && self.used() < limit - limit / 4;
        matches!(self.kind, Kind::Fixed(_))
            && self.scope != LimitScope::Requests
            && self.share.is_none()
            && self.told_limit().is_some_and(is_at_first)
    }

    /// How long to wait for what becomes of others, where only a part of what is left is sent before that is known.
    fn delay_of_careful(&self, wanted: Wanted, context: &Context<'_>) -> Option<Delay> {
        let limit = self.told_limit().filter(|_| self.is_careful())?;
        let next = self.until_next(context);
        let uncertain = context.flight.uncertain(nanos(context.now));
        // What is left when the window ends is lost.
        if next < SOON || uncertain.count < CAREFUL_FEW && wanted.is_first {
            return None;
        }
        let recent = if uncertain.count == 0 { 0 } else { self.spread.recent(nanos(context.now)) };
        let together = recent.saturating_add(wanted.ahead).saturating_add(wanted.amount);
        if together <= limit.saturating_sub(self.used()) / CAREFUL_PART {
            return None;
        }
        let after = context.flight.presumed_after();
        let (first, last) = match uncertain.count {
            0 => (after, after),
            _ => (uncertain.first, uncertain.last),
        };
        Some(Delay::between(first.min(next), last.min(next)))
    }

    /// The same where so much is missing of a window that admits so much.
    fn delay_until_room(
        &self,
        over: u64,
        cap: u64,
        wanted: Wanted,
        context: &Context<'_>,
    ) -> Option<Delay> {
        let wait = self.until_room(over, cap, context);
        if !wanted.is_first {
            return Some(Delay::exactly(wait));
        }
        if self.is_trial_under_way() {
            let uncertain = context.flight.uncertain(nanos(context.now));
            let after = context.flight.presumed_after();
            let (first, last) = match uncertain.count {
                0 => (after, after),
                _ => (uncertain.first, uncertain.last),
            };
            return Some(Delay::between(first.min(wait), last.min(wait)));
        }
        match self.trial_in(context) {
            Some(left) if left.is_zero() => None,
            Some(left) => Some(Delay::exactly(left.min(wait))),
            None => Some(Delay::exactly(wait)),
        }
    }

    /// The same where others use the quota, or where nothing is known of it.
    fn delay_of_unsure(&self, wanted: Wanted, context: &Context<'_>) -> Option<Delay> {
        let Wanted { amount, ahead, is_first, waiting } = wanted;
        let (flight, now) = (context.flight, nanos(context.now));
        let next = || self.until_next(context);
        let ends = |least: Duration, again: Option<Duration>| {
            let next = next();
            let again = again.map_or(next, |again| again.min(next));
            Some(Delay::between(least.min(next), again))
        };
        if let (true, Some(limit)) = (self.headers.on_success, self.told) {
            let young = flight.young(PATIENCE, now);
            return match self.headers.gate(limit, self.used()) {
                ToldGate::Open => None,
                ToldGate::AtOnce(most) => {
                    let over =
                        (young.count as u64 + ahead.saturating_add(amount)).checked_sub(most);
                    let over = over.filter(|over| *over > 0)?;
                    let over = usize::try_from(over).unwrap_or(usize::MAX);
                    ends(LOOK, flight.over_in(over, PATIENCE, now))
                }
                // As many are left by what was told: perhaps those have gone for whom they were kept.
                ToldGate::Rest(rest) if u64::from(waiting) <= rest => match young.count {
                    0 if is_first => None,
                    _ if is_first => ends(LOOK, Some(young.last)),
                    _ => ends(LOOK, None),
                },
                ToldGate::Rest(_) => Some(Delay::exactly(next())),
            };
        }
        let uncertain = flight.uncertain(now);
        let first = if uncertain.count > 0 { uncertain.first } else { flight.presumed_after() };
        match (self.share, self.limit()) {
            (Some(share), limit) => {
                let free = share.saturating_sub(self.used());
                if ahead.saturating_add(amount) <= free {
                    return None;
                }
                let is_possible = amount <= share && self.used() > self.carried();
                if self.is_calm && self.scope != LimitScope::Requests && is_possible {
                    return Some(Delay::exactly(next()));
                }
                if !is_first {
                    // Those in front are why it waits, and whoever is admitted wakes the next.
                    let limit = limit.unwrap_or(u64::MAX);
                    let left = limit.saturating_sub(self.used());
                    let over = ahead.saturating_add(amount).saturating_sub(left).max(1);
                    let again = self.until_room(over, limit, context);
                    return Some(Delay::between(first.min(next()), again));
                }
                if uncertain.count == 0 { None } else { ends(first, Some(uncertain.last)) }
            }
            (None, Some(_)) => None,
            (None, None) => {
                let count = uncertain.count as u64;
                let allowed = context.sent.saturating_sub(count).saturating_add(FIRST);
                let allowed = allowed.min(self.up_to_the_likely_limit(count));
                let over = count.saturating_add(ahead).checked_sub(allowed)?;
                // Each that is presumed to be admitted is one less, and allows one more.
                let presumed = usize::try_from(over / 2 + 1).unwrap_or(usize::MAX);
                ends(first, flight.over_in(presumed, flight.presumed_after(), now))
            }
        }
    }

    /// How many may be under way, so many of which are not certain to be admitted, where the limit is unknown and may
    /// be the likely one: up to that, and then one after the other for a while. A bucket of that size has some more.
    fn up_to_the_likely_limit(&self, uncertain: u64) -> u64 {
        if self.length != MINUTE || self.scope != LimitScope::Requests || self.proven > LIKELY {
            return u64::MAX;
        }
        let own = self.used().saturating_sub(self.carried());
        let certain = own.saturating_sub(uncertain);
        match LIKELY.checked_sub(certain) {
            Some(left) => left.max(FIRST),
            None if certain <= LIKELY + LIKELY / 6 => FIRST,
            None => u64::MAX,
        }
    }

    /// The time until so much less is used, of so much a window.
    fn until_room(&self, over: u64, cap: u64, context: &Context<'_>) -> Duration {
        let rounds = i64::try_from((over - 1) / cap.max(1)).unwrap_or(i64::MAX);
        let more = micros(rounds.saturating_mul(self.length));
        let one = match &self.kind {
            Kind::Fixed(fixed) => fixed.until_next(self.length, context.clock, context.now),
            _ => self.until_forgotten((over - 1) % cap.max(1) + 1, context.now),
        };
        one.saturating_add(more)
    }

    /// The time until something is free that is not.
    fn until_next(&self, context: &Context<'_>) -> Duration {
        match &self.kind {
            Kind::Fixed(fixed) => fixed.until_next(self.length, context.clock, context.now),
            _ => self.until_forgotten(1, context.now),
        }
    }

    fn until_forgotten(&self, amount: u64, now: Duration) -> Duration {
        let at = self.spread.forgotten_at(amount).map(Duration::from_nanos);
        at.map_or(self.length(), |at| at.saturating_sub(now))
    }
}
