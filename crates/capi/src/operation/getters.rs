//! What an operation knows of itself.

use super::resayil_operation;
use crate::error::resayil_error;
use crate::panic::{give, guard};
use crate::status::{ended, resayil_status};
use crate::text::resayil_string;
use crate::time;

/// A copy of the `Idempotency-Key` to send with the request. It changes where the operation goes on as
/// another request, because its answer was rejected or at another target: ask for each attempt. `*key`
/// is yours; NULL if none was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_idempotency_key(
    operation: *const resayil_operation,
    key: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(key);
        let operation = borrow!(operation);
        ended(operation.state.with(|it| {
            if let Some(key) = it.operation.idempotency_key() {
                *out = resayil_string::give(key);
            }
        }))
    })
}

/// A copy of the name of the model that the request is for, which is another one at a fallback's target.
/// `*model` is yours; NULL if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_model(
    operation: *const resayil_operation,
    model: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(model);
        let operation = borrow!(operation);
        ended(operation.state.with(|it| {
            if let Some(model) = it.operation.model() {
                *out = resayil_string::give(model);
            }
        }))
    })
}

/// How many requests were sent so far; 0 while the operation is busy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_attempts(operation: *const resayil_operation) -> u32 {
    guard(|| borrow!(operation).state.with(|it| it.operation.attempts()).unwrap_or(0))
}

/// Whether the operation has succeeded or failed; false while it is busy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_is_over(operation: *const resayil_operation) -> bool {
    guard(|| borrow!(operation).state.with(|it| it.operation.is_over()).unwrap_or(false))
}

/// When the operation has to be over, on its clock. Says whether there is a deadline; if not, or while
/// the operation is busy, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_deadline(
    operation: *const resayil_operation,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let deadline = borrow!(operation).state.with(|it| it.operation.deadline()).ok().flatten();
        *out = deadline.unwrap_or_default().as_secs_f64();
        deadline.is_some()
    })
}

/// The error for a request that took too long: of RESAYIL_KIND_DEADLINE if the deadline is over, and else
/// of RESAYIL_KIND_TIMEOUT. `ambiguous` says whether the server may have carried the request out. `*error`
/// is yours: tell it by `resayil_operation_on_failure` or `resayil_operation_on_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_timeout_error(
    operation: *const resayil_operation,
    ambiguous: bool,
    now_seconds: f64,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        let out = out!(error);
        let operation = borrow!(operation);
        ended((|| {
            let now = time::seconds(now_seconds)?;
            let made = operation.state.with(|it| it.operation.timeout_error(ambiguous, now))?;
            *out = give(resayil_error::new(made));
            Ok(())
        })())
    })
}
