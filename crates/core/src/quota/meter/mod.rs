//! One limit: how much there is of it, how the server counts it, and how much is used.

mod bucket;
mod delay;
mod felt;
mod fixed;
mod lesson;
mod spread;
mod told;

use std::time::Duration;

use bucket::Bucket;
use felt::Felt;
use fixed::{Fixed, Rolled};
use spread::Spread;
use told::Told;

pub(super) use fixed::TRANSIT;

use super::bytes::{Record, record};
use super::clock::ServerClock;
use super::flight::Flight;
use super::nanos;
use crate::error::LimitScope;

/// In microseconds.
const SECOND: i64 = 1_000_000;

const DAY: i64 = 86_400 * SECOND;

/// How many are sent at once before anything is known of the limit; each that passes allows one more.
/// Whoever begins in a window that others have used up is refused no more often than this.
const FIRST: u64 = 1;

/// After so many windows that were used up without a refusal, one request more is tried: the limit may
/// have been raised, which nothing else tells where headers come with refusals only.
const RETRY: u32 = 10;

/// How often a sender should ask again whose turn depends on answers that are under way.
pub(super) const LOOK: Duration = Duration::from_millis(50);

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
    is_daily: bool,
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
    /// For when a refusal held back, the first one after which all did so to the end of a window of the
    /// server's clock.
    coincidence: Option<u64>,
    /// What was admitted here in the last stretch of a window's length.
    spread: Spread,
    /// How much was admitted when this window, or the last one in which that happened, ended early.
    count: Option<u64>,
    last_count: Option<u64>,
    /// Others use the key: so much of a window is this process's own by experience, and beyond it it
    /// feels its way.
    share: Option<u64>,
    /// The last window ended with a refusal. Of tokens, this one is not used beyond that share: it would be refused
    /// as well.
    is_calm: bool,
    /// So much was admitted in one window.
    proven: u64,
    /// Windows that were used up without a refusal, and after how many more is tried.
    full: u32,
    retry: u32,
    /// It was found out by trying.
    felt: Option<Felt>,
    /// This window is not held to the limit.
    trying: bool,
    /// So much of what was counted in this window was kept for answers that are not there yet.
    kept: u64,
    headers: Told,
}

record!(Meter {
    scope,
    is_daily,
    length,
    given,
    told,
    learned,
    learned_before,
    kind,
    coincidence,
    spread,
    count,
    last_count,
    share,
    is_calm,
    proven,
    full,
    retry,
    felt,
    trying,
    kept,
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
            is_daily: false,
            length,
            given: limit.map(|limit| limit.max(1)),
            told: None,
            learned: None,
            learned_before: None,
            kind: Kind::Fixed(Fixed::new()),
            coincidence: None,
            spread: Spread::new(micros(length) + TRANSIT),
            count: None,
            last_count: None,
            share: None,
            is_calm: false,
            proven: 0,
            full: 0,
            retry: RETRY,
            felt: None,
            trying: false,
            kept: 0,
            headers: Told::default(),
        }
    }

    /// A limit that holds for any stretch of time of this length.
    pub(super) fn rolling(scope: LimitScope, length: Duration, limit: u64) -> Self {
        Meter { kind: Kind::Rolling, ..Meter::new(scope, length, Some(limit)) }
    }

    /// A limit of requests a day, besides that of the windows.
    pub(super) fn daily(limit: u64) -> Self {
        let day = Meter::new(LimitScope::Requests, micros(DAY), Some(limit));
        Meter { is_daily: true, ..day }
    }

    /// Whether it is that of a day.
    pub(super) fn is_daily(&self) -> bool {
        self.is_daily
    }

    /// Whether it is counted in windows of the server's clock.
    #[cfg(feature = "fleet")]
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.kind, Kind::Fixed(_))
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let limits = [self.given, self.told, self.learned, self.learned_before];
        (1..=LONGEST).contains(&self.length)
            && self.full < 1 << 31
            && (1..1 << 31).contains(&self.retry)
            && self.headers.is_sound()
            && self.felt.is_none_or(|felt| felt.is_sound())
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

    /// From how much on all of a window is used, in which so much is: the next request may take more tokens than
    /// are left.
    fn whole(&self, cap: u64) -> u64 {
        if self.scope == LimitScope::Requests { cap } else { cap - cap / 8 }
    }

    /// How much is used of what a window admits.
    pub(super) fn used(&self) -> u64 {
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
        self.proven = self.proven.max(own);
        if let Some(limit) = self.limit() {
            self.headers.roll(limit, own);
        }
        if let Some(felt) = &mut self.felt {
            felt.roll();
        }
        self.is_calm = self.count.is_some();
        match self.count.take() {
            Some(count) => (self.last_count, self.full) = (Some(count), 0),
            None if self.cap().is_some_and(|cap| self.used() >= self.whole(cap)) => {
                // All of it was there for this process alone.
                self.share = None;
                self.full = (self.full + 1).min((1 << 31) - 1);
            }
            None => {}
        }
        self.learned_before = self.learned;
        (self.trying, self.kept) = (false, 0);
        if self.full >= self.retry && self.given.is_none() && !self.headers.on_success {
            (self.full, self.trying) = (0, true);
            self.share = self.limit();
        }
    }

    /// Counts what is admitted.
    #[inline]
    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.spread.add(amount, now);
        if self.felt.is_some() {
            self.feel(amount, now);
        }
        match &mut self.kind {
            Kind::Fixed(fixed) => fixed.take(amount, now),
            Kind::Rolling => {}
            Kind::Bucket(bucket) => bucket.take(amount, now),
        }
    }

    /// So many tokens of what was taken are kept for an answer.
    #[inline]
    pub(super) fn keep(&mut self, tokens: u64) {
        if matches!(self.scope, LimitScope::Tokens | LimitScope::OutputTokens) {
            self.kept = self.kept.saturating_add(tokens).min(1 << 62);
        }
    }

    /// The answer is there for which so many tokens were kept.
    pub(super) fn keep_no_more(&mut self, tokens: u64) {
        self.kept = self.kept.saturating_sub(tokens);
    }

    /// What was admitted then and counted with so much was so much in the end.
    pub(super) fn correct(&mut self, counted: u64, used: u64, at: u64) {
        if let Some(less) = counted.checked_sub(used) {
            if less > 0 {
                self.give_back(less, at);
            }
            return;
        }
        let more = used - counted;
        self.spread.add_at(more, at);
        match &mut self.kind {
            Kind::Fixed(fixed) => fixed.take_at(more, at),
            Kind::Rolling => {}
            Kind::Bucket(bucket) => bucket.take(more, at),
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
}

pub(super) fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
