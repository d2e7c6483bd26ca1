//! Counters as they are at one moment.

use std::time::Duration;

use super::metric::{self, Metric};
use crate::concurrency::ConcurrencyState;
use crate::kind::Kind;
use crate::quota::QuotaState;
use crate::retry::{RetryReason, StopReason};

/// What a program's calls did since its counters were made, to be read at any time.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were begun.
    pub calls: u64,
    /// Requests that were sent, refused ones included.
    pub attempts: u64,
    /// Calls that gave an answer. A stream counts when its end was read.
    pub answered: u64,
    /// Calls that gave an error.
    pub failed: u64,
    /// The same by the kind of the error; kinds that never occurred are left out.
    pub failed_by_kind: Vec<(Kind, u64)>,
    /// The same by why no further attempt was made; reasons that never occurred are left out.
    pub stops_by_reason: Vec<(StopReason, u64)>,
    /// Requests that the server refused for quota.
    pub refused: u64,
    /// Attempts that followed a failed one.
    pub retries: u64,
    /// The same by what the wait followed from; reasons that never occurred are left out.
    pub retries_by_reason: Vec<(RetryReason, u64)>,
    /// The same by the kind of the failure; kinds that never occurred are left out.
    pub retries_by_kind: Vec<(Kind, u64)>,
    /// Requests that were sent again because a kept connection proved to be closed. They count as
    /// attempts but not as retries.
    pub stale_connections: u64,
    /// How often a call waited for the quota.
    pub quota_waits: u64,
    /// Time that calls waited for the quota, added up over calls that waited at the same time.
    pub quota_wait: Duration,
    /// How often a call waited between attempts for other reasons.
    pub backoff_waits: u64,
    /// Time that calls waited between attempts for other reasons, added up likewise.
    pub backoff_wait: Duration,
    /// What the quota knows, for whoever has one.
    pub quota: Option<QuotaState>,
    /// The limit of requests in flight, for whoever has one.
    pub concurrency: Option<ConcurrencyState>,
    /// How many retries the budget has left, for whoever has one.
    pub budget_remaining: Option<f64>,
    /// The health of the service as the budget sees it, from 0 to 1.
    pub budget_health: Option<f64>,
    pub(super) retried: Vec<(Kind, RetryReason, u64)>,
    pub(super) stopped: Vec<(Kind, StopReason, u64)>,
}

impl Stats {
    /// The same as a list of values with the names of [`Metric::table`], for OpenTelemetry, Prometheus
    /// and their like. What is unknown is left out, and so are combinations of attributes that never
    /// occurred.
    ///
    /// ```
    /// use resayil_core::{Error, Kind};
    /// use resayil_core::observe::{CallAction, CallEvent, Counters};
    /// use resayil_core::retry::RetryReason;
    ///
    /// let counters = Counters::new();
    /// let error = Error::new(Kind::Server, "unexpected error");
    /// let event = CallEvent::new(CallAction::Retry(RetryReason::Backoff), 1).with_error(&error);
    /// counters.record(&event);
    /// let mut page = String::new();
    /// for metric in counters.stats().metrics() {
    ///     let name = metric.name().replace('.', "_");
    ///     let labels: Vec<_> = metric
    ///         .attributes()
    ///         .map(|(name, value)| format!("{}={value:?}", name.replace('.', "_")))
    ///         .collect();
    ///     page += &format!("{name}{{{}}} {}\n", labels.join(","), metric.value());
    /// }
    /// let line = r#"resayil_client_retries{error_type="server",resayil_reason="backoff"} 1"#;
    /// assert!(page.contains(line));
    /// ```
    pub fn metrics(&self) -> Vec<Metric> {
        let count = |row, value: u64| Metric::new(row, value as f64);
        let mut metrics = vec![
            count(metric::CALLS, self.calls),
            count(metric::ANSWERED, self.answered),
            count(metric::ATTEMPTS, self.attempts),
            count(metric::REFUSED, self.refused),
            count(metric::STALE_CONNECTIONS, self.stale_connections),
            count(metric::QUOTA_WAITS, self.quota_waits),
            Metric::new(metric::QUOTA_WAIT_TIME, self.quota_wait.as_secs_f64()),
            count(metric::BACKOFF_WAITS, self.backoff_waits),
            Metric::new(metric::BACKOFF_WAIT_TIME, self.backoff_wait.as_secs_f64()),
        ];
        metrics.extend(self.stopped.iter().map(|(kind, reason, count)| {
            Metric::by(metric::FAILED, [kind.name(), reason.name()], *count)
        }));
        metrics.extend(self.retried.iter().map(|(kind, reason, count)| {
            Metric::by(metric::RETRIES, [kind.name(), reason.name()], *count)
        }));
        if let Some(quota) = &self.quota {
            let reset_after = quota.reset_after.map(|wait| wait.as_secs_f64());
            metrics.extend(
                [
                    (metric::QUOTA_LIMIT, quota.limit.map(f64::from)),
                    (metric::QUOTA_REMAINING, quota.remaining.map(f64::from)),
                    (metric::QUOTA_RESET_AFTER, reset_after),
                    (metric::QUOTA_WAITING, Some(quota.waiting as f64)),
                ]
                .into_iter()
                .filter_map(|(row, value)| Some(Metric::new(row, value?))),
            );
        }
        if let Some(state) = &self.concurrency {
            metrics.extend([
                count(metric::CONCURRENCY_LIMIT, state.limit.into()),
                count(metric::CONCURRENCY_IN_FLIGHT, state.in_flight.into()),
                count(metric::CONCURRENCY_WAITING, state.waiting.into()),
            ]);
        }
        for (row, value) in [
            (metric::BUDGET_REMAINING, self.budget_remaining),
            (metric::BUDGET_HEALTH, self.budget_health),
        ] {
            metrics.extend(value.map(|value| Metric::new(row, value)));
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_table_is_given() {
        let stats = Stats {
            quota: Some(QuotaState {
                limit: Some(20),
                remaining: Some(7),
                reset_after: Some(Duration::from_millis(1500)),
                waiting: 2,
                admitted: 13,
                refused: 1,
            }),
            concurrency: Some(ConcurrencyState { limit: 8, in_flight: 6, waiting: 4 }),
            budget_remaining: Some(9.5),
            budget_health: Some(0.75),
            retried: vec![(Kind::Server, RetryReason::Backoff, 3)],
            stopped: vec![(Kind::Timeout, StopReason::MaxAttempts, 1)],
            calls: 5,
            quota_wait: Duration::from_millis(2500),
            ..Stats::default()
        };
        let metrics = stats.metrics();
        for row in Metric::table() {
            let given = metrics.iter().filter(|metric| metric.row() == *row).count();
            assert_eq!(given, 1, "{}", row.name);
        }
        assert_eq!(metrics.len(), Metric::table().len());
        let value = |name: &str| metrics.iter().find(|it| it.name() == name).unwrap().value();
        assert_eq!(value("resayil.client.calls"), 5.0);
        assert_eq!(value("resayil.client.quota_wait.time"), 2.5);
        assert_eq!(value("resayil.client.quota.remaining"), 7.0);
        assert_eq!(value("resayil.client.quota.reset_after"), 1.5);
        assert_eq!(value("resayil.client.concurrency.in_flight"), 6.0);
        assert_eq!(value("resayil.client.budget.health"), 0.75);
        let failed = metrics.iter().find(|it| it.name().ends_with("failed_calls")).unwrap();
        let attributes: Vec<_> = failed.attributes().collect();
        assert_eq!(attributes, [("error.type", "timeout"), ("resayil.reason", "max_attempts")]);
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let names: Vec<_> = Stats::default().metrics().iter().map(Metric::name).collect();
        assert!(!names.iter().any(|name| {
            ["quota.", "budget.", "concurrency."].iter().any(|part| name.contains(part))
        }));
        assert!(names.contains(&"resayil.client.attempts"));
    }
}
