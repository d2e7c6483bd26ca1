//! What an answer may cost in bytes and time.

use std::time::Duration;

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
    /// What is wrong with them.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        [
            (self.connect_timeout.is_zero(), "connect_timeout has to be more than 0"),
            (
                self.first_byte_timeout.is_some_and(|timeout| timeout.is_zero()),
                "first_byte_timeout has to be more than 0",
            ),
            (self.max_wire_bytes == 0, "max_wire_bytes has to be at least 1"),
            (self.max_response_bytes == 0, "max_response_bytes has to be at least 1"),
            (self.max_head_bytes == 0, "max_head_bytes has to be at least 1"),
            (self.max_headers == 0, "max_headers has to be at least 1"),
        ]
        .into_iter()
        .find_map(|(is_bad, problem)| is_bad.then_some(problem))
    }
}
