//! What a request takes of a quota.

use super::bytes::record;
use super::operation::Ahead;
use crate::error::LimitScope;

/// What a request takes of a quota: itself, and tokens.
///
/// Tokens that are not told are taken for what requests cost lately. What was reserved is corrected when
/// the answer tells what was used: see [`Settlement::usage`](super::Settlement::usage).
///
/// ```
/// use resayil_core::quota::Cost;
///
/// // 1200 tokens of prompt, and `max_tokens` of 500.
/// let cost = Cost::default().with_input_tokens(1200).with_output_tokens(500);
/// assert_eq!((cost.requests(), cost.tokens()), (1, Some(1700)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cost {
    requests: u32,
    /// [`UNTOLD`] if it is not known.
    input: u32,
    output: u32,
}

/// No request has as many tokens.
const UNTOLD: u32 = u32::MAX;

impl Default for Cost {
    /// One request of unknown tokens.
    fn default() -> Self {
        Cost { requests: 1, input: UNTOLD, output: UNTOLD }
    }
}

impl Cost {
    /// The same with so many requests. 0 for what is not counted as one, such as a part of a batch.
    #[must_use]
    pub const fn with_requests(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    /// The same with so many tokens of the prompt; more than 4,294,967,294 count as so many.
    #[must_use]
    pub fn with_input_tokens(mut self, tokens: impl Into<Option<u64>>) -> Self {
        self.input = pack(tokens.into());
        self
    }

    /// The same with so many tokens of the answer: before it is there, the most that the request allows;
    /// more than 4,294,967,294 count as so many.
    #[must_use]
    pub fn with_output_tokens(mut self, tokens: impl Into<Option<u64>>) -> Self {
        self.output = pack(tokens.into());
        self
    }

    /// How many requests it counts as.
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// The tokens of the prompt, if they are known.
    pub fn input_tokens(&self) -> Option<u64> {
        unpack(self.input)
    }

    /// The tokens of the answer, or the most that they may be, if they are known.
    pub fn output_tokens(&self) -> Option<u64> {
        unpack(self.output)
    }

    /// The tokens of both, if both are known.
    pub fn tokens(&self) -> Option<u64> {
        Some(self.input_tokens()? + self.output_tokens()?)
    }

    /// The same with what is not known taken from these.
    #[inline]
    pub(super) fn or(&self, usual: &Amounts) -> Amounts {
        let or = |told, usual| if told == UNTOLD { usual } else { told };
        Amounts {
            requests: self.requests,
            input: or(self.input, usual.input),
            output: or(self.output, usual.output),
        }
    }
}

/// What requests took lately, and how far what was told of it beforehand was right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Experience {
    /// What is unknown of a request's cost is taken for this.
    usual: Amounts,
    /// Tokens of prompts as a multiple of those that were told, and how much that varies.
    ratio: f64,
    spread: f64,
}

record!(Experience { usual, ratio, spread });

impl Default for Experience {
    fn default() -> Self {
        // An estimate by bytes is wrong by a sixth now and then.
        Experience { usual: Amounts::default(), ratio: 1.0, spread: 0.08 }
    }
}

impl Experience {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        (LEAST_RATIO..=MOST_RATIO).contains(&self.ratio)
            && (0.0..=MOST_RATIO).contains(&self.spread)
    }

    /// What a request is reckoned with, and hardly ever more in the end.
    #[inline]
    pub(super) fn expect(&self, cost: &Cost) -> Amounts {
        let mut amounts = cost.or(&self.usual);
        if cost.input != UNTOLD && cost.input > 0 {
            let input = f64::from(cost.input) * (self.ratio + 2.5 * self.spread);
            amounts.input = input as u32;
        }
        amounts
    }

    /// The same for several.
    pub(super) fn expect_all(&self, ahead: &Ahead) -> Sum {
        let mut sum = ahead.resolve(&self.usual);
        let told = ahead.told_input() as f64;
        sum.input =
            sum.input.saturating_add((told * (self.ratio + 2.5 * self.spread - 1.0)) as u64);
        sum
    }

    /// Learns from a request that was reckoned with so much, and of which the answer told this.
    pub(super) fn learn(&mut self, expected: &Amounts, is_input_told: bool, used: &Amounts) {
        self.usual.approach(used);
        if is_input_told && expected.input > 0 && used.input > 0 {
            let told = f64::from(expected.input) / (self.ratio + 2.5 * self.spread);
            let ratio = (f64::from(used.input) / told.max(1.0)).clamp(LEAST_RATIO, MOST_RATIO);
            self.spread += ((ratio - self.ratio).abs() - self.spread) / 16.0;
            self.ratio += (ratio - self.ratio) / 16.0;
        }
    }
}

/// By how much an estimate may be wrong.
const LEAST_RATIO: f64 = 0.1;
const MOST_RATIO: f64 = 4.0;

fn pack(tokens: Option<u64>) -> u32 {
    tokens.map_or(UNTOLD, |tokens| u32::try_from(tokens).unwrap_or(UNTOLD).min(UNTOLD - 1))
}

fn unpack(tokens: u32) -> Option<u64> {
    (tokens != UNTOLD).then_some(u64::from(tokens))
}

/// A cost of which all is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) requests: u32,
    pub(super) input: u32,
    pub(super) output: u32,
}

record!(Amounts { requests, input, output });

impl Amounts {
    /// Goes on to what a request really took, by a fifth.
    pub(super) fn approach(&mut self, used: &Amounts) {
        let next = |usual: u32, used: u32| match usual {
            0 => used,
            _ => ((u64::from(usual) * 4 + u64::from(used)) / 5) as u32,
        };
        self.input = next(self.input, used.input);
        self.output = next(self.output, used.output);
    }

    /// So many times as much.
    pub(super) fn times(&self, count: u32) -> Amounts {
        Amounts {
            requests: self.requests.saturating_mul(count),
            input: self.input.saturating_mul(count),
            output: self.output.saturating_mul(count),
        }
    }

    /// How much of it counts toward a limit of this scope.
    #[inline]
    pub(super) fn of(&self, scope: LimitScope) -> u64 {
        match scope {
            LimitScope::Requests => u64::from(self.requests),
            LimitScope::Tokens => u64::from(self.input) + u64::from(self.output),
            LimitScope::InputTokens => u64::from(self.input),
            LimitScope::OutputTokens => u64::from(self.output),
            _ => 0,
        }
    }
}

/// The costs of several requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) requests: u64,
    pub(super) input: u64,
    pub(super) output: u64,
}

record!(Sum { requests, input, output });

impl Sum {
    /// So many times as much.
    pub(super) fn times(&self, count: u32) -> Sum {
        let times = |it: u64| it.saturating_mul(u64::from(count));
        Sum { requests: times(self.requests), input: times(self.input), output: times(self.output) }
    }

    pub(super) fn add(&mut self, cost: &Amounts) {
        self.requests = self.requests.saturating_add(u64::from(cost.requests));
        self.input = self.input.saturating_add(u64::from(cost.input));
        self.output = self.output.saturating_add(u64::from(cost.output));
    }

    #[inline]
    pub(super) fn of(&self, scope: LimitScope) -> u64 {
        match scope {
            LimitScope::Requests => self.requests,
            LimitScope::Tokens => self.input.saturating_add(self.output),
            LimitScope::InputTokens => self.input,
            LimitScope::OutputTokens => self.output,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_as_usual() {
        let usual = Amounts { requests: 7, input: 300, output: 40 };
        assert_eq!(Cost::default().tokens(), None);
        let amounts = Cost::default().with_output_tokens(100).or(&usual);
        assert_eq!(amounts, Amounts { requests: 1, input: 300, output: 100 });
        assert_eq!(amounts.of(LimitScope::Tokens), 400);
        let most = Cost::default().with_input_tokens(u64::MAX).input_tokens();
        assert_eq!(most, Some(u64::from(u32::MAX) - 1));
    }
}
