//! The side of whoever carries the calls.

use std::time::Duration;

use super::{FIRST_PROBE, Fleet, LAST_PROBE, MOST_ASKED, Phase, SOON, local, millis_up};
use crate::quota::fleet::alone::Alone;
use crate::quota::fleet::asked::{Credit, Four, Sent, Turns, Untold, add};
use crate::quota::fleet::call::{FleetCall, Numbers};
use crate::quota::fleet::reply::FleetReply;

impl Fleet {
    /// The quota is gone.
    pub(in crate::quota::fleet) fn close(&mut self) {
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

    pub(in crate::quota::fleet) fn is_idle(&self) -> bool {
        !matches!(self.phase, Phase::Asking { .. }) && self.untold.since.is_none()
    }

    /// The next call that is due at this time, or when the next one is.
    pub(in crate::quota::fleet) fn next(
        &mut self,
        now: Duration,
    ) -> Result<FleetCall, Option<Duration>> {
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
    pub(super) fn knows_the_time_better(&self) -> bool {
        const MUCH: i64 = 100;
        let (Some(last), Some((lo, hi))) = (&self.last, self.provider_ahead()) else {
            return false;
        };
        last.knows_clock() == 0 || lo > last.lo() + MUCH || hi < last.hi() - MUCH
    }

    /// The server answered.
    pub(in crate::quota::fleet) fn answered(&mut self, reply: FleetReply, now: Duration) {
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
        if self.last.is_some_and(|last| last.birth() != reply.birth()) {
            // The key is another one, or its clock was set: it knows of no turns, and windows may have other numbers.
            self.promises.clear();
            let newest = reply.window().saturating_add(1);
            for sent in [&mut self.own, &mut self.outside] {
                if sent.window > newest {
                    *sent = Sent::default();
                }
            }
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
    pub(in crate::quota::fleet) fn resend(&mut self) -> Option<FleetCall> {
        let Phase::Asking { call, .. } = &mut self.phase else { return None };
        if call.is_by_text() {
            return None;
        }
        *call = call.clone().with_text();
        Some(call.clone())
    }

    /// There was no answer, or none that is of use.
    pub(in crate::quota::fleet) fn lose(&mut self, problem: &str, now: Duration) {
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
