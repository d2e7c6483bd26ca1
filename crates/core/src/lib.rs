//! The errors of LLM APIs, and what to do about them.
//!
//! [`classify`] reads an answer and says what went wrong, as an [`Error`] of a [`Kind`]. A [`Policy`]
//! decides whether and when to try again:
//!
//! ```
//! use std::time::Duration;
//! use resayil_core::{Decision, Policy, Timestamp, classify};
//!
//! // What a server answered, got by any HTTP client.
//! let (status, headers) = (429, [("Retry-After", "7")]);
//! let body = br#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#;
//!
//! let mut call = Policy::default().start(Duration::ZERO, 1);
//! if let Err(error) = classify(status, &headers, body, Timestamp::from_unix_seconds(1_700_000_000)) {
//!     match call.on_error(&error, Duration::ZERO) {
//!         Decision::Retry { delay, .. } => assert!(delay >= Duration::from_secs(7)),
//!         Decision::Stop { reason } => panic!("{error} ({reason})"),
//!     }
//! }
//! ```
//!
//! The names above, and few more, are at the top; the rest is in modules:
//!
//! | module | what it is for |
//! |---|---|
//! | [`answer`] | reading answers: a classifier for one provider, raw header blocks, request ids |
//! | [`error`] | the parts of an [`Error`]: rate limits, scopes, hints, invalid fields |
//! | [`messages`] | what to tell people, in English, Arabic or your own words |
//! | [`retry`] | when to try again: the policy's options, jitter, the retry budget |
//! | [`quota`] | a line that admits requests, so that none is refused |
//! | [`concurrency`] | how many requests are in flight at once |
//! | [`stream`] | streamed answers, whose end has to be told from a cut |
//! | [`call`] | the whole course of a call as a machine, with fallbacks: [`Operation`] |
//! | [`observe`] | events for a log, counters for metrics |
//! | [`redaction`] | secrets, taken out of texts |
//!
//! This crate does no input or output, reads no clock, does not sleep and has no global state: the
//! caller passes the time in and waits by its own means. So it serves blocking and async programs,
//! every language that binds it, and tests in virtual time. No input makes it panic.
//!
//! For a ready client see the crate `resayil`.
#![forbid(unsafe_code)]

pub mod answer;
pub mod call;
pub mod concurrency;
pub mod error;
mod kind;
mod limit_scope;
pub mod messages;
mod named;
pub mod observe;
mod option_error;
mod provider;
pub mod quota;
mod record;
#[cfg(feature = "serde")]
mod record_data;
pub mod redaction;
pub mod retry;
mod rng;
mod severity;
mod stop_reason;
pub mod stream;
mod text;
mod timestamp;
mod unknown_name;

pub use answer::classify::classify;
pub use call::Operation;
pub use error::Error;
pub use kind::Kind;
pub use provider::Provider;
pub use quota::Quota;
pub use retry::{Decision, Policy};
pub use stream::StreamDecoder;
pub use timestamp::Timestamp;

/// Runs the README's program.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
