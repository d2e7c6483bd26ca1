//! The kinds of error and their numbers.

use std::ffi::c_char;

use ::client::Kind;
use ::client::error::Severity;

use crate::names::static_name;
use crate::panic::guard;
use crate::status::{ended, resayil_status};
use crate::text::{resayil_str, some_name_in};

// Written by hand and never reused: programs are compiled with them. A test compares them with
// core's table, so that neither can change alone.

/// Nothing is known about the failure.
pub const RESAYIL_KIND_UNKNOWN: u32 = 0;
/// The request is malformed, and no closer kind fits: 400, other 4xx.
pub const RESAYIL_KIND_BAD_REQUEST: u32 = 100;
/// Fields of the request are missing or invalid: 422.
pub const RESAYIL_KIND_VALIDATION: u32 = 101;
/// The model or the path does not exist: 404.
pub const RESAYIL_KIND_NOT_FOUND: u32 = 102;
/// The request collided with another one: 409.
pub const RESAYIL_KIND_CONFLICT: u32 = 103;
/// The request is larger than the service accepts: 413.
pub const RESAYIL_KIND_PAYLOAD_TOO_LARGE: u32 = 104;
/// The prompt and the answer do not fit into the model's context window.
pub const RESAYIL_KIND_CONTEXT_LENGTH: u32 = 105;
/// A content filter refused the prompt or the answer.
pub const RESAYIL_KIND_CONTENT_FILTER: u32 = 106;
/// The key is missing, malformed, revoked or unknown: 401.
pub const RESAYIL_KIND_AUTHENTICATION: u32 = 200;
/// The key is good, but may not do this: 403.
pub const RESAYIL_KIND_PERMISSION: u32 = 201;
/// The account has no credits left: 402.
pub const RESAYIL_KIND_PAYMENT_REQUIRED: u32 = 202;
/// A quota is used up that no short wait refills: 429 by code.
pub const RESAYIL_KIND_QUOTA_EXHAUSTED: u32 = 203;
/// Too many requests in the current window: 429.
pub const RESAYIL_KIND_RATE_LIMIT: u32 = 300;
/// The service or the model has no capacity right now: 503, 529.
pub const RESAYIL_KIND_OVERLOADED: u32 = 301;
/// The service failed: 500, other 5xx.
pub const RESAYIL_KIND_SERVER: u32 = 400;
/// No answer came in time: 408, 504, 524, or a local limit.
pub const RESAYIL_KIND_TIMEOUT: u32 = 401;
/// The connection could not be made or broke.
pub const RESAYIL_KIND_NETWORK: u32 = 402;
/// A success that cannot be read.
pub const RESAYIL_KIND_PROTOCOL: u32 = 403;
/// The caller cancelled the call.
pub const RESAYIL_KIND_CANCELLED: u32 = 500;
/// The wait that is needed would pass the caller's deadline.
pub const RESAYIL_KIND_DEADLINE: u32 = 501;
/// An option or the key has no usable form; nothing was sent.
pub const RESAYIL_KIND_CONFIGURATION: u32 = 502;

/// Nothing went wrong, or it was asked for.
pub const RESAYIL_SEVERITY_INFO: u32 = 0;
/// The request has to change; the service is well.
pub const RESAYIL_SEVERITY_WARNING: u32 = 1;
/// Somebody has to act: a key, credits, a wait.
pub const RESAYIL_SEVERITY_ERROR: u32 = 2;
/// The service itself failed.
pub const RESAYIL_SEVERITY_CRITICAL: u32 = 3;

/// The kind of a number that may be anything.
pub(crate) fn kind_of(number: u32) -> Option<Kind> {
    Kind::from_number(u16::try_from(number).ok()?)
}

pub(crate) fn severity_number(severity: Severity) -> u32 {
    match severity {
        Severity::Info => RESAYIL_SEVERITY_INFO,
        Severity::Warning => RESAYIL_SEVERITY_WARNING,
        Severity::Critical => RESAYIL_SEVERITY_CRITICAL,
        // The enumeration may grow.
        Severity::Error | _ => RESAYIL_SEVERITY_ERROR,
    }
}

/// How many kinds this version knows.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_kind_count() -> usize {
    Kind::table().len()
}

/// The number of the kind at this place of the table, in rising order; `RESAYIL_KIND_UNKNOWN` beyond
/// its end.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_kind_at(index: usize) -> u32 {
    Kind::table().get(index).map_or(RESAYIL_KIND_UNKNOWN, |row| row.number.into())
}

/// The name of a kind, such as `rate_limit`: a static text, absent for a number that this version
/// does not know.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_kind_name(kind: u32) -> resayil_str {
    guard(|| kind_of(kind).map_or_else(resayil_str::default, |kind| static_name(kind.name())))
}

/// The number of the kind of this name.
///
/// RESAYIL_STATUS_UNKNOWN_NAME, and `*kind` 0, for a name that this version does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_kind_from_name(
    name: *const c_char,
    kind: *mut u32,
) -> resayil_status {
    guard(|| {
        let out = out!(kind, 0);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { some_name_in(name) }?;
            let kind: Kind = name.parse().map_err(|_| resayil_status::UNKNOWN_NAME)?;
            *out = kind.number().into();
            Ok(())
        })())
    })
}

/// How grave a kind is: a RESAYIL_SEVERITY constant; that of `unknown` for an unknown number.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_kind_severity(kind: u32) -> u32 {
    guard(|| severity_number(kind_of(kind).unwrap_or(Kind::Unknown).severity()))
}

/// Whether another try of the same request may succeed after this kind of error, if nothing more
/// is known; false for an unknown number.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_kind_is_retryable(kind: u32) -> bool {
    guard(|| kind_of(kind).is_some_and(Kind::is_retryable))
}

/// The name of a severity: `info`, `warning`, `error` or `critical`. A static text, absent for an
/// unknown number.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_severity_name(severity: u32) -> resayil_str {
    let name = match severity {
        RESAYIL_SEVERITY_INFO => c"info",
        RESAYIL_SEVERITY_WARNING => c"warning",
        RESAYIL_SEVERITY_ERROR => c"error",
        RESAYIL_SEVERITY_CRITICAL => c"critical",
        _ => return resayil_str::default(),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = include_str!("../../../include/resayil.h");

    #[test]
    fn the_header_has_the_numbers_of_the_table_and_no_others() {
        for row in Kind::table() {
            let line = format!("#define RESAYIL_KIND_{} {}\n", row.name.to_uppercase(), row.number);
            assert!(HEADER.contains(&line), "not in the header: {line}");
        }
        let count = HEADER.matches("#define RESAYIL_KIND_").count();
        assert_eq!(count, Kind::table().len());
    }

    #[test]
    fn severities_have_their_numbers() {
        for row in Kind::table() {
            let name = resayil_severity_name(severity_number(row.severity));
            // SAFETY: a static text.
            let name = unsafe { std::ffi::CStr::from_ptr(name.data) };
            assert_eq!(name.to_str(), Ok(row.severity.name()));
        }
    }

    #[test]
    fn any_number_will_do() {
        for number in [1, 99, 65_536 + 300, u32::MAX] {
            assert!(kind_of(number).is_none());
            assert!(resayil_kind_name(number).data.is_null());
        }
    }
}
