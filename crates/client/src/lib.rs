//! A client for LLM APIs that handles failing calls right.
//!
//! It waits for the quota before it sends, so that nothing is refused; it classifies every failure
//! and tries again only where that can help; and it says in plain words what went wrong. It speaks
//! the API of LLM Resayil and of all services that are compatible with OpenAI's.
//!
//! ```no_run
//! use resayil::{ChatRequest, Client};
//!
//! # fn main() -> Result<(), resayil::Error> {
//! let client = Client::from_env()?; // RESAYIL_API_KEY
//! let answer = client.chat(&ChatRequest::new("llama3.2:3b").user("What is a quota?"))?;
//! println!("{}", answer.content());
//! # Ok(())
//! # }
//! ```
//!
//! Calls block; any number of threads may use one [`Client`]. Everything of the core, which does the
//! thinking, is exported here too: [`Error`], [`Kind`], [`Policy`], [`Quota`] and the rest.
//!
//! # Limits
//!
//! | limit | default | option |
//! |---|---|---|
//! | making a connection | 10 s | [`ClientBuilder::connect_timeout`] |
//! | the wait for the first byte of an answer | that of the attempt | [`ClientBuilder::first_byte_timeout`] |
//! | one attempt, from the first byte sent to the last received | 120 s | [`ClientBuilder::attempt_timeout`], [`CallOptions::attempt_timeout`] |
//! | the wait for the first event of a stream, and for each next one | 120 s | [`ClientBuilder::attempt_timeout`] |
//! | silence within a stream that has begun | 60 s | [`ClientBuilder::idle_timeout`] |
//! | the whole call, waits and retries included | none | [`CallOptions::deadline`], [`PolicyBuilder::deadline`](retry::PolicyBuilder::deadline) |
//! | the body of an answer, unpacked | 16 MiB | [`ClientBuilder::max_response_bytes`] |
//! | an answer as it comes, packed | 32 MiB | [`ClientBuilder::max_wire_bytes`] |
//! | the body of an error, unpacked | 1 MiB read, [`MAX_BODY_BYTES`](error::MAX_BODY_BYTES) kept | - |
//! | the head of an answer | 64 KiB, 128 headers | [`ClientBuilder::max_head_bytes`], [`ClientBuilder::max_headers`] |
//! | attempts, waits between them | see [`Policy`] | [`ClientBuilder::policy`] |
//!
//! # Logs, traces and metrics
//!
//! [`ClientBuilder::observer`] is told each decision, and [`Client::stats`] counts them. With the cargo
//! feature `tracing`, which is off by default, each decision is also an event of the crate `tracing`
//! with the target `resayil`, inside a span for the call, with the attributes of OpenTelemetry's
//! conventions; see `docs/observability.md`. Neither holds a key or a prompt.
#![forbid(unsafe_code)]

mod account;
mod balance;
mod builder;
mod cancel;
mod chat;
mod chat_request;
mod chat_stream;
mod choice;
mod client;
mod clock;
mod completion;
mod driver;
mod embedding;
mod embedding_request;
mod endpoint;
mod extras;
mod fallback;
mod fields;
#[cfg(feature = "fleet")]
mod fleet;
mod host_quota;
mod members;
mod models;
mod network;
mod options;
mod park;
mod predicate;
mod response;
mod secret;
mod settings;
mod shared;
mod stream_message;
mod tool;
mod tool_call;
mod trace;
mod transport;
mod url;

pub use balance::Balance;
pub use builder::ClientBuilder;
pub use cancel::CancelToken;
pub use chat::{ChatCompletion, Usage};
pub use chat_request::ChatRequest;
pub use chat_stream::{ChatEvent, ChatStream};
pub use choice::{ChatMessage, Choice};
pub use client::Client;
pub use clock::monotonic_now;
pub use embedding::{Embedding, EmbeddingResponse};
pub use embedding_request::{EmbeddingRequest, EncodingFormat};
#[cfg(feature = "fleet")]
pub use fleet::{FleetFailure, FleetQuota, fleet_key};
pub use host_quota::{HostQuota, HostQuotaOptions};
pub use models::Model;
pub use options::CallOptions;
pub use resayil_core::*;
pub use response::Response;
pub use tool::{FunctionTool, ToolChoice};
pub use tool_call::ToolCall;
#[cfg(feature = "wire")]
pub use transport::wire::Wire;

/// Compiles the README's program.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
