//! How a model's answer ended, by the names that providers give to it.

use std::borrow::Cow;

use crate::kind::Kind;

/// How the model's answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stream) enum Finish<'a> {
    /// Its end, or the limit of tokens.
    Normal(Cow<'a, str>),
    /// An end like others behind content, but of an empty answer the reason that it is empty.
    Explains(Kind, Cow<'a, str>),
    ContentFilter,
    Failed(Kind),
}

impl<'a> Finish<'a> {
    /// The end that a server names nowhere, but shows.
    pub(super) fn stop() -> Self {
        Finish::Normal(Cow::Borrowed("stop"))
    }

    /// A reason for the end, by any provider's name; an empty one is none.
    pub(in crate::stream) fn named(reason: Cow<'a, str>) -> Option<Self> {
        let lower = reason.to_ascii_lowercase();
        // Gemini says the same of images.
        Some(match lower.strip_prefix("image_").unwrap_or(&lower) {
            "" | "null" | "none" | "not_finished" | "finish_reason_unspecified" => return None,
            "other" => Finish::Failed(Kind::Server),
            "timeout" => Finish::Failed(Kind::Timeout),
            // DeepSeek, when it is out of machines.
            "insufficient_system_resource" => Finish::Failed(Kind::Overloaded),
            // Cohere, where others say `length`.
            "error_limit" => Finish::Normal(reason),
            "content_filter"
            | "content-filter"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "refusal"
            | "content_filtered"
            | "content_filtering"
            | "contentfiltered"
            | "error_toxic"
            | "sensitive"
            | "guardrail_intervened" => Finish::ContentFilter,
            lower if lower.contains("context") => Finish::Explains(Kind::ContextLength, reason),
            // Whatever else a server calls it: `abort`, `network_error`, `MALFORMED_RESPONSE`.
            lower if lower.split(['_', '-', ' ']).any(|word| FAILURES.contains(&word)) => {
                Finish::Failed(Kind::Server)
            }
            _ => Finish::Normal(reason),
        })
    }

    /// The failure that an answer without any content stands for.
    pub(in crate::stream) fn of_nothing(&self) -> Option<Kind> {
        match self {
            Finish::Normal(_) => None,
            Finish::ContentFilter => Some(Kind::ContentFilter),
            Finish::Explains(kind, _) | Finish::Failed(kind) => Some(*kind),
        }
    }
}

/// Words in the name of an end that is a failure.
const FAILURES: [&str; 7] =
    ["error", "failed", "failure", "abort", "aborted", "malformed", "unexpected"];
