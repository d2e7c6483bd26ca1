//! From the keyword arguments of `resayil.Client` to a client.

use std::borrow::Cow;
use std::path::PathBuf;

use ::client::{Client, ClientBuilder};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use resayil_core::concurrency::ConcurrencyLimit;

use crate::budget::Budget;
use crate::fallback::Fallback;
use crate::fleet::Fleet;
use crate::policy::{RetryPolicy, count};
use crate::quota::Quota;
use crate::{exceptions, input, observer};

/// Makes a client with this quota, or that of the options; `observer` is told its decisions.
pub(crate) fn build(
    py: Python<'_>,
    options: &Bound<'_, PyDict>,
    quota: Option<&resayil_core::Quota>,
    observer: Option<&Py<PyAny>>,
) -> PyResult<Client> {
    let mut builder = read(options)?;
    if let Some(quota) = quota {
        builder = builder.quota(quota.clone());
    }
    if let Some(observer) = observer {
        let observer = observer.clone_ref(py);
        builder = builder.observer(move |event| observer::notify(&observer, event));
    }
    // Building reads the environment only, but tells the observer.
    py.detach(|| builder.build()).map_err(|error| exceptions::raise(py, error))
}

fn read(options: &Bound<'_, PyDict>) -> PyResult<ClientBuilder> {
    let mut builder = Client::builder();
    let is_set = |name: &str| -> PyResult<bool> {
        Ok(options.get_item(name)?.is_some_and(|value| value.is_truthy().unwrap_or(false)))
    };
    let adaptive = is_set("adaptive_concurrency")?;
    let shares = is_set("share_quota")? || is_set("fleet")?;
    for (name, value) in options {
        if value.is_none() && !name.eq("quota")? {
            continue;
        }
        let name: String = name.extract()?;
        let seconds = || input::duration(&name, value.extract()?);
        builder = match name.as_str() {
            "api_key" => builder.api_key(&value.extract::<Cow<'_, str>>()?),
            "base_url" => builder.base_url(&value.extract::<Cow<'_, str>>()?),
            "allow_http" => builder.allow_http(value.extract()?),
            "provider" => {
                builder.provider(input::provider(Some(&value.extract::<Cow<'_, str>>()?))?)
            }
            "policy" => builder.policy(value.cast::<RetryPolicy>()?.get().0.clone()),
            "budget" => builder.budget(value.cast::<Budget>()?.get().budget.clone()),
            "max_concurrency" if adaptive => {
                builder.concurrency_limit(ConcurrencyLimit::adaptive(count(value.extract()?)))
            }
            "max_concurrency" => {
                builder.concurrency_limit(ConcurrencyLimit::fixed(count(value.extract()?)))
            }
            // It says how the other one is meant.
            "adaptive_concurrency" => builder,
            "fallback" => builder.fallback(value.cast::<Fallback>()?.get().0.clone()),
            "quota" if value.is_none() => builder.no_quota(),
            // It says limit and window; what is counted is shared.
            "quota" if shares => builder.quota_options(value.cast::<Quota>()?.get().options()),
            "quota" => builder.quota(value.cast::<Quota>()?.get().handle()),
            "share_quota" => builder.share_quota(value.extract()?),
            "fleet" => Fleet::read(&value)?.apply(builder),
            "tokens_per_minute" => builder.tokens_per_minute(value.extract::<u64>()?),
            "quota_group" => builder.quota_group(value.extract::<String>()?),
            "quota_folder" => builder.quota_folder(value.extract::<PathBuf>()?),
            "connect_timeout" => builder.connect_timeout(seconds()?),
            "attempt_timeout" => builder.attempt_timeout(seconds()?),
            "idle_timeout" => builder.idle_timeout(seconds()?),
            "first_byte_timeout" => builder.first_byte_timeout(seconds()?),
            "max_wire_bytes" => builder.max_wire_bytes(value.extract()?),
            "max_head_bytes" => builder.max_head_bytes(value.extract()?),
            "max_headers" => builder.max_headers(value.extract()?),
            "expect_continue_above" => builder.expect_continue_above(value.extract::<usize>()?),
            "proxy" if value.is(PyBool::new(value.py(), false)) => builder.no_proxy(),
            "proxy" => builder.proxy(&value.extract::<Cow<'_, str>>()?),
            "ca_file" => builder.ca_file(value.extract::<PathBuf>()?),
            "ca_pem" => builder.ca_pem(pem(&value)?),
            "client_cert" => {
                let (certificate, key) = value.extract::<(PathBuf, PathBuf)>()?;
                builder.client_cert_file(certificate, key)
            }
            "max_response_bytes" => builder.max_response_bytes(value.extract()?),
            "default_headers" => value
                .extract::<Vec<(String, String)>>()?
                .iter()
                .fold(builder, |builder, (name, value)| builder.default_header(name, value)),
            "default_query" => value
                .extract::<Vec<(String, String)>>()?
                .iter()
                .fold(builder, |builder, (name, value)| builder.default_query(name, value)),
            "user_agent" => builder.user_agent(&value.extract::<Cow<'_, str>>()?),
            _ => {
                let message = format!("Client has no option {name:?}");
                return Err(PyTypeError::new_err(message));
            }
        };
    }
    Ok(builder)
}

/// PEM, which is text or bytes.
fn pem(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match value.extract::<Cow<'_, str>>() {
        Ok(text) => Ok(text.as_bytes().to_vec()),
        Err(_) => value.extract(),
    }
}
