//! What the quota and the link of a fleet share.

use std::task::Waker;
use std::time::Duration;

use super::alone::Alone;
use super::asked::{Credit, FRESH, Four, Promises, Sent, Turns, Untold, add, of_amounts, of_sum};
use super::call::{FleetCall, Numbers};
use super::options::FleetOptions;
use super::reply::FleetReply;
use super::state::FleetState;
use crate::error::LimitScope;
use crate::quota::clock::ServerClock;
use crate::quota::model::QuotaModel;
use crate::quota::model::beside::Counting;
use crate::quota::operation::{QuotaDelay, QuotaGrant, QuotaRequest};
use crate::quota::{Cost, QuotaState, Settlement};
use crate::timestamp::Timestamp;

/// Where nothing is known of how long it takes.
const SOON: Duration = Duration::from_millis(1);
const LATER: Duration = Duration::from_millis(250);
/// No more are asked for at once.
const MOST_ASKED: i64 = 1000;
/// The first wait after the server was lost, and the longest.
const FIRST_PROBE: Duration = Duration::from_secs(1);
const LAST_PROBE: Duration = Duration::from_secs(5);

/// What goes on with the server.
#[allow(clippy::large_enum_variant)] // There is one of it for each quota.
pub(super) enum Phase {
    Idle,
    /// A call is under way.
    Asking {
        call: FleetCall,
        asked: Numbers,
        since: Duration,
        is_first: bool,
    },
    /// The server is out of reach: when to look for it again.
    Lost {
        until: Duration,
    },
}

pub(super) struct Fleet {
    key: String,
    pub(super) options: FleetOptions,
    /// What this process learns of the provider by itself: how it counts, its clock, its limits.
    learner: QuotaModel,
    pub(super) phase: Phase,
    alone: Option<Alone>,
    /// What the store's clock shows more than this process's.
    store_clock: ServerClock,
    last: Option<FleetReply>,
    rank: i64,
    counted_in: i64,
    credit: Credit,
    promises: Promises,
    /// How many wait, what one of them costs, and when those ask who have no turn.
    waiting: i64,
    cost: Four,
    ask_at: Duration,
    untold: Untold,
    /// What this process sent in this window, and what of it while it was alone.
    own: Sent,
    outside: Sent,
    pub(super) waker: Option<Waker>,
    /// How long was waited before the server was looked for last.
    probe_wait: Duration,
    pub(super) is_closed: bool,
    /// Why the server was lost, until that is told, and whether it ever was told.
    pub(super) warning: Option<String>,
    pub(super) has_warned: bool,
    pub(super) state: FleetState,
    /// Those who wait do not know yet that the process is alone.
    pub(super) is_newly_alone: bool,
}

impl Fleet {
    pub(super) fn new(key: &str, options: FleetOptions, wall: Timestamp, now: Duration) -> Self {
        Fleet {
            key: key.to_owned(),
            options,
            learner: QuotaModel::new(options.quota, wall, now),
            phase: Phase::Idle,
            alone: None,
            store_clock: ServerClock::new(wall, now),
            last: None,
            rank: 0,
            counted_in: -1,
            credit: Credit::default(),
            promises: Promises::default(),
            waiting: 0,
            cost: [1, 0, 0, 0],
            ask_at: Duration::ZERO,
            untold: Untold::default(),
            own: Sent::default(),
            outside: Sent::default(),
            waker: None,
            probe_wait: FIRST_PROBE,
            is_closed: false,
            warning: None,
            has_warned: false,
            state: FleetState::default(),
            is_newly_alone: false,
        }
    }

    /// The number of the window at this time, and what is left of it: as in the key.
    fn window(&self, now: Duration) -> (i64, Duration) {
        let (len, lo) = match &self.last {
            Some(last) => (last.len(), last.lo()),
            None => (self.numbers_of_counting().1, 0),
        };
        let time = self.store_clock.earliest(now).saturating_add(lo.saturating_mul(1000));
        let len = len.saturating_mul(1000).max(1);
        let left = len - time.rem_euclid(len);
        (time.div_euclid(len), Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }

    /// When this process's clock shows the time at which the store's certainly shows this.
    fn local(&self, store_millis: i64) -> Duration {
        local(store_millis, self.store_clock.earliest(Duration::ZERO))
    }

    /// Mode, length and limits as the script takes them.
    fn numbers_of_counting(&self) -> (i64, i64, Four) {
        let (counting, limits) = self.learner.counting();
        let small = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX).min(super::asked::MOST);
        let limits = limits.map(small);
        match counting {
            Counting::Windows(len) => (0, len, limits),
            Counting::Unknown => (2, 60_000, [0; 4]),
            Counting::Evenly(len) => {
                // In so many parts that any stretch of time as long as all of them holds no more than one
                // part more.
                let parts = match limits[0] {
                    0 => 59,
                    limit => (limit - 1).clamp(1, 59),
                };
                let part = |limit: i64| if limit > 0 { (limit / (parts + 1)).max(1) } else { 0 };
                (1, (len / parts).max(1), limits.map(part))
            }
        }
    }

    /// The limits that are known of a window.
    fn limits(&self) -> Four {
        match &self.last {
            Some(last) => last.limits(),
            None => self.numbers_of_counting().2,
        }
    }

    // What the quota asks.

    pub(super) fn reserve(
        &mut self,
        request: &QuotaRequest,
        now: Duration,
    ) -> Result<QuotaGrant, QuotaDelay> {
        self.expire(now);
        if let Some(delay) = self.ask_alone(request, now) {
            return delay;
        }
        if let Some(delay) = self.check(request, now) {
            return Err(delay);
        }
        let cost = self.demand(request);
        if now.saturating_sub(self.credit.since) > FRESH {
            self.give_back_credit(&[0; 4], now);
        }
        if !self.is_covered(request) {
            self.wake();
            return Err(self.delay(request, now));
        }
        add(&mut self.credit.amounts, &cost, -1);
        self.waiting = (self.waiting - 1).max(0);
        let grant = self.learner.admit(&request.cost(), now);
        self.own.add(self.window(now).0, &cost, 1);
        Ok(grant)
    }

    /// The answer of a process that is alone; `None` if it is not.
    fn ask_alone(
        &mut self,
        request: &QuotaRequest,
        now: Duration,
    ) -> Option<Result<QuotaGrant, QuotaDelay>> {
        let window = self.window(now);
        let result = self.alone.as_mut()?.reserve(request, window, now);
        self.waiting = i64::from(request.waiting());
        if let Ok(grant) = &result {
            let cost = of_amounts(&grant.cost);
            self.own.add(window.0, &cost, 1);
            self.outside.add(window.0, &cost, 1);
        }
        // The one who waits may have to look for the server.
        self.wake();
        Some(result)
    }

    pub(super) fn ask(&mut self, request: &QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        let window = self.window(now);
        if let Some(alone) = &mut self.alone {
            return alone.ask(request, window, now);
        }
        if let Some(delay) = self.check(request, now) {
            return Some(delay);
        }
        (!self.is_covered(request)).then(|| self.delay(request, now))
    }

    /// What is to be waited for besides the key.
    fn check(&mut self, request: &QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        let (expected, _) = self.learner.expected(&request.cost(), &request.ahead);
        let told = of_amounts(&expected);
        let limits = self.limits();
        if self.last.as_ref().is_none_or(|last| last.mode() == 0) {
            for (d, scope) in crate::quota::model::beside::SCOPES.into_iter().enumerate().skip(1) {
                if limits[d] > 0 && told[d] > limits[d] {
                    let limit = u64::try_from(limits[d]).unwrap_or_default();
                    return Some(QuotaDelay::never(scope, limit));
                }
            }
        }
        self.learner.ask_beside(request, now)
    }

    /// Notes what is wanted; gives what this request costs.
    fn demand(&mut self, request: &QuotaRequest) -> Four {
        let (cost, ahead) = self.learner.expected(&request.cost(), &request.ahead);
        let (cost, mut all) = (of_amounts(&cost), of_sum(&ahead));
        add(&mut all, &cost, 1);
        let count = i64::try_from(request.ahead.count).unwrap_or(0).saturating_add(1);
        self.cost = all.map(|sum| (sum.saturating_add(count - 1)) / count);
        self.waiting = i64::from(request.waiting());
        cost
    }

    /// Whether what was granted is enough for this request and those in front of it.
    fn is_covered(&self, request: &QuotaRequest) -> bool {
        let (cost, ahead) = self.learner.expected(&request.cost(), &request.ahead);
        let (cost, mut all) = (of_amounts(&cost), of_sum(&ahead));
        add(&mut all, &cost, 1);
        let limits = self.limits();
        (0..4).all(|d| (d > 0 && limits[d] == 0) || all[d] <= self.credit.amounts[d])
            && (all[0] > 0 || self.credit.amounts[0] >= 0)
    }

    /// How long this request waits.
    fn delay(&self, request: &QuotaRequest, now: Duration) -> QuotaDelay {
        let index = i64::try_from(request.ahead.count).unwrap_or(i64::MAX);
        let index = index.saturating_sub(self.credited());
        let at = self.promises.at(index).unwrap_or(self.ask_at);
        match at.checked_sub(now).filter(|left| !left.is_zero()) {
            Some(left) => QuotaDelay::exactly(left.saturating_add(SOON)),
            None => QuotaDelay::between(SOON, LATER),
        }
    }

    /// How many of those who wait may go.
    fn credited(&self) -> i64 {
        let limits = self.limits();
        let counted = (0..4).filter(|d| (*d == 0 || limits[*d] > 0) && self.cost[*d] > 0);
        let each = counted.map(|d| self.credit.amounts[d] / self.cost[d]);
        each.min().unwrap_or(self.waiting).max(0)
    }

    /// Keeps no more than this of what was granted.
    fn give_back_credit(&mut self, keep: &Four, now: Duration) {
        let mut surplus = Four::default();
        for d in 0..4 {
            surplus[d] = (self.credit.amounts[d] - keep[d]).max(0);
        }
        if surplus != [0; 4] {
            add(&mut self.credit.amounts, &surplus, -1);
            let window = self.window(now).0;
            self.untold.sent.add(window, &surplus, -1);
            self.untold.note(false, now);
        }
    }

    pub(super) fn left(&mut self, waiting: usize, now: Duration) {
        self.waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        let surplus = self.promises.total() - self.waiting;
        if surplus > 0 && self.untold.back.is_none() {
            if let Some(back) = self.promises.take_last(surplus) {
                self.untold.back = Some(back);
                self.untold.note(false, now);
            }
        }
        self.wake();
    }

    pub(super) fn settle(&mut self, grant: &QuotaGrant, answer: &Settlement, now: Duration) {
        self.learner.settle(grant, answer, now);
        let cost = of_amounts(&grant.cost);
        let window = self.window(grant.at()).0;
        let not_counted = answer.refused || answer.consumed == Some(false);
        if grant.is_apart() {
            if let Some(model) = self.alone.as_mut().and_then(Alone::model) {
                model.settle(grant, answer, now);
            }
        }
        let is_unsure = self.last.as_ref().is_some_and(|last| last.is_unsure() == 1);
        if not_counted {
            self.count(grant, window, &cost, -1, now);
        } else if let Some(used) = &answer.usage {
            self.correct_in(grant, used, window, now);
        }
        if answer.refused {
            let is_of_requests = matches!(answer.limit_scope, None | Some(LimitScope::Requests));
            let counts_tokens = self.limits().iter().skip(1).any(|limit| *limit > 0);
            let is_sure = answer.limit_scope.is_some() || !counts_tokens;
            self.untold.refused += i64::from(is_of_requests && is_sure);
            self.untold.note(true, now);
        } else if is_unsure {
            self.untold.good += 1;
            self.untold.note(true, now);
        }
        if answer.exhausted {
            self.untold.note(true, now);
        }
        let is_news = self.last.as_ref().is_some_and(|last| last.knows_clock() == 0);
        if (self.waiting > 0 || is_news) && self.knows_the_time_better() {
            // Turns depend on it.
            self.untold.note(false, now);
        }
        self.wake();
    }

    pub(super) fn correct(&mut self, grant: &QuotaGrant, used: &Cost, now: Duration) {
        self.learner.correct(grant, used, now);
        if grant.is_apart() {
            if let Some(model) = self.alone.as_mut().and_then(Alone::model) {
                model.correct(grant, used, now);
            }
        }
        let window = self.window(grant.at()).0;
        self.correct_in(grant, used, window, now);
        self.wake();
    }

    fn correct_in(&mut self, grant: &QuotaGrant, used: &Cost, window: i64, now: Duration) {
        let used = used.with_requests(grant.cost.requests).or(&grant.cost);
        let (mut delta, counted) = (of_amounts(&used), of_amounts(&grant.cost));
        add(&mut delta, &counted, -1);
        if delta != [0; 4] {
            self.count(grant, window, &delta, 1, now);
        }
    }

    /// More or less was used in a window than was counted.
    fn count(
        &mut self,
        grant: &QuotaGrant,
        window: i64,
        amounts: &Four,
        times: i64,
        now: Duration,
    ) {
        self.own.add(window, amounts, times);
        if grant.is_apart() && window == self.outside.window {
            self.outside.add(window, amounts, times);
        } else {
            self.untold.sent.add(window, amounts, times);
            // Who waits may have what is given back.
            self.untold.note(false, now);
        }
    }

    pub(super) fn abandon(&mut self, grant: &QuotaGrant) {
        self.learner.abandon(grant);
        if grant.is_apart() {
            if let Some(model) = self.alone.as_mut().and_then(Alone::model) {
                model.abandon(grant);
            }
        }
    }

    pub(super) fn read(&mut self, now: Duration) -> QuotaState {
        let (window, left) = self.window(now);
        if let Some(model) = self.alone.as_mut().and_then(Alone::model) {
            return model.read(now);
        }
        let small = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        let Some(last) = &self.last else { return self.learner.read(now) };
        let limit = match (last.limits()[0], last.soft()) {
            _ if last.mode() != 0 => return self.learner.read(now),
            (0, 0) => None,
            (limit, 0) => Some(limit),
            (_, soft) => Some(soft),
        };
        let used = if last.window() == window { last.used()[0] } else { 0 };
        let latched = self.local(last.latch()).max(self.learner.held_until());
        let latched = latched.checked_sub(now).filter(|left| !left.is_zero());
        let remaining = limit.map(|limit| small(limit - used));
        QuotaState {
            limit: limit.map(small),
            remaining: if latched.is_some() { Some(0) } else { remaining },
            reset_after: Some(latched.unwrap_or(left)),
            ..QuotaState::default()
        }
    }

    /// There is something to do for whoever carries the calls.
    fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// This is another process than the one that was granted all this.
    pub(super) fn forked(&mut self) {
        self.phase = Phase::Idle;
        (self.counted_in, self.rank) = (-1, 0);
        self.credit = Credit::default();
        self.promises.clear();
        self.untold = Untold::default();
        (self.own, self.outside) = Default::default();
        self.ask_at = Duration::ZERO;
        self.has_warned = false;
    }

    /// Gives a call up that has had no answer in time, where whoever carries it does not.
    fn expire(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Asking { .. }) {
            return;
        }
        if self.next(now).is_err_and(|until| until.is_some_and(|until| until <= now)) {
            self.lose("no answer in time", now);
        }
    }

    /// The quota is gone.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.waiting = 0;
        self.credit.amounts = self.credit.amounts.map(|amount| amount.max(0));
        if self.last.is_some() && self.alone.is_none() {
            self.give_back_credit(&[0; 4], self.credit.since);
            if let Some(since) = self.untold.since {
                self.untold.note(true, since);
            }
        } else {
            self.untold = Untold::default();
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        !matches!(self.phase, Phase::Asking { .. }) && self.untold.since.is_none()
    }

    // What the link asks.

    /// The next call that is due at this time, or when the next one is.
    pub(super) fn next(&mut self, now: Duration) -> Result<FleetCall, Option<Duration>> {
        match &self.phase {
            Phase::Asking { since, is_first, .. } => {
                let mut limit = self.options.reply_timeout;
                if *is_first {
                    limit = limit.saturating_add(self.options.connect_timeout);
                }
                Err(Some(since.saturating_add(limit)))
            }
            Phase::Lost { until, .. } if *until > now => Err(Some(*until)),
            Phase::Lost { .. } => Ok(self.call(0, now)),
            Phase::Idle => match self.due_at() {
                Some(at) if at <= now => Ok(self.call(self.waiting, now)),
                at => Err(at),
            },
        }
    }

    /// When there is something to tell or to ask.
    fn due_at(&self) -> Option<Duration> {
        let turn = self.promises.first_at().filter(|_| self.waiting > 0);
        let free = self.waiting - self.credited() - self.promises.total();
        let ask = (free > 0).then_some(self.ask_at);
        [turn, ask, self.untold.due_at()].into_iter().flatten().min()
    }

    fn call(&mut self, waiting: i64, now: Duration) -> FleetCall {
        let mut keep = Four::default();
        add(&mut keep, &self.cost, self.waiting.max(0));
        self.give_back_credit(&keep, now);
        let (due, due_window) = self.promises.due(now);
        let held = self.promises.total();
        let waiting = waiting - self.credited();
        let due = due.min(waiting.max(0));
        let free = (waiting - held).max(0);
        let asks = if self.is_closed { 0 } else { (due + free).clamp(0, MOST_ASKED) };
        let (mode, len, limits) = self.numbers_of_counting();
        let latch = self.learner.held_until().saturating_sub(now);
        let back = self.untold.back.unwrap_or((-1, [0; 4]));
        let own = self.own;
        let asked = Numbers {
            mode,
            len,
            clock: self.provider_ahead(),
            presumed: i64::try_from(self.learner.presumed_after().as_millis()).unwrap_or(500),
            weight: i64::from(self.options.weight),
            counted_in: self.counted_in,
            birth: self.last.as_ref().map_or(0, FleetReply::birth),
            own_window: own.window,
            own: own.amounts.map(|amount| amount.max(0)),
            settle_window: self.untold.sent.window,
            delta: self.untold.sent.amounts,
            good: self.untold.good,
            refused: self.untold.refused,
            latch: if self.untold.is_urgent { millis_up(latch) } else { 0 },
            back_window: back.0,
            back: back.1,
            limits,
            asks,
            due: due.min(asks),
            due_window,
            held,
            cost: self.cost,
        };
        let call = FleetCall::new(&self.key, &asked);
        // What is told is told, whether it is answered or not: it may have counted.
        self.untold = Untold::default();
        self.promises.remove_first(asked.due);
        let is_first = self.last.is_none() || matches!(self.phase, Phase::Lost { .. });
        self.phase = Phase::Asking { call: call.clone(), asked, since: now, is_first };
        call
    }

    /// Milliseconds that the provider's clock is ahead of the store's, at least and at the most.
    fn provider_ahead(&self) -> Option<(i64, i64)> {
        let (earliest, latest) = self.learner.clock_ahead()?;
        self.last.as_ref()?;
        let zero = Duration::ZERO;
        let (store_earliest, store_latest) =
            (self.store_clock.earliest(zero), self.store_clock.latest(zero));
        let lo = earliest.saturating_sub(store_latest).div_euclid(1000);
        let hi = latest.saturating_sub(store_earliest).div_euclid(1000).saturating_add(1);
        const MOST: i64 = 1 << 50;
        (lo.abs() < MOST && hi.abs() < MOST).then_some((lo, hi))
    }

    /// Whether this process knows much better what the provider's clock shows than the key did.
    fn knows_the_time_better(&self) -> bool {
        const MUCH: i64 = 100;
        let (Some(last), Some((lo, hi))) = (&self.last, self.provider_ahead()) else {
            return false;
        };
        last.knows_clock() == 0 || lo > last.lo() + MUCH || hi < last.hi() - MUCH
    }

    /// The server answered.
    pub(super) fn answered(&mut self, reply: FleetReply, now: Duration) {
        let Phase::Asking { asked, since, .. } = &self.phase else { return };
        let (asked, since) = (*asked, *since);
        self.phase = Phase::Idle;
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let time = reply.now().saturating_mul(1000);
        self.store_clock.narrow(time - micros(now), time + 1000 - micros(since));
        self.counted_in = reply.window();
        if reply.rank() > 0 {
            self.rank = reply.rank();
        }
        self.last = Some(reply);
        let (len, lo) = (reply.len(), reply.lo());
        let latched = self.local(reply.latch());
        let ahead = self.store_clock.earliest(Duration::ZERO);
        self.promises.set_times(|window| {
            local(window.saturating_mul(len).saturating_sub(lo), ahead).max(latched)
        });
        self.state.round_trips += 1;
        self.state.is_shared = true;
        self.state.members = u32::try_from(reply.members()).unwrap_or(u32::MAX);
        if self.alone.take().is_some() {
            // What was sent meanwhile counts.
            let outside = std::mem::take(&mut self.outside);
            self.untold.sent.add(outside.window, &outside.amounts, 1);
            self.untold.note(true, now);
            self.ask_at = Duration::ZERO;
            return;
        }
        let granted = reply.granted().min(asked.asks);
        if granted > 0 {
            add(&mut self.credit.amounts, &asked.cost, granted);
            self.credit.since = now;
        }
        let promised = reply.promised().min(asked.asks - granted);
        let turn_at = self.local(reply.turn_at());
        if promised > 0 {
            let (window, cost) = (reply.turn(), asked.cost);
            self.promises.add(Turns { window, at: turn_at, count: promised, cost });
        }
        let is_short = asked.asks > granted + promised || asked.asks == MOST_ASKED;
        self.ask_at = match is_short {
            true if promised > 0 => turn_at,
            true if granted == MOST_ASKED => now,
            true => self.local(reply.again()).max(now + SOON),
            false => now,
        };
    }

    /// The call under way, to be sent by the script's text.
    pub(super) fn resend(&mut self) -> Option<FleetCall> {
        let Phase::Asking { call, .. } = &mut self.phase else { return None };
        if call.is_by_text() {
            return None;
        }
        *call = call.clone().with_text();
        Some(call.clone())
    }

    /// There was no answer, or none that is of use.
    pub(super) fn lose(&mut self, problem: &str, now: Duration) {
        let wait = match self.phase {
            Phase::Lost { .. } => return,
            Phase::Asking { .. } | Phase::Idle => match self.alone {
                Some(_) => self.probe_wait.saturating_mul(2).min(LAST_PROBE),
                None => FIRST_PROBE,
            },
        };
        self.probe_wait = wait;
        self.phase = Phase::Lost { until: now.saturating_add(wait) };
        if self.alone.is_some() {
            return;
        }
        if !self.has_warned {
            (self.has_warned, self.warning) = (true, Some(problem.to_owned()));
        }
        self.state.losses += 1;
        self.state.is_shared = false;
        let is_same = self.last.as_ref().is_some_and(|last| last.window() == self.window(now).0);
        let rank = self.rank;
        let (last, learner) = (self.last.as_ref(), &self.learner);
        self.is_newly_alone = true;
        self.alone = Some(Alone::new(&self.options, learner, last, is_same, rank, now));
        // What was granted and promised counts there.
        self.credit = Credit::default();
        self.promises.clear();
    }
}

/// The same by so many microseconds that the store's clock is ahead.
fn local(store_millis: i64, ahead: i64) -> Duration {
    let micros = store_millis.saturating_mul(1000).saturating_sub(ahead);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn millis_up(time: Duration) -> i64 {
    i64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i64::MAX).min(1 << 40)
}
