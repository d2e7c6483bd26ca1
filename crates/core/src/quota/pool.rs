//! Limits of which headers tell what remains, where the kind of window is unknown.

mod level;
mod part;
mod window;

use std::time::Duration;

use super::bytes::record;
use super::cost::{Amounts, Sum};
use super::nanos;
use crate::error::{LimitScope, RateLimit};
use level::{Level, Reading};

/// Requests and tokens that remain.
#[derive(Clone, Default)]
pub(super) struct Pool {
    levels: Vec<Level>,
    /// Answers tell what remains, and not only refusals: so it would show if others took of it.
    answers_tell: bool,
}

record!(Pool { levels, answers_tell });

impl Pool {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.levels.len() <= 4 && self.levels.iter().all(Level::is_sound)
    }

    /// Whether headers have told anything.
    pub(super) fn is_known(&self) -> bool {
        !self.levels.is_empty()
    }

    /// Whether they tell of this.
    pub(super) fn tells(&self, scope: LimitScope) -> bool {
        self.levels.iter().any(|level| level.scope() == scope)
    }

    /// Whether they tell of tokens.
    pub(super) fn counts_tokens(&self) -> bool {
        self.levels.iter().any(|level| level.scope() != LimitScope::Requests)
    }

    /// The limits of requests and tokens, 0 if unknown, and in how many milliseconds all is filled, if it is
    /// filled evenly.
    #[cfg(feature = "fleet")]
    pub(super) fn evenly(&self) -> Option<([u64; 4], i64)> {
        let refill = self.levels.iter().filter_map(Level::refill).max()?;
        let refill = i64::try_from(refill / 1_000_000).ok()?.max(1);
        let limit = |scope| {
            let level = self.levels.iter().find(|level| level.scope() == scope)?;
            // Of the longest time in which one of them is filled.
            let own = (level.refill()? / 1_000_000).max(1);
            Some((level.limit() as f64 * (refill as f64 / own as f64)) as u64)
        };
        let [requests, tokens] =
            [LimitScope::Requests, LimitScope::Tokens].map(|scope| limit(scope).unwrap_or(0));
        Some(([requests, tokens, 0, 0], refill))
    }

    /// Takes what the answer to a request told that was sent at `at` and cost so much, if it was counted, and
    /// whether it was refused.
    pub(super) fn learn(
        &mut self,
        told: &RateLimit,
        counted: &Amounts,
        is_refused: bool,
        at: u64,
        now: Duration,
    ) {
        self.answers_tell |= !is_refused;
        let mut told = *told;
        let (input, output) = (told.input_token_limit(), told.output_token_limit());
        if input.is_some() && output.is_some() {
            // Of tokens as a whole Anthropic tells the one that is nearest to its end.
            told = told.with_tokens(None, None, None);
        }
        for scope in SCOPES {
            let bucket = told.of(scope);
            let reading = Reading::of(bucket.limit, bucket.remaining, bucket.reset_after);
            let Some(reading) = reading else { continue };
            let counted = counted.of(scope);
            match self.levels.iter_mut().find(|level| level.scope() == scope) {
                Some(level) => level.learn(&reading, counted, at, nanos(now)),
                None => self.levels.push(Level::new(scope, &reading, nanos(now))),
            }
        }
    }

    pub(super) fn take(&mut self, cost: &Amounts, now: u64) {
        for level in &mut self.levels {
            level.take(cost.of(level.scope()), now);
        }
    }

    /// So many requests are under way that were sent before anything was told.
    pub(super) fn expect(&mut self, requests: u64, now: u64) {
        let of_requests = |level: &&mut Level| level.scope() == LimitScope::Requests;
        if let Some(level) = self.levels.iter_mut().find(of_requests) {
            level.expect(requests, now);
        }
    }

    /// What was sent at `at` was not counted.
    pub(super) fn give_back(&mut self, cost: &Amounts, at: u64, now: u64) {
        for level in &mut self.levels {
            level.give_back(cost.of(level.scope()), at, now);
        }
    }

    /// For what was sent at `at` so much was reserved, and so much was used in the end.
    pub(super) fn correct(&mut self, reserved: &Amounts, used: &Amounts, at: u64, now: u64) {
        // The server knew the prompt from the first.
        let by_server = Amounts { input: used.input, ..*reserved };
        for level in &mut self.levels {
            let scope = level.scope();
            let reserved = if level.knows(at) { by_server.of(scope) } else { reserved.of(scope) };
            level.correct(reserved, used.of(scope), now);
        }
    }

    /// A request was refused that is admitted again after this wait, as far as is told by this limit.
    pub(super) fn refused(
        &mut self,
        scope: Option<LimitScope>,
        cost: &Amounts,
        wait: Duration,
        now: u64,
    ) {
        let level = match scope {
            Some(scope) => self.levels.iter_mut().find(|level| level.scope() == scope),
            None => {
                let share = |level: &Level| level.share_left(now);
                self.levels.iter_mut().min_by(|a, b| share(a).total_cmp(&share(b)))
            }
        };
        if let Some(level) = level {
            level.refused(cost.of(level.scope()), nanos(wait), now);
        }
    }

    /// How long the sender has to wait who wants this, behind those in front of it.
    pub(super) fn wait_for(&self, cost: &Amounts, ahead: &Sum, now: u64) -> Option<Duration> {
        let wait = |level: &Level| {
            let scope = level.scope();
            // What is added for care does not make it larger than a limit that it fits to.
            let amount = cost.of(scope).min(level.limit());
            level.wait_for(amount, ahead.of(scope), self.answers_tell, now)
        };
        self.levels.iter().filter_map(wait).max().map(Duration::from_nanos)
    }

    /// The time until windows begin into which this fits, if it does not fit into what is left of the current ones.
    pub(super) fn resets_in(&self, cost: &Amounts, now: u64) -> Duration {
        let wait = |level: &Level| level.resets_in(cost.of(level.scope()).min(level.limit()), now);
        Duration::from_nanos(self.levels.iter().filter_map(wait).max().unwrap_or(0))
    }

    /// The limit that this is more than, if one is.
    pub(super) fn exceeded_by(&self, cost: &Amounts) -> Option<(LimitScope, u64)> {
        let scope = |level: &&Level| cost.of(level.scope()) > level.limit();
        self.levels.iter().find(scope).map(|level| (level.scope(), level.limit()))
    }

    /// The limit of requests, what is left of it, and when all of it is there.
    pub(super) fn requests(&self, now: u64) -> Option<(u64, u64, Duration)> {
        let level = self.levels.iter().find(|level| level.scope() == LimitScope::Requests)?;
        let reset = Duration::from_nanos(level.full_in(now));
        Some((level.limit(), level.left(now).max(0.0) as u64, reset))
    }
}

/// What headers tell limits of that are kept to.
const SCOPES: [LimitScope; 4] =
    [LimitScope::Requests, LimitScope::Tokens, LimitScope::InputTokens, LimitScope::OutputTokens];

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wait(pool: &Pool, requests: u64, tokens: u64, now: Duration) -> Option<Duration> {
        let cost = Amounts { requests: 1, input: tokens as u32, output: 0 };
        let ahead = Sum { requests: requests - 1, ..Sum::default() };
        pool.wait_for(&cost, &ahead, nanos(now))
    }

    #[test]
    fn what_remains_of_a_window_is_all_until_the_reset() {
        let mut pool = Pool::default();
        assert_eq!(wait(&pool, 100, 0, SECOND), None);
        let told = RateLimit::new(Some(10), Some(2), Some(6 * SECOND));
        pool.learn(&told, &Amounts::default(), false, nanos(SECOND), SECOND);
        assert_eq!(wait(&pool, 2, 0, SECOND), None);
        assert_eq!(wait(&pool, 3, 0, 3 * SECOND), Some(4 * SECOND));
        assert_eq!(wait(&pool, 3, 0, 7 * SECOND), None);
    }

    #[test]
    fn where_refusals_alone_tell_what_remains_nothing_is_kept_for_others() {
        let seconds_between = |is_refused: bool| {
            let mut pool = Pool::default();
            let told = RateLimit::new(Some(20), Some(0), Some(60 * SECOND));
            pool.learn(&told, &Amounts::default(), is_refused, 0, Duration::ZERO);
            let cost = Amounts { requests: 1, input: 0, output: 0 };
            pool.refused(None, &cost, SECOND, 0);
            pool.take(&cost, nanos(SECOND));
            wait(&pool, 1, 0, SECOND).unwrap().as_secs()
        };
        assert_eq!(seconds_between(true), 3);
        assert!(seconds_between(false) > 10);
    }

    #[test]
    fn what_was_answered_a_moment_before_is_in_what_remains() {
        let mut pool = Pool::default();
        let cost = Amounts { requests: 1, input: 0, output: 0 };
        let at = |number: u64| SECOND + Duration::from_millis(number);
        for number in 0..10 {
            assert_eq!(wait(&pool, 1, 0, at(number)), None, "{number}");
            pool.take(&cost, nanos(at(number)));
            let told = RateLimit::new(Some(10), Some(9 - number), Some(4 * SECOND));
            pool.learn(&told, &cost, false, nanos(at(number)), at(number + 1));
        }
        assert!(wait(&pool, 1, 0, at(20)).is_some());
        // What is under way is not.
        let told = |remaining| RateLimit::new(Some(10), Some(remaining), Some(4 * SECOND));
        let mut pool = Pool::default();
        pool.learn(&told(10), &Amounts::default(), false, nanos(at(0)), at(0));
        (1..=5).for_each(|number| pool.take(&cost, nanos(at(number))));
        pool.learn(&told(9), &cost, false, nanos(at(1)), at(10));
        assert_eq!(wait(&pool, 5, 0, at(10)), None);
        assert!(wait(&pool, 6, 0, at(10)).is_some());
    }

    #[test]
    fn a_bucket_shows_by_its_reset_and_is_filled_evenly() {
        let mut pool = Pool::default();
        // 1500 of 10,000 tokens were taken, which are there again in 9 s: 60 s for all.
        let told = RateLimit::new(Some(1000), Some(999), Some(SECOND * 60 / 1000)).with_tokens(
            Some(10_000),
            Some(8500),
            Some(9 * SECOND),
        );
        pool.learn(&told, &Amounts::default(), false, 0, Duration::ZERO);
        assert!(pool.counts_tokens());
        assert_eq!(wait(&pool, 1, 8500, Duration::ZERO), None);
        let seconds = wait(&pool, 1, 9000, Duration::ZERO).unwrap().as_secs_f64();
        assert!((2.9..3.2).contains(&seconds), "{seconds}");
        let large = Amounts { requests: 1, input: 9000, output: 1001 };
        assert_eq!(pool.exceeded_by(&large), Some((LimitScope::Tokens, 10_000)));
        // A request takes 4000; the server counted 1900 at first, and in the end it took 1000.
        let cost = Amounts { requests: 1, input: 3000, output: 1000 };
        pool.take(&cost, 0);
        assert!(wait(&pool, 1, 5000, Duration::ZERO).is_some());
        let told = RateLimit::new(Some(1000), Some(998), Some(SECOND * 120 / 1000)).with_tokens(
            Some(10_000),
            Some(6600),
            Some(SECOND * 204 / 10),
        );
        pool.learn(&told, &cost, false, 0, Duration::ZERO);
        pool.correct(&cost, &Amounts { requests: 1, input: 900, output: 100 }, 0, 0);
        assert_eq!(wait(&pool, 1, 7500, Duration::ZERO), None);
        // And of one that is refused it says when.
        pool.refused(Some(LimitScope::Tokens), &cost, 10 * SECOND, 0);
        let seconds = wait(&pool, 1, 4000, Duration::ZERO).unwrap().as_secs_f64();
        assert!((9.9..10.1).contains(&seconds), "{seconds}");
    }
}
