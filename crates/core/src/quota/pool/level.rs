//! What is left of one limit, between two answers that tell it.

use std::time::Duration;

use super::part::Part;
use super::window::Window;
use crate::error::LimitScope;
use crate::quota::ages::Ages;
use crate::quota::bytes::record;
use crate::quota::nanos;

/// What an answer tells of a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    limit: u64,
    remaining: u64,
    /// Nanoseconds until all of it is there.
    reset: u64,
}

impl Reading {
    pub(super) fn of(
        limit: Option<u64>,
        remaining: Option<u64>,
        reset: Option<Duration>,
    ) -> Option<Self> {
        // More than this nobody admits, and sums of it are numbers.
        const MOST: u64 = 1 << 40;
        let (limit, remaining) = (limit?.clamp(1, MOST), remaining?.min(MOST));
        Some(Reading { limit, remaining: remaining.min(limit), reset: nanos(reset?).min(1 << 60) })
    }

    /// In what time all of it would be filled, if it is filled evenly; and how far that may be wrong, as a
    /// share.
    fn refill(&self) -> Option<(u64, f64)> {
        let missing = self.limit.checked_sub(self.remaining).filter(|missing| *missing > 0)?;
        if self.reset == 0 {
            return None;
        }
        let refill = self.reset as f64 * (self.limit as f64 / missing as f64);
        // Resets are told to a second or to a millisecond.
        let step = if self.reset % SECOND == 0 { SECOND } else { SECOND / 1000 };
        Some((refill as u64, TOLERANCE + step as f64 / self.reset as f64))
    }
}

const SECOND: u64 = 1_000_000_000;
/// Usual times in which a bucket is filled.
const USUAL: [u64; 4] = [SECOND, 60 * SECOND, 3600 * SECOND, 86_400 * SECOND];
const TOLERANCE: f64 = 0.05;

/// What is left of a limit, by what was told last and what was sent since.
#[derive(Clone)]
pub(super) struct Level {
    scope: LimitScope,
    limit: u64,
    /// In what time it is filled, if it seems to be filled evenly.
    refill: Option<u64>,
    /// When all of it is there again, if not.
    reset_at: u64,
    /// What was left at this time.
    left: f64,
    at: u64,
    /// When the newest request was sent whose answer told what remains.
    told_at: u64,
    /// What was sent when in the last 17 s, and what of it was given back when.
    sent: Slots,
    returned: Slots,
    /// What of the newest of these times was answered when.
    answered: Ages<128, 19>,
    /// What was sent here since it was told.
    own: u64,
    part: Part,
    window: Window,
}

record!(Level {
    scope,
    limit,
    refill,
    reset_at,
    left,
    at,
    told_at,
    sent,
    returned,
    answered,
    own,
    part,
    window
});

impl Level {
    pub(super) fn new(scope: LimitScope, told: &Reading, now: u64) -> Self {
        let refill = told.refill().and_then(|(refill, tolerance)| {
            USUAL.into_iter().find(|usual| is_near(refill, *usual, tolerance))
        });
        Level {
            scope,
            limit: told.limit,
            refill,
            reset_at: now.saturating_add(told.reset),
            left: told.remaining as f64,
            at: now,
            told_at: 0,
            sent: Ages::default(),
            returned: Ages::default(),
            answered: Ages::default(),
            own: 0,
            part: Part::new(told.limit, told.remaining),
            window: Window::default(),
        }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        (1..=1 << 40).contains(&self.limit)
            && self.refill.is_none_or(|refill| (1..1 << 61).contains(&refill))
            && self.at.max(self.reset_at).max(self.told_at) < 1 << 62
            && self.left.abs() < 1e15
            && self.own < 1 << 61
            && self.part.is_sound()
            && self.window.is_sound()
    }

    /// In how many nanoseconds all of it is filled, if it is filled evenly.
    #[cfg(feature = "fleet")]
    pub(super) fn refill(&self) -> Option<u64> {
        self.refill
    }

    /// How long it takes until a window begins in which there is so much, if this one has less. What is filled evenly
    /// has none.
    pub(super) fn resets_in(&self, amount: u64, now: u64) -> Option<u64> {
        let is_used_up = self.refill.is_none() && amount > 0 && amount as f64 > self.left(now);
        is_used_up.then(|| self.reset_at.saturating_sub(now))
    }

    pub(super) fn scope(&self) -> LimitScope {
        self.scope
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// An answer told what remained when a request arrived that was sent at `at`, and which was counted with
    /// so much.
    pub(super) fn learn(&mut self, told: &Reading, counted: u64, at: u64, now: u64) {
        self.limit = told.limit;
        let answered = self.answered_before(at);
        self.answered.roll(now, |_, _| {});
        if Slots::start_of(at) == Slots::start_of(now) {
            self.answered.add(small(counted), now);
        }
        if at < self.told_at {
            return;
        }
        self.told_at = at;
        if let Some((refill, tolerance)) = told.refill() {
            let usual = USUAL.into_iter().find(|usual| is_near(refill, *usual, tolerance));
            self.refill = match self.refill {
                Some(known) if is_near(refill, known, tolerance) => Some(known),
                _ => usual,
            };
        }
        self.reset_at = now.saturating_add(told.reset);
        self.change(0.0, now);
        let before = self.left;
        let gain = self.refill.map_or(0.0, |refill| self.gain(now.saturating_sub(at), refill));
        let since = |ages: &Slots, at: u64| ages.since(at) as f64;
        // What was sent shortly before may have arrived later, but not if it was answered by then.
        let sent = since(&self.sent, at) - counted as f64 - answered as f64;
        // What was given back before the request arrived is counted already.
        let returned = since(&self.returned, at.saturating_add(ARRIVED));
        let left = (told.remaining as f64 + gain).min(self.limit as f64) - sent.max(0.0) + returned;
        (self.left, self.at) = (left.min(self.limit as f64), now);
        self.part.learn(self.own as f64, before - self.left, self.left, self.limit as f64);
        self.own = 0;
    }

    /// What was answered before a request was sent, of what was sent at about the same time.
    fn answered_before(&self, at: u64) -> u64 {
        self.answered.between(Slots::start_of(at), at)
    }

    /// Whether what was sent then is in what the server told.
    pub(super) fn knows(&self, at: u64) -> bool {
        at <= self.told_at
    }

    /// So much flows in in this time.
    fn gain(&self, time: u64, refill: u64) -> f64 {
        time as f64 / refill as f64 * self.limit as f64
    }

    /// What has flowed in since `at`, even if there was no room for it.
    fn flown(&self, now: u64) -> f64 {
        self.refill.map_or(0.0, |refill| self.gain(now.saturating_sub(self.at), refill))
    }

    /// What is left; less than nothing after a refusal.
    pub(super) fn left(&self, now: u64) -> f64 {
        match self.refill {
            Some(refill) => {
                let gain = self.gain(now.saturating_sub(self.at), refill);
                (self.left + gain).min(self.limit as f64)
            }
            None if now >= self.reset_at && self.at < self.reset_at => self.limit as f64,
            None => self.left,
        }
    }

    pub(super) fn share_left(&self, now: u64) -> f64 {
        self.left(now) / self.limit as f64
    }

    /// When all of it is there.
    pub(super) fn full_in(&self, now: u64) -> u64 {
        match self.refill {
            Some(refill) => {
                let missing = self.limit as f64 - self.left(now);
                (missing.max(0.0) / self.limit as f64 * refill as f64) as u64
            }
            None => self.reset_at.saturating_sub(now),
        }
    }

    /// So much more is left, or less.
    fn change(&mut self, amount: f64, now: u64) {
        self.part.change(amount, self.flown(now), self.limit as f64);
        self.left = (self.left(now) + amount).min(self.limit as f64);
        self.at = now.max(self.at);
        if self.refill.is_none() && now >= self.reset_at {
            let next = self.window.end_after(self.reset_at, now);
            self.reset_at = next.unwrap_or(self.reset_at);
        }
    }

    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.change(-(amount as f64), now);
        self.sent.roll(now, |_, _| {});
        self.sent.add(small(amount), now);
        self.window.take(amount, now);
        self.own = self.own.saturating_add(amount);
    }

    /// So much was sent before anything was told, and will be counted.
    pub(super) fn expect(&mut self, amount: u64, now: u64) {
        self.change(-(amount as f64), now);
    }

    pub(super) fn give_back(&mut self, amount: u64, at: u64, now: u64) {
        self.change(amount as f64, now);
        self.sent.remove(small(amount), at);
        self.window.give_back(amount);
        self.own = self.own.saturating_sub(amount);
    }

    /// So much was reserved, and so much was used in the end.
    pub(super) fn correct(&mut self, reserved: u64, used: u64, now: u64) {
        self.change(reserved as f64 - used as f64, now);
        if let Some(back) = reserved.checked_sub(used) {
            self.returned.roll(now, |_, _| {});
            self.returned.add(small(back), now);
        }
    }

    /// So much is admitted again after this wait.
    pub(super) fn refused(&mut self, amount: u64, wait: u64, now: u64) {
        match self.refill {
            Some(refill) => {
                // That is meant, where a remainder or a reset in headers may be late.
                self.change(0.0, now);
                self.left = amount as f64 - self.gain(wait, refill);
                self.part.refused(self.left);
            }
            None => {
                (self.left, self.at) = (self.left(now).min(amount as f64 - 1.0), now.max(self.at));
                self.reset_at = now.saturating_add(wait.max(1));
                self.window.ends(self.reset_at, self.limit);
            }
        }
    }

    /// How long somebody has to wait who wants so much, behind those in front.
    /// `answers_tell` says that it would show if others took of it.
    pub(super) fn wait_for(
        &self,
        amount: u64,
        ahead: u64,
        answers_tell: bool,
        now: u64,
    ) -> Option<u64> {
        if amount == 0 {
            return None;
        }
        let wanted = amount.saturating_add(ahead) as f64;
        let missing = wanted - self.left(now);
        // Others take their part of what is there and of what flows in.
        let limit = self.limit as f64;
        let of_part = || self.part.needs(wanted, limit) - self.flown(now);
        // As long as there is no sign of others a request goes out alone by what was told last.
        let is_shared = self.refill.is_some()
            && answers_tell
            && (self.own > 0 || !self.part.seems_alone(limit));
        let missing = if is_shared { missing.max(of_part()) } else { missing };
        if missing <= 0.0 {
            return None;
        }
        Some(match self.refill {
            Some(refill) => {
                let time = missing / limit * refill as f64;
                // Not early for a rounding error.
                (time as u64).div_ceil(1000).saturating_mul(1000).max(1000)
            }
            None if now < self.reset_at => self.reset_at - now,
            // It began anew since that was told, and was used up again: the next answer tells the rest.
            None => self.at.saturating_add(SECOND).checked_sub(now).filter(|wait| *wait > 0)?,
        })
    }
}

/// What was sent when, to a fifteenth of a second.
type Slots = Ages<256, 26>;

/// So long after it was sent a request has certainly arrived, and what is given back later was given back
/// after it.
const ARRIVED: u64 = 2 << 26;

fn is_near(time: u64, other: u64, tolerance: f64) -> bool {
    time.abs_diff(other) as f64 <= tolerance * other as f64
}

fn small(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}
