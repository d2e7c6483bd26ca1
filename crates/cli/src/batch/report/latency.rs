//! How long things took: percentiles and a picture of them, in some tens of kilobytes.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told apart, in microseconds: a week, as long as a call may take.
const MOST_MICROS: u64 = 7 * 24 * 3600 * 1_000_000;
/// Significant digits: a percentile is off by less than a hundredth.
const DIGITS: u8 = 2;
/// Bars of the picture for each factor of ten.
const PER_DECADE: f64 = 10.0;

/// Times, by how many there were.
#[derive(Clone, Debug)]
pub(super) struct Times(Option<Histogram<u64>>);

/// Times as they are shown, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(super) count: u64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p75: f64,
    pub(super) p90: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
    /// For a picture: ranges that grow by a constant factor, and how many times are in each.
    pub(super) histogram: Vec<Range>,
}

/// So many times were in this range of seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Range {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) count: u64,
}

impl Times {
    pub(super) fn new() -> Self {
        Times(Histogram::new_with_bounds(1, MOST_MICROS, DIGITS).ok())
    }

    pub(super) fn add(&mut self, time: Duration) {
        if let Some(histogram) = &mut self.0 {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            histogram.saturating_record(micros.max(1));
        }
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let Some(histogram) = self.0.as_ref().filter(|it| !it.is_empty()) else {
            return Percentiles::default();
        };
        let at = |quantile| seconds(histogram.value_at_quantile(quantile).min(histogram.max()));
        Percentiles {
            count: histogram.len(),
            mean: histogram.mean() / 1e6,
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            max: seconds(histogram.max()),
            histogram: ranges(histogram),
        }
    }
}

fn ranges(histogram: &Histogram<u64>) -> Vec<Range> {
    let place = |micros: u64| ((micros.max(1) as f64).log10() * PER_DECADE).floor() as i32;
    let edge = |place: i32| 10f64.powf(f64::from(place) / PER_DECADE);
    let first = place(histogram.min_nz());
    let mut ranges: Vec<_> = (first..=place(histogram.max()).max(first))
        .map(|it| Range { from: edge(it) / 1e6, to: edge(it + 1) / 1e6, count: 0 })
        .collect();
    for value in histogram.iter_recorded() {
        let index = usize::try_from(place(value.value_iterated_to()) - first).unwrap_or(0);
        let last = ranges.len() - 1;
        ranges[index.min(last)].count += value.count_at_value();
    }
    ranges
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_and_the_picture_has_all() {
        let mut times = Times::new();
        for millis in 1..=1000 {
            times.add(Duration::from_millis(millis));
        }
        let found = times.percentiles();
        for (value, expected) in
            [(found.p50, 0.5), (found.p90, 0.9), (found.p99, 0.99), (found.max, 1.0)]
        {
            assert!((value / expected - 1.0).abs() < 0.011, "{value} {expected}");
        }
        assert_eq!(found.count, 1000);
        assert_eq!(found.histogram.iter().map(|range| range.count).sum::<u64>(), 1000);
        assert_eq!(Times::new().percentiles(), Percentiles::default());
    }

    #[test]
    fn any_time_can_be_added() {
        let mut times = Times::new();
        times.add(Duration::ZERO);
        times.add(Duration::MAX);
        assert_eq!(times.percentiles().count, 2);
    }
}
