//! What a request costs in tokens, and how the server charges it.

use fastrand::Rng;

/// The tokens of one job.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct JobCost {
    /// Of the prompt, as the server counts them.
    pub(crate) input: u64,
    /// Of the answer.
    pub(crate) output: u64,
    /// What the request allows the answer, if it says so.
    pub(crate) max_output: Option<u64>,
    /// The bytes of the prompt, from which a client may guess its tokens.
    pub(crate) bytes: u64,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Counts {
    Requests,
    /// Of the prompt and of the answer.
    Tokens,
    Input,
    Output,
}

/// When the server counts the tokens of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Charge {
    /// All that the request allows at its entry; what was not used is given back with the answer. A
    /// request that does not say is taken for what the answer will be.
    AtEntry,
    /// When the answer is there, and so perhaps beyond the limit.
    AtEnd,
}

impl Counts {
    /// What is counted when the request arrives.
    pub(crate) fn at_entry(self, cost: &JobCost, charge: Charge) -> u64 {
        let output = match charge {
            Charge::AtEntry => cost.max_output.unwrap_or(cost.output),
            Charge::AtEnd => 0,
        };
        self.of(cost.input, output)
    }

    /// What is counted in the end.
    pub(crate) fn in_the_end(self, cost: &JobCost) -> u64 {
        self.of(cost.input, cost.output)
    }

    fn of(self, input: u64, output: u64) -> u64 {
        match self {
            Counts::Requests => 1,
            Counts::Tokens => input + output,
            Counts::Input => input,
            Counts::Output => output,
        }
    }
}

/// Costs with a heavy tail: most prompts are short, and some are as long as fifty of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeavyTail {
    /// Whether requests name the most that the answer may be.
    pub(crate) names_max: bool,
}

impl HeavyTail {
    /// The cost of a job, which is the same under every policy.
    pub(crate) fn draw(self, random: &mut Rng) -> JobCost {
        let input = log_normal(random, 400.0, 1.2).clamp(20.0, 20_000.0) as u64;
        let output = log_normal(random, 200.0, 1.0).clamp(5.0, 4_000.0) as u64;
        // As people choose it: a round number above what they expect.
        let max_output = self.names_max.then(|| (output * 3 / 2).next_power_of_two().max(256));
        // Four bytes a token, more or less.
        let bytes = (input as f64 * (3.4 + 1.2 * random.f64())) as u64;
        JobCost { input, output, max_output, bytes }
    }
}

/// By Box and Muller.
pub(crate) fn log_normal(random: &mut Rng, median: f64, sigma: f64) -> f64 {
    let normal = (-2.0 * (1.0 - random.f64()).ln()).sqrt()
        * (2.0 * std::f64::consts::PI * random.f64()).cos();
    median * (sigma * normal).exp()
}
