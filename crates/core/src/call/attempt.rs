//! One request of an operation, from before it is sent to the end of its answer.

use std::time::Duration;

use crate::concurrency::ConcurrencyPermit;
use crate::quota::{Cost, Ticket};

/// A request that is to be sent now. Whoever sends it tells the [`Operation`](super::Operation) what
/// came of it: [`on_headers`](super::Operation::on_headers), or
/// [`on_failure`](super::Operation::on_failure) where no answer came.
///
/// It holds the admission by the quota and the place among the requests in flight. Dropping it gives
/// the place back, and the request counts as consumed; the operation is over then.
#[must_use = "the operation has to be told what came of it"]
#[derive(Debug)]
pub struct Attempt {
    pub(super) number: u32,
    pub(super) target: Option<usize>,
    pub(super) ends_at: Option<Duration>,
    pub(super) needs_fresh_connection: bool,
    pub(super) held: Held,
}

/// What a request holds until its answer has ended.
#[derive(Default)]
pub(super) struct Held {
    pub(super) ticket: Option<Ticket>,
    pub(super) permit: Option<ConcurrencyPermit>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("ticket", &self.ticket.is_some())
            .field("permit", &self.permit.is_some())
            .finish()
    }
}

impl Attempt {
    /// Which request of the operation it is, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where to send it: the index of the [`Fallback`](super::Fallback)'s target; `None` for the
    /// request's own.
    pub fn target(&self) -> Option<usize> {
        self.target
    }

    /// When it has to be given up, on the clock of the operation: the end of the attempt's own time
    /// or the deadline, whichever comes first; `None` if there is neither.
    pub fn ends_at(&self) -> Option<Duration> {
        self.ends_at
    }

    /// Whether it must not go out on a kept connection, because one proved to be closed before.
    pub fn needs_fresh_connection(&self) -> bool {
        self.needs_fresh_connection
    }
}

impl Attempt {
    /// For whoever hands the request to something that gives no head of the answer, such as another
    /// client: the answer is there, whatever it says.
    pub fn into_response(self) -> PendingResponse {
        PendingResponse { status: 200, held: self.held, usage: None }
    }
}

/// An answer whose head has come and whose body is pending. It is ended by
/// [`on_body`](super::Operation::on_body), [`on_success`](super::Operation::on_success) or
/// [`on_error`](super::Operation::on_error).
///
/// It holds the place among the requests in flight. Dropping it gives that back; the operation is
/// over then.
#[must_use = "the operation has to be told how the answer ended"]
#[derive(Debug)]
pub struct PendingResponse {
    pub(super) status: u16,
    pub(super) held: Held,
    pub(super) usage: Option<Cost>,
}

impl PendingResponse {
    /// Whether the quota limits tokens, so that the answer's usage is worth to be told.
    pub fn counts_tokens(&self) -> bool {
        self.held.ticket.as_ref().is_some_and(Ticket::counts_tokens)
    }

    /// Tells the tokens that the answer used, or a part of them that an event of a stream holds: for whoever
    /// reads the body otherwise than by [`on_body`](super::Operation::on_body). What is told later counts.
    pub fn add_usage(&mut self, usage: impl Into<Option<Cost>>) {
        if let Some(usage) = usage.into() {
            let known = self.usage.unwrap_or_default();
            let input = usage.input_tokens().or(known.input_tokens());
            let output = usage.output_tokens().or(known.output_tokens());
            self.usage = Some(usage.with_input_tokens(input).with_output_tokens(output));
        }
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status claims a success (RFC 9110, section 15.3): 200 to 299.
    pub fn is_success(&self) -> bool {
        is_success(self.status)
    }
}

pub(super) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// How far a request got that had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reached {
    /// Nothing of it reached the server.
    Nothing,
    /// It went out on a kept connection which the server had closed already, as far as one can tell:
    /// not one byte came back (RFC 9112, section 9.3.1).
    StaleConnection,
    /// The server may have got it, and may have carried it out.
    Server,
}
