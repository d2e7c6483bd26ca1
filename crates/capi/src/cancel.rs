//! Ending calls from outside.

use ::client::CancelToken;

use crate::panic::{give, guard, take_back};
use crate::status::resayil_status;

/// Ends the calls that were given it. Any thread may use it, also while a call runs.
pub struct resayil_cancel {
    pub(crate) token: CancelToken,
}

/// Makes a token that is not cancelled. `*cancel` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_cancel_new(cancel: *mut *mut resayil_cancel) -> resayil_status {
    guard(|| {
        let out = out!(cancel);
        *out = give(resayil_cancel { token: CancelToken::new() });
        resayil_status::OK
    })
}

/// Ends at once all calls that have this token, and those that get it later: they give an error of
/// RESAYIL_KIND_CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_cancel_cancel(cancel: *const resayil_cancel) -> resayil_status {
    guard(|| {
        borrow!(cancel).token.cancel();
        resayil_status::OK
    })
}

/// Whether the token is cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_cancel_is_cancelled(cancel: *const resayil_cancel) -> bool {
    guard(|| borrow!(cancel).token.is_cancelled())
}

/// Frees the handle; NULL is nothing. Calls that have the token keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_cancel_free(cancel: *mut resayil_cancel) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(cancel) }
}
