//! What is known of the server's quota.

#[cfg(feature = "fleet")]
pub(super) mod beside;
mod given;
mod lesson;
mod together;
mod unsaved;

use std::time::Duration;

use super::at_once::AtOnce;
use super::bytes::{Record, record};
use super::clock::ServerClock;
use super::cost::{Amounts, Cost, Experience, Sum};
use super::feel::{Feel, Finding};
use super::flight::Flight;
use super::members::Members;
use super::meter::{Context, LONGEST, LOOK, Meter, Wanted};
use super::operation::{QuotaDelay, QuotaGrant, QuotaOperation, QuotaReply, QuotaRequest};
use super::pool::Pool;
use super::{QuotaOptions, QuotaState, nanos};
use crate::error::LimitScope;
use crate::retry::BudgetModel;
use crate::timestamp::Timestamp;
use given::meters;
use unsaved::{Apart, Steady};

/// What is known of the quota of one API key: what was used of it, how much there is, how the
/// server counts, and what its clock shows.
///
/// A [`Quota`](super::Quota) keeps one of its own. Processes that share a quota keep one together:
/// see [`QuotaStore`](super::store::QuotaStore).
#[derive(Clone)]
pub struct QuotaModel {
    clock: ServerClock,
    /// The limits that are known, or looked for.
    meters: Vec<Meter>,
    /// What headers tell, where no kind of window is known.
    pool: Option<Pool>,
    /// What is felt there.
    feel: Option<Feel>,
    at_once: AtOnce,
    flight: Flight,
    /// Nobody is admitted before this, because the server refused a request.
    latched_until: Duration,
    /// Until then the server wants no more, as it told.
    told_until: Duration,
    /// The same because a day's quota is used up.
    closed_until: Duration,
    /// All that was ever admitted.
    sent: Sum,
    /// What requests cost lately.
    experience: Experience,
    members: Members,
    /// The retry budget of those who share the model.
    pub(crate) budget: BudgetModel,
    apart: Apart,
    steady: Steady,
}

record!(QuotaModel {
    clock,
    meters,
    pool,
    feel,
    at_once,
    flight,
    latched_until,
    told_until,
    closed_until,
    sent,
    experience,
    members,
    budget,
    apart,
    steady,
});

impl QuotaModel {
    /// The version of the bytes of [`to_bytes`](Self::to_bytes): another one is not understood.
    pub const LAYOUT: u32 = 13;
    /// The bytes are never more than this.
    pub const MAX_BYTES: usize = 16 * 1024 - 64;
    /// The longest [`QuotaOptions::window`] that can be shared.
    pub const LONGEST_WINDOW: Duration = Duration::from_micros(LONGEST as u64);

    /// A quota that nobody has used yet. `wall` is the wall clock at `now`; it is the first guess at
    /// the server's clock.
    pub fn new(options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        let window = options.window.filter(|window| !window.is_zero());
        QuotaModel {
            clock: ServerClock::new(wall, now),
            meters: meters(&options),
            pool: window.is_none().then(Pool::default),
            feel: window.is_none().then(Feel::new),
            at_once: AtOnce::default(),
            flight: Flight::default(),
            latched_until: Duration::ZERO,
            told_until: Duration::ZERO,
            closed_until: Duration::ZERO,
            sent: Sum::default(),
            experience: Experience::default(),
            members: Members::default(),
            budget: BudgetModel::default(),
            apart: Apart::default(),
            steady: Steady::default(),
        }
    }

    /// The same with the limits that this process was given; where it was given none, nothing changes.
    pub fn set_limits(&mut self, options: &QuotaOptions) {
        for given in meters(options) {
            let is_same = |known: &&mut Meter| {
                known.scope() == given.scope() && known.is_daily() == given.is_daily()
            };
            match self.meters.iter_mut().find(is_same) {
                Some(known) => known.give(given.told_limit()),
                None => self.meters.push(given),
            }
        }
    }

    /// The model as bytes, to be kept where other processes of this machine find it. They hold no
    /// key and no prompt.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        self.put(&mut out);
        out
    }

    /// Reads bytes of [`to_bytes`](Self::to_bytes). `None` if they are something else; not every
    /// changed byte shows, so they need a checksum besides.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() > Self::MAX_BYTES {
            return None;
        }
        let model = Self::get(&mut bytes)?;
        let sound = bytes.is_empty()
            && model.clock.is_sound()
            && model.meters.len() <= 8
            && model.meters.iter().all(Meter::is_sound)
            && model.pool.as_ref().is_none_or(Pool::is_sound)
            && model.feel.as_ref().is_none_or(Feel::is_sound)
            && model.experience.is_sound()
            && model.flight.is_sound()
            && model.members.is_sound()
            && model.budget.is_sound();
        sound.then_some(model)
    }

    /// Carries operations out, at the time `now` of the clock that all who share the model agree on.
    /// Answers the last one, and whether the model was changed, so that it has to be saved.
    pub fn apply(&mut self, operations: &[QuotaOperation], now: Duration) -> (QuotaReply, bool) {
        let mut last = (QuotaReply::Done, false);
        for operation in operations {
            let (reply, changed) = self.carry_out(operation, now);
            last = (reply, last.1 | changed);
        }
        last
    }

    fn carry_out(&mut self, operation: &QuotaOperation, now: Duration) -> (QuotaReply, bool) {
        match operation {
            QuotaOperation::Reserve(request) => match self.reserve(request, now) {
                Ok(grant) => (QuotaReply::Granted(grant), true),
                Err(delay) => (QuotaReply::Wait(delay), false),
            },
            QuotaOperation::Ask(request) => match self.ask(request, now) {
                Some(delay) => (QuotaReply::Wait(delay), false),
                None => (QuotaReply::Done, false),
            },
            QuotaOperation::Settle(grant, settlement) => {
                self.settle(grant, settlement, now);
                (QuotaReply::Done, true)
            }
            QuotaOperation::Correct(grant, used) => {
                self.correct(grant, used, now);
                (QuotaReply::Done, true)
            }
            QuotaOperation::Abandon(grant) => {
                self.abandon(grant);
                (QuotaReply::Done, true)
            }
            QuotaOperation::Read => (QuotaReply::Read(self.read(now)), false),
            QuotaOperation::Budget(operation) => {
                let (reply, changed) = self.budget.apply(operation, now);
                (QuotaReply::Budget(reply), changed)
            }
        }
    }

    fn latch(&mut self, until: Duration) {
        self.latched_until = self.latched_until.max(until);
    }

    /// Forgets what no window counts any more, and goes on to the window of this time.
    #[inline]
    fn roll(&mut self, now: Duration) {
        let at = nanos(now);
        if self.steady.from > at || at >= self.steady.until {
            self.roll_on(now);
        }
    }

    #[cold]
    fn roll_on(&mut self, now: Duration) {
        let mut steady = (Duration::ZERO, Duration::MAX);
        for meter in &mut self.meters {
            meter.roll(&self.clock, now);
            let (from, until) = meter.steady(&self.clock, now);
            steady = (steady.0.max(from), steady.1.min(until));
        }
        self.steady = Steady { from: nanos(steady.0), until: nanos(steady.1) };
    }

    /// The same after the clock was learned anew.
    fn learn_the_time(&mut self, now: Duration) {
        self.steady = Steady::default();
        self.roll(now);
    }

    /// Admits the only one who asks, if that may be.
    #[inline(always)]
    pub(super) fn try_send(&mut self, cost: Cost, now: Duration) -> Option<QuotaGrant> {
        self.roll(now);
        let amounts = self.experience.expect(&cost);
        let is_open = now >= self.latched_until
            && now >= self.closed_until
            && self.feel.is_none()
            && self.at_once.room(0).is_none()
            && self.meters.iter().all(|meter| meter.is_open(amounts.of(meter.scope())));
        if is_open {
            return Some(self.send(amounts, QuotaGrant::told(&cost), now));
        }
        self.reserve(&QuotaRequest::alone(cost), now).ok()
    }

    /// Admits a request, if that may be.
    pub(super) fn reserve(
        &mut self,
        request: &QuotaRequest,
        now: Duration,
    ) -> Result<QuotaGrant, QuotaDelay> {
        match self.ask(request, now) {
            None => {
                let amounts = self.experience.expect(&request.cost);
                let flags = QuotaGrant::WATCHED | QuotaGrant::told(&request.cost);
                Ok(self.send(amounts, flags, now))
            }
            Some(delay) => Err(delay),
        }
    }

    /// How long this request has to wait; `None` if it may be sent.
    pub(super) fn ask(&mut self, request: &QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        let mut delay = self.delay_from(request, now)?;
        // Where that is what holds it back.
        let told = self.told_until.saturating_sub(now);
        if delay.least >= told {
            delay.reset = delay.reset.max(told);
        }
        if !delay.reset.is_zero() {
            let at = self.clock.latest(now.saturating_add(delay.reset));
            delay.reset_at = Some(Timestamp::from_unix_micros(at));
        }
        Some(delay)
    }

    fn delay_from(&mut self, request: &QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        self.roll(now);
        self.roll_feeling(now);
        if let Some((scope, limit)) = self.exceeded_by(&request.cost.or(&Amounts::default())) {
            return Some(QuotaDelay::never(scope, limit));
        }
        let delay = self.delay(request, now);
        if let Some(left) = self.closed_until.checked_sub(now).filter(|left| !left.is_zero()) {
            return Some(QuotaDelay::exactly(left).with_reset(left));
        }
        match self.latched_until.checked_sub(now).filter(|left| !left.is_zero()) {
            Some(left) => {
                let latched = QuotaDelay::exactly(left);
                Some(delay.map_or(latched, |delay| delay.at_least(left)))
            }
            None => delay.map(|delay| delay.at_least(Duration::from_micros(1))),
        }
    }

    /// What is felt goes on to this time.
    fn roll_feeling(&mut self, now: Duration) {
        let Some(feel) = &mut self.feel else { return };
        if let Some(finding) = feel.roll(&self.flight, nanos(now)) {
            self.found(finding, now);
        }
        let mut is_later = false;
        for meter in &mut self.meters {
            is_later |= meter.presume(&self.flight, &self.clock, now);
        }
        if is_later {
            self.learn_the_time(now);
        }
    }

    /// A limit of requests was found out by trying.
    fn found(&mut self, finding: Finding, now: Duration) {
        self.forget_felt();
        let Some(feel) = &mut self.feel else { return };
        self.meters.push(Meter::found(finding, feel, &self.clock, now));
        feel.open();
        self.learn_the_time(now);
    }

    fn forget_felt(&mut self) {
        self.meters.retain(|meter| !meter.is_felt());
    }

    fn delay(&self, request: &QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        let context =
            Context { clock: &self.clock, flight: &self.flight, sent: self.sent.requests, now };
        let (cost, ahead) =
            (self.experience.expect(&request.cost), self.experience.expect_all(&request.ahead));
        let parties = self.apart.parties;
        let of_pool = self.pool.as_ref().and_then(|pool| {
            let (cost, ahead) = (self.counted(&cost, parties), ahead.times(parties.max(1)));
            let wait = pool.wait_for(&cost, &ahead, nanos(now))?;
            Some(QuotaDelay::exactly(wait).with_reset(pool.resets_in(&cost, nanos(now))))
        });
        let delays = self.meters.iter().filter_map(|meter| {
            let wanted = Wanted {
                amount: self.for_all(cost.of(meter.scope())),
                ahead: self.for_all(ahead.of(meter.scope())),
                is_first: request.ahead.count == 0,
                waiting: request.waiting,
            };
            meter.delay(wanted, &context)
        });
        let felt = self.feel.as_ref().and_then(|feel| {
            let is_known =
                !self.meters.is_empty() || self.pool.as_ref().is_some_and(Pool::is_known);
            feel.delay(request.ahead.count, is_known, &self.flight, nanos(now))
        });
        let others = of_pool.into_iter().chain(felt);
        let delay = delays.chain(others).chain(self.delay_at_once(request)).reduce(QuotaDelay::and);
        // Whoever passes takes of the day, too, and of what headers tell.
        delay.map(|delay| if self.is_scarce() { delay.with_aside(Duration::ZERO) } else { delay })
    }

    /// Whether there is a limit that who is passed in a window could miss.
    fn is_scarce(&self) -> bool {
        const FEW: u64 = 1024;
        let is_nearly_used_up = |meter: &Meter| {
            meter.is_daily() && meter.limit().is_some_and(|limit| limit <= meter.used() + FEW)
        };
        self.pool.is_some() || self.meters.iter().any(is_nearly_used_up)
    }

    /// The limit that a request is larger than, if it is certain that there is such a limit.
    fn exceeded_by(&self, cost: &Amounts) -> Option<(LimitScope, u64)> {
        let of_meter = |meter: &Meter| {
            let limit = meter.told_limit()?;
            let scope = meter.scope();
            let is_more = scope != LimitScope::Requests && cost.of(scope) > limit;
            is_more.then_some((scope, limit))
        };
        let of_meters = || self.meters.iter().find_map(of_meter);
        self.pool.as_ref().and_then(|pool| pool.exceeded_by(cost)).or_else(of_meters)
    }

    /// Whether tokens are limited.
    fn counts_tokens(&self) -> bool {
        self.meters.iter().any(|meter| meter.scope() != LimitScope::Requests)
            || self.pool.as_ref().is_some_and(Pool::counts_tokens)
    }

    /// How long to wait for an answer, where only so many may be under way.
    fn delay_at_once(&self, request: &QuotaRequest) -> Option<QuotaDelay> {
        let room = self.at_once.room(self.flight.under_way())?;
        // Whoever is answered wakes the next.
        let again = Duration::from_secs(60);
        (request.ahead.count >= room).then_some(QuotaDelay::between(LOOK, again))
    }

    /// Admits a request.
    #[inline]
    fn send(&mut self, amounts: Amounts, flags: u32, now: Duration) -> QuotaGrant {
        let at = nanos(now);
        self.flight.send(at);
        let under_way = u32::try_from(self.flight.under_way()).unwrap_or(u32::MAX);
        self.at_once.sent(under_way, at);
        if let Some(feel) = &mut self.feel {
            feel.sent(u64::from(under_way), at);
        }
        self.sent.add(&amounts);
        let counted = self.counted(&amounts, self.apart.parties);
        for meter in &mut self.meters {
            meter.take(counted.of(meter.scope()), at);
            meter.keep(u64::from(counted.output));
        }
        if let Some(pool) = &mut self.pool {
            pool.take(&counted, at);
        }
        self.apart.unsaved.add(&amounts);
        let tokens = if self.counts_tokens() { QuotaGrant::TOKENS } else { 0 };
        let apart = if self.apart.parties > 0 { QuotaGrant::APART } else { 0 };
        let sent_with = under_way.min(u32::from(u16::MAX)) << QuotaGrant::SENT_WITH;
        QuotaGrant { at, cost: amounts, flags: flags | apart | tokens | sent_with }
    }

    /// What is known, to be shown.
    pub(super) fn read(&mut self, now: Duration) -> QuotaState {
        self.roll(now);
        let latched = self.latched_until.checked_sub(now).filter(|left| !left.is_zero());
        let is_of_windows =
            |meter: &&Meter| meter.scope() == LimitScope::Requests && !meter.is_daily();
        let requests = self.meters.iter().find(is_of_windows);
        let told = self.pool.as_ref().and_then(|pool| pool.requests(nanos(now)));
        let limit = told.map(|(limit, ..)| limit).or_else(|| requests.and_then(Meter::limit));
        let remaining = match told {
            Some((_, left, _)) => Some(left),
            None => requests.and_then(|meter| meter.remaining(now)),
        };
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        QuotaState {
            limit: limit.map(small),
            remaining: if latched.is_some() { Some(0) } else { remaining.map(small) },
            reset_after: latched
                .or_else(|| requests.and_then(|meter| meter.reset_after(&self.clock, now)))
                .or_else(|| told.map(|(.., reset)| reset)),
            ..QuotaState::default()
        }
    }
}
