//! What one call of a client may be told beyond its request.

use std::ffi::{c_char, c_void};

use ::client::CallOptions;

use crate::cancel::resayil_cancel;
use crate::panic::{give, guard, take_back};
use crate::policy::resayil_policy;
use crate::response::{predicate, resayil_result_callback};
use crate::status::{ended, resayil_status};
use crate::text::some_name_in;
use crate::time;

/// The options of one call, or of several: what is not set is as the client has it. One thread at a
/// time may set; any may use it then.
pub struct resayil_options {
    pub(crate) options: CallOptions,
}

impl resayil_options {
    fn set(&mut self, change: impl FnOnce(CallOptions) -> CallOptions) -> resayil_status {
        self.options = change(std::mem::take(&mut self.options));
        resayil_status::OK
    }
}

/// Makes options in which nothing is set. `*options` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_new(options: *mut *mut resayil_options) -> resayil_status {
    guard(|| {
        let out = out!(options);
        *out = give(resayil_options { options: CallOptions::new() });
        resayil_status::OK
    })
}

/// The time that the whole call may take, in seconds: waits, retries and reading the answer. By
/// default it is the policy's, which has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_deadline(
    options: *mut resayil_options,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended(time::seconds(seconds).map(|deadline| {
            options.set(|it| it.deadline(deadline));
        }))
    })
}

/// A token that ends the call when it is cancelled. The token stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_cancel(
    options: *mut resayil_options,
    cancel: *const resayil_cancel,
) -> resayil_status {
    guard(|| {
        let token = borrow!(cancel).token.clone();
        borrow_mut!(options).set(|it| it.cancel(token))
    })
}

/// The `Idempotency-Key` of all attempts of the call: 1 to 255 visible ASCII characters, or the call
/// gives an error of RESAYIL_KIND_CONFIGURATION. By default a random one for each call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_idempotency_key(
    options: *mut resayil_options,
    key: *const c_char,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let key = unsafe { some_name_in(key) }?;
            options.set(|it| it.idempotency_key(key));
            Ok(())
        })())
    })
}

/// When the call is tried again. The policy stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_policy(
    options: *mut resayil_options,
    policy: *const resayil_policy,
) -> resayil_status {
    guard(|| {
        let policy = borrow!(policy).policy.clone();
        borrow_mut!(options).set(|it| it.policy(policy))
    })
}

/// Says of an answer that came well whether to treat it as a failure all the same: one that is empty,
/// or whose JSON breaks off. It replaces the client's; NULL takes every answer. `user` is given back to
/// it, and has to be valid as long as the options are and the calls that have them.
///
/// Such an answer is retried with back-off, as long as attempts and time are left. After that the call
/// gives an error of RESAYIL_KIND_PROTOCOL for which `resayil_error_is_rejected` holds, exhausted and
/// with the last answer as its body. Each answer may be billed. Streams are not asked about.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_retry_if_result(
    options: *mut resayil_options,
    callback: resayil_result_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let predicate = predicate(callback, user);
        borrow_mut!(options).set(|it| it.retry_if_result(predicate))
    })
}

/// Frees the options; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_free(options: *mut resayil_options) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(options) }
}

/// The options that a caller passes in; NULL for none.
///
/// # Safety
/// `options` is NULL or a handle that is alive.
pub(crate) unsafe fn options_in(options: *const resayil_options) -> CallOptions {
    // SAFETY: as this function demands.
    unsafe { options.as_ref() }.map(|it| it.options.clone()).unwrap_or_default()
}
