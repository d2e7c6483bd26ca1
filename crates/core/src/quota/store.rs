//! Where the state of a quota is kept: by this process, or by several together.

use std::time::Duration;

use super::model::QuotaModel;

/// An admitted request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) id: u64,
    /// When that was, in nanoseconds: a `Duration` is slower to hand on.
    nanos: u64,
    /// The number of the window that it was admitted for.
    pub(super) window: i64,
}

impl Grant {
    pub(super) fn new(id: u64, at: Duration, window: i64) -> Self {
        let whole = at.as_secs().saturating_mul(1_000_000_000);
        Grant { id, nanos: whole.saturating_add(u64::from(at.subsec_nanos())), window }
    }

    pub(super) fn at(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
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

/// What a sender is told that may not send yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delay {
    /// How long it has to wait at least, more than zero. Answers that are under way may be all that
    /// is missing; then it is short.
    pub(super) least: Duration,
    /// After what time it has to ask again if nothing happens in the meantime.
    pub(super) again: Duration,
}

impl Delay {
    /// Nothing but time is missing.
    pub(super) fn exactly(wait: Duration) -> Self {
        Delay { least: wait, again: wait }
    }

    /// The same, but not less than this.
    pub(super) fn at_least(self, wait: Duration) -> Self {
        Delay { least: self.least.max(wait), again: self.again.max(wait) }
    }
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

impl Kept {
    /// The time on the clock that goes with the model.
    pub(super) fn time(&self, now: Duration) -> Duration {
        match self {
            Kept::Own(_) => now,
            Kept::Shared(shared) => shared.time(now),
        }
    }

    /// Looks at the model, or changes it, at this time of its clock; `change` says whether it did.
    pub(super) fn update(
        &mut self,
        now: Duration,
        mut change: impl FnMut(&mut QuotaModel) -> bool,
    ) {
        match self {
            Kept::Own(model) => {
                change(model);
            }
            Kept::Shared(shared) => shared.update(now, &mut change),
        }
    }

    /// Whether others change the model unseen.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Kept::Shared(_))
    }
}
