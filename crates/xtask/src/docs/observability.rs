//! The page on logs, traces and metrics. The metrics and reasons come from core; that the attributes of
//! events are those that are emitted is tested where they are: in `crates/client/tests/tracing.rs` and
//! `tests/python/test_observability.py`.

use std::fmt::Write as _;

use resayil_core::observe::Metric;
use resayil_core::retry::{RetryReason, StopReason};

const EVENTS: &str = "\
| event | level in Rust | level in Python | when |
|---|---|---|---|
| `resayil.retry` | WARN | WARNING | the request is sent again |
| `resayil.stop` | INFO | INFO | the error is given to the caller |
| `resayil.quota_wait` | DEBUG | DEBUG | the request waits until the quota admits it |
| `resayil.warning` | WARN | WARNING | something is unwise, but goes on |
";

/// In Rust by the crate `tracing`, in Python on the log record, in C by its accessor.
const ATTRIBUTES: &str = "\
| attribute in Rust | on the log record in Python | in C: `resayil_event_` | what it is |
|---|---|---|---|
| `resayil.action` | `action` | `action` | `retry`, `stop`, `quota_wait` or `warning` |
| `resayil.reason` | `reason` | `reason` | why, see below |
| `resayil.attempt` | `attempt` | `attempt` | requests that were sent for the call so far; for `retry` in Python calls of the function |
| `resayil.delay` | `delay` | `delay` | seconds until the next attempt; absent if there is none, or if the quota says when |
| `error.type` | `kind`, `error.type` | `kind` | the [kind of the error](errors.md) |
| `http.response.status_code` | `status`, `http.response.status_code` | `status` | the status of the answer |
| `http.request.resend_count` | `http.request.resend_count` | | how many times the request had been sent before; absent for the first |
| `resayil.error.code` | `code` | `code` | the provider's code of the error |
| `resayil.request_id` | `request_id` | `request_id` | the provider's id of the request |
| | `callable` | | the name of the function or transport, or `Client` |
";

const SPAN: &str = "\
| attribute | what it is |
|---|---|
| `otel.name` | the name of the span: `chat` and the model, else the method |
| `otel.kind` | `client` |
| `otel.status_code` | `ERROR` for a call that gave an error |
| `gen_ai.operation.name` | `chat` |
| `gen_ai.provider.name` | the provider, in the words of OpenTelemetry's registry |
| `gen_ai.request.model` | the model that was asked for |
| `gen_ai.response.model` | the model that answered |
| `gen_ai.usage.input_tokens` | tokens of the request; not for streams |
| `gen_ai.usage.output_tokens` | tokens of the answer; not for streams |
| `http.request.method` | `POST` or `GET` |
| `http.response.status_code` | the status of the error that the call gave |
| `server.address` | the host of the base URL |
| `server.port` | its port |
| `error.type` | the [kind of the error](errors.md) that the call gave |
| `resayil.attempts` | requests that were sent for the call |
";

const PYTHON_SPANS: &str = "\
### In Python

```sh
pip install 'resayil[otel]'
```

```python
import resayil.opentelemetry

resayil.opentelemetry.instrument()  # uninstrument() ends it
```

From then on each call of `Client` and `AsyncClient` and each request through a transport of `resayil.httpx`, `httpx2`, \
`requests` or `aiohttp` is a span of the kind `client`, with the attributes above but the `otel.` ones, which are the span's \
own name, kind and status; each call of a function decorated with `retry`, and each loop of `attempts`, is one of the kind \
`internal`, and those of what it calls are inside. What was decided on the attempts are events of the span: `resayil.retry`, \
`resayil.stop`, `resayil.quota_wait` and `resayil.warning`, with the attributes of the table of events. A stream of the \
client knows its tokens where the service sends them; a transport sees those of whole answers alone. Calls of a model also \
feed the two histograms that the conventions have for clients:

| metric | unit | attributes |
|---|---|---|
| `gen_ai.client.operation.duration` | `s` | `gen_ai.operation.name`, `gen_ai.provider.name`, `gen_ai.request.model`, `gen_ai.response.model`, `server.address`, `server.port`, `error.type` |
| `gen_ai.client.token.usage` | `{token}` | the same but `error.type`, and `gen_ai.token.type`: `input` or `output` |

The duration is that of the whole call, with its attempts and waits. `instrument` takes a `tracer_provider` and a \
`meter_provider`; by default those of OpenTelemetry are used. An instrumentation of an SDK above counts the same calls: \
leave one of them out.

";

pub(super) fn page() -> String {
    let mut page = format!(
        "<!-- Written by `cargo xtask docs` from the table of metrics in \
         crates/core/src/observe/metric.rs and from crates/xtask/src/docs/observability.rs. Change \
         those, not this page. -->\n\n\
         # Logs, traces and metrics\n\n\
         One event a decision, and counters that can be read at any time, the same in every language. \
         Names are those of [OpenTelemetry's conventions](https://opentelemetry.io/docs/specs/semconv/) \
         where it has one, else they begin with `resayil.`. No event, span or metric holds a key, a \
         prompt or an answer: only the provider's message, redacted, is in an event's text.\n\n\
         ## Events\n\n{EVENTS}\n\
         - **Rust**: `ClientBuilder::observer` is told a `CallEvent`; with `observer_level` also of each request and each \
         answer. With the cargo feature `tracing` each is also an event of the crate `tracing` with the target `resayil`. The feature is off by default: \
         without it there is neither the dependency nor its cost.\n\
         - **C and C++**: `resayil_client_builder_observer` and `ClientBuilder::observer`; \
         `resayil_event_summary` is a whole log line.\n\
         - **Python**: `logging.getLogger(\"resayil\")`, for the client, for `@resayil.retry` and for the \
         transports. What is not known is `None`; names with dots are left out then.\n\n\
         {ATTRIBUTES}\n\
         ### Reasons\n\nOf a retry:"
    );
    list(&mut page, RetryReason::ALL.iter().map(|reason| reason.name()));
    page.push_str("\n\nOf a stop:");
    list(&mut page, StopReason::ALL.iter().map(|reason| reason.name()));
    let _ = write!(
        page,
        "\n\nOf other events of the client: `stale_connection` (a retry on a new connection, free of \
         charge), `quota` (a wait for the quota), `attempt_timeout` and `quota_not_shared` (warnings).\n\n\
         ## Spans\n\n\
         With the feature `tracing` each call of the Rust client is a span `resayil.call` of the level INFO \
         and the target `resayil`, as OpenTelemetry's conventions for generative AI want it; \
         `tracing-opentelemetry` exports it by its `otel.` fields. A stream's span lasts until it is \
         dropped.\n\n{SPAN}\n{PYTHON_SPANS}\
         ## Metrics\n\n\
         `stats()` of a client has the numbers by name, `metrics()` the same as a list for an exporter: \
         `client.stats().metrics()` in Rust, `client.metrics()` in C++ and Python, \
         `resayil_client_get_metrics` in C. Programs with an HTTP client of their own count with `Counters` in \
         Rust and Python, which `@resayil.retry(counters=...)` and the transports take, too. What is unknown \
         is left out.\n\n\
         | metric | instrument | unit | attributes | what it is |\n|---|---|---|---|---|\n"
    );
    for row in Metric::table() {
        let attributes: Vec<_> = row.attributes.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | `{}` | {} | {} |",
            row.name,
            row.instrument,
            row.unit,
            attributes.join(", "),
            row.meaning
        );
    }
    page.push_str(EXPORT);
    page
}

const EXPORT: &str = "\n\
`error.type` is a [kind of error](errors.md), `resayil.reason` one of the reasons above. Counters belong to one \
client; whoever has several tells them apart by an attribute of their own.\n\n\
In Python, for the page that Prometheus reads:\n\n\
```python\n\
for metric in client.metrics():\n    \
    labels = \",\".join('%s=\"%s\"' % (name.replace(\".\", \"_\"), text) for name, text in metric.attributes.items())\n    \
    print(\"%s{%s} %s\" % (metric.name.replace(\".\", \"_\"), labels, metric.value))\n\
```\n\n\
and for OpenTelemetry, where `meter` is one of its SDK's:\n\n\
```python\n\
def observe(name):\n    \
    return lambda _: [Observation(m.value, m.attributes) for m in client.metrics() if m.name == name]\n\n\
for row in resayil.METRICS:\n    \
    create = getattr(meter, f\"create_observable_{row.instrument}\")\n    \
    create(row.name, [observe(row.name)], row.unit, row.description)\n\
```\n\n\
In Rust:\n\n\
```rust,no_run\n\
# let client = resayil::Client::from_env()?;\n\
for metric in client.stats().metrics() {\n    \
    println!(\"{} {:?} {}\", metric.name(), metric.attributes().collect::<Vec<_>>(), metric.value());\n\
}\n\
# Ok::<(), resayil::Error>(())\n\
```\n";

fn list(page: &mut String, names: impl Iterator<Item = &'static str>) {
    let names: Vec<_> = names.map(|name| format!(" `{name}`")).collect();
    page.push_str(&names.join(","));
    page.push('.');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_reason_is_on_the_page() {
        let page = page();
        for row in Metric::table() {
            assert!(page.contains(&format!("| `{}` |", row.name)), "{}", row.name);
        }
        for reason in StopReason::ALL {
            assert!(page.contains(&format!("`{reason}`")), "{reason}");
        }
    }
}
