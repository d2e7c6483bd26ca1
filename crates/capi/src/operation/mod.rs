//! The whole course of a call, for programs with an event loop and HTTP of their own.

mod getters;
mod options;
mod step;
mod told;

use std::ffi::c_void;
use std::task::Waker;
use std::time::Duration;

use ::client::call::{Attempt, PendingResponse, Reached, Step};
use ::client::{Error, Operation, Timestamp};

use crate::error::resayil_error;
use crate::exclusive::Exclusive;
use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::time;
use crate::waker::{CallbackWaker, resayil_waker_callback};

use step::{RESAYIL_STEP_DONE, RESAYIL_STEP_FAILED, RESAYIL_STEP_NONE, resayil_step};

/// One operation of an API client, such as a chat completion, from its first wait to its answer or its
/// error, over any number of attempts: a state machine for programs that have an event loop and HTTP
/// of their own, such as libcurl's multi interface or epoll. It waits for a place and for the quota,
/// numbers the attempts, keeps the idempotency key, settles the quota, classifies, decides, changes to
/// the fallback's targets, and marks the error. It does not send, block or sleep.
///
/// `resayil_operation_poll` says what to do next. When it says RESAYIL_STEP_SEND, send the request and
/// tell what came of it: `resayil_operation_on_headers` when the head of the answer is there, then
/// `resayil_operation_on_body` when the body is, then `resayil_operation_on_success` if that claims
/// success; or `resayil_operation_on_failure` where no answer came. Then poll again. Whatever is told out
/// of this order is refused at once with RESAYIL_STATUS_INVALID_STATE, and changes nothing.
///
/// One thread at a time; a second one is told RESAYIL_STATUS_BUSY.
pub struct resayil_operation {
    state: Exclusive<State>,
}

struct State {
    operation: Operation,
    exchange: Exchange,
    /// The end that was told.
    ended: Option<u32>,
    error: Option<Error>,
    // After the operation, which may hold a waker of it.
    waker: CallbackWaker,
}

/// The request that is under way.
enum Exchange {
    None,
    /// It was begun, and nothing was told of it.
    Sent(Attempt),
    /// The head of its answer was told.
    Answered(PendingResponse, Headers),
}

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

impl resayil_operation {
    fn new(operation: Operation) -> Self {
        let state = State {
            operation,
            exchange: Exchange::None,
            ended: None,
            error: None,
            waker: CallbackWaker::default(),
        };
        resayil_operation { state: Exclusive::new(state) }
    }

    /// Does what may be refused because of the stage that the operation is at.
    fn advance(
        &self,
        work: impl FnOnce(&mut State) -> Result<(), resayil_status>,
    ) -> Result<(), resayil_status> {
        self.state.with(work)?
    }
}

impl State {
    fn poll(
        &mut self,
        now: Duration,
        callback: resayil_waker_callback,
        user: *mut c_void,
    ) -> Result<resayil_step, resayil_status> {
        if !matches!(self.exchange, Exchange::None) {
            return Err(resayil_status::INVALID_STATE);
        }
        let waker = self.waker.arm(callback, user);
        let step = self.next(now, &waker);
        if !matches!(step.action, step::RESAYIL_STEP_WAIT) {
            self.waker.disarm();
        }
        Ok(step)
    }

    fn next(&mut self, now: Duration, waker: &Waker) -> resayil_step {
        if let Some(ended) = self.ended {
            return resayil_step::new(ended);
        }
        match self.operation.poll(now, waker) {
            Step::Wait { until, reason } => resayil_step::wait(until, reason),
            Step::Send(attempt) => {
                let step = resayil_step::send(&attempt);
                self.exchange = Exchange::Sent(attempt);
                step
            }
            Step::Done => self.end(RESAYIL_STEP_DONE),
            Step::Failed(error) => {
                self.error = Some(error);
                self.end(RESAYIL_STEP_FAILED)
            }
        }
    }

    fn end(&mut self, ended: u32) -> resayil_step {
        self.ended = Some(ended);
        resayil_step::new(ended)
    }

    /// The attempt of which nothing was told yet.
    fn sent(&mut self) -> Result<Attempt, resayil_status> {
        match std::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::Sent(attempt) => Ok(attempt),
            other => Err(self.refuse(other)),
        }
    }

    /// The answer whose head was told.
    fn answered(&mut self) -> Result<(PendingResponse, Headers), resayil_status> {
        match std::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::Answered(response, headers) => Ok((response, headers)),
            other => Err(self.refuse(other)),
        }
    }

    fn refuse(&mut self, exchange: Exchange) -> resayil_status {
        self.exchange = exchange;
        resayil_status::INVALID_STATE
    }

    /// The body of the answer came; says whether it is a success.
    fn on_body(
        &mut self,
        body: &[u8],
        now: Duration,
        wall: Timestamp,
    ) -> Result<bool, resayil_status> {
        let (response, headers) = self.answered()?;
        let response = self.operation.on_body(response, &headers, body, now, wall);
        let is_success = response.is_some();
        if let Some(response) = response {
            self.exchange = Exchange::Answered(response, headers);
        }
        Ok(is_success)
    }

    fn cancel(&mut self, now: Duration) {
        let error = || Error::cancelled().with_ambiguous(true);
        match std::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::None => self.operation.cancel(now),
            Exchange::Sent(attempt) => {
                self.operation.on_failure(attempt, error(), Reached::Server, now);
            }
            Exchange::Answered(response, _) => self.operation.on_error(response, error(), now),
        }
    }

    /// The error of an operation that has failed, once.
    fn take_error(&mut self) -> Option<Error> {
        if self.ended.is_none() && self.operation.is_over() {
            // An end needs no time.
            self.next(Duration::ZERO, Waker::noop());
        }
        self.error.take()
    }
}

/// Asks what to do now, and tells it in `*step`. Where that is RESAYIL_STEP_WAIT, `waker` is called with
/// `user` as soon as it is worth asking again before the time; it takes the place of the one before.
/// NULL for no call: then ask again at the time, and where there is none, whenever another operation has
/// ended.
///
/// RESAYIL_STATUS_INVALID_STATE as long as a request is under way, of whose end nothing was told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_poll(
    operation: *mut resayil_operation,
    now_seconds: f64,
    waker: resayil_waker_callback,
    user: *mut c_void,
    step: *mut resayil_step,
) -> resayil_status {
    guard(|| {
        let out = out!(step, resayil_step::new(RESAYIL_STEP_NONE));
        let operation = borrow!(operation);
        ended((|| {
            let now = time::seconds(now_seconds)?;
            *out = operation.state.with(|it| it.poll(now, waker, user))??;
            Ok(())
        })())
    })
}

/// The caller does not want the answer any more: the operation fails with an error of
/// RESAYIL_KIND_CANCELLED, unless it is over. A request that is under way is yours to break off; it
/// counts as one that may have been carried out, and is told by this, not to be told again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_cancel(
    operation: *mut resayil_operation,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let operation = borrow!(operation);
        ended((|| {
            let now = time::seconds(now_seconds)?;
            operation.state.with(|it| it.cancel(now))
        })())
    })
}

/// The error of an operation that has failed, marked with what the operation knows: how many requests
/// were sent, which rule stopped it, whether retries are used up. `*error` is yours. It is given once;
/// NULL after that, and as long as the operation has not failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_take_error(
    operation: *mut resayil_operation,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        let out = out!(error);
        let operation = borrow!(operation);
        ended(operation.state.with(|it| {
            if let Some(error) = it.take_error() {
                *out = give(resayil_error::new(error));
            }
        }))
    })
}

/// Frees the operation and gives back what it held; NULL is nothing. One that is not over is cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_free(operation: *mut resayil_operation) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(operation) }
}
