//! Feeling the way where nobody tells what is admitted.

mod closed;
mod log;
mod start;

use std::time::Duration;

use super::bytes::{Record, record};
use super::clock::ServerClock;
use super::flight::Flight;
use super::nanos;
use super::operation::QuotaDelay;
use super::told_ends::LENGTHS;
pub(super) use closed::Closed;
use log::Log;
use start::Start;

/// One refusal may have come by chance, but not after so many more that passed than the time before.
const MANY: u64 = 8;

/// The first wait after a refusal, in nanoseconds, and the longest.
const FIRST_WAIT: u64 = 1_000_000_000;
const LONGEST_WAIT: u64 = 120 * FIRST_WAIT;

/// What is over sooner after the first request is taken for a short window; else a window is at least as long
/// as is usual.
const SHORT: u64 = 3 * FIRST_WAIT;
const USUAL: u64 = 60 * FIRST_WAIT;
/// One request may take so much longer than another one on its way.
const JITTER: u64 = 200_000_000;

/// What is thought of a service whose limits nobody tells.
///
/// At first senders go out a few at a time, and more as none is refused. A refusal holds all of them
/// back, and one probes after 1, 2, 4 s and so on, or nearby when a window of a usual length is over. What
/// comes after a probe that was admitted shows what the limit is: see [`Finding`].
#[derive(Clone)]
pub(super) struct Feel {
    /// What was sent since the beginning, or since a probe was sent.
    run: Run,
    /// When the first requests of this run were sent, and those of the one before.
    log: Log,
    log_before: Log,
    stage: Stage,
    start: Start,
}

record!(Feel { run, log, log_before, stage, start });

/// Requests that were sent one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// When the first was sent, in nanoseconds.
    pub(super) began: u64,
    pub(super) count: u64,
}

record!(Run { began, count });

impl Run {
    pub(super) fn is_sound(&self) -> bool {
        self.began < 1 << 62 && self.count < 1 << 61
    }
}

#[derive(Clone, Copy)]
enum Stage {
    /// Nobody is held back, but by the beginning.
    Open,
    /// All are held back, and one probes.
    Closed(Closed),
    /// A probe was admitted.
    Opening(Closed),
}

impl Record for Stage {
    fn put(&self, out: &mut Vec<u8>) {
        let (tag, closed) = match self {
            Stage::Open => (0u8, None),
            Stage::Closed(closed) => (1, Some(closed)),
            Stage::Opening(closed) => (2, Some(closed)),
        };
        tag.put(out);
        if let Some(closed) = closed {
            closed.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(match u8::get(input)? {
            0 => Stage::Open,
            1 => Stage::Closed(Closed::get(input)?),
            2 => Stage::Opening(Closed::get(input)?),
            _ => return None,
        })
    }
}

/// What was found out about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// So many in a time of this length after the first of them was sent, in nanoseconds. At the first of
    /// these times they were used up, and at the second still.
    Stretch { since: u64, refused: u64, limit: u64, length: u64 },
    /// So many in each window of this length; windows begin some time between these two.
    Window { limit: u64, length: u64, begins: (u64, u64) },
    /// One each time, after so many at once; since then there were none left.
    Even { since: u64, interval: u64, burst: u64 },
}

impl Feel {
    pub(super) fn new() -> Self {
        let (log, log_before) = Default::default();
        let start = Start::default();
        Feel { run: Run::default(), log, log_before, stage: Stage::Open, start }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let closed = match &self.stage {
            Stage::Open => None,
            Stage::Closed(closed) | Stage::Opening(closed) => Some(closed),
        };
        let is_time = |time: u64| time < 1 << 62;
        self.run.is_sound()
            && self.start.is_sound()
            && self.log.times().iter().chain(self.log_before.times()).all(|time| is_time(*time))
            && closed.is_none_or(|it| {
                let times = [it.since, it.refused, it.probe_at, it.wait];
                let others = [it.probed, it.ended, it.told, it.told_end].into_iter().flatten();
                it.run.is_sound() && times.into_iter().chain(others).all(is_time)
            })
    }

    /// What was sent since the last probe.
    pub(super) fn run(&self) -> Run {
        self.run
    }

    /// What was sent before it, and since, and when.
    pub(super) fn history(&self) -> impl Iterator<Item = (u64, u64)> {
        let before = self.before().unwrap_or_default();
        self.log_before.with_rest(before).chain(self.log.with_rest(self.run))
    }

    fn before(&self) -> Option<Run> {
        match &self.stage {
            Stage::Open => None,
            Stage::Closed(closed) | Stage::Opening(closed) => Some(closed.run),
        }
    }

    /// Whether everybody is held back, or nearly.
    pub(super) fn is_closed(&self) -> bool {
        !matches!(self.stage, Stage::Open)
    }

    /// A request is sent, and so many are under way, itself included.
    #[inline]
    pub(super) fn sent(&mut self, under_way: u64, now: u64) {
        let passed = (self.run.count + 1).saturating_sub(under_way);
        self.start.sent(passed, under_way, now);
        if let Stage::Closed(closed) = &mut self.stage {
            if now >= closed.probe_at {
                if closed.probed.is_none() {
                    self.log_before = std::mem::take(&mut self.log);
                }
                closed.probed.get_or_insert(now);
                self.run = Run { began: now, count: 0 };
            }
        }
        if self.run.count == 0 {
            self.run.began = now;
        }
        self.run.count += 1;
        self.log.add(now);
    }

    /// A probe that was not refused for long enough is presumed to be admitted. Says what is found when
    /// as many were admitted after it as before.
    pub(super) fn roll(&mut self, flight: &Flight, at: u64) -> Option<Finding> {
        match self.stage {
            Stage::Open => None,
            Stage::Closed(closed) => {
                let presumed = closed.probed?.saturating_add(nanos(flight.presumed_after()));
                if at >= presumed {
                    self.stage = Stage::Opening(closed);
                }
                None
            }
            Stage::Opening(closed) => {
                let uncertain = flight.uncertain(at).count as u64;
                if let Some(ended) = closed.ended {
                    return (uncertain == 0).then(|| self.compare(&closed, ended));
                }
                // One refusal may have come by chance: without a second one there is no limit.
                let certain = self.run.count.saturating_sub(uncertain);
                if certain >= closed.run.count.saturating_mul(2).saturating_add(MANY) {
                    self.stage = Stage::Open;
                }
                None
            }
        }
    }

    /// A request was answered that was sent then.
    pub(super) fn answered(&mut self, at: u64, now: u64) {
        self.start.answered(at, now);
        if let Stage::Closed(closed) = self.stage {
            if closed.probed.is_some_and(|probed| at >= probed) {
                self.stage = Stage::Opening(closed);
            }
        }
    }

    /// How long somebody has to wait who has so many in front of it. `is_known` says that the limit is
    /// known, so that at the beginning nobody is held back.
    pub(super) fn delay(
        &self,
        ahead: u64,
        is_known: bool,
        flight: &Flight,
        now: u64,
    ) -> Option<QuotaDelay> {
        let uncertain = flight.uncertain(now);
        let allowed = match &self.stage {
            Stage::Open if is_known => return None,
            Stage::Open => {
                let certain = self.run.count.saturating_sub(uncertain.count as u64);
                self.start.at_once(certain)
            }
            Stage::Opening(Closed { ended: Some(_), .. }) => {
                let (first, last) = match uncertain.count {
                    0 => return None,
                    _ => (uncertain.first, uncertain.last),
                };
                return Some(QuotaDelay::between(first, last));
            }
            Stage::Opening(closed) => {
                let certain = self.run.count.saturating_sub(uncertain.count as u64);
                // What was admitted before may be all: from there on it is felt anew, one by one at first.
                match closed.run.count.checked_sub(certain).filter(|left| *left > 0) {
                    Some(left) => certain.div_ceil(2).max(1).min(left),
                    None => (certain - closed.run.count).div_ceil(2).clamp(1, MANY),
                }
            }
            Stage::Closed(closed) => {
                let left = closed.probe_at.saturating_sub(now);
                if left > 0 {
                    let left = Duration::from_nanos(left);
                    return Some(QuotaDelay::exactly(left));
                }
                if closed.probed.is_none() && ahead == 0 {
                    return None;
                }
                1
            }
        };
        let over = (uncertain.count as u64 + ahead).checked_sub(allowed)?;
        // Each that is presumed to be admitted is one less, and allows one more.
        let presumed = usize::try_from(over / 2 + 1).unwrap_or(usize::MAX);
        let after = flight.presumed_after();
        let first = if uncertain.count > 0 { uncertain.first } else { after };
        let again = flight.over_in(presumed, after, now).unwrap_or(LONGEST);
        Some(QuotaDelay::between(first, again))
    }

    /// A request was not counted.
    pub(super) fn give_back(&mut self, at: u64) {
        if at >= self.run.began {
            self.run.count = self.run.count.saturating_sub(1);
            self.log.remove(at);
        }
    }

    /// A request was refused that was sent then, and perhaps told to wait so long.
    pub(super) fn refused(
        &mut self,
        at: u64,
        hint: Option<Duration>,
        clock: &ServerClock,
        now: Duration,
    ) {
        let hint_at = hint.map(|hint| nanos(now.saturating_add(hint)));
        match &mut self.stage {
            Stage::Closed(closed) if closed.probed.is_none_or(|probed| at < probed) => {
                // It was sent before.
                self.log.remove(at);
                self.log_before.remove(at);
                closed.run.count = closed.run.count.saturating_sub(1);
                closed.probe_at = closed.probe_at.max(hint_at.unwrap_or_default());
                closed.told = closed.told.max(hint_at);
                return;
            }
            Stage::Closed(closed) => {
                (closed.refused, closed.probed, closed.told) = (at, None, None);
                // The log of what was sent before is needed again.
                self.log = std::mem::take(&mut self.log_before);
                closed.wait = closed.wait.saturating_mul(2).min(LONGEST_WAIT);
                closed.plan(hint_at, clock, now);
                return;
            }
            Stage::Open | Stage::Opening(_) => {}
        }
        self.give_back(at);
        match &mut self.stage {
            Stage::Opening(closed) => {
                closed.ended = closed.ended.or(Some(at));
                closed.told_end = closed.told_end.max(hint_at);
            }
            _ => self.close(self.run, at, hint_at, clock, now),
        }
    }

    /// The limit is known.
    pub(super) fn open(&mut self) {
        self.stage = Stage::Open;
    }

    /// Holds everybody back, since a request was refused that was sent then.
    pub(super) fn close(
        &mut self,
        run: Run,
        at: u64,
        hint_at: Option<u64>,
        clock: &ServerClock,
        now: Duration,
    ) {
        let mut closed = Closed {
            run,
            since: at,
            refused: at,
            wait: FIRST_WAIT,
            probe_at: 0,
            probed: None,
            ended: None,
            told: hint_at,
            told_end: None,
        };
        closed.plan(hint_at, clock, now);
        self.stage = Stage::Closed(closed);
    }

    /// What it means that so many were admitted after a probe, and then one was refused.
    fn compare(&self, closed: &Closed, at: u64) -> Finding {
        let (count, before) = (self.run.count.max(1), closed.run.count.max(1));
        if count * 2 >= before && before > 2 || count >= before {
            return self.window(closed, count);
        }
        let since = closed.since;
        if let Some(length) = self.stretch(closed) {
            // As many as were sent so long before, and no more: those are forgotten one by one.
            let forgotten = |later: u64| {
                let end = |sent: u64| sent.saturating_add(length).saturating_add(later);
                self.log_before.times().iter().filter(|sent| end(**sent) <= at).count() as u64
            };
            if (forgotten(JITTER)..=forgotten(0) + 1).contains(&self.run.count) {
                return Finding::Stretch { since, refused: closed.refused, limit: before, length };
            }
        }
        // From the refusal to this one so many came, and perhaps nearly one more.
        let interval = at.saturating_sub(since) / (count + 1);
        Finding::Even { since, interval: interval.max(1_000_000), burst: before }
    }

    /// Which windows fit to the time at which the probe was admitted.
    fn window(&self, closed: &Closed, limit: u64) -> Finding {
        let (refused, opened) = (closed.refused, self.run.began);
        if let Some((length, began)) = closed.told_window() {
            return Finding::Window { limit, length, begins: (began.max(refused), opened) };
        }
        // Most windows have a minute. One that is over early may have begun before the first request was sent,
        // but those that begin with it are not much longer than what was waited for.
        let is_short = opened.saturating_sub(closed.run.began) < SHORT;
        if let Some(length) = self.stretch(closed).filter(|it| is_short || *it >= USUAL) {
            return Finding::Stretch { since: closed.since, refused, limit, length };
        }
        let longer = |length: &u64| closed.run.began.saturating_add(*length) > refused;
        let lengths = LENGTHS.map(|length| length * FIRST_WAIT);
        let first = lengths.first().copied().filter(|_| is_short).unwrap_or(USUAL);
        let rest = lengths.into_iter().filter(|it| *it > first);
        let length = [first].into_iter().chain(rest).find(longer).unwrap_or(86_400 * FIRST_WAIT);
        Finding::Window { limit, length, begins: (refused, opened) }
    }
}

impl Feel {
    /// The length of a window that began with the first request and was over when the probe was sent.
    fn stretch(&self, closed: &Closed) -> Option<u64> {
        let (refused, opened) = (closed.refused, self.run.began);
        let fits = |length: &u64| {
            let end = closed.run.began.saturating_add(*length);
            end > refused && end <= opened && opened - end < FIRST_WAIT
        };
        LENGTHS.into_iter().map(|length| length * FIRST_WAIT).find(fits)
    }
}

const LONGEST: Duration = Duration::from_secs(3600);
