//! The account: requests of the window, credits, and the faults that wait for its requests.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::fault::Fault;
use crate::options::Builder;
use crate::stop::{Stop, lock};
use crate::window;

/// What an answer costs, in credits.
const COST: f64 = 1.0;

/// The sandbox at one moment, as `GET /_sandbox/state` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// `http://127.0.0.1:PORT/v1`.
    pub base_url: String,
    /// The behaviour's name.
    pub behaviour: String,
    /// Requests a window.
    pub limit: u32,
    /// Length of a window in seconds.
    pub window_seconds: f64,
    /// The number of the current window by the server's clock.
    pub window: u64,
    /// Requests counted in this window.
    pub used: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// Unix seconds by the server's clock.
    pub server_time: f64,
    /// Credits left; `None` for unlimited.
    pub credits: Option<f64>,
    /// Faults waiting in the script.
    pub script: usize,
    /// Open connections.
    pub connections: usize,
    /// Connections closed at once because there were too many.
    pub connections_refused: u64,
    /// Log entries forgotten to save memory.
    pub log_forgotten: u64,
}

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refusal {
    RateLimited,
    NoCredits { left: f64 },
    NoModel,
}

/// What an admitted request meets.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) window: u64,
    pub(crate) fault: Option<Fault>,
}

/// The numbers of one window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) window: u64,
    pub(crate) limit: u32,
    pub(crate) used: u32,
}

impl Usage {
    pub(crate) fn remaining(self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

#[derive(Debug)]
pub(crate) struct Account {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    limit: u32,
    window: u64,
    used: u32,
    credits: Option<f64>,
    script: VecDeque<Fault>,
    random: fastrand::Rng,
}

impl Inner {
    fn new(options: &Builder) -> Self {
        Self {
            limit: options.effective_limit(),
            window: 0,
            used: 0,
            credits: options.credits,
            script: options.script.iter().cloned().collect(),
            random: fastrand::Rng::with_seed(options.seed),
        }
    }

    /// Starts counting afresh when the clock shows another window.
    fn roll(&mut self, window: u64) {
        if self.window != window {
            self.window = window;
            self.used = 0;
        }
    }
}

impl Account {
    pub(crate) fn new(options: &Builder) -> Self {
        Self { inner: Mutex::new(Inner::new(options)) }
    }

    /// Quota, credits and generator as at the start, and an empty script.
    pub(crate) fn reset(&self, options: &Builder) {
        let mut inner = lock(&self.inner);
        *inner = Inner::new(options);
        inner.script.clear();
    }

    pub(crate) fn push_fault(&self, fault: Fault) {
        lock(&self.inner).script.push_back(fault);
    }

    /// Appends all, or none when more than `max` would wait. Says how many wait.
    pub(crate) fn push_faults(&self, faults: Vec<Fault>, max: usize) -> Result<usize, usize> {
        let mut inner = lock(&self.inner);
        if inner.script.len() + faults.len() > max {
            return Err(inner.script.len());
        }
        inner.script.extend(faults);
        Ok(inner.script.len())
    }

    pub(crate) fn script_len(&self) -> usize {
        lock(&self.inner).script.len()
    }

    pub(crate) fn set_limit(&self, limit: u32) {
        lock(&self.inner).limit = limit;
    }

    pub(crate) fn set_credits(&self, credits: Option<f64>) {
        lock(&self.inner).credits = credits;
    }

    pub(crate) fn credits(&self) -> Option<f64> {
        lock(&self.inner).credits
    }

    pub(crate) fn usage(&self, options: &Builder, clock: &Clock) -> Usage {
        let mut inner = lock(&self.inner);
        inner.roll(window::index(clock.now(), options.window));
        Usage { window: inner.window, limit: inner.limit, used: inner.used }
    }

    /// The next scripted fault, if it happens in front of the checks.
    pub(crate) fn take_front_fault(&self) -> Option<Fault> {
        lock(&self.inner).take_scripted(false)
    }

    /// The script's next fault, if it strikes before the body is read.
    pub(crate) fn take_early_fault(&self) -> Option<Fault> {
        let mut inner = lock(&self.inner);
        inner.script.front().is_some_and(Fault::is_early).then(|| inner.script.pop_front())?
    }

    /// Checks quota, credits and model in the server's order, counts the request, and says what fault
    /// it meets behind the checks.
    pub(crate) fn admit(
        &self,
        options: &Builder,
        clock: &Clock,
        stop: &Stop,
        model: &str,
    ) -> Result<Admission, Refusal> {
        let mut inner = lock(&self.inner);
        inner.roll(window::index(clock.now(), options.window));
        if inner.used >= inner.limit {
            return Err(Refusal::RateLimited);
        }
        if let Some(left) = inner.credits.filter(|left| *left < COST) {
            return Err(Refusal::NoCredits { left });
        }
        if !options.models.iter().any(|m| m == model) {
            return Err(Refusal::NoModel);
        }
        if !options.quota_gap.is_zero() {
            drop(inner);
            stop.sleep(options.quota_gap);
            inner = lock(&self.inner);
            inner.roll(window::index(clock.now(), options.window));
        }
        inner.used = inner.used.saturating_add(1);
        let fault = inner.take_scripted(true).or_else(|| inner.draw(options));
        if fault.as_ref().is_none_or(Fault::is_billed) {
            if let Some(credits) = &mut inner.credits {
                *credits = (*credits - COST).max(0.0);
            }
        }
        Ok(Admission { window: inner.window, fault })
    }
}

impl Inner {
    /// The script's next fault, if it is of the kind that is asked for.
    fn take_scripted(&mut self, upstream: bool) -> Option<Fault> {
        let next = self.script.front()?;
        if next.is_upstream() != upstream {
            return None;
        }
        self.script.pop_front()
    }

    fn draw(&mut self, options: &Builder) -> Option<Fault> {
        if options.fault_rate <= 0.0 || self.random.f64() >= options.fault_rate {
            return None;
        }
        self.random.choice(&options.faults).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Sandbox;

    fn admit(account: &Account, options: &Builder, clock: &Clock) -> Result<Admission, Refusal> {
        account.admit(options, clock, &Stop::default(), "mistral")
    }

    #[test]
    fn the_checks_come_in_the_servers_order_and_refusals_cost_nothing() {
        let options = Sandbox::builder().limit(1).credits(Some(1.5));
        let clock = Clock::new(Some(Duration::from_secs(600)), 0.0);
        let account = Account::new(&options);
        let stop = Stop::default();
        let other = account.admit(&options, &clock, &stop, "other");
        assert_eq!(other.unwrap_err(), Refusal::NoModel);
        assert_eq!(account.usage(&options, &clock).used, 0);
        assert_eq!(admit(&account, &options, &clock).unwrap().window, 10);
        for _ in 0..3 {
            let refused = admit(&account, &options, &clock).unwrap_err();
            assert_eq!(refused, Refusal::RateLimited);
        }
        assert_eq!(account.usage(&options, &clock).used, 1);
        clock.advance(60.0);
        let refused = admit(&account, &options, &clock).unwrap_err();
        assert_eq!(refused, Refusal::NoCredits { left: 0.5 });
        assert_eq!(account.usage(&options, &clock).used, 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let draw = |seed| {
            let options = Sandbox::builder().limit(u32::MAX).fault_rate(0.3).seed(seed);
            let clock = Clock::new(Some(Duration::ZERO), 0.0);
            let account = Account::new(&options);
            (0..1000).map(|_| admit(&account, &options, &clock).unwrap().fault).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let hit = draw(1).iter().flatten().count();
        assert!((200..400).contains(&hit), "{hit} of 1000 at a rate of 0.3");
    }

    #[test]
    fn a_front_fault_waits_behind_an_upstream_fault() {
        let options = Sandbox::builder().script(vec![Fault::ServerError, Fault::Drop]);
        let clock = Clock::new(Some(Duration::ZERO), 0.0);
        let account = Account::new(&options);
        assert_eq!(account.take_front_fault(), None);
        let fault = admit(&account, &options, &clock).unwrap().fault;
        assert_eq!(fault, Some(Fault::ServerError));
        assert_eq!(account.take_front_fault(), Some(Fault::Drop));
        assert_eq!(account.script_len(), 0);
    }
}
