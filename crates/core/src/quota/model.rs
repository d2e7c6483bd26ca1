//! What this process knows of the server's quota.

use std::time::Duration;

use super::bucket::Bucket;
use super::clock::ServerClock;
use super::flight::Flight;
use super::pool::Pool;
use super::recent::{Recent, Sent};
use super::store::{Grant, Reading, Stand, Store};
use super::window::{TRANSIT, Window};
use super::{QuotaOptions, Settlement};
use crate::hint::HintSource;
use crate::timestamp::Timestamp;

/// How the server seems to count.
enum Counting {
    /// Not by any window that is known: only refusals and headers hold back.
    Unknown(Pool),
    /// In windows that are aligned to its clock.
    Aligned,
    /// In any stretch of time as long as a window.
    Sliding { limit: u32 },
    /// A token bucket.
    Bucket(Bucket),
}

pub(super) struct Model {
    clock: ServerClock,
    counting: Counting,
    window: Window,
    recent: Recent,
    flight: Flight,
    /// Nobody is admitted before this, because the server refused a request.
    latched_until: Duration,
    next_id: u64,
}

/// A hint of whole seconds that was some time under way does not meet a window's end more closely.
const TOLERANCE: Duration = Duration::from_millis(250);

impl Model {
    pub(super) fn new(options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        let length = options.window.filter(|window| !window.is_zero());
        Model {
            clock: ServerClock::new(wall, now),
            counting: match length {
                Some(_) => Counting::Aligned,
                None => Counting::Unknown(Pool::default()),
            },
            window: Window::new(length.unwrap_or(Duration::from_secs(60)), options.limit),
            recent: Recent::default(),
            flight: Flight::default(),
            latched_until: Duration::ZERO,
            next_id: 0,
        }
    }

    fn latch(&mut self, until: Duration) {
        self.latched_until = self.latched_until.max(until);
    }

    /// Forgets what no window counts any more.
    fn roll(&mut self, now: Duration) {
        self.recent.forget(now.saturating_sub(self.window.length() + TRANSIT));
        self.window.roll(&self.clock, &mut self.recent, now);
    }

    fn wait_for(&mut self, stand: Stand, now: Duration) -> Option<Duration> {
        let ahead = stand.ahead;
        match &self.counting {
            Counting::Unknown(pool) => pool.wait_for(ahead + self.flight.len(), now),
            Counting::Aligned => self.window.wait_for(stand, &self.clock, &mut self.flight, now),
            Counting::Bucket(bucket) => bucket.wait_for(ahead, now),
            Counting::Sliding { limit } => {
                let limit = *limit as usize;
                // The one that has to be forgotten before there is room.
                let index = (self.recent.len() + ahead).checked_sub(limit)?;
                let oldest = self.recent.get(index % self.recent.len().max(1))?.at;
                let rounds = u32::try_from(index / limit).unwrap_or(u32::MAX);
                let room = oldest + TRANSIT + self.window.length().saturating_mul(rounds + 1);
                room.checked_sub(now).filter(|wait| !wait.is_zero())
            }
        }
    }

    /// A refusal that names its own wait shows how the server counts.
    fn recognise(&mut self, hint: Duration, now: Duration) {
        if matches!(self.counting, Counting::Unknown(_)) {
            return;
        }
        let whole = Duration::from_secs(1);
        let from = now.saturating_add(hint).saturating_sub(whole + TOLERANCE);
        if self.window.may_end_within(
            &self.clock,
            from,
            now.saturating_add(hint).saturating_add(TOLERANCE),
        ) {
            self.counting = Counting::Aligned;
            self.window.observe_end(now.saturating_add(hint), &mut self.clock);
            return;
        }
        // What is in the log now was admitted, but for what is still to be refused.
        let counted = u32::try_from(self.recent.len()).unwrap_or(u32::MAX).max(1);
        let limit = self.window.limit().unwrap_or(counted);
        let token = self.window.length() / limit;
        if hint > 2 * token + whole {
            self.counting = Counting::Sliding { limit };
            return;
        }
        match &mut self.counting {
            Counting::Bucket(bucket) => {
                bucket.slow_down();
                bucket.refused_until(now.saturating_add(hint));
            }
            counting => {
                let bucket =
                    Bucket::empty_until(now.saturating_add(hint), self.window.length(), limit);
                *counting = Counting::Bucket(bucket);
            }
        }
    }

    fn refused(&mut self, grant: &Grant, settlement: &Settlement, now: Duration) {
        self.flight.refused(now.saturating_sub(grant.at));
        let own = matches!(
            settlement.retry_after_source,
            Some(HintSource::Window | HintSource::RateLimitReset | HintSource::Quota)
        );
        let hint = settlement.retry_after.filter(|hint| !hint.is_zero());
        if let Some(hint) = hint.filter(|_| !own) {
            self.recognise(hint, now);
            self.roll(now);
        }
        match &mut self.counting {
            // A refusal from an earlier window says nothing about this one.
            Counting::Aligned => {
                if self.window.refused(grant, &self.clock, &mut self.recent) {
                    // The server knows better when it admits again.
                    let end = self.window.until_next(&self.clock, now);
                    self.latch(now.saturating_add(hint.map_or(end, |hint| end.min(hint))));
                }
            }
            Counting::Sliding { .. } | Counting::Bucket(_) | Counting::Unknown(_) => {
                self.recent.remove(grant.id);
                if let Counting::Sliding { limit } = &mut self.counting {
                    if self.window.limit().is_none() {
                        let counted = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
                        *limit = (*limit).min(counted).max(1);
                    }
                }
                self.latch(now.saturating_add(settlement.retry_after.unwrap_or_default()));
            }
        }
    }
}

impl Store for Model {
    fn admit(&mut self, stand: Stand, now: Duration) -> Result<Grant, Duration> {
        if let Some(left) = self.latched_until.checked_sub(now).filter(|left| !left.is_zero()) {
            return Err(left);
        }
        self.roll(now);
        if let Some(wait) = self.wait_for(stand, now) {
            return Err(wait.max(Duration::from_micros(1)));
        }
        let id = self.next_id;
        self.next_id += 1;
        let window = self.window.admit();
        self.recent.push(Sent { id, at: now, window, carried: false, counted: false });
        self.flight.send(id, now);
        if let Counting::Bucket(bucket) = &mut self.counting {
            bucket.take(now);
        }
        Ok(Grant { id, at: now, window })
    }

    fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration) {
        self.flight.settle(grant.id);
        if let Some(date) = settlement.date {
            self.clock.observe(date, grant.at, now);
        }
        self.roll(now);
        if let Some(told) = &settlement.rate_limit {
            if let Some(limit) = told.limit() {
                self.window.set_limit(u32::try_from(limit).unwrap_or(u32::MAX));
            }
            // Where a refusal names its wait, resets tell nothing better.
            let named = settlement.refused && settlement.retry_after.is_some();
            match &mut self.counting {
                Counting::Unknown(pool) if named => *pool = Pool::default(),
                Counting::Unknown(pool) => pool.learn(told, now),
                _ => {}
            }
        }
        if settlement.refused {
            self.refused(grant, settlement, now);
        } else if settlement.consumed == Some(false) {
            if let Some(sent) = self.recent.remove(grant.id) {
                self.window.give_back(&sent);
            }
            if let Counting::Bucket(bucket) = &mut self.counting {
                bucket.give_back();
            }
        } else {
            self.window.answered(grant, settlement, &mut self.recent);
        }
    }

    fn abandon(&mut self, grant: &Grant) {
        self.flight.settle(grant.id);
    }

    fn read(&mut self, now: Duration) -> Reading {
        self.roll(now);
        let latched = self.latched_until.checked_sub(now).filter(|left| !left.is_zero());
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        let (limit, remaining, reset) = match &self.counting {
            Counting::Unknown(pool) => (self.window.told_limit(), pool.remaining(now), None),
            Counting::Aligned => (
                self.window.limit(),
                self.window.remaining(),
                Some(self.window.until_next(&self.clock, now)),
            ),
            Counting::Sliding { limit } => (Some(*limit), Some(limit.saturating_sub(count)), None),
            Counting::Bucket(bucket) => (self.window.limit(), Some(bucket.tokens(now)), None),
        };
        Reading {
            limit,
            remaining: if latched.is_some() { Some(0) } else { remaining },
            reset_after: latched.or(reset),
        }
    }
}
