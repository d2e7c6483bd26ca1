//! Tokens: what answers say they took, and what was estimated before.

use resayil::quota::Cost;
use serde::{Deserialize, Serialize};

/// Tokens of all answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Tokens {
    /// Answers that say what they took; the rest is of these.
    pub(super) answers: u64,
    /// Of prompts.
    pub(super) input: u64,
    /// Of answers.
    pub(super) output: u64,
    /// What the prompts were taken for before they were sent.
    pub(super) estimated_input: u64,
    /// The most that the requests allowed their answers, where they say.
    pub(super) estimated_output: u64,
}

#[derive(Deserialize)]
struct Answer {
    usage: Option<Usage>,
}

/// In the names of chat completions and of responses.
#[derive(Deserialize)]
struct Usage {
    #[serde(alias = "input_tokens", default)]
    prompt_tokens: u64,
    #[serde(alias = "output_tokens", default)]
    completion_tokens: u64,
}

impl Tokens {
    /// Adds what an answer took.
    pub(super) fn add(&mut self, request: &[u8], answer: &[u8]) {
        let Ok(Answer { usage: Some(usage) }) = serde_json::from_slice(answer) else { return };
        self.answers += 1;
        self.input = self.input.saturating_add(usage.prompt_tokens);
        self.output = self.output.saturating_add(usage.completion_tokens);
        let estimate = Cost::estimate(request);
        let add = |sum: &mut u64, tokens: Option<u64>| {
            *sum = sum.saturating_add(tokens.unwrap_or_default());
        };
        add(&mut self.estimated_input, estimate.input_tokens());
        add(&mut self.estimated_output, estimate.output_tokens());
    }

    /// What was estimated against what was used, for people.
    pub(super) fn estimate(&self) -> String {
        if self.answers == 0 {
            return "no answer says what it took".to_owned();
        }
        let ratio = self.estimated_input as f64 / self.input.max(1) as f64;
        let mut text = format!("prompts estimated at {ratio:.2} times that");
        if self.estimated_output > 0 {
            let ratio = self.estimated_output as f64 / self.output.max(1) as f64;
            text += &format!(", answers at {ratio:.2}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_what_cannot_be_read_adds_nothing() {
        let mut tokens = Tokens::default();
        tokens.add(b"{}", br#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#);
        tokens.add(b"{}", br#"{"usage":{"input_tokens":30,"output_tokens":40}}"#);
        for answer in [&b"{}"[..], b"", br#"{"usage":null}"#, br#"{"usage":{"prompt_tokens":"x"}}"#]
        {
            tokens.add(b"{}", answer);
        }
        assert_eq!((tokens.answers, tokens.input, tokens.output), (2, 33, 44));
        assert!(tokens.estimate().starts_with("prompts estimated at "), "{}", tokens.estimate());
        let request = br#"{"messages":[{"role":"user","content":"Hello there"}],"max_tokens":88}"#;
        tokens.add(request, br#"{"usage":{"prompt_tokens":3,"completion_tokens":0}}"#);
        assert_eq!(tokens.estimated_output, 88);
        assert!(tokens.estimate().ends_with(", answers at 2.00"), "{}", tokens.estimate());
    }
}
