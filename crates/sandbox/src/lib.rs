//! A local imitation of the LLM Resayil API that can misbehave on purpose.
//!
//! The sandbox listens on loopback only, answers the endpoints that a client of the API uses, counts
//! requests in clock-aligned windows as the real server does, and carries out [`Fault`]s: by script,
//! for the very next requests, or by rate, under a seeded generator. It writes down every request
//! ([`LogEntry`]), so that a test can say "each prompt was answered once, none was sent too early".
//!
//! ```
//! use resayil_sandbox::{Behaviour, Fault, Sandbox};
//!
//! let sandbox = Sandbox::builder().behaviour(Behaviour::Server).limit(20).start()?;
//! sandbox.push_fault(Fault::ServerError); // the next chat request gets a 500
//! println!("{} with key {}", sandbox.base_url(), sandbox.api_key());
//! assert!(sandbox.log().is_empty());
//! // Dropping the handle stops the server and closes every connection.
//! # Ok::<(), resayil_sandbox::StartError>(())
//! ```
//!
//! # Order of checks
//!
//! As on the real server: 413, route, auth (401), validation (422), quota (429), credits (402), model
//! (404), then the upstream. A request refused by any of these consumes no quota; one that fails
//! upstream (503 and the other [upstream faults](Fault::is_upstream)) does.
//!
//! # What compatible services have besides
//!
//! LLM Resayil refuses tools and has no embeddings. With [`Builder::openai_features`] the sandbox has both, as
//! OpenAI's API does: roles `tool` and `developer`, texts in parts, `tools` and `tool_choice`, and
//! `POST {base}/embeddings`. The model calls the tools that the last user message names, and repeats what came
//! of them; a vector is the same for the same input.
//!
//! # A fault by URL
//!
//! A request below `/fault/<name>~<parameter>=<value>`, such as
//! `http://127.0.0.1:PORT/fault/early_answer~status=429/v1/chat/completions`, meets that [`Fault`] before any
//! check, and consumes no quota. Each further parameter follows another `~`; a value is a number or a text.
//!
//! # Control plane
//!
//! Programs in other languages drive a running sandbox over HTTP on the same port, without a key:
//!
//! | request | effect |
//! |---|---|
//! | `GET /_sandbox/log` | the log, a JSON list of [`LogEntry`] |
//! | `POST /_sandbox/faults` | a JSON list of [`Fault`]s, appended to the script |
//! | `GET /_sandbox/verdict` | a JSON object, the [`Verdict`] on the program that sent the requests |
//! | `POST /_sandbox/verdict` | the same; `{"failed": true}` says that the program itself told of a failure |
//! | `GET /_sandbox/state` | a JSON object, see [`State`] |
//! | `POST /_sandbox/state` | changes any of `{"limit": 30, "credits": 5.0, "advance_clock": 60.0}` |
//! | `POST /_sandbox/reset` | forgets log, script, quota used and the clock's changes; credits, limit and the generator start over |

#![forbid(unsafe_code)]

mod answer;
mod auth;
mod behaviour;
mod chat;
mod clock;
mod connection;
mod control;
mod embeddings;
mod endpoints;
mod error;
mod exchange;
mod fault;
mod http;
mod inject;
mod judge;
mod log;
mod options;
mod quota;
mod route;
mod sandbox;
mod server;
mod stop;
mod stream;
mod tls;
mod tools;
mod validation;
mod window;
mod wire;

pub use behaviour::Behaviour;
pub use error::{StartError, UnknownName};
pub use fault::{CutEnd, Fault, FaultError};
pub use judge::{Finding, Mistake, Verdict};
pub use log::{Authorization, LogEntry};
pub use options::{Builder, RateLimitHeaders, Tier};
pub use quota::State;
pub use sandbox::Sandbox;
pub use tls::TlsKind;
pub use wire::{WireFault, WireKind};

/// Runs the README's program.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
