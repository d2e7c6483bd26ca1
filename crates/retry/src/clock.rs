//! The clocks. The core reads none, so they are read here.

/// The time since a fixed point of this process, by a clock that nobody sets.
///
/// Everything of this project that has a clock measures with this one, so a
/// [`Quota`](resayil_core::Quota) can be shared among all of it. It is made with it, too:
///
/// ```
/// use resayil_core::quota::QuotaOptions;
/// use resayil_core::{Quota, Timestamp};
/// use resayil_retry::monotonic_now;
///
/// let wall = Timestamp::from(std::time::SystemTime::now());
/// let quota = Quota::new(QuotaOptions::default(), wall, monotonic_now());
/// ```
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub fn monotonic_now() -> std::time::Duration {
    origin().elapsed()
}

/// The fixed point.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) fn origin() -> std::time::Instant {
    static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    *ORIGIN.get_or_init(std::time::Instant::now)
}

/// A number that decides the jitter of a call: another one each time.
#[doc(hidden)]
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    // The keys are random where the system has a source of that; the count tells calls apart everywhere.
    static CALLS: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(CALLS.fetch_add(1, Ordering::Relaxed))
}
