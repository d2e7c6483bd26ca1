//! The names under which counters are exported: one table from which every language takes them.

use crate::named::named;

named! {
    /// How values of a metric are to be added up.
    Instrument, "instrument" {
        /// A sum that only grows, since the counters were made.
        Counter = "counter",
        /// A value as it is now.
        Gauge = "gauge",
    }
}

/// One row of the table of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricRow {
    /// The name, as OpenTelemetry writes names.
    pub name: &'static str,
    /// How values are to be added up.
    pub instrument: Instrument,
    /// The unit by UCUM: `s` is seconds, what is in braces is counted, `1` is a ratio.
    pub unit: &'static str,
    /// The attributes that tell its values apart.
    pub attributes: &'static [&'static str],
    /// What it means, in Markdown.
    pub meaning: &'static str,
}

/// The kind of an error, as OpenTelemetry names the attribute.
const ERROR_TYPE: &str = "error.type";
/// The reason of a decision.
const REASON: &str = "resayil.reason";

macro_rules! metrics {
    ($($constant:ident = $name:literal, $instrument:ident, $unit:literal, [$($attribute:ident),*], $meaning:literal;)*) => {
        $(pub(super) const $constant: &MetricRow = &MetricRow {
            name: $name,
            instrument: Instrument::$instrument,
            unit: $unit,
            attributes: &[$($attribute),*],
            meaning: $meaning,
        };)*

        const TABLE: &[&MetricRow] = &[$($constant,)*];
    };
}

metrics! {
    CALLS = "resayil.client.calls", Counter, "{call}", [],
        "Calls that were begun.";
    ANSWERED = "resayil.client.answered_calls", Counter, "{call}", [],
        "Calls that gave an answer. A stream counts when its end was read.";
    FAILED = "resayil.client.failed_calls", Counter, "{call}", [ERROR_TYPE, REASON],
        "Calls that gave an error, by its kind and by why no further attempt was made.";
    ATTEMPTS = "resayil.client.attempts", Counter, "{attempt}", [],
        "Requests that were sent, refused ones included.";
    REFUSED = "resayil.client.refused_attempts", Counter, "{attempt}", [],
        "Requests that the server refused for quota.";
    RETRIES = "resayil.client.retries", Counter, "{retry}", [ERROR_TYPE, REASON],
        "Attempts that followed a failed one, by the kind of the failure and by what the wait followed from.";
    STALE_CONNECTIONS = "resayil.client.stale_connections", Counter, "{connection}", [],
        "Requests that were sent again because a kept connection proved to be closed. They count as \
         attempts but not as retries.";
    QUOTA_WAITS = "resayil.client.quota_waits", Counter, "{wait}", [],
        "How often a call waited for the quota.";
    QUOTA_WAIT_TIME = "resayil.client.quota_wait.time", Counter, "s", [],
        "The time of these waits, added up over calls that waited at the same time.";
    BACKOFF_WAITS = "resayil.client.backoff_waits", Counter, "{wait}", [],
        "How often a call waited between attempts for other reasons.";
    BACKOFF_WAIT_TIME = "resayil.client.backoff_wait.time", Counter, "s", [],
        "The time of these waits, added up likewise.";
    QUOTA_LIMIT = "resayil.client.quota.limit", Gauge, "{request}", [],
        "Requests that a window of the quota admits, if that is known.";
    QUOTA_REMAINING = "resayil.client.quota.remaining", Gauge, "{request}", [],
        "Requests that this window still admits, if the limit is known.";
    QUOTA_RESET_AFTER = "resayil.client.quota.reset_after", Gauge, "s", [],
        "The time until the window ends, or until a refusal is over.";
    QUOTA_WAITING = "resayil.client.quota.waiting", Gauge, "{call}", [],
        "Calls that wait for the quota now.";
    CONCURRENCY_LIMIT = "resayil.client.concurrency.limit", Gauge, "{request}", [],
        "Requests that may be in flight at once now, if there is a limit.";
    CONCURRENCY_IN_FLIGHT = "resayil.client.concurrency.in_flight", Gauge, "{request}", [],
        "Requests in flight now, if there is a limit; streams to their end.";
    CONCURRENCY_WAITING = "resayil.client.concurrency.waiting", Gauge, "{call}", [],
        "Calls that wait for a place among the requests in flight.";
    BUDGET_REMAINING = "resayil.client.budget.remaining", Gauge, "{retry}", [],
        "Retries that the budget has left.";
    BUDGET_HEALTH = "resayil.client.budget.health", Gauge, "1", [],
        "The health of the service as the budget sees it, from 0 to 1.";
}

/// One value, to be given to the metrics of OpenTelemetry, Prometheus or their like. Made by
/// [`Stats::metrics`](super::Stats::metrics).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    row: &'static MetricRow,
    values: [&'static str; 2],
    value: f64,
}

impl Metric {
    /// All metrics that this version knows.
    pub const fn table() -> &'static [&'static MetricRow] {
        TABLE
    }

    pub(super) fn new(row: &'static MetricRow, value: f64) -> Self {
        Metric { row, values: ["", ""], value }
    }

    /// For a row with two attributes.
    pub(super) fn by(row: &'static MetricRow, values: [&'static str; 2], value: u64) -> Self {
        Metric { row, values, value: value as f64 }
    }

    /// What is measured.
    pub fn row(&self) -> &'static MetricRow {
        self.row
    }

    /// The name of what is measured.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// The attributes that tell this value from others of the same name, with their values.
    pub fn attributes(
        &self,
    ) -> impl ExactSizeIterator<Item = (&'static str, &'static str)> + use<> {
        self.row.attributes.iter().copied().zip(self.values)
    }

    /// The value. Counts are exact up to 2^53.
    pub fn value(&self) -> f64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_opentelemetry_wants_them() {
        let names: Vec<_> = Metric::table().iter().map(|row| row.name).collect();
        for row in Metric::table() {
            let good = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            assert!(row.name.starts_with("resayil.client.") && row.name.chars().all(good));
            assert_eq!(names.iter().filter(|name| **name == row.name).count(), 1, "{}", row.name);
            // No name is the namespace of another.
            let space = format!("{}.", row.name);
            assert!(!names.iter().any(|name| name.starts_with(&space)), "{}", row.name);
            assert!(matches!(row.attributes.len(), 0 | 2));
        }
    }
}
