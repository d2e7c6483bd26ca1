//! What the quota and the link of a fleet share.

mod calls;

use std::task::Waker;
use std::time::Duration;

use super::alone::Alone;
use super::asked::{Credit, FRESH, Four, Promises, Sent, Untold, add, of_amounts, of_sum};
use super::call::{FleetCall, Numbers};
use super::options::FleetOptions;
use super::reply::FleetReply;
use super::state::FleetState;
use crate::error::LimitScope;
use crate::quota::clock::ServerClock;
use crate::quota::model::{QuotaModel, beside::Counting};
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
        if let Some((window, amounts)) = self.promises.take_last(surplus.max(0)) {
            match &mut self.untold.back {
                Some((other, sum)) if *other == window => add(sum, &amounts, 1),
                // Those of another window nobody claims: they are open to all when it has begun.
                Some(_) => {}
                back => *back = Some((window, amounts)),
            }
            self.untold.note(false, now);
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
            let is_sure = answer.said_scope().is_some() || !counts_tokens;
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
}

/// The same by so many microseconds that the store's clock is ahead.
fn local(store_millis: i64, ahead: i64) -> Duration {
    let micros = store_millis.saturating_mul(1000).saturating_sub(ahead);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn millis_up(time: Duration) -> i64 {
    i64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i64::MAX).min(1 << 40)
}
