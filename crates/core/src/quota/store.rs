//! Where the state of a quota is kept: by this process, or by several together.

use std::time::Duration;

use super::Settlement;
use super::model::QuotaModel;

/// An admitted request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) id: u64,
    pub(super) at: Duration,
    /// The number of the window that it was admitted for.
    pub(super) window: i64,
}

/// Where a sender stands in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    /// How many are in front of it.
    pub(super) ahead: usize,
    /// How many wait in all, itself included.
    pub(super) waiting: usize,
}

/// What a store knows, to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) limit: Option<u32>,
    pub(super) remaining: Option<u32>,
    pub(super) reset_after: Option<Duration>,
}

/// The seam between the line of waiters, which is each process's own, and what is counted, which
/// processes may share. [`QuotaModel`] is what counts, and [`Kept`] says whose it is.
pub(super) trait Store: Send {
    /// Admits the sender who has so many in front of it, or says how long it has to wait at least:
    /// more than zero.
    fn admit(&mut self, stand: Stand, now: Duration) -> Result<Grant, Duration>;

    /// Learns from the answer.
    fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration);

    /// There will be no answer: the request counts.
    fn abandon(&mut self, grant: &Grant);

    fn read(&mut self, now: Duration) -> Reading;
}

/// A [`QuotaModel`] that several processes, or several [`Quota`](super::Quota)s, change together.
///
/// The one of this crate's client keeps it in a file, under a lock. Whoever writes another one keeps
/// to this: `change` sees what the last one left, nobody else changes it meanwhile, and it is called
/// once, whatever happens; where the shared model is out of reach, on a copy of its last known state
/// (see [`QuotaModel::part`] and [`QuotaModel::rejoin`]). It runs while the quota is locked, so it
/// must not wait long, nor use the quota.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use resayil_core::{Admission, Quota, QuotaModel, QuotaOptions, SharedQuota, Timestamp};
///
/// #[derive(Clone)]
/// struct Both(Arc<Mutex<QuotaModel>>);
///
/// impl SharedQuota for Both {
///     fn update(&mut self, _now: Duration, change: &mut dyn FnMut(&mut QuotaModel) -> bool) {
///         change(&mut self.0.lock().unwrap());
///     }
/// }
///
/// let options = QuotaOptions::default().with_limit(1);
/// let model = QuotaModel::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
/// let both = Both(Arc::new(Mutex::new(model)));
/// let (one, other) = (Quota::shared(both.clone()), Quota::shared(both));
/// assert_eq!(one.enter().poll(Duration::ZERO), Admission::Ready);
/// assert_eq!(other.enter().poll(Duration::ZERO), Admission::Wait(Duration::from_secs(10)));
/// ```
pub trait SharedQuota: Send {
    /// The time on the clock that all who share the model agree on, when the clock of this process
    /// shows `now`. By default they are the same clock.
    fn time(&self, now: Duration) -> Duration {
        now
    }

    /// Changes the model at the time `now` of the common clock. `change` says whether it did: if not, nothing has to be written.
    fn update(&mut self, now: Duration, change: &mut dyn FnMut(&mut QuotaModel) -> bool);
}

/// Whose the model is.
#[allow(clippy::large_enum_variant)] // There is one of it for each quota.
pub(super) enum Kept {
    Own(QuotaModel),
    Shared(Box<dyn SharedQuota>),
}

/// A store that never called has this for an answer.
const AGAIN: Duration = Duration::from_millis(250);

impl Store for Kept {
    fn admit(&mut self, stand: Stand, now: Duration) -> Result<Grant, Duration> {
        match self {
            Kept::Own(model) => model.admit(stand, now),
            Kept::Shared(shared) => {
                let now = shared.time(now);
                let mut result = Err(AGAIN);
                shared.update(now, &mut |model| {
                    result = model.admit(stand, now);
                    result.is_ok()
                });
                result
            }
        }
    }

    fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration) {
        match self {
            Kept::Own(model) => model.settle(grant, settlement, now),
            Kept::Shared(shared) => {
                let now = shared.time(now);
                shared.update(now, &mut |model| {
                    model.settle(grant, settlement, now);
                    true
                });
            }
        }
    }

    fn abandon(&mut self, grant: &Grant) {
        match self {
            Kept::Own(model) => model.abandon(grant),
            Kept::Shared(shared) => shared.update(grant.at, &mut |model| {
                model.abandon(grant);
                true
            }),
        }
    }

    fn read(&mut self, now: Duration) -> Reading {
        match self {
            Kept::Own(model) => model.read(now),
            Kept::Shared(shared) => {
                let now = shared.time(now);
                let mut reading = Reading::default();
                shared.update(now, &mut |model| {
                    reading = model.read(now);
                    false
                });
                reading
            }
        }
    }
}
