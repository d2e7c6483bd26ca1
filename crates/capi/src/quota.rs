//! What the server still admits, and who may use it next; for programs that have their own HTTP.

use std::ffi::c_char;
use std::path::PathBuf;

use ::client::quota::{QuotaOptions, QuotaState};
use ::client::{HostQuota, HostQuotaOptions, Quota};

use crate::error::{clear, resayil_error};
use crate::options::{options_in, resayil_options};
use crate::panic::{give, guard, take_back};
use crate::policy::configuration;
use crate::status::{ended, resayil_status};
use crate::text::{name_in, some_name_in};
use crate::ticket::resayil_ticket;
use crate::time;

/// The quota of one API key, shared by all senders in this process. Any thread may use it.
///
/// It has no clock and does not sleep: `now_seconds` is a point on a clock that never goes back, the
/// same one in all functions of the quota and of its tickets.
pub struct resayil_quota {
    pub(crate) quota: Quota,
}

/// What a quota knows, to be shown.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct resayil_quota_state {
    /// Whether `limit` and `remaining` are known.
    pub has_limit: bool,
    /// Whether `reset_after_seconds` is known.
    pub has_reset: bool,
    /// Requests a window admits.
    pub limit: u32,
    /// How many more this window admits.
    pub remaining: u32,
    /// Seconds until the window ends, or until a refusal is over.
    pub reset_after_seconds: f64,
    /// How many senders wait.
    pub waiting: u64,
    /// How many requests were admitted since the beginning.
    pub admitted: u64,
    /// How many of them the server refused.
    pub refused: u64,
}

impl From<QuotaState> for resayil_quota_state {
    fn from(state: QuotaState) -> Self {
        resayil_quota_state {
            has_limit: state.limit.is_some(),
            has_reset: state.reset_after.is_some(),
            limit: state.limit.unwrap_or(0),
            remaining: state.remaining.unwrap_or(0),
            reset_after_seconds: state.reset_after.unwrap_or_default().as_secs_f64(),
            waiting: state.waiting as u64,
            admitted: state.admitted,
            refused: state.refused,
        }
    }
}

/// The options of a quota, where 0 stands for an unknown limit and for no window; `None` if the
/// window is out of its range.
pub(crate) fn window_options(limit: u32, window_seconds: f64) -> Option<QuotaOptions> {
    if !(0.0..=86_400.0).contains(&window_seconds) {
        return None;
    }
    let window = time::seconds(window_seconds).ok()?;
    let options = QuotaOptions::default().with_limit((limit > 0).then_some(limit));
    Some(options.with_window((!window.is_zero()).then_some(window)))
}

/// Makes a quota that nobody has used yet.
///
/// `limit` is how many requests a window admits, 0 if that is unknown and has to be learned.
/// `window_seconds` is the length of the window, which is aligned to the server's clock: 60 for LLM
/// Resayil, 0 for a service without such windows, at most 86400. `now_unix_seconds` is the wall clock
/// at `now_seconds`, the first guess at the server's clock. `*quota` is yours.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION for a window out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_new(
    limit: u32,
    window_seconds: f64,
    now_unix_seconds: f64,
    now_seconds: f64,
    quota: *mut *mut resayil_quota,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(quota);
        let Some(options) = window_options(limit, window_seconds) else {
            let why = "out of range: it has to be 0 to 86400 seconds";
            return resayil_error::report(configuration("window_seconds", why), error);
        };
        ended((|| {
            let wall = time::unix_seconds(now_unix_seconds)?;
            let quota = Quota::new(options, wall, time::seconds(now_seconds)?);
            *out = give(resayil_quota { quota });
            Ok(())
        })())
    })
}

/// Makes a quota that all processes of this host share which name this group, limit and window, in whatever
/// language, by a file in `folder`, which has to be the user's own and writable by nobody else; NULL for
/// `resayil` in `$XDG_RUNTIME_DIR`, or else a folder for temporary files. A client shares it by
/// `resayil_client_builder_quota_group`. Limit and window are those of `resayil_quota_new`. Its clock is that of
/// `resayil_monotonic_now`. Linux only: elsewhere, and where the file cannot be used, it is this process's
/// own. `*quota` is yours.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for an empty group; RESAYIL_STATUS_ERROR with an error of
/// RESAYIL_KIND_CONFIGURATION for a window out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_new_shared(
    group: *const c_char,
    folder: *const c_char,
    limit: u32,
    window_seconds: f64,
    quota: *mut *mut resayil_quota,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(quota);
        let Some(options) = window_options(limit, window_seconds) else {
            let why = "out of range: it has to be 0 to 86400 seconds";
            return resayil_error::report(configuration("window_seconds", why), error);
        };
        // SAFETY: the header asks for NULL or NUL-terminated names.
        let names = unsafe { (some_name_in(group), name_in(folder)) };
        let (group, folder) = match names {
            (Ok(""), _) => return resayil_status::INVALID_ARGUMENT,
            (Ok(group), Ok(folder)) => (group, folder),
            (Err(status), _) | (_, Err(status)) => return status,
        };
        let options =
            HostQuotaOptions::default().with_quota(options).with_folder(folder.map(PathBuf::from));
        match HostQuota::open(HostQuota::GROUP, group, &options) {
            Ok(shared) => *out = give(resayil_quota { quota: shared.quota().clone() }),
            Err(refused) => return resayil_error::report(refused, error),
        }
        resayil_status::OK
    })
}

/// Reads what the quota knows at `now_seconds` into `*state`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_get_state(
    quota: *const resayil_quota,
    now_seconds: f64,
    state: *mut resayil_quota_state,
) -> resayil_status {
    guard(|| {
        let out = out!(state, resayil_quota_state::default());
        let quota = borrow!(quota);
        ended((|| {
            *out = quota.quota.state(time::seconds(now_seconds)?).into();
            Ok(())
        })())
    })
}

/// Frees the handle; NULL is nothing. Tickets and clients that use the quota keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_free(quota: *mut resayil_quota) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(quota) }
}

/// Takes a place at the end of the line. `*ticket` is yours; freeing it leaves the line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_enter(
    quota: *mut resayil_quota,
    ticket: *mut *mut resayil_ticket,
) -> resayil_status {
    guard(|| {
        let out = out!(ticket);
        let ticket = borrow!(quota).quota.enter();
        *out = give(resayil_ticket::new(ticket));
        resayil_status::OK
    })
}

/// The same by the priority, the tenant and the cost of these options, of which nothing else counts; NULL for
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_quota_enter_with(
    quota: *mut resayil_quota,
    options: *const resayil_options,
    ticket: *mut *mut resayil_ticket,
) -> resayil_status {
    guard(|| {
        let out = out!(ticket);
        // SAFETY: the header asks for NULL or a handle that is alive.
        let options = unsafe { options_in(options) }.enter_options();
        *out = give(resayil_ticket::new(borrow!(quota).quota.enter_with(&options)));
        resayil_status::OK
    })
}
