//! The error handle: everything that is known about a failure.

mod details;
mod fields;
mod make;
mod people;
mod rate_limit;

use std::sync::OnceLock;

use ::client::Error;

use crate::kind::{RESAYIL_KIND_UNKNOWN, severity_number};
use crate::panic::{give, guard, take_back};
use crate::status::resayil_status;
use crate::text::{Pool, Span, resayil_str, resayil_string};

use fields::Fields;
use people::ForPeople;

/// Why a call failed.
///
/// The getters may be called from several threads at once. The functions named `_set_` need the
/// handle for themselves, and end the life of texts that were borrowed from it.
pub struct resayil_error {
    pub(crate) error: Error,
    // Texts are terminated when somebody asks for them: few do for all.
    texts: OnceLock<Texts>,
    summary: OnceLock<resayil_string>,
    fields: OnceLock<Fields>,
    english: OnceLock<ForPeople>,
    arabic: OnceLock<ForPeople>,
}

/// The short texts of an error, in their pool.
struct Texts {
    pool: Pool,
    kind_name: Span,
    severity_name: Span,
    message: Span,
    code: Span,
    error_type: Span,
    param: Span,
    request_id: Span,
    retry_after_source: Span,
    limit_scope: Span,
    stop_reason: Span,
    request_state: Span,
    provider: Span,
    model: Span,
    partial_text: Span,
    help_url: Span,
}

impl resayil_error {
    pub(crate) fn new(error: Error) -> Self {
        resayil_error {
            error,
            texts: OnceLock::new(),
            summary: OnceLock::new(),
            fields: OnceLock::new(),
            english: OnceLock::new(),
            arabic: OnceLock::new(),
        }
    }

    /// One of the short texts.
    fn text(&self, of: impl FnOnce(&Texts) -> Span) -> resayil_str {
        let texts = self.texts.get_or_init(|| Texts::of(&self.error));
        texts.pool.get(of(texts))
    }

    /// Gives the error to the caller, if the caller wants it.
    pub(crate) fn report(error: Error, out: *mut *mut resayil_error) -> resayil_status {
        if !out.is_null() {
            // SAFETY: the header asks for NULL or a place that can be written.
            unsafe { out.write(give(resayil_error::new(error))) };
        }
        resayil_status::ERROR
    }

    /// Changes the error and makes its texts anew.
    fn change(&mut self, change: impl FnOnce(Error) -> Error) {
        *self = resayil_error::new(change(self.error.clone()));
    }
}

/// Sets the out pointer of an error that the caller may not want.
pub(crate) fn clear(out: *mut *mut resayil_error) {
    if !out.is_null() {
        // SAFETY: the header asks for NULL or a place that can be written.
        unsafe { out.write(std::ptr::null_mut()) };
    }
}

impl Texts {
    fn of(error: &Error) -> Self {
        let mut pool = Pool::default();
        Texts {
            kind_name: pool.add(error.kind().name()),
            severity_name: pool.add(error.severity().name()),
            message: pool.add_some(error.message()),
            code: pool.add_some(error.code()),
            error_type: pool.add_some(error.error_type()),
            param: pool.add_some(error.param()),
            request_id: pool.add_some(error.request_id()),
            retry_after_source: pool.add_some(error.retry_after_source().map(|it| it.name())),
            limit_scope: pool.add_some(error.limit_scope().map(|scope| scope.name())),
            stop_reason: pool.add_some(error.stop_reason().map(|reason| reason.name())),
            request_state: pool.add(error.request_state().name()),
            provider: pool.add_some(error.provider().map(|provider| provider.name())),
            model: pool.add_some(error.model()),
            partial_text: pool.add_some(error.partial_text()),
            help_url: pool.add_some(error.help_url()),
            pool,
        }
    }
}

/// What went wrong: a RESAYIL_KIND constant, or a number that this header does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_kind(error: *const resayil_error) -> u32 {
    const { assert!(RESAYIL_KIND_UNKNOWN == 0) };
    guard(|| borrow!(error).error.kind().number().into())
}

/// The name of the kind, such as `rate_limit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_kind_name(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.kind_name))
}

/// The HTTP status of the answer; 0 when there was none. For an error inside a success or a stream
/// it is the status that the error stands for, where the body names one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_status(error: *const resayil_error) -> u32 {
    guard(|| borrow!(error).error.status().unwrap_or(0).into())
}

/// How grave it is: a RESAYIL_SEVERITY constant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_severity(error: *const resayil_error) -> u32 {
    guard(|| severity_number(borrow!(error).error.severity()))
}

/// The name of the severity, such as `warning`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_severity_name(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.severity_name))
}

/// Whether another try of the same request may succeed. A `resayil_call` looks at more than this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_is_retryable(error: *const resayil_error) -> bool {
    guard(|| borrow!(error).error.is_retryable())
}

/// One line for a log: kind, status, message, wait and request id, without secrets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_summary(error: *const resayil_error) -> resayil_str {
    guard(|| {
        let error = borrow!(error);
        error.summary.get_or_init(|| resayil_string::of(&error.error.to_string())).borrow()
    })
}

/// Makes a second handle of the same error, which is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_clone(
    error: *const resayil_error,
    clone: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        let out = out!(clone);
        *out = give(resayil_error::new(borrow!(error).error.clone()));
        resayil_status::OK
    })
}

/// Frees the error and with it all texts that were borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_free(error: *mut resayil_error) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(error) }
}
