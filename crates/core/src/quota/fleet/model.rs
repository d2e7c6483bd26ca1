//! What the script does, in Rust: for simulations, and to be compared with the script itself.

use super::call::{ARGUMENTS, FleetCall};
use super::reply::{FleetReply, NUMBERS};

/// No sum is larger.
const MOST: i64 = 1_000_000_000_000_000;

/// The key of a fleet, as the script keeps it on the server, in memory.
///
/// It takes the same decisions as the [script](super::SCRIPT): a test carries both out side by side against a
/// real server. It is there for simulations and tests, where time is virtual and there is no server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetModel {
    /// The last time.
    pub(super) time: i64,
    birth: i64,
    mode: i64,
    len: i64,
    window: i64,
    knows_clock: i64,
    lo: i64,
    hi: i64,
    latch: i64,
    soft: i64,
    is_sure: i64,
    full: i64,
    refused: i64,
    unsure_until: i64,
    members_before: i64,
    members: i64,
    limit: [i64; 4],
    used: [i64; 4],
    promised: [i64; 4],
    queued: [i64; 4],
    carried: [i64; 4],
}

impl FleetModel {
    /// A key that is not there yet.
    pub fn new() -> Self {
        FleetModel::default()
    }

    /// What the script answers to this call when the server's clock shows so many milliseconds since 1970.
    pub fn carry_out(&mut self, call: &FleetCall, clock: i64) -> FleetReply {
        FleetReply::new(self.run(call.numbers(), clock))
    }

    /// The fields in the order in which the script keeps them.
    #[cfg(test)]
    pub(super) fn fields(&self) -> Vec<(String, i64)> {
        let plain = [
            ("t", self.time),
            ("b", self.birth),
            ("md", self.mode),
            ("ln", self.len),
            ("w", self.window),
            ("kc", self.knows_clock),
            ("lo", self.lo),
            ("hi", self.hi),
            ("la", self.latch),
            ("ml", self.soft),
            ("mv", self.is_sure),
            ("mf", self.full),
            ("rf", self.refused),
            ("ut", self.unsure_until),
            ("m", self.members_before),
            ("n", self.members),
        ];
        let amounts = [
            ("l", self.limit),
            ("u", self.used),
            ("p", self.promised),
            ("q", self.queued),
            ("c", self.carried),
        ];
        let amounts = amounts.into_iter().flat_map(|(name, of)| {
            of.into_iter().zip(1..).map(move |(value, d)| (format!("{name}{d}"), value))
        });
        plain.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(amounts).collect()
    }

    fn run(&mut self, a: &[i64; ARGUMENTS], raw: i64) -> [i64; NUMBERS] {
        let a = Arguments(a);
        let now = self.see(&a, raw);
        self.see_clock(&a, raw);
        let (lo, hi) = self.clock();
        self.roll((now + lo).div_euclid(self.len));
        if a.at(9) != 0 && a.at(9) != self.birth && a.at(10) == self.window {
            each(|d| self.used[d] = MOST.min(self.used[d] + a.four(11)[d]));
        }
        if a.at(1) == self.mode {
            each(|d| {
                if a.four(29)[d] > 0 {
                    self.limit[d] = a.four(29)[d];
                }
            });
        }
        let mut rank = 0;
        if a.at(8) != self.window {
            self.members += a.at(7);
            rank = self.members;
        }
        let mut members = self.members_before.max(self.members).max(1);
        let per = self.settle(&a, now);
        let grace = self.window * self.len - lo + (self.len / 8).min(1000);
        self.give_back_turns(&a, now >= grace);

        let (asks, held) = (a.at(33), a.at(35));
        let mut due = a.at(34).min(asks);
        let mut early = 0;
        if due > 0 && a.at(24) > self.window {
            (early, due) = (due, 0);
        }
        let cost = a.four(36);
        let mut cap = self.limit;
        if self.soft > 0 {
            cap[0] = self.soft;
        }
        let is_unsure = self.mode == 0
            && ((self.limit[0] == 0 && self.soft == 0) || (self.soft > 0 && self.is_sure == 0));
        if due > 0 && a.at(24) == self.window {
            each(|d| self.promised[d] = (self.promised[d] - due * cost[d]).max(0));
        }
        let wanted = Wanted { asks, due, cost, cap, is_unsure, per, presumed: a.at(6) };
        let granted = self.grant(&wanted, now, hi);

        let (mut promised, mut turn, mut turn_at) = (0, 0, 0);
        let counted = || (0..4).filter(|d| cap[*d] > 0 && cost[*d] > 0);
        let share = |d: usize| (cap[d] * a.at(7)) / ((members + 1) * cost[d]);
        let allowed = counted().map(share).min().unwrap_or(MOST).max(1);
        if allowed == 1 {
            members = members.max(self.promised[0] + self.queued[0]);
        }
        let left = asks - granted;
        let is_brief = (self.latch > now && (self.latch + lo).div_euclid(self.len) == self.window)
            || (is_unsure && self.latch <= now && self.fit(&wanted, 0, true) > 0);
        if early > 0 {
            (promised, turn) = (left.min(early), a.at(24));
            let gone = early - promised;
            each(|d| self.queued[d] = (self.queued[d] - gone * cost[d]).max(0));
            turn_at = (turn * self.len - lo).max(self.latch);
        } else if left > 0 && counted().next().is_some() && self.mode != 2 && !is_brief {
            let ahead = counted().map(|d| self.queued[d] / cap[d]).max().unwrap_or(0);
            promised = left.min(allowed - (held - due)).max(0);
            turn = (self.window + 1 + ahead).max((self.latch + lo).div_euclid(self.len));
            let room = counted().map(|d| (cap[d] - self.queued[d] % cap[d]) / cost[d]);
            promised = promised.min(room.min().unwrap_or(MOST).max(1));
            each(|d| self.queued[d] = MOST.min(self.queued[d] + promised * cost[d]));
            turn_at = (turn * self.len - lo).max(self.latch);
        }

        let mut again = (self.window + 1) * self.len - lo;
        if self.latch > now {
            let window = (self.latch + lo).div_euclid(self.len) * self.len - lo;
            again = self.latch.max(if self.mode == 2 { 0 } else { window });
        } else if is_unsure {
            again =
                (now + 1000.min(20.max(2 * members))).max(self.unsure_until - a.at(6) + wanted.per);
        } else if now < grace && self.fit(&wanted, 0, false) > 0 {
            again = grace;
        }
        again = again.max(now + 1);
        let [l1, l2, l3, l4] = self.limit;
        let [u1, u2, u3, u4] = self.used;
        [
            now,
            self.window,
            self.birth,
            self.mode,
            self.len,
            self.knows_clock,
            lo,
            hi,
            granted,
            promised,
            turn,
            turn_at,
            again,
            members,
            rank,
            l1,
            l2,
            l3,
            l4,
            u1,
            u2,
            u3,
            u4,
            self.soft,
            self.latch,
            i64::from(is_unsure),
            self.promised[0],
            self.queued[0],
            raw,
        ]
    }

    /// The time, which does not go back.
    fn see(&mut self, a: &Arguments<'_>, raw: i64) -> i64 {
        let mut now = raw;
        if self.birth == 0 {
            (self.birth, self.mode, self.len) = (now, a.at(1), a.at(2));
        } else if self.mode == 2 && a.at(1) != 2 {
            (self.mode, self.len, self.window) = (a.at(1), a.at(2), 0);
            let nothing = [0; 4];
            (self.used, self.promised) = (nothing, nothing);
            (self.queued, self.carried) = (nothing, nothing);
        }
        if self.time > now {
            let back = self.time - now;
            if back <= self.len {
                now = self.time;
            } else {
                (self.lo, self.hi) = (self.lo + back, self.hi + back);
                (self.latch, self.unsure_until) = (0, 0);
                self.renew(now);
            }
        }
        self.time = now;
        now
    }

    /// The server's clock was set: what was counted is told anew by those who sent it.
    fn renew(&mut self, time: i64) {
        self.birth = if self.birth == time { time + 1 } else { time };
        let nothing = [0; 4];
        (self.used, self.promised) = (nothing, nothing);
        (self.queued, self.carried) = (nothing, nothing);
    }

    /// What is known of the provider's clock.
    fn see_clock(&mut self, a: &Arguments<'_>, raw: i64) {
        if a.at(3) != 1 || (self.knows_clock == 1 && a.at(9) != self.birth) {
            return;
        }
        let (mut lo, mut hi) = (a.at(4), a.at(5));
        if self.knows_clock == 1 {
            (lo, hi) = (lo.max(self.lo), hi.min(self.hi));
        }
        if lo - hi > self.len {
            self.renew(raw);
            (self.latch, self.unsure_until) = (0, 0);
        }
        if lo > hi {
            (lo, hi) = (a.at(4), a.at(5));
        }
        (self.knows_clock, self.lo, self.hi) = (1, lo, hi);
    }

    fn clock(&self) -> (i64, i64) {
        if self.knows_clock == 1 { (self.lo, self.hi) } else { (-1000, 1000) }
    }

    /// Goes on to this window.
    fn roll(&mut self, window: i64) {
        if self.window == 0 {
            self.window = window;
            return;
        }
        let gone = window - self.window;
        self.window = window;
        if gone < 0 {
            (self.promised, self.carried) = ([0; 4], [0; 4]);
        }
        if gone <= 0 {
            return;
        }
        if self.mode == 0 {
            self.learn();
        }
        each(|d| {
            let cap = if d == 0 && self.soft > 0 { self.soft } else { self.limit[d] };
            self.used[d] = match self.mode {
                1 if cap > 0 => (self.used[d] - gone.saturating_mul(cap)).max(0),
                1 => 0,
                _ if gone == 1 => self.carried[d],
                _ => 0,
            };
            self.carried[d] = 0;
            if cap > 0 {
                let queued = (self.queued[d] - (gone - 1).saturating_mul(cap)).max(0);
                self.promised[d] = queued.min(cap);
                self.queued[d] = queued - self.promised[d];
            } else {
                (self.promised[d], self.queued[d]) = (0, 0);
            }
        });
        (self.members_before, self.members, self.refused) = (self.members, 0, 0);
    }

    /// What a window that is over teaches of the limit.
    fn learn(&mut self) {
        let used = self.used[0];
        if self.refused > 0 {
            let before = self.soft;
            (self.soft, self.full) = (used.max(1), 0);
            self.is_sure = i64::from(self.soft == before);
        } else if self.soft > 0 {
            if used > self.soft {
                (self.soft, self.is_sure, self.full) = (used, 0, 0);
            } else if used == self.soft {
                self.full += 1;
                if self.full >= 10 {
                    (self.is_sure, self.full) = (0, 0);
                }
            }
        }
        if self.limit[0] > 0 && self.soft >= self.limit[0] {
            self.soft = 0;
        }
    }

    /// Learns what came of what was sent; gives the time for which one more is not sure.
    fn settle(&mut self, a: &Arguments<'_>, now: i64) -> i64 {
        if a.at(15) == self.window {
            each(|d| self.used[d] = (self.used[d] + a.four(16)[d]).clamp(0, MOST));
            self.refused = MOST.min(self.refused + a.at(21));
        }
        if a.at(22) > 0 {
            self.latch = self.latch.max(now + a.at(22));
        }
        let some = match self.soft {
            0 => (self.used[0] / 32).clamp(2, 64),
            soft => (self.used[0] - soft).div_euclid(8).clamp(1, 64),
        };
        let per = (a.at(6) / some).max(1);
        self.unsure_until = now.max(self.unsure_until - a.at(20) * per);
        per
    }

    /// Turns that are not wanted any more.
    fn give_back_turns(&mut self, a: &Arguments<'_>, is_late: bool) {
        let turns = a.four(25);
        if a.at(23) == self.window {
            each(|d| self.promised[d] = (self.promised[d] - turns[d]).max(0));
        } else if a.at(23) > self.window {
            each(|d| self.queued[d] = (self.queued[d] - turns[d]).max(0));
        }
        if is_late {
            self.promised = [0; 4];
        }
    }

    /// How many more fit, by the amounts from this one on.
    fn fit(&self, wanted: &Wanted, from: usize, others: bool) -> i64 {
        let counted = (from..4).filter(|d| wanted.cap[*d] > 0 && wanted.cost[*d] > 0);
        let most = counted.map(|d| {
            let others = if others { self.promised[d] } else { 0 };
            let room = wanted.cap[d] - self.used[d] - others;
            match self.mode {
                1 => -(-room).div_euclid(wanted.cost[d]),
                _ => room.div_euclid(wanted.cost[d]),
            }
        });
        most.min().unwrap_or(MOST).max(0)
    }

    fn take(&mut self, count: i64, cost: &[i64; 4]) {
        each(|d| self.used[d] = MOST.min(self.used[d] + count * cost[d]));
    }

    /// How many may go.
    fn grant(&mut self, wanted: &Wanted, now: i64, hi: i64) -> i64 {
        if self.latch > now {
            return 0;
        }
        let Wanted { asks, due, cost, .. } = *wanted;
        if self.mode == 2 {
            return asks;
        }
        let mut granted = due.min(self.fit(wanted, 0, false));
        self.take(granted, &cost);
        if granted == due {
            let more = (asks - due).min(self.fit(wanted, 0, true));
            self.take(more, &cost);
            granted += more;
        }
        if wanted.is_unsure {
            let left = (wanted.presumed - (self.unsure_until - now)).div_euclid(wanted.per).max(0);
            if self.soft == 0 {
                let more = granted.min(left);
                self.take(more - granted, &cost);
                granted = more;
                self.unsure_until += more * wanted.per;
            } else {
                let mut more = asks - granted;
                if self.limit[0] > 0 {
                    more = more.min((self.limit[0] - self.used[0]).max(0));
                }
                if more > 0 && self.promised[0] == 0 {
                    more = more.min(left).min(self.fit(wanted, 1, true));
                    self.take(more, &cost);
                    granted += more;
                    self.unsure_until += more * wanted.per;
                }
            }
        }
        if self.mode == 0 && (now + hi + 250).div_euclid(self.len) > self.window {
            each(|d| self.carried[d] = MOST.min(self.carried[d] + granted * cost[d]));
        }
        granted
    }
}

/// What a call asks for.
struct Wanted {
    asks: i64,
    due: i64,
    cost: [i64; 4],
    cap: [i64; 4],
    is_unsure: bool,
    per: i64,
    presumed: i64,
}

/// Arguments by their number from 1, as in the script.
struct Arguments<'a>(&'a [i64; ARGUMENTS]);

impl Arguments<'_> {
    fn at(&self, number: usize) -> i64 {
        self.0.get(number - 1).copied().unwrap_or_default()
    }

    fn four(&self, first: usize) -> [i64; 4] {
        std::array::from_fn(|d| self.at(first + d))
    }
}

fn each(mut of: impl FnMut(usize)) {
    (0..4).for_each(&mut of);
}
