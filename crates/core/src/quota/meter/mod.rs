//! One limit: how much there is of it, how the server counts it, and how much is used.

mod bucket;
mod fixed;
mod spread;
mod told;

use std::time::Duration;

use bucket::Bucket;
use fixed::{Fixed, Rolled};
use spread::Spread;
use told::{PATIENCE, Told, ToldGate};

pub(super) use fixed::TRANSIT;

use super::bytes::{Record, record};
use super::feel::{Feel, Finding, Run};
use super::clock::ServerClock;
use super::flight::Flight;
use super::operation::QuotaDelay as Delay;
use super::{Settlement, nanos};
use crate::error::LimitScope;

/// In microseconds.
const SECOND: i64 = 1_000_000;
const SECOND_NANOS: u64 = 1_000_000_000;

/// How many are sent at once before anything is known of the limit; each that passes allows one more.
/// Whoever begins in a window that others have used up is refused no more often than this.
const FIRST: u64 = 1;

/// After so many windows that were used up without a refusal, one request more is tried: the limit may
/// have been raised, which nothing else tells where headers come with refusals only.
const RETRY: u32 = 10;

/// How often a sender should ask again whose turn depends on answers that are under way.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A limit that was found out by trying is tried upward after so many full windows, and each time in vain
/// after twice as many, up to [`RETRY`].
const FIRST_RETRY: u32 = 2;

/// A hint of whole seconds that was some time under way does not meet a window's end more closely.
const TOLERANCE: Duration = Duration::from_millis(250);

/// The longest window that processes share: a year, in microseconds.
pub(super) const LONGEST: i64 = 366 * 24 * 3600 * SECOND;

/// How the server seems to count.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There are few of them.
enum Kind {
    /// In windows that begin at certain times of its clock.
    Fixed(Fixed),
    /// In any stretch of time as long as a window.
    Rolling,
    /// A token bucket.
    Bucket(Bucket),
}

impl Record for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Kind::Fixed(fixed) => {
                0u8.put(out);
                fixed.put(out);
            }
            Kind::Rolling => 1u8.put(out),
            Kind::Bucket(bucket) => {
                2u8.put(out);
                bucket.put(out);
            }
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(match u8::get(input)? {
            0 => Kind::Fixed(Fixed::get(input)?),
            1 => Kind::Rolling,
            2 => Kind::Bucket(Bucket::get(input).filter(Bucket::is_sound)?),
            _ => return None,
        })
    }
}

/// One limit.
#[derive(Clone)]
pub(super) struct Meter {
    scope: LimitScope,
    /// Of a window, in microseconds.
    length: i64,
    /// The limit that the program gave.
    given: Option<u64>,
    /// The limit that the server told.
    told: Option<u64>,
    /// The limit that refusals taught, and what it was when this window began.
    learned: Option<u64>,
    learned_before: Option<u64>,
    kind: Kind,
    /// What was admitted here in the last stretch of a window's length.
    spread: Spread,
    /// How much was admitted when this window, or the last one in which that happened, ended early.
    count: Option<u64>,
    last_count: Option<u64>,
    /// Others use the key: so much of a window is this process's own by experience, and beyond it it
    /// feels its way.
    share: Option<u64>,
    /// Windows that were used up without a refusal, and after how many more is tried.
    full: u32,
    retry: u32,
    /// Whether it was found out by trying, and what was sent since it was found or last refused.
    felt: Option<Run>,
    /// This window is not held to the limit.
    trying: bool,
    headers: Told,
}

record!(Meter {
    scope,
    length,
    given,
    told,
    learned,
    learned_before,
    kind,
    spread,
    count,
    last_count,
    share,
    full,
    retry,
    felt,
    trying,
    headers,
});

/// What is known besides.
pub(super) struct Context<'a> {
    pub(super) clock: &'a ServerClock,
    pub(super) flight: &'a Flight,
    /// How many were ever sent.
    pub(super) sent: u64,
    pub(super) now: Duration,
}

/// What somebody asks for who stands in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The amount, and those of the ones in front.
    pub(super) amount: u64,
    pub(super) ahead: u64,
    /// Whether nobody is in front.
    pub(super) is_first: bool,
    /// How many wait in all, the one who asks included.
    pub(super) waiting: u32,
}

impl Meter {
    /// A limit of a service that counts in windows of its clock.
    pub(super) fn new(scope: LimitScope, length: Duration, limit: Option<u64>) -> Self {
        let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
        Meter {
            scope,
            length,
            given: limit.map(|limit| limit.max(1)),
            told: None,
            learned: None,
            learned_before: None,
            kind: Kind::Fixed(Fixed::new()),
            spread: Spread::new(micros(length) + TRANSIT),
            count: None,
            last_count: None,
            share: None,
            full: 0,
            retry: RETRY,
            felt: None,
            trying: false,
            headers: Told::default(),
        }
    }

    /// A limit of requests that was found out by trying, of which this was sent since a window began.
    pub(super) fn found(
        finding: Finding,
        feel: &Feel,
        clock: &ServerClock,
        now: Duration,
    ) -> Self {
        let run = feel.run();
        let (length, limit) = match finding {
            Finding::Minute { limit } => (60 * SECOND_NANOS, limit),
            Finding::Stretch { limit, length } | Finding::Window { limit, length, .. } => {
                (length, limit)
            }
            Finding::Even { interval, burst } => (interval.saturating_mul(burst), burst),
        };
        let mut meter = Meter::new(LimitScope::Requests, Duration::from_nanos(length), None);
        (meter.learned, meter.learned_before) = (Some(limit), Some(limit));
        (meter.retry, meter.felt) = (FIRST_RETRY, Some(run));
        for (count, at) in feel.history() {
            meter.spread.add(count, at);
        }
        meter.spread.roll(nanos(now));
        meter.kind = match finding {
            Finding::Minute { .. } => {
                Kind::Fixed(Fixed::used_up(run.count, meter.length, clock, now))
            }
            Finding::Stretch { .. } => Kind::Rolling,
            Finding::Window { begins, .. } => {
                let mut fixed = Fixed::beginning(begins, meter.length, clock);
                fixed.roll(meter.length, clock, now);
                fixed.take(run.count, nanos(now));
                Kind::Fixed(fixed)
            }
            Finding::Even { interval, burst } => {
                meter.felt = Some(Run { began: nanos(now), count: 0 });
                let next = nanos(now).saturating_add(interval);
                Kind::Bucket(Bucket::empty_until(next, interval.saturating_mul(burst), burst))
            }
        };
        meter
    }

    /// Whether it was found out by trying.
    pub(super) fn is_felt(&self) -> bool {
        self.felt.is_some()
    }

    /// A request was refused without a hint although this limit, which was found out by trying, admitted
    /// it. When it is admitted again as far as can be said; the last run that is known if it cannot.
    pub(super) fn refused_unhinted(
        &mut self,
        amount: u64,
        at: u64,
        clock: &ServerClock,
        now: Duration,
    ) -> Result<Duration, Run> {
        self.spread.remove(amount, at);
        let limit = self.limit().unwrap_or(1);
        let run = self.felt.unwrap_or_default();
        let lost = |count| Err(Run { count, ..run });
        match &mut self.kind {
            Kind::Fixed(fixed) => {
                fixed.give_back(amount, at);
                let count = fixed.used() - fixed.carried();
                if self.trying {
                    self.retry = (self.retry * 2).min(RETRY);
                }
                if count * 4 < limit {
                    return lost(limit);
                }
                self.learn(count);
                Ok(self.reset_after(clock, now).unwrap_or_default())
            }
            Kind::Rolling => {
                let count = self.spread.total();
                if count * 2 < limit {
                    return lost(limit);
                }
                self.learned = Some(count.max(1));
                Ok(Duration::ZERO)
            }
            Kind::Bucket(bucket) => {
                if at <= run.began {
                    // It was sent before the last refusal came.
                    return Ok(Duration::ZERO);
                }
                self.felt = Some(Run { began: nanos(now), count: 0 });
                let count = run.count.saturating_sub(amount);
                if !bucket.refused_after(count, at.saturating_sub(run.began), nanos(now)) {
                    return lost(limit);
                }
                Ok(Duration::ZERO)
            }
        }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let limits = [self.given, self.told, self.learned, self.learned_before];
        (1..=LONGEST).contains(&self.length)
            && self.full < 1 << 31
            && (1..1 << 31).contains(&self.retry)
            && self.headers.is_sound()
            && self.spread.is_sound()
            && limits.into_iter().flatten().all(|limit| limit >= 1)
            && match &self.kind {
                Kind::Fixed(fixed) => fixed.is_sound(self.length),
                Kind::Rolling | Kind::Bucket(_) => true,
            }
    }

    pub(super) fn scope(&self) -> LimitScope {
        self.scope
    }

    /// The limit that this process was given.
    pub(super) fn give(&mut self, limit: Option<u64>) {
        self.given = limit.map(|limit| limit.max(1)).or(self.given);
    }

    /// Takes limits that it does not know.
    pub(super) fn learn_from(&mut self, other: &Meter) {
        self.told = self.told.or(other.told);
        self.learned = self.learned.or(other.learned);
    }

    pub(super) fn length(&self) -> Duration {
        micros(self.length)
    }

    /// What the server told outweighs what the program said, and both what was learned.
    pub(super) fn limit(&self) -> Option<u64> {
        self.told_limit().or(self.learned)
    }

    pub(super) fn told_limit(&self) -> Option<u64> {
        self.told.or(self.given)
    }

    /// How much of one window is sent at the most.
    fn cap(&self) -> Option<u64> {
        if self.trying {
            return None;
        }
        // With others about, refusals do not teach the limit.
        self.told_limit().or(self.learned.filter(|_| self.share.is_none()))
    }

    /// How much is used of what a window admits.
    fn used(&self) -> u64 {
        match &self.kind {
            Kind::Fixed(fixed) => fixed.used(),
            Kind::Rolling | Kind::Bucket(_) => self.spread.total(),
        }
    }

    /// That part of it which may have been counted earlier.
    fn carried(&self) -> u64 {
        match &self.kind {
            Kind::Fixed(fixed) => fixed.carried(),
            Kind::Rolling | Kind::Bucket(_) => 0,
        }
    }

    pub(super) fn remaining(&self, now: Duration) -> Option<u64> {
        match &self.kind {
            Kind::Bucket(bucket) => Some(bucket.left(nanos(now))),
            _ => self.limit().map(|limit| limit.saturating_sub(self.used())),
        }
    }

    /// The time until the window ends, where windows end.
    pub(super) fn reset_after(&self, clock: &ServerClock, now: Duration) -> Option<Duration> {
        match &self.kind {
            Kind::Fixed(fixed) => Some(fixed.until_next(self.length, clock, now)),
            Kind::Rolling | Kind::Bucket(_) => None,
        }
    }

    /// Takes a limit that the server told.
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.told = Some(limit.max(1));
    }

    /// From when to when there is nothing to [`roll`](Self::roll).
    pub(super) fn steady(&self, clock: &ServerClock, now: Duration) -> (Duration, Duration) {
        match &self.kind {
            Kind::Fixed(fixed) => fixed.span(self.length, clock, now),
            Kind::Rolling => (Duration::ZERO, Duration::from_nanos(self.spread.ends())),
            Kind::Bucket(_) => (Duration::ZERO, Duration::MAX),
        }
    }

    /// Goes on to this time.
    pub(super) fn roll(&mut self, clock: &ServerClock, now: Duration) {
        self.spread.roll(nanos(now));
        let Kind::Fixed(fixed) = &self.kind else { return };
        if fixed.compare(self.length, clock, now) == Rolled::On {
            self.conclude();
        }
        if let Kind::Fixed(fixed) = &mut self.kind {
            fixed.roll(self.length, clock, now);
        }
    }

    /// Learns from a window that is over.
    fn conclude(&mut self) {
        let own = self.used() - self.carried();
        if let Some(limit) = self.limit() {
            self.headers.roll(limit, own);
        }
        match self.count.take() {
            Some(count) => (self.last_count, self.full) = (Some(count), 0),
            None if self.cap().is_some_and(|cap| self.used() >= cap) => {
                // All of it was there for this process alone.
                self.share = None;
                self.full += 1;
            }
            None => {}
        }
        self.learned_before = self.learned;
        self.trying = false;
        if self.full >= self.retry && self.given.is_none() && !self.headers.on_success {
            (self.full, self.trying) = (0, true);
            self.share = self.limit();
        }
    }

    /// Whether the only one who asks may send, by what most are admitted by: a known limit that is all
    /// one's own. If not, [`delay`](Self::delay) tells.
    #[inline]
    pub(super) fn is_open(&self, amount: u64) -> bool {
        let Kind::Fixed(fixed) = &self.kind else { return false };
        let has_room = |limit| self.trying || fixed.used().saturating_add(amount) <= limit;
        self.share.is_none() && !self.headers.on_success && self.limit().is_some_and(has_room)
    }

    /// How long the sender has to wait who wants this; `None` if it may send. Call
    /// [`roll`](Self::roll) first.
    pub(super) fn delay(&self, wanted: Wanted, context: &Context<'_>) -> Option<Delay> {
        let now = context.now;
        if let Kind::Bucket(bucket) = &self.kind {
            let wait = bucket.wait_for(wanted.ahead + wanted.amount, nanos(now));
            return wait.map(|wait| Delay::exactly(Duration::from_nanos(wait)));
        }
        let cap = match &self.kind {
            Kind::Rolling => self.limit(),
            _ => self.cap(),
        };
        if let Some(cap) = cap {
            let needed = self.used().saturating_add(wanted.ahead).saturating_add(wanted.amount);
            if let Some(over) = needed.checked_sub(cap).filter(|over| *over > 0) {
                return Some(Delay::exactly(self.until_room(over, cap, context)));
            }
        }
        match &self.kind {
            Kind::Rolling => None,
            _ => self.delay_of_unsure(wanted, context),
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
            Some(Delay { least: least.min(next), again })
        };
        if let (true, Some(limit)) = (self.headers.on_success, self.told) {
            let young = flight.young(PATIENCE, now);
            return match self.headers.gate(limit, self.used()) {
                ToldGate::Open => None,
                ToldGate::AtOnce(most) => {
                    let over = (young.count as u64 + ahead + amount).checked_sub(most);
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
                if ahead + amount <= free {
                    return None;
                }
                if !is_first {
                    // Those in front are why it waits, and whoever is admitted wakes the next.
                    let limit = limit.unwrap_or(u64::MAX);
                    let left = limit.saturating_sub(self.used());
                    let over = (ahead + amount).saturating_sub(left).max(1);
                    let again = self.until_room(over, limit, context);
                    return Some(Delay { least: first.min(next()), again });
                }
                if uncertain.count == 0 { None } else { ends(first, Some(uncertain.last)) }
            }
            (None, Some(_)) => None,
            (None, None) => {
                let count = uncertain.count as u64;
                let allowed = FIRST + context.sent.saturating_sub(count);
                let over = (count + ahead).checked_sub(allowed)?;
                // Each that is presumed to be admitted is one less, and allows one more.
                let presumed = usize::try_from(over / 2 + 1).unwrap_or(usize::MAX);
                ends(first, flight.over_in(presumed, flight.presumed_after(), now))
            }
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

    /// Counts what is admitted.
    #[inline]
    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.spread.add(amount, now);
        if let Some(run) = &mut self.felt {
            run.count += amount;
        }
        match &mut self.kind {
            Kind::Fixed(fixed) => fixed.take(amount, now),
            Kind::Rolling => {}
            Kind::Bucket(bucket) => bucket.take(amount, now),
        }
    }

    /// What was admitted then was not counted after all.
    pub(super) fn give_back(&mut self, amount: u64, at: u64) {
        self.spread.remove(amount, at);
        match &mut self.kind {
            Kind::Fixed(fixed) => fixed.give_back(amount, at),
            Kind::Rolling => {}
            Kind::Bucket(bucket) => bucket.give_back(amount),
        }
    }

    /// A refusal that names its own wait shows how the server counts, and perhaps when a window ends.
    pub(super) fn recognise(&mut self, hint: Duration, clock: &mut ServerClock, now: Duration) {
        let whole = Duration::from_secs(1);
        let end = now.saturating_add(hint);
        if let Kind::Fixed(fixed) = &self.kind {
            let from = end.saturating_sub(whole + TOLERANCE);
            if fixed.may_end_within(self.length, clock, from, end.saturating_add(TOLERANCE)) {
                return fixed.observe_end(self.length, clock, end);
            }
        } else if self.clock_may_end_within(
            clock,
            end.saturating_sub(whole + TOLERANCE),
            end + TOLERANCE,
        ) {
            let used = self.limit().unwrap_or_default().max(self.spread.total());
            Fixed::new().observe_end(self.length, clock, end);
            self.kind = Kind::Fixed(Fixed::used_up(used, self.length, clock, now));
            return;
        }
        // What is counted now was admitted, but for what is still to be refused.
        let counted = self.spread.total().max(1);
        let limit = self.limit().unwrap_or(counted);
        let unit = self.length() / u32::try_from(limit).unwrap_or(u32::MAX);
        if hint > 2 * unit + whole {
            self.kind = Kind::Rolling;
            if self.limit().is_none() {
                self.learned = Some(counted);
            }
            return;
        }
        match &mut self.kind {
            Kind::Bucket(bucket) => {
                bucket.slow_down();
                bucket.refused_until(nanos(end));
            }
            kind => {
                let bucket = Bucket::empty_until(nanos(end), nanos(micros(self.length)), limit);
                *kind = Kind::Bucket(bucket);
            }
        }
    }

    /// A request was refused: when it is admitted again as far as is known here; `None` if that says
    /// nothing about this window.
    pub(super) fn refused(
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
                // Nothing can be learned from a count that is not certain.
                if self.carried() == 0 || self.told_limit().is_some() {
                    self.learn(self.used() - self.carried());
                }
                // The server knows better when it admits again.
                let end = self.reset_after(clock, now).unwrap_or_default();
                Some(hint.map_or(end, |hint| end.min(hint)))
            }
            Kind::Rolling | Kind::Bucket(_) => {
                self.spread.remove(amount, nanos(at));
                if self.told_limit().is_none() && matches!(self.kind, Kind::Rolling) {
                    let counted = self.spread.total().max(1);
                    self.learned = Some(self.learned.map_or(counted, |known| known.min(counted)));
                }
                Some(hint.unwrap_or_default())
            }
        }
    }

    /// The server admits no more than so much of this process's in this window.
    fn learn(&mut self, count: u64) {
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
    pub(super) fn answered(&mut self, amount: u64, at: u64, settlement: &Settlement) {
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

pub(super) fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
