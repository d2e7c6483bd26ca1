//! When to try again, as immutable data.

use std::ffi::c_char;

use ::client::retry::{Jitter, PolicyBuilder};
use ::client::{Error, Kind, Policy};

use crate::building::Building;
use crate::error::{clear, resayil_error};
use crate::kind::kind_of;
use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::{name_in, some_name_in};
use crate::time;

/// When to try again. Immutable; any thread may use it.
pub struct resayil_policy {
    pub(crate) policy: Policy,
}

/// The options of a policy that is being made. One thread at a time.
///
/// A setter that refuses its value says so by its status, and `resayil_policy_builder_build` fails
/// with an error that names the option.
pub struct resayil_policy_builder(Building<PolicyBuilder>);

/// The policy of a name: `default` (five attempts, back-off from 1 s to 60 s, hints of up to 120 s),
/// `none` (never again), `aggressive` (for people who wait at a screen: soon again, and soon given up:
/// three attempts, delays of 0.25 s to 4 s, hints of up to 10 s), `patient` (for jobs that nobody
/// waits for: ten attempts, hints of up to an hour, a day of patience in an outage) or `openai` (as OpenAI's SDKs: three attempts,
/// delays of 0.5 s to 8 s, hints of up to 60 s). NULL is `default`. `*policy` is yours.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for another name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_new(
    name: *const c_char,
    policy: *mut *mut resayil_policy,
) -> resayil_status {
    guard(|| {
        let out = out!(policy);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { name_in(name) }?.unwrap_or("default");
            let policy = Policy::preset(name).ok_or(resayil_status::UNKNOWN_NAME)?;
            *out = give(resayil_policy { policy });
            Ok(())
        })())
    })
}

/// Frees the policy; NULL is nothing. Calls that were started with it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_free(policy: *mut resayil_policy) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(policy) }
}

/// How many attempts one call may make, the first included; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_max_attempts(policy: *const resayil_policy) -> u32 {
    guard(|| borrow!(policy).policy.max_attempts())
}

/// How many seconds a call may take in all, waits included. Says whether there is such a limit; if
/// not, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_deadline(
    policy: *const resayil_policy,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let deadline = borrow!(policy).policy.deadline();
        *out = deadline.unwrap_or_default().as_secs_f64();
        deadline.is_some()
    })
}

/// Starts a policy from the options of another one; NULL for the defaults. `*builder` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_new(
    from: *const resayil_policy,
    builder: *mut *mut resayil_policy_builder,
) -> resayil_status {
    guard(|| {
        let out = out!(builder);
        // SAFETY: the header asks for NULL or a handle that is alive.
        let from = unsafe { from.as_ref() };
        let builder = from.map_or_else(Policy::builder, |from| from.policy.to_builder());
        *out = give(resayil_policy_builder(Building::new(builder)));
        resayil_status::OK
    })
}

/// Frees the builder; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_free(builder: *mut resayil_policy_builder) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(builder) }
}

/// Attempts in all, the first included: 1 to 1000; 5 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_max_attempts(
    builder: *mut resayil_policy_builder,
    attempts: u32,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("max_attempts", |it| Ok(it.max_attempts(attempts))))
}

/// The time that a whole call may take, waits included, in seconds. By default there is no limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_deadline(
    builder: *mut resayil_policy_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("deadline", |it| Ok(it.deadline(time::seconds(seconds)?))))
}

/// The first back-off delay in seconds: 0 to 86400; 1 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_base_delay(
    builder: *mut resayil_policy_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("base_delay", |it| Ok(it.base_delay(time::seconds(seconds)?)))
    })
}

/// How back-off delays grow: 1 to 10; 2 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_factor(
    builder: *mut resayil_policy_builder,
    factor: f64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("factor", |it| Ok(it.factor(factor))))
}

/// The longest back-off delay in seconds: from the base delay to 86400; 60 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_max_delay(
    builder: *mut resayil_policy_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("max_delay", |it| Ok(it.max_delay(time::seconds(seconds)?)))
    })
}

/// The longest wait that a server may ask for, in seconds; 120 by default. A longer one stops the
/// call at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_max_hint(
    builder: *mut resayil_policy_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("max_hint", |it| Ok(it.max_hint(time::seconds(seconds)?))))
}

/// How back-off delays are spread: `equal` (half fixed, half random; the default), `full`,
/// `additive` (up to one second more), `decorrelated`, `quarter` (as OpenAI's SDKs) or `none`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_jitter(
    builder: *mut resayil_policy_builder,
    name: *const c_char,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("jitter", |it| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { some_name_in(name) }?;
            let jitter: Jitter = name.parse().map_err(|_| resayil_status::UNKNOWN_NAME)?;
            Ok(it.jitter(jitter))
        })
    })
}

/// How often one call may be refused for quota and wait for the next window: 0 to 1000; 20 by
/// default. These waits cost no attempts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_max_quota_waits(
    builder: *mut resayil_policy_builder,
    refusals: u32,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("max_quota_waits", |it| Ok(it.max_quota_waits(refusals))))
}

/// How many seconds a call waits, in all and without sending, for a retry that its budget does not
/// afford: 0 (not at all) to 31536000 (a year). The sum of the back-off delays without jitter by default,
/// which is 15.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_patience(
    builder: *mut resayil_policy_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("patience", |it| Ok(it.patience(time::seconds(seconds)?))))
}

/// Whether a request that may have been carried out is repeated; true by default. The cost: an
/// answer may be billed although nobody sees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_retry_ambiguous(
    builder: *mut resayil_policy_builder,
    retry: bool,
) -> resayil_status {
    guard(|| borrow_mut!(builder).0.set("retry_ambiguous", |it| Ok(it.retry_ambiguous(retry))))
}

/// Retries a kind of error (a RESAYIL_KIND constant) always, or never, whatever the table of kinds
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_retry_kind(
    builder: *mut resayil_policy_builder,
    kind: u32,
    retry: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(builder).0.set("retry_kind", |it| {
            let kind = kind_of(kind).ok_or(resayil_status::UNKNOWN_NAME)?;
            Ok(it.retry_kind(kind, retry))
        })
    })
}

/// Checks the options and makes the policy, which is yours. The builder stays as it is.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, whose message names the option and
/// its range, if one is out of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_builder_build(
    builder: *const resayil_policy_builder,
    policy: *mut *mut resayil_policy,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(policy);
        match borrow!(builder).0.build(PolicyBuilder::build) {
            Ok(policy) => {
                *out = give(resayil_policy { policy });
                resayil_status::OK
            }
            Err(refused) => resayil_error::report(refused, error),
        }
    })
}

/// An error about an option.
pub(crate) fn configuration(option: &str, message: &str) -> Error {
    let named = message.starts_with(option);
    let message = if named { message.to_owned() } else { format!("{option}: {message}") };
    Error::new(Kind::Configuration, &message)
}
