//! The C interface: `include/resayil.h` is made from this crate.
//!
//! One file for each C type. Exported functions are written out, because the generator of the
//! header does not see through macros; each one runs inside [`panic::guard`].
// The names are those of C, and the safety of all functions is one contract: the comment at the
// head of the header (cbindgen.toml).
#![allow(non_camel_case_types)]
// C reaches them all; and cbindgen reads constants that Rust itself has no use for.
#![allow(unreachable_pub, dead_code)]
#![allow(clippy::missing_safety_doc)]

#[macro_use]
mod panic;

mod account;
mod budget;
mod building;
mod call;
mod cancel;
mod chat_request;
mod chat_stream;
mod classify;
mod client;
mod completion;
mod concurrency_limiter;
mod error;
mod event;
mod exclusive;
mod fallback;
mod headers;
mod kind;
mod messages;
mod metrics;
mod names;
mod operation;
mod options;
mod policy;
mod quota;
mod response;
mod service;
mod status;
mod stream;
mod text;
mod ticket;
mod time;
mod user;
mod version;
mod waker;
