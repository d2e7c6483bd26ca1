//! The clock that all processes of a host agree on.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::clock::monotonic_now;

/// `CLOCK_MONOTONIC`, which counts from the start of the host and is what
/// [`monotonic_now`] counts by from a point of its own.
pub(super) struct HostClock {
    /// What this clock shows more than `monotonic_now`.
    ahead: Duration,
    /// The id of the kernel's start: what was kept before another one is of no use, nor is what
    /// another host keeps in the same folder.
    pub(super) boot: [u8; 16],
}

/// Which run of the host's clock a time belongs to. Times of different ones cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// Milliseconds that the host was suspended, in which the clock stood still.
    pub(super) suspended: i64,
}

impl Epoch {
    pub(super) fn is_same(&self, other: &Epoch) -> bool {
        // The two clocks are not read at one instant.
        self.suspended.abs_diff(other.suspended) < 1000
    }
}

impl HostClock {
    pub(super) fn new() -> Result<Self, String> {
        const PATH: &str = "/proc/sys/kernel/random/boot_id";
        let text = std::fs::read_to_string(PATH).map_err(|error| format!("{PATH}: {error}"))?;
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let id = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 32);
        let id = id.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let boot = id.ok_or_else(|| format!("{PATH} holds no id"))?.to_be_bytes();
        Ok(HostClock { ahead: read(ClockId::Monotonic).saturating_sub(monotonic_now()), boot })
    }

    pub(super) fn time(&self, now: Duration) -> Duration {
        now.saturating_add(self.ahead)
    }

    pub(super) fn epoch(&self) -> Epoch {
        let (awake, all) = (read(ClockId::Monotonic), read(ClockId::Boottime));
        let suspended = all.saturating_sub(awake).as_millis();
        Epoch { suspended: i64::try_from(suspended).unwrap_or(i64::MAX) }
    }
}

fn read(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}
