//! The errors of LLM APIs, and what to do about them.
//!
//! - [`classify`] reads an answer and says what went wrong, as an [`Error`] of a [`Kind`].
//! - A [`Policy`] decides whether and when to try again; a [`Call`] is one use of it.
//! - A [`Quota`] admits requests in order, so that none is refused.
//! - A [`Fallback`] says where to go with a request that its first target does not serve; a
//!   [`ConcurrencyLimiter`] holds the number of requests in flight.
//!
//! This crate does no input or output, reads no clock, does not sleep and has no global state: the
//! caller passes the time in and waits by its own means. So it serves blocking and async programs,
//! every language that binds it, and tests in virtual time. No input makes it panic.
//!
//! For a ready client see the crate `resayil`.
#![forbid(unsafe_code)]

mod answer;
mod call;
mod concurrency;
mod error;
mod kind;
mod limit_scope;
mod messages;
mod named;
mod observe;
mod provider;
mod quota;
mod record;
mod retry;
mod rng;
mod severity;
mod stop_reason;
mod stream;
mod text;
mod timestamp;
mod unknown_name;

pub use answer::classify::{Classifier, classify};
pub use answer::header_block::HeaderBlock;
pub use answer::request_id::request_id;
pub use call::{
    Attempt, Fallback, FallbackBuilder, FallbackCall, FallbackTarget, Operation, OperationOptions,
    PendingResponse, Reached, Service, Step, WaitReason,
};
pub use concurrency::{ConcurrencyLimit, ConcurrencyLimiter, ConcurrencyPermit, ConcurrencyState};
pub use error::{
    Error, FieldError, HeaderList, HintSource, MAX_BODY_BYTES, MAX_FIELD_ERRORS, MAX_HEADER_BYTES,
    MAX_HEADERS, MAX_MESSAGE_BYTES, RateLimit, RequestState,
};
pub use kind::{Kind, KindRow};
pub use limit_scope::LimitScope;
pub use messages::{ARABIC, ENGLISH, Messages, MessagesError};
pub use observe::{
    CallAction, CallEvent, Counters, Instrument, LogLevel, Metric, MetricRow, Observer, Stats,
    Warning,
};
pub use provider::Provider;
pub use quota::{
    Admission, Cost, EnterOptions, Place, Priority, Quota, QuotaDelay, QuotaGrant, QuotaModel,
    QuotaOperation, QuotaOptions, QuotaReply, QuotaRequest, QuotaState, QuotaStore, Settlement,
    Ticket,
};
pub use retry::{
    Budget, BudgetOptions, Call, Decision, Jitter, Policy, PolicyBuilder, PolicyError, RetryReason,
    StopReason,
};
pub use severity::Severity;
pub use stream::{MAX_EVENT_BYTES, MAX_PARTIAL_BYTES, StreamDecoder, StreamEnd, StreamEvent};
pub use text::own_key::OwnKey;
pub use text::redact::redact;
pub use timestamp::Timestamp;
pub use unknown_name::UnknownName;
