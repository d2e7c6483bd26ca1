//! The native half of the Python package `resayil`.
//!
//! Thin: it carries values across the border and decides nothing. Exceptions are Python classes in
//! `python/resayil/_exceptions.py`; sleeping is done in Python.

mod budget;
mod builtin;
mod call;
mod call_options;
mod chat_stream;
mod classify;
mod client;
mod client_options;
mod command;
mod counters;
mod enter;
mod error;
mod error_new;
mod event_queue;
mod exceptions;
mod fallback;
mod fleet;
mod headers;
mod host_quota;
mod input;
mod interrupt;
mod messages;
mod observer;
mod operation;
mod pending;
mod policy;
mod predicate;
mod quota;
mod rate_limit;
mod read_ahead;
mod sandbox;
mod stream;
mod stream_watch;
mod table;
mod wake;
mod wire;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::budget::Budget;
    #[pymodule_export]
    use crate::builtin::read_builtin;
    #[pymodule_export]
    use crate::call::{Call, Decision};
    #[pymodule_export]
    use crate::chat_stream::ChatStream;
    #[pymodule_export]
    use crate::classify::{classify, read_error};
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::command::run_command;
    #[pymodule_export]
    use crate::counters::{Counters, metrics};
    #[pymodule_export]
    use crate::error::NativeError;
    #[pymodule_export]
    use crate::exceptions::to_exception;
    #[pymodule_export]
    use crate::fallback::{Fallback, FallbackCall, FallbackTarget};
    #[pymodule_export]
    use crate::fleet::FleetQuota;
    #[pymodule_export]
    use crate::host_quota::HostQuota;
    #[pymodule_export]
    use crate::input::monotonic_now;
    #[pymodule_export]
    use crate::messages::Messages;
    #[pymodule_export]
    use crate::operation::Operation;
    #[pymodule_export]
    use crate::pending::Pending;
    #[pymodule_export]
    use crate::policy::RetryPolicy;
    #[pymodule_export]
    use crate::quota::{Quota, QuotaState, Ticket};
    #[pymodule_export]
    use crate::rate_limit::RateLimit;
    #[pymodule_export]
    use crate::sandbox::Sandbox;
    #[pymodule_export]
    use crate::stream::StreamDecoder;
    #[pymodule_export]
    use crate::stream_watch::StreamWatch;
    #[pymodule_export]
    use crate::table::{
        jitters, kinds, otel_provider, provider_at, providers, retry_reasons, stop_reasons,
    };
    #[pymodule_export]
    use crate::wake::wait_for_threads;
    #[pymodule_export]
    use crate::wire::Wire;
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python uses")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
