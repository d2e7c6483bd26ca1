//! The English texts. The advice follows the LLM Resayil error guide and its checklist.

use super::Entry;
use super::units::unit;
use crate::kind::Kind;

pub(super) fn duration(seconds: u64) -> String {
    let count =
        |number: u64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    let (unit, number) = unit(seconds);
    count(number, ["second", "minute", "hour", "day"][unit])
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        kind: Kind::Unknown,
        user_message: "Something went wrong. Please try again later.",
        advice: &[
            "Read the provider's message and the raw body.",
            "Log the status, the code and the request id.",
        ],
    },
    Entry {
        kind: Kind::BadRequest,
        user_message: "The request could not be understood.",
        advice: &[
            "Check that the body is valid JSON and that Content-Type is application/json.",
            "Check the method: chat completions are sent with POST.",
            "Compare the parameters with the documentation.",
        ],
    },
    Entry {
        kind: Kind::Validation,
        user_message: "Some of the input is not valid.[ Please check {field}.]",
        advice: &[
            "Read the field errors: they name each invalid field.",
            "Make sure that model and messages are present and that the model exists.",
            "messages has to be a list of objects with role and content.",
        ],
    },
    Entry {
        kind: Kind::NotFound,
        user_message: "The requested model is not available.[ The model was {model}.]",
        advice: &[
            "Check the spelling of the model's name.",
            "List the models that this key can use.",
            "Check the base URL and the path.",
        ],
    },
    Entry {
        kind: Kind::Conflict,
        user_message: "Another request got in the way. Please try again.",
        advice: &[
            "Send the request again.",
            "Do not send the same request twice at the same time.",
        ],
    },
    Entry {
        kind: Kind::PayloadTooLarge,
        user_message: "The request is too large. Please shorten it.",
        advice: &["Send less text or fewer attachments.", "Split the work into several requests."],
    },
    Entry {
        kind: Kind::ContextLength,
        user_message: "The conversation is too long for this model. Please shorten it.",
        advice: &[
            "Shorten the prompt or drop old messages.",
            "Ask for fewer tokens in the answer.",
            "Use a model with a larger context window.",
        ],
    },
    Entry {
        kind: Kind::ContentFilter,
        user_message: "This request was declined by a content filter. Please rephrase it.",
        advice: &["Rephrase the prompt.", "Read the provider's content policy."],
    },
    Entry {
        kind: Kind::Authentication,
        user_message: "The service is not set up correctly. Please contact support.",
        advice: &[
            "Check that the API key is complete and has no spaces around it.",
            "Send it as \"Authorization: Bearer KEY\", with a capital B and one space.",
            "Check that the key has not been revoked and that the account is active.",
            "Create a new key if it may have leaked.",
        ],
    },
    Entry {
        kind: Kind::Permission,
        user_message: "You do not have access to this.",
        advice: &[
            "Check that the account and its subscription are active.",
            "Check what this key and this plan may use.",
        ],
    },
    Entry {
        kind: Kind::PaymentRequired,
        user_message: "The account has run out of credits. Please top it up to go on.",
        advice: &[
            "Top up the balance or choose a larger plan.",
            "Check the balance before sending more requests.",
        ],
    },
    Entry {
        kind: Kind::QuotaExhausted,
        user_message: "The usage limit of this account is reached.[ It resets in {wait}.]",
        advice: &[
            "Do not retry: waiting a moment does not help.",
            "Check the plan, its spending limit and its daily and monthly caps.",
            "Wait for the next period or ask for a higher limit.",
        ],
    },
    Entry {
        kind: Kind::RateLimit,
        user_message: "Too many requests right now. Please try again in {wait|a moment}.",
        advice: &[
            "Wait as long as the server says, then try again.",
            "Watch X-RateLimit-Remaining and slow down before it reaches 0.",
            "Send fewer requests, or choose a plan with a higher limit.",
        ],
    },
    Entry {
        kind: Kind::Overloaded,
        user_message: "The service is busy. Please try again in a moment.",
        advice: &[
            "Try again with exponential back-off.",
            "Use another model for the time being.",
            "If a long prompt fails each time, shorten it: it may not fit.",
        ],
    },
    Entry {
        kind: Kind::Server,
        user_message: "The service had an unexpected problem. Please try again later.",
        advice: &[
            "Try again after 5 to 10 seconds, with exponential back-off.",
            "If it goes on, contact support with the time and the request id.",
        ],
    },
    Entry {
        kind: Kind::Timeout,
        user_message: "The answer took too long. Please try again.",
        advice: &[
            "Allow at least 30 seconds for an answer.",
            "Use streaming, a shorter prompt or a faster model.",
        ],
    },
    Entry {
        kind: Kind::Network,
        user_message: "The connection to the service failed. Please try again.",
        advice: &[
            "Check the network, the proxy and the firewall.",
            "Check the host in the base URL.",
            "Try again in a moment.",
        ],
    },
    Entry {
        kind: Kind::Protocol,
        user_message: "The service gave an answer that cannot be read. Please try again.",
        advice: &[
            "Check that the base URL leads to the API and not to a web page.",
            "Try again; an answer that broke off is usually an accident.",
        ],
    },
    Entry {
        kind: Kind::Cancelled,
        user_message: "The request was cancelled.",
        advice: &["Nothing has to be done."],
    },
    Entry {
        kind: Kind::Deadline,
        user_message: "There was not enough time for an answer.[ It would have taken {wait}.]",
        advice: &[
            "Allow more time for the call.",
            "Send fewer requests, so that none has to wait long.",
        ],
    },
    Entry {
        kind: Kind::Configuration,
        user_message: "The application is not set up correctly. Please contact support.",
        advice: &[
            "Correct the option that the message names.",
            "Read the key from the environment, not from code.",
        ],
    },
];
