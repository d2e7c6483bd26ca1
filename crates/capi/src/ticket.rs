//! A sender's place in the line of a quota, for programs that have their own HTTP.

use std::ffi::c_void;
use std::task::Waker;
use std::time::Duration;

use ::client::quota::{Admission, Settlement, Ticket};

use crate::error::resayil_error;
use crate::exclusive::Exclusive;
use crate::headers::{headers_in, resayil_header};
use crate::panic::{guard, take_back};
use crate::status::{ended, resayil_status};
use crate::time;
use crate::waker::{CallbackWaker, resayil_waker_callback};

/// A sender's place in the line, then its admission. One thread at a time; a second one is told
/// RESAYIL_STATUS_BUSY.
pub struct resayil_ticket {
    /// None once it is settled.
    ticket: Exclusive<Option<Ticket>>,
    waker: CallbackWaker,
}

impl resayil_ticket {
    pub(crate) fn new(ticket: Ticket) -> Self {
        resayil_ticket { ticket: Exclusive::new(Some(ticket)), waker: CallbackWaker::default() }
    }

    /// Asks with the waker that `arm` makes, if it is to be woken; gives the seconds to wait.
    fn poll(
        &self,
        now_seconds: f64,
        arm: impl FnOnce(&CallbackWaker) -> Option<Waker>,
    ) -> Result<f64, resayil_status> {
        let now = time::seconds(now_seconds)?;
        self.ticket.with(|ticket| {
            let ticket = ticket.as_mut().ok_or(resayil_status::INVALID_ARGUMENT)?;
            let admission = match arm(&self.waker) {
                Some(waker) => ticket.poll_with(now, &waker),
                None => ticket.poll(now),
            };
            Ok(match admission {
                Admission::Ready => {
                    self.waker.disarm();
                    0.0
                }
                // A wait that rounds to nothing would read as yes.
                Admission::Wait(wait) => wait.max(Duration::from_nanos(1)).as_secs_f64(),
            })
        })?
    }
}

/// Asks whether to send now. `*wait_seconds` becomes 0 for yes, and otherwise the time after which to
/// ask again. A settled answer, or somebody in front who leaves the line, may bring the turn forward:
/// `resayil_ticket_poll_with` tells of that. Once it said yes it goes on to say so.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_ticket_poll(
    ticket: *mut resayil_ticket,
    now_seconds: f64,
    wait_seconds: *mut f64,
) -> resayil_status {
    guard(|| {
        let out = out!(wait_seconds, 0.0);
        let ticket = borrow!(ticket);
        ended(ticket.poll(now_seconds, |_| None).map(|wait| *out = wait))
    })
}

/// Asks whether to send now, and if not leaves a callback, which takes the place of the one that was
/// left before. `*wait_seconds` becomes 0 for yes, and otherwise the time that the wait takes at least,
/// which is what to hold against a deadline; when to ask again is told by `resayil_ticket_poll_at`. So
/// any event loop can wait, with a timer of its own. NULL leaves no callback.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_ticket_poll_with(
    ticket: *mut resayil_ticket,
    now_seconds: f64,
    waker: resayil_waker_callback,
    user: *mut c_void,
    wait_seconds: *mut f64,
) -> resayil_status {
    guard(|| {
        let out = out!(wait_seconds, 0.0);
        let ticket = borrow!(ticket);
        ended(ticket.poll(now_seconds, |it| Some(it.arm(waker, user))).map(|wait| *out = wait))
    })
}

/// When to ask again if the callback was not called, on the clock of the quota. Says whether there is
/// such a time; if not, because the ticket was not asked yet, may send or is settled, `*seconds` is 0.
///
/// This may be later than `*wait_seconds` says: where answers under way are all that is missing, they
/// wake.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_ticket_poll_at(
    ticket: *const resayil_ticket,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let at = borrow!(ticket).ticket.with(|it| it.as_ref().and_then(Ticket::poll_at));
        let at = at.ok().flatten();
        *out = at.unwrap_or_default().as_secs_f64();
        at.is_some()
    })
}

/// Tells what the answer says of the quota: its status and headers, and the error that it stands for,
/// or NULL. `now_seconds` is when it arrived, `now_unix_seconds` the wall clock then. Without an
/// answer, just free the ticket. A settled ticket is still to be freed.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_ticket_settle(
    ticket: *mut resayil_ticket,
    status: u32,
    headers: *const resayil_header,
    header_count: usize,
    error: *const resayil_error,
    now_unix_seconds: f64,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let ticket = borrow!(ticket);
        ended((|| {
            let status = u16::try_from(status).map_err(|_| resayil_status::INVALID_ARGUMENT)?;
            // SAFETY: the header asks for NULL or as many headers as `header_count` says.
            let headers = unsafe { headers_in(headers, header_count) }?;
            // SAFETY: the header asks for NULL or a handle that is alive.
            let error = unsafe { error.as_ref() }.map(|error| &error.error);
            let wall = time::unix_seconds(now_unix_seconds)?;
            let now = time::seconds(now_seconds)?;
            let admitted = ticket.ticket.with(Option::take)?;
            let admitted = admitted.ok_or(resayil_status::INVALID_ARGUMENT)?;
            admitted.settle(&Settlement::from_answer(status, &headers, error, wall), now);
            Ok(())
        })())
    })
}

/// Frees the ticket, and leaves the line if it is still in it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_ticket_free(ticket: *mut resayil_ticket) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(ticket) }
}
