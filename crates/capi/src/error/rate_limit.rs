//! What the headers of an answer say of a rate limit.

use std::ffi::c_char;
use std::time::Duration;

use ::client::error::RateLimit;

use super::resayil_error;
use crate::panic::guard;
use crate::status::{ended, resayil_status};
use crate::text::name_in;

/// A limit as the headers of an answer tell it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct resayil_rate_limit {
    /// Whether `limit` is told.
    pub has_limit: bool,
    /// Whether `remaining` is told.
    pub has_remaining: bool,
    /// Whether `reset_after_seconds` is told.
    pub has_reset_after: bool,
    /// How much a window admits.
    pub limit: u64,
    /// How much the window still admits.
    pub remaining: u64,
    /// Seconds until the window ends, or until the bucket is full.
    pub reset_after_seconds: f64,
}

impl resayil_rate_limit {
    fn new(limit: Option<u64>, remaining: Option<u64>, reset_after: Option<Duration>) -> Self {
        resayil_rate_limit {
            has_limit: limit.is_some(),
            has_remaining: remaining.is_some(),
            has_reset_after: reset_after.is_some(),
            limit: limit.unwrap_or(0),
            remaining: remaining.unwrap_or(0),
            reset_after_seconds: reset_after.unwrap_or_default().as_secs_f64(),
        }
    }

    /// The limit of this scope; `None` for a scope of which headers do not tell.
    fn of(told: &RateLimit, scope: Option<&str>) -> Option<Self> {
        Some(match scope {
            None => Self::new(told.limit(), told.remaining(), told.reset_after()),
            Some("tokens") => {
                Self::new(told.token_limit(), told.tokens_remaining(), told.tokens_reset_after())
            }
            Some("input_tokens") => Self::new(
                told.input_token_limit(),
                told.input_tokens_remaining(),
                told.input_tokens_reset_after(),
            ),
            Some("output_tokens") => Self::new(
                told.output_token_limit(),
                told.output_tokens_remaining(),
                told.output_tokens_reset_after(),
            ),
            Some(_) => return None,
        })
    }
}

/// Reads what the answer's headers tell of a limit into `*rate_limit`. `scope` is `tokens`, or `input_tokens`
/// or `output_tokens` where the server counts them apart, as Anthropic does; NULL for requests, or for the one
/// limit that is told where requests are not.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for another scope.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_get_rate_limit(
    error: *const resayil_error,
    scope: *const c_char,
    rate_limit: *mut resayil_rate_limit,
) -> resayil_status {
    guard(|| {
        let out = out!(rate_limit, resayil_rate_limit::default());
        let told = borrow!(error).error.rate_limit().unwrap_or_default();
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let scope = unsafe { name_in(scope) }?;
            *out = resayil_rate_limit::of(&told, scope).ok_or(resayil_status::UNKNOWN_NAME)?;
            Ok(())
        })())
    })
}
