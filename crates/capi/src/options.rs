//! What one call of a client may be told beyond its request.

use std::ffi::{c_char, c_void};

use ::client::CallOptions;
use ::client::quota::{Cost, Priority};

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

/// How urgent the call is where several wait for the quota: `high`, `normal` (the default) or `low`. One
/// that is more urgent passes those that came before it, but no more than 256 of them.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for any other name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_priority(
    options: *mut resayil_options,
    priority: *const c_char,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let priority = unsafe { priority_in(priority) }?;
            options.set(|it| it.priority(priority));
            Ok(())
        })())
    })
}

/// On whose behalf the call is: while several tenants wait for the quota, each is admitted in proportion to
/// its weight, 1 to 1000. By default it is one without a name, of weight 1.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for a weight out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_tenant(
    options: *mut resayil_options,
    name: *const c_char,
    weight: u32,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { tenant_in(name, weight) }?;
            options.set(|it| it.tenant(name, weight));
            Ok(())
        })())
    })
}

/// What the call takes of limits of tokens: those of the prompt, and the most that the answer may have. A
/// negative number stands for unknown. By default both are estimated by the request's body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_options_cost(
    options: *mut resayil_options,
    input_tokens: i64,
    output_tokens: i64,
) -> resayil_status {
    guard(|| borrow_mut!(options).set(|it| it.cost(cost_of(input_tokens, output_tokens))))
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

/// The priority of this name.
///
/// # Safety
/// `name` is NULL or a NUL-terminated name.
pub(crate) unsafe fn priority_in(name: *const c_char) -> Result<Priority, resayil_status> {
    // SAFETY: as this function demands.
    let name = unsafe { some_name_in(name) }?;
    name.parse().map_err(|_| resayil_status::UNKNOWN_NAME)
}

/// The name of a tenant of this weight.
///
/// # Safety
/// `name` is NULL or a NUL-terminated name.
pub(crate) unsafe fn tenant_in<'a>(
    name: *const c_char,
    weight: u32,
) -> Result<&'a str, resayil_status> {
    // SAFETY: as this function demands.
    let name = unsafe { some_name_in(name) }?;
    if (1..=1000).contains(&weight) { Ok(name) } else { Err(resayil_status::INVALID_ARGUMENT) }
}

/// So many tokens, where a negative number stands for unknown.
pub(crate) fn cost_of(input_tokens: i64, output_tokens: i64) -> Cost {
    let known = |tokens: i64| u64::try_from(tokens).ok();
    Cost::default().with_input_tokens(known(input_tokens)).with_output_tokens(known(output_tokens))
}

/// The options that a caller passes in; NULL for none.
///
/// # Safety
/// `options` is NULL or a handle that is alive.
pub(crate) unsafe fn options_in(options: *const resayil_options) -> CallOptions {
    // SAFETY: as this function demands.
    unsafe { options.as_ref() }.map(|it| it.options.clone()).unwrap_or_default()
}
