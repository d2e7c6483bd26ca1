//! What happened when: a fixed number of bins, which grow as the batch does.

use std::time::Duration;

use serde::Serialize;

/// So many bins at most; when they are used up, each two become one.
const MAX_BINS: usize = 240;
/// The length of a bin in the beginning.
const LEAST: Duration = Duration::from_millis(100);

/// What happened in the time of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Bin {
    /// Requests that were sent.
    pub(super) sent: u64,
    /// Of all requests that ended here: those that were answered, refused for quota, or failed else.
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) errors: u64,
    /// Callers, in the mean: with a request in flight, in line for the quota, or between attempts.
    pub(super) in_flight: f64,
    pub(super) waiting_for_quota: f64,
    pub(super) waiting_to_retry: f64,
    /// What was used of the quota at most, and the limit as it was known then.
    pub(super) quota_used: Option<u32>,
    pub(super) quota_limit: Option<u32>,
}

impl Bin {
    fn join(&mut self, other: &Bin) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.refused += other.refused;
        self.errors += other.errors;
        self.in_flight += other.in_flight;
        self.waiting_for_quota += other.waiting_for_quota;
        self.waiting_to_retry += other.waiting_to_retry;
        self.quota_used = self.quota_used.max(other.quota_used);
        self.quota_limit = other.quota_limit.or(self.quota_limit);
    }

    fn divide(&mut self, by: f64) {
        self.in_flight /= by;
        self.waiting_for_quota /= by;
        self.waiting_to_retry /= by;
    }
}

/// Which time of callers is added up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    InFlight,
    WaitingForQuota,
    WaitingToRetry,
}

/// The bins. Until they are read, the callers of each are in seconds.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    width: Duration,
    bins: Vec<Bin>,
}

/// The bins as they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bins {
    pub(super) bin_seconds: f64,
    pub(super) bins: Vec<Bin>,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Timeline { width: LEAST, bins: Vec::new() }
    }

    /// The bin of this time since the start.
    pub(super) fn at(&mut self, time: Duration) -> &mut Bin {
        let mut index = self.index(time);
        while index >= MAX_BINS {
            self.halve();
            index = self.index(time);
        }
        if self.bins.len() <= index {
            self.bins.resize(index + 1, Bin::default());
        }
        &mut self.bins[index]
    }

    /// Adds the time of one caller up to now.
    pub(super) fn span(&mut self, span: Span, now: Duration, length: Duration) {
        let start = now.saturating_sub(length);
        // It may join bins.
        self.at(now);
        let width = self.width;
        let (first, last) = (self.index(start), self.index(now));
        for (index, bin) in self.bins.iter_mut().enumerate().take(last + 1).skip(first) {
            let begin = width.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
            let part = now.min(begin + width).saturating_sub(start.max(begin)).as_secs_f64();
            match span {
                Span::InFlight => bin.in_flight += part,
                Span::WaitingForQuota => bin.waiting_for_quota += part,
                Span::WaitingToRetry => bin.waiting_to_retry += part,
            }
        }
    }

    /// The bins, each with its callers in the mean.
    pub(super) fn bins(&self) -> Bins {
        let bin_seconds = self.width.as_secs_f64();
        let mut bins = self.bins.clone();
        bins.iter_mut().for_each(|bin| bin.divide(bin_seconds));
        Bins { bin_seconds, bins }
    }

    fn index(&self, time: Duration) -> usize {
        usize::try_from(time.as_nanos() / self.width.as_nanos()).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        self.width = self.width.saturating_mul(2);
        self.bins = joined(&self.bins, 2);
    }
}

impl Bins {
    /// The same in so many bins at most.
    pub(super) fn at_most(&self, most: usize) -> Bins {
        let each = self.bins.len().div_ceil(most).max(1);
        let mut bins = joined(&self.bins, each);
        bins.iter_mut().for_each(|bin| bin.divide(each as f64));
        Bins { bin_seconds: self.bin_seconds * each as f64, bins }
    }
}

fn joined(bins: &[Bin], each: usize) -> Vec<Bin> {
    let join = |bins: &[Bin]| {
        let mut sum = Bin::default();
        bins.iter().for_each(|bin| sum.join(bin));
        sum
    };
    bins.chunks(each).map(join).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_as_few_bins_as_a_minute_and_nothing_is_lost() {
        let mut timeline = Timeline::new();
        for second in 0..10_000 {
            timeline.at(Duration::from_secs(second * 60)).sent += 1;
        }
        let bins = timeline.bins();
        assert!(bins.bins.len() <= MAX_BINS, "{}", bins.bins.len());
        assert_eq!(bins.bins.iter().map(|bin| bin.sent).sum::<u64>(), 10_000);
        let few = bins.at_most(48);
        assert!(few.bins.len() <= 48);
        assert_eq!(few.bins.iter().map(|bin| bin.sent).sum::<u64>(), 10_000);
    }

    #[test]
    fn callers_are_counted_in_the_mean_over_their_time() {
        let mut timeline = Timeline::new();
        // From 50 ms to 250 ms.
        let (now, length) = (Duration::from_millis(250), Duration::from_millis(200));
        timeline.span(Span::WaitingForQuota, now, length);
        let bins = timeline.bins();
        let means: Vec<_> = bins.bins.iter().map(|bin| bin.waiting_for_quota).collect();
        for (mean, expected) in means.iter().zip([0.5, 1.0, 0.5]) {
            assert!((mean - expected).abs() < 1e-9, "{means:?}");
        }
        let mean = bins.at_most(1).bins[0].waiting_for_quota;
        assert!((mean - 2.0 / 3.0).abs() < 1e-9, "{mean}");
    }
}
