//! What an answer may cost in bytes and time.

use std::time::Duration;

use resayil_core::error::OptionError;

/// The limits that hold for every exchange of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of looking a name up, and of making a connection.
    pub(crate) connect_timeout: Duration,
    /// From the end of the request to the first byte of the answer.
    pub(crate) first_byte_timeout: Option<Duration>,
    /// Of an answer, as it comes: its head and its framing count, and nothing is unpacked.
    pub(crate) max_wire_bytes: u64,
    /// Of a success, unpacked.
    pub(crate) max_response_bytes: usize,
    /// Of the head, those that only say that it is to come included.
    pub(crate) max_head_bytes: usize,
    pub(crate) max_headers: usize,
    /// Larger bodies are announced first: `Expect: 100-continue`.
    pub(crate) expect_continue_above: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: None,
            max_wire_bytes: 32 * 1024 * 1024,
            max_response_bytes: 16 * 1024 * 1024,
            max_head_bytes: 64 * 1024,
            max_headers: 128,
            expect_continue_above: None,
        }
    }
}

impl Limits {
    /// Whether all are within their ranges.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        let first_byte = self.first_byte_timeout.unwrap_or(self.connect_timeout);
        for (option, timeout) in
            [("connect_timeout", self.connect_timeout), ("first_byte_timeout", first_byte)]
        {
            above_zero(option, timeout)?;
        }
        for (option, number) in [
            ("max_wire_bytes", self.max_wire_bytes),
            ("max_response_bytes", self.max_response_bytes as u64),
            ("max_head_bytes", self.max_head_bytes as u64),
            ("max_headers", self.max_headers as u64),
        ] {
            if number == 0 {
                return Err(OptionError::new(option, number, "1 or more"));
            }
        }
        Ok(())
    }
}

/// Checks a time-out.
pub(crate) fn above_zero(option: &'static str, timeout: Duration) -> Result<(), OptionError> {
    if timeout.is_zero() { Err(OptionError::new(option, 0, "more than 0 seconds")) } else { Ok(()) }
}
