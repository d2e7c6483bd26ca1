//! What the tests of all clients need.
#![allow(dead_code)]

use std::time::Duration;

use resayil_core::Policy;
use resayil_core::quota::QuotaOptions;
use resayil_sandbox::{Builder, Sandbox};

/// Requests that a window of the sandbox admits, and its length.
pub const LIMIT: u32 = 50;
pub const WINDOW: Duration = Duration::from_secs(2);

/// A sandbox with windows so short that a test can wait for some.
pub fn sandbox() -> Builder {
    Sandbox::builder().limit(LIMIT).window(WINDOW)
}

/// The sandbox's quota, as it is known to whoever has read the price list.
pub fn quota() -> QuotaOptions {
    QuotaOptions::default().with_limit(LIMIT).with_window(WINDOW)
}

/// As by default, but with delays that suit a test.
pub fn policy() -> Policy {
    Policy::builder().base_delay(Duration::from_millis(100)).max_attempts(8).build().unwrap()
}

/// What the sandbox answered, request by request.
pub fn statuses(sandbox: &Sandbox) -> Vec<u16> {
    sandbox.log().iter().filter_map(|entry| entry.status).collect()
}
