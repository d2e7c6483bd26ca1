//! Where to go with a request that its first target does not serve.

use std::ffi::c_char;

use ::client::Kind;
use ::client::call::{Fallback, FallbackBuilder, FallbackCall, FallbackTarget};

use crate::building::Building;
use crate::call::resayil_call;
use crate::error::{clear, resayil_error};
use crate::exclusive::Exclusive;
use crate::kind::kind_of;
use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::name_in;
use crate::time;

/// An ordered list of models and services that take over a request which the one before does not
/// serve. Immutable; any thread may use it.
///
/// The next target is taken: after `not_found` at once; after `overloaded` when the policy allows no
/// further attempt, after as many such attempts as `resayil_fallback_builder_overloaded_attempts` says,
/// or when the wait would be longer than `resayil_fallback_builder_max_wait` says; and after any error
/// that the closed budget keeps from being retried, but then only a target of another service. Never
/// when something of an answer was delivered, when the deadline is over, or when the request may have
/// been carried out and the policy does not allow to repeat it.
pub struct resayil_fallback {
    pub(crate) fallback: Fallback,
}

/// The options of a fallback that is being made. One thread at a time.
///
/// A setter that refuses its value says so by its status, and `resayil_fallback_builder_build` fails
/// with an error that names the option.
pub struct resayil_fallback_builder(Building<FallbackBuilder>);

/// One call's way through the targets of a fallback, for programs that have their own HTTP. One
/// thread at a time; a second one is told RESAYIL_STATUS_BUSY.
pub struct resayil_fallback_call {
    targets: Exclusive<FallbackCall>,
}

/// Starts without targets, and from the defaults. `*builder` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_new(
    builder: *mut *mut resayil_fallback_builder,
) -> resayil_status {
    guard(|| {
        let out = out!(builder);
        *out = give(resayil_fallback_builder(Building::new(Fallback::builder())));
        resayil_status::OK
    })
}

/// Adds a target at the end: a model, the address of a service, or both, NULL for what is as the
/// request has it. A service of another origin has to have its own key: the first one's is never sent
/// there. A fallback has 1 to 100 targets, which are counted from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_target(
    builder: *mut resayil_fallback_builder,
    model: *const c_char,
    base_url: *const c_char,
    api_key: *const c_char,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("targets", |it| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let (model, base_url, api_key) =
                unsafe { (name_in(model)?, name_in(base_url)?, name_in(api_key)?) };
            let mut target = FallbackTarget::new();
            if let Some(model) = model {
                target = target.with_model(model);
            }
            if let Some(url) = base_url {
                target = target.with_base_url(url);
            }
            if let Some(key) = api_key {
                target = target.with_api_key(key);
            }
            Ok(it.target(target))
        })
    })
}

/// Which kinds of error (RESAYIL_KIND constants) lead to the next target; `overloaded` and `not_found`
/// by default. None at all leaves the closed budget alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_on(
    builder: *mut resayil_fallback_builder,
    kinds: *const u32,
    count: usize,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("on", |it| {
            let numbers: &[u32] = match (kinds.is_null(), count) {
                (_, 0) => &[],
                (true, _) => return Err(resayil_status::NULL_PARAMETER),
                // More than the address space holds.
                (false, count) if count > isize::MAX as usize / size_of::<u32>() => {
                    return Err(resayil_status::INVALID_ARGUMENT);
                }
                // SAFETY: the header asks for NULL or so many numbers.
                (false, count) => unsafe { std::slice::from_raw_parts(kinds, count) },
            };
            let kinds: Option<Vec<Kind>> = numbers.iter().map(|number| kind_of(*number)).collect();
            Ok(it.on(kinds.ok_or(resayil_status::UNKNOWN_NAME)?))
        })
    })
}

/// How many attempts that end `overloaded` a target gets: 1 to 1000; 2 by default. From the policy's
/// `max_attempts` on, the policy alone decides.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_overloaded_attempts(
    builder: *mut resayil_fallback_builder,
    attempts: u32,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("overloaded_attempts", |it| Ok(it.overloaded_attempts(attempts)))
    })
}

/// The longest wait for a target that is `overloaded`, in seconds: 0 to 86400; 10 by default. Instead of
/// a longer one the next target is asked at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_max_wait(
    builder: *mut resayil_fallback_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("max_wait", |it| Ok(it.max_wait(time::seconds(seconds)?))))
}

/// Checks the options and makes the fallback, which is yours. The builder stays as it is.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, whose message names the option and
/// its range, if one is out of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_build(
    builder: *const resayil_fallback_builder,
    fallback: *mut *mut resayil_fallback,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(fallback);
        match borrow!(builder).0.build(FallbackBuilder::build) {
            Ok(fallback) => {
                *out = give(resayil_fallback { fallback });
                resayil_status::OK
            }
            Err(refused) => resayil_error::report(refused, error),
        }
    })
}

/// Frees the builder; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_builder_free(builder: *mut resayil_fallback_builder) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(builder) }
}

/// Frees the fallback; NULL is nothing. Calls and clients that use it keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_free(fallback: *mut resayil_fallback) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(fallback) }
}

/// Begins one call, at the target that the request names itself. `*targets` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_start(
    fallback: *const resayil_fallback,
    targets: *mut *mut resayil_fallback_call,
) -> resayil_status {
    guard(|| {
        let out = out!(targets);
        let targets = Exclusive::new(borrow!(fallback).fallback.start());
        *out = give(resayil_fallback_call { targets });
        resayil_status::OK
    })
}

/// To be asked after each `resayil_call_on_error`, with the same error and time. Where `*taken` is true,
/// that decision is void: `resayil_call_restart` begins the attempts anew, and the request is sent to the
/// target of the number `*index` at once, with another idempotency key. Else `*index` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_call_next(
    targets: *mut resayil_fallback_call,
    call: *const resayil_call,
    error: *const resayil_error,
    now_seconds: f64,
    taken: *mut bool,
    index: *mut usize,
) -> resayil_status {
    guard(|| {
        let taken = out!(taken, false);
        let index = out!(index, 0);
        let (targets, call, error) = (borrow!(targets), borrow!(call), borrow!(error));
        ended((|| {
            let now = time::seconds(now_seconds)?;
            let next = targets
                .targets
                .with(|targets| call.call.with(|call| targets.next(call, &error.error, now)))??;
            (*taken, *index) = (next.is_some(), next.unwrap_or(0));
            Ok(())
        })())
    })
}

/// Frees the way; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_fallback_call_free(targets: *mut resayil_fallback_call) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(targets) }
}

/// Writes the number of a target, and says whether there is one.
pub(crate) fn write_target(served: Option<usize>, index: &mut usize) -> bool {
    *index = served.unwrap_or(0);
    served.is_some()
}
