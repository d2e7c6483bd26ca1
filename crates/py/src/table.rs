//! The tables that both halves share: kinds, providers, names of options and reasons.

use pyo3::prelude::*;
use resayil_core::retry::{Jitter, RetryReason, StopReason};
use resayil_core::{Kind, Provider};

type KindRow = (u16, &'static str, &'static str, &'static str, bool, &'static str);

/// The table of kinds: number, name, statuses, severity, retryable, class.
#[pyfunction]
pub(crate) fn kinds() -> Vec<KindRow> {
    let row = |row: &resayil_core::error::KindRow| {
        let severity = row.severity.name();
        (row.number, row.name, row.statuses, severity, row.retryable, row.python_class)
    };
    Kind::table().iter().map(row).collect()
}

/// The names of all providers.
#[pyfunction]
pub(crate) fn providers() -> Vec<&'static str> {
    Provider::ALL.iter().map(|provider| provider.name()).collect()
}

/// The names of all forms of jitter.
#[pyfunction]
pub(crate) fn jitters() -> Vec<&'static str> {
    Jitter::ALL.iter().map(|jitter| jitter.name()).collect()
}

/// The reasons of decisions to retry.
#[pyfunction]
pub(crate) fn retry_reasons() -> Vec<&'static str> {
    RetryReason::ALL.iter().map(|reason| reason.name()).collect()
}

/// The reasons of decisions to stop.
#[pyfunction]
pub(crate) fn stop_reasons() -> Vec<&'static str> {
    StopReason::ALL.iter().map(|reason| reason.name()).collect()
}

/// The value of OpenTelemetry's attribute `gen_ai.provider.name` for a provider.
#[pyfunction]
pub(crate) fn otel_provider(provider: &str) -> Option<&'static str> {
    provider.parse::<Provider>().ok().map(Provider::otel_name)
}

/// The name of the provider whose API a host serves; None if it is not known.
#[pyfunction]
pub(crate) fn provider_at(host: &str) -> Option<&'static str> {
    Provider::from_host(host).map(Provider::name)
}
