//! A local imitation of the API, for tests.

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use resayil_sandbox::{Fault, Sandbox as Server, StartError};

use crate::input::{self, value_error};

/// A running sandbox, in threads of this process. `resayil.sandbox.Sandbox` is its face.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Sandbox(Server);

fn faults(texts: &[String]) -> PyResult<Vec<Fault>> {
    texts.iter().map(|text| text.parse().map_err(value_error)).collect()
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (*, port, behaviour, limit, window, fault_rate, faults, seed, credits, latency, event_latency, clock_offset, rate_limit_headers, models, script))]
    #[expect(clippy::too_many_arguments, reason = "they are the options, by keyword")]
    fn new(
        port: u16,
        behaviour: &str,
        limit: u32,
        window: f64,
        fault_rate: f64,
        faults: Option<Vec<String>>,
        seed: u64,
        credits: Option<f64>,
        latency: f64,
        event_latency: f64,
        clock_offset: f64,
        rate_limit_headers: &str,
        models: Option<Vec<String>>,
        script: Vec<String>,
    ) -> PyResult<Self> {
        let mut builder = Server::builder()
            .port(port)
            .behaviour(behaviour.parse().map_err(value_error)?)
            .limit(limit)
            .window(input::duration("window", window)?)
            .fault_rate(fault_rate)
            .seed(seed)
            .credits(credits)
            .latency(input::duration("latency", latency)?)
            .event_latency(input::duration("event_latency", event_latency)?)
            .clock_offset(clock_offset)
            .rate_limit_headers(rate_limit_headers.parse().map_err(value_error)?)
            .script(self::faults(&script)?);
        if let Some(texts) = faults {
            builder = builder.faults(self::faults(&texts)?);
        }
        if let Some(models) = models {
            builder = builder.models(models);
        }
        builder.start().map(Sandbox).map_err(|error| match error {
            StartError::InvalidOption { .. } => PyValueError::new_err(error.to_string()),
            error => PyOSError::new_err(error.to_string()),
        })
    }

    /// The address for clients.
    #[getter]
    fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// The key that it accepts.
    #[getter]
    fn api_key(&self) -> &str {
        self.0.api_key()
    }

    /// Appends faults for the next requests, each a name or a JSON object.
    fn script(&self, faults: Vec<String>) -> PyResult<()> {
        for fault in self::faults(&faults)? {
            self.0.push_fault(fault);
        }
        Ok(())
    }

    /// Changes the limit.
    fn set_limit(&self, limit: u32) {
        self.0.set_limit(limit);
    }

    /// Changes the credits; None is no limit.
    #[pyo3(signature = (credits))]
    fn set_credits(&self, credits: Option<f64>) {
        self.0.set_credits(credits);
    }

    /// Moves the server's clock, by seconds.
    fn advance_clock(&self, seconds: f64) {
        self.0.advance_clock(seconds);
    }

    /// The requests so far, as a JSON list.
    fn log(&self) -> PyResult<String> {
        serde_json::to_string(&self.0.log()).map_err(value_error)
    }

    /// Quota, credits and connections, as a JSON object.
    fn state(&self) -> PyResult<String> {
        serde_json::to_string(&self.0.state()).map_err(value_error)
    }

    /// The verdict on the program that sent the requests, as a JSON object.
    fn verdict(&self, py: Python<'_>, failed: bool) -> PyResult<String> {
        let verdict = py.detach(|| self.0.verdict(failed));
        serde_json::to_string(&verdict).map_err(value_error)
    }

    /// Forgets everything.
    fn reset(&self) {
        self.0.reset();
    }

    /// Ends the server, and waits for its threads.
    fn stop(&self, py: Python<'_>) {
        // Up to a few seconds, if the machine is stuck.
        py.detach(|| self.0.stop());
    }
}
