//! What a client counts, under the names by which it is exported.

use ::client::observe::Metric;

use crate::panic::{guard, take_back};
use crate::text::{Pool, Span, resayil_str};

/// What a client counted, at one moment: a list of values for OpenTelemetry, Prometheus and their like;
/// docs/observability.md has the table. Immutable; any thread may read it.
pub struct resayil_metrics {
    pool: Pool,
    rows: Vec<Row>,
}

struct Row {
    name: Span,
    instrument: Span,
    unit: Span,
    attributes: Vec<(Span, Span)>,
    value: f64,
}

impl resayil_metrics {
    pub(crate) fn new(metrics: &[Metric]) -> Self {
        let mut pool = Pool::default();
        let rows = metrics.iter().map(|metric| {
            let mut add = |text: &str| pool.add(text);
            Row {
                name: add(metric.name()),
                instrument: add(metric.row().instrument.name()),
                unit: add(metric.row().unit),
                attributes: metric
                    .attributes()
                    .map(|(name, value)| (add(name), add(value)))
                    .collect(),
                value: metric.value(),
            }
        });
        resayil_metrics { rows: rows.collect(), pool }
    }

    fn text(&self, index: usize, span: impl FnOnce(&Row) -> Option<Span>) -> resayil_str {
        let span = self.rows.get(index).and_then(span);
        span.map_or_else(resayil_str::default, |span| self.pool.get(span))
    }
}

/// How many values there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_count(metrics: *const resayil_metrics) -> usize {
    guard(|| borrow!(metrics).rows.len())
}

/// The name of what is measured, such as `resayil.client.retries`. Absent beyond the last value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_name(
    metrics: *const resayil_metrics,
    index: usize,
) -> resayil_str {
    guard(|| borrow!(metrics).text(index, |row| Some(row.name)))
}

/// `counter` for a sum that only grows, `gauge` for a value as it is now. Absent beyond the last value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_instrument(
    metrics: *const resayil_metrics,
    index: usize,
) -> resayil_str {
    guard(|| borrow!(metrics).text(index, |row| Some(row.instrument)))
}

/// The unit by UCUM: `s` is seconds, what is in braces is counted. Absent beyond the last value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_unit(
    metrics: *const resayil_metrics,
    index: usize,
) -> resayil_str {
    guard(|| borrow!(metrics).text(index, |row| Some(row.unit)))
}

/// The value; 0 beyond the last one. Counts are exact up to 2^53.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_value(
    metrics: *const resayil_metrics,
    index: usize,
) -> f64 {
    guard(|| borrow!(metrics).rows.get(index).map_or(0.0, |row| row.value))
}

/// How many attributes tell a value from others of the same name; 0 beyond the last value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_attribute_count(
    metrics: *const resayil_metrics,
    index: usize,
) -> usize {
    guard(|| borrow!(metrics).rows.get(index).map_or(0, |row| row.attributes.len()))
}

/// The name of an attribute, such as `error.type`. Absent beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_attribute_name(
    metrics: *const resayil_metrics,
    index: usize,
    attribute: usize,
) -> resayil_str {
    guard(|| {
        let name = |row: &Row| row.attributes.get(attribute).map(|(name, _)| *name);
        borrow!(metrics).text(index, name)
    })
}

/// The value of an attribute, such as `rate_limit`. Absent beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_attribute_value(
    metrics: *const resayil_metrics,
    index: usize,
    attribute: usize,
) -> resayil_str {
    guard(|| {
        let value = |row: &Row| row.attributes.get(attribute).map(|(_, value)| *value);
        borrow!(metrics).text(index, value)
    })
}

/// Frees the list and with it all texts that were borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_metrics_free(metrics: *mut resayil_metrics) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(metrics) }
}
