//! What is known of the server's quota.

use std::time::Duration;

use super::bucket::Bucket;
use super::bytes::{Record, record};
use super::clock::ServerClock;
use super::flight::Flight;
use super::pool::Pool;
use super::recent::{Recent, Sent};
use super::store::{Delay, Grant, Reading, Stand};
use super::window::{LONGEST, TRANSIT, Window};
use super::{QuotaOptions, Settlement};
use crate::error::HintSource;
use crate::timestamp::Timestamp;

/// How the server seems to count.
#[derive(Clone)]
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

impl Record for Counting {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Counting::Unknown(pool) => {
                0u8.put(out);
                pool.put(out);
            }
            Counting::Aligned => 1u8.put(out),
            Counting::Sliding { limit } => {
                2u8.put(out);
                limit.put(out);
            }
            Counting::Bucket(bucket) => {
                3u8.put(out);
                bucket.put(out);
            }
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(match u8::get(input)? {
            0 => Counting::Unknown(Pool::get(input).filter(Pool::is_sound)?),
            1 => Counting::Aligned,
            2 => Counting::Sliding { limit: u32::get(input).filter(|limit| *limit >= 1)? },
            3 => Counting::Bucket(Bucket::get(input).filter(Bucket::is_sound)?),
            _ => return None,
        })
    }
}

/// What is known of the quota of one API key: what was used of it, how much there is, how the
/// server counts, and what its clock shows.
///
/// A [`Quota`](super::Quota) keeps one of its own. Processes that share a quota keep one together:
/// see [`SharedQuota`](super::SharedQuota).
#[derive(Clone)]
pub struct QuotaModel {
    clock: ServerClock,
    counting: Counting,
    window: Window,
    recent: Recent,
    flight: Flight,
    /// Nobody is admitted before this, because the server refused a request.
    latched_until: Duration,
    next_id: u64,
    steady: Steady,
}

record!(QuotaModel { clock, counting, window, recent, flight, latched_until, next_id, steady });

/// From when to when no window ends and nothing is to be forgotten.
#[derive(Clone, Copy, Default)]
struct Steady {
    from: Duration,
    until: Duration,
}

/// It is found anew.
impl Record for Steady {
    fn put(&self, _: &mut Vec<u8>) {}

    fn get(_: &mut &[u8]) -> Option<Self> {
        Some(Steady::default())
    }
}

/// The ids of requests that are admitted while the shared model is out of reach begin here.
const APART: u64 = 1 << 63;
/// After this time without an answer a request is no longer taken to be under way: whoever sent it
/// may have died.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(600);

/// A hint of whole seconds that was some time under way does not meet a window's end more closely.
const TOLERANCE: Duration = Duration::from_millis(250);

impl QuotaModel {
    /// The version of the bytes of [`to_bytes`](Self::to_bytes): another one is not understood.
    pub const LAYOUT: u32 = 2;
    /// The bytes are never more than this.
    pub const MAX_BYTES: usize = 256 * 1024 - 64;
    /// The longest [`QuotaOptions::window`] that can be shared.
    pub const LONGEST_WINDOW: Duration = Duration::from_micros(LONGEST as u64);

    /// A quota that nobody has used yet. `wall` is the wall clock at `now`; it is the first guess at
    /// the server's clock.
    pub fn new(options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        let length = options.window.filter(|window| !window.is_zero());
        QuotaModel {
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
            steady: Steady::default(),
        }
    }

    /// The same with the limit that this process was given; without one nothing changes.
    pub fn set_limit(&mut self, limit: Option<u32>) {
        self.window.give(limit);
    }

    /// The model as bytes, to be kept where other processes of this machine find it. They hold no
    /// key and no prompt.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + 64 * self.recent.len());
        self.put(&mut out);
        out
    }

    /// Reads bytes of [`to_bytes`](Self::to_bytes). `None` if they are something else; not every
    /// changed byte shows, so they need a checksum besides.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let model = Self::get(&mut bytes)?;
        let sound = bytes.is_empty()
            && model.next_id < APART
            && model.clock.is_sound()
            && model.window.is_sound()
            && model.recent.is_sound(model.next_id)
            && model.flight.is_sound(&model.recent);
        sound.then_some(model)
    }

    /// The shared model is out of reach: this copy goes on without it.
    pub fn part(&mut self) {
        self.next_id = self.next_id.max(APART);
    }

    /// The shared model, `self`, is within reach again: it counts what was admitted by the copy that
    /// went on without it, from the request of the number `since`, and learns from it what it does
    /// not know.
    pub fn rejoin(&mut self, parted: &QuotaModel, since: u64, now: Duration) {
        if !self.clock.is_observed() {
            self.clock = parted.clock;
        }
        self.window.learn_from(&parted.window);
        self.latch(parted.latched_until);
        self.learn_the_time(now);
        for _ in 0..parted.recent.count_from(since) {
            self.count(now, false);
        }
    }

    /// The number of the next request that is admitted.
    pub fn next_number(&self) -> u64 {
        self.next_id
    }

    fn latch(&mut self, until: Duration) {
        self.latched_until = self.latched_until.max(until);
    }

    /// Forgets what no window counts any more, and goes on to the window of this time.
    #[inline]
    pub(super) fn roll(&mut self, now: Duration) {
        if self.steady.from > now || now >= self.steady.until {
            self.roll_on(now);
        }
    }

    #[cold]
    fn roll_on(&mut self, now: Duration) {
        let kept = self.window.length() + TRANSIT;
        self.recent.forget(now.saturating_sub(kept), now.saturating_sub(GIVEN_UP_AFTER));
        self.window.roll(&self.clock, &mut self.recent, now);
        let (from, until) = self.window.bounds(&self.clock, now);
        self.steady = Steady { from, until: until.min(self.recent.until(kept, GIVEN_UP_AFTER)) };
    }

    /// The same after the clock was learned anew.
    fn learn_the_time(&mut self, now: Duration) {
        self.steady = Steady::default();
        self.roll(now);
    }

    /// Admits the only one who asks, if that may be.
    #[inline(always)]
    pub(super) fn try_send(&mut self, now: Duration) -> Option<Grant> {
        self.roll(now);
        let is_open = now >= self.latched_until
            && matches!(self.counting, Counting::Aligned)
            && self.window.is_open();
        if !is_open && self.delay(Stand { ahead: 0, waiting: 1 }, now).is_some() {
            return None;
        }
        Some(self.send(now))
    }

    /// How long the sender has to wait who stands there; `None` if it may send. Call
    /// [`roll`](Self::roll) first.
    pub(super) fn delay(&self, stand: Stand, now: Duration) -> Option<Delay> {
        let delay = self.delay_by_count(stand, now);
        match self.latched_until.checked_sub(now).filter(|left| !left.is_zero()) {
            Some(left) => Some(delay.map_or(Delay::exactly(left), |delay| delay.at_least(left))),
            None => delay.map(|delay| delay.at_least(Duration::from_micros(1))),
        }
    }

    fn delay_by_count(&self, stand: Stand, now: Duration) -> Option<Delay> {
        let ahead = stand.ahead;
        let wait = match &self.counting {
            Counting::Aligned => {
                return self.window.delay(stand, &self.clock, &self.flight, &self.recent, now);
            }
            Counting::Unknown(pool) => pool.wait_for(ahead + self.recent.under_way(), now),
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
        };
        wait.map(Delay::exactly)
    }

    /// Admits a request.
    #[inline]
    pub(super) fn send(&mut self, now: Duration) -> Grant {
        self.flight.send();
        self.count(now, true)
    }

    #[inline(always)]
    fn count(&mut self, now: Duration, under_way: bool) -> Grant {
        let id = self.next_id;
        self.next_id += 1;
        let window = self.window.admit();
        self.recent.push(Sent { id, at: now, window, carried: false, counted: false, under_way });
        if let Counting::Bucket(bucket) = &mut self.counting {
            bucket.take(now);
        }
        Grant::new(id, now, window)
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
        self.flight.refused(now.saturating_sub(grant.at()));
        let own = matches!(
            settlement.retry_after_source,
            Some(HintSource::Window | HintSource::RateLimitReset | HintSource::Quota)
        );
        let hint = settlement.retry_after.filter(|hint| !hint.is_zero());
        if let Some(hint) = hint.filter(|_| !own) {
            self.recognise(hint, now);
            self.learn_the_time(now);
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
                let until = now.saturating_add(settlement.retry_after.unwrap_or_default());
                if let Counting::Unknown(pool) = &mut self.counting {
                    if settlement.retry_after.is_some() {
                        pool.refused_until(until);
                    }
                }
                self.latch(until);
            }
        }
    }

    /// Learns from the answer.
    pub(super) fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration) {
        self.recent.settle(grant.id);
        match settlement.date {
            Some(date) => {
                self.clock.observe(date, grant.at(), now);
                self.learn_the_time(now);
            }
            None => self.roll(now),
        }
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

    /// There will be no answer: the request counts.
    pub(super) fn abandon(&mut self, grant: &Grant) {
        self.recent.settle(grant.id);
    }

    /// What is known, to be shown.
    pub(super) fn read(&mut self, now: Duration) -> Reading {
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
