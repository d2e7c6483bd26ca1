//! What an operation is given at its beginning.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use ::client::call::{OperationOptions, Service};
use ::client::observe::{CallEvent, Observer};
use ::client::quota::EnterOptions;

use super::resayil_operation;
use crate::error::{clear, resayil_error};
use crate::event::{resayil_event, resayil_event_callback};
use crate::fallback::resayil_fallback;
use crate::options::{cost_of, priority_in, tenant_in};
use crate::panic::{give, guard, take_back};
use crate::policy::resayil_policy;
use crate::service::resayil_service;
use crate::status::{ended, resayil_status};
use crate::text::{bytes_in, some_name_in};
use crate::time;
use crate::user::User;

/// The options of one operation, or of several. One thread at a time may set; any may use it then.
pub struct resayil_operation_options {
    options: OperationOptions,
    service: Arc<Service>,
    /// How the request stands in the quota's line.
    enter: EnterOptions,
}

impl resayil_operation_options {
    fn set_enter(&mut self, change: impl FnOnce(EnterOptions) -> EnterOptions) {
        let enter = change(self.enter);
        self.enter = enter;
        self.set(|it| it.with_enter_options(enter));
    }

    fn set(&mut self, change: impl FnOnce(OperationOptions) -> OperationOptions) {
        self.options = change(self.options.clone());
    }
}

/// Makes the options of requests to this service that are retried by this policy. Both handles stay
/// yours. `*options` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_new(
    policy: *const resayil_policy,
    service: *const resayil_service,
    options: *mut *mut resayil_operation_options,
) -> resayil_status {
    guard(|| {
        let out = out!(options);
        let (policy, service) = (borrow!(policy), borrow!(service));
        let service = service.service.clone();
        let options = OperationOptions::new(policy.policy.clone(), service.clone());
        let enter = EnterOptions::default();
        *out = give(resayil_operation_options { options, service, enter });
        resayil_status::OK
    })
}

/// What takes the request over if the service does not serve it, and the services of its targets, in
/// the same order: an entry that is NULL or missing stands for the request's own. Default: none. The
/// handles stay yours.
///
/// A target with an address of its own has to have a service of its own: with the first one's it would
/// wait for that one's quota.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_fallback(
    options: *mut resayil_operation_options,
    fallback: *const resayil_fallback,
    services: *const *const resayil_service,
    service_count: usize,
) -> resayil_status {
    guard(|| {
        let fallback = borrow!(fallback).fallback.clone();
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or as many pointers as `service_count` says.
            let services = unsafe { bytes_in(services, service_count) }?;
            let own = options.service.clone();
            let services = services.iter().map(|service| {
                // SAFETY: the header asks for NULL or a handle that is alive.
                unsafe { service.as_ref() }.map_or_else(|| own.clone(), |it| it.service.clone())
            });
            let services: Arc<[Arc<Service>]> = services.collect();
            options.set(|it| it.with_fallback(fallback, services));
            Ok(())
        })())
    })
}

/// Whether the request counts against the quota, and so waits for it. Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_metered(
    options: *mut resayil_operation_options,
    metered: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(options).set(|it| it.with_metered(metered));
        resayil_status::OK
    })
}

/// The `Idempotency-Key` of its attempts: 1 to 255 visible ASCII characters, or
/// `resayil_operation_options_start` fails. Where the operation goes on as another request, the key has a
/// number at its end: see `resayil_operation_idempotency_key`. Default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_idempotency_key(
    options: *mut resayil_operation_options,
    key: *const c_char,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let key = unsafe { some_name_in(key) }?.to_owned();
            options.set(|it| it.with_idempotency_key(key));
            Ok(())
        })())
    })
}

/// How urgent the request is where several wait for the quota: `high`, `normal` (the default) or `low`.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for any other name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_priority(
    options: *mut resayil_operation_options,
    priority: *const c_char,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let priority = unsafe { priority_in(priority) }?;
            options.set_enter(|it| it.with_priority(priority));
            Ok(())
        })())
    })
}

/// On whose behalf the request is: while several tenants wait for the quota, each is admitted in proportion
/// to its weight, 1 to 1000. Default: one without a name, of weight 1.
///
/// RESAYIL_STATUS_INVALID_ARGUMENT for a weight out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_tenant(
    options: *mut resayil_operation_options,
    name: *const c_char,
    weight: u32,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { tenant_in(name, weight) }?;
            options.set_enter(|it| it.with_tenant(name, weight));
            Ok(())
        })())
    })
}

/// What the request takes of limits of tokens: those of the prompt, and the most that the answer may have. A
/// negative number stands for unknown, which is the default: then it is taken for what requests cost lately.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_cost(
    options: *mut resayil_operation_options,
    input_tokens: i64,
    output_tokens: i64,
) -> resayil_status {
    guard(|| {
        let cost = cost_of(input_tokens, output_tokens);
        borrow_mut!(options).set_enter(|it| it.with_cost(cost));
        resayil_status::OK
    })
}

/// The model that the request names, for the error. Default: unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_model(
    options: *mut resayil_operation_options,
    model: *const c_char,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let model = unsafe { some_name_in(model) }?.to_owned();
            options.set(|it| it.with_model(model));
            Ok(())
        })())
    })
}

/// How long one attempt may take, in seconds. Default: no limit but the policy's deadline.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_attempt_timeout(
    options: *mut resayil_operation_options,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let options = borrow_mut!(options);
        ended(time::seconds(seconds).map(|timeout| {
            options.set(|it| it.with_attempt_timeout(timeout));
        }))
    })
}

/// Is told each decision of the operations, in the thread that polls or tells them. NULL for none,
/// which is the default. `user` is given back to it, and has to be valid as long as the options are and
/// the operations that were started with them. It may not use the operation that it hears of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_observer(
    options: *mut resayil_operation_options,
    callback: resayil_event_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let user = User(user);
        let observer = callback.map(|callback| -> Arc<dyn Observer> {
            Arc::new(move |event: &CallEvent<'_>| {
                let event = resayil_event::new(event);
                // SAFETY: the header asks for a function of this type that does not unwind.
                unsafe { callback(&event, user.pointer()) }
            })
        });
        borrow_mut!(options).set(|it| it.with_observer(observer));
        resayil_status::OK
    })
}

/// Begins an operation. `now_seconds` is a point on a clock that never goes back, that which the quota
/// was made with; the same clock is meant in all functions of the operation. `seed` decides the
/// jitter. `*operation` is yours; the options stay as they are.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if the idempotency key is of bad
/// form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_start(
    options: *const resayil_operation_options,
    now_seconds: f64,
    seed: u64,
    operation: *mut *mut resayil_operation,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(operation);
        let options = borrow!(options).options.clone();
        let now = match time::seconds(now_seconds) {
            Ok(now) => now,
            Err(status) => return status,
        };
        match options.start(now, seed) {
            Ok(operation) => {
                *out = give(resayil_operation::new(operation));
                resayil_status::OK
            }
            Err(refused) => resayil_error::report(refused, error),
        }
    })
}

/// Frees the options; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_options_free(options: *mut resayil_operation_options) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(options) }
}
