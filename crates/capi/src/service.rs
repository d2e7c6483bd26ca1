//! What all operations at one service share, for programs that have their own HTTP.

use std::ffi::c_char;
use std::sync::Arc;

use ::client::call::Service;

use crate::budget::resayil_budget;
use crate::concurrency_limiter::resayil_concurrency_limiter;
use crate::names;
use crate::panic::{give, guard, take_back};
use crate::quota::resayil_quota;
use crate::status::{ended, resayil_status};
use crate::text::name_in;
use crate::time;

/// What all operations at one service with one key share: whose API it is, and what holds them back.
/// One thread at a time may set; any may use it then. What is set later holds for options that are
/// made later.
///
/// At the beginning nothing is set: then the provider is recognised by each answer, no budget is drawn
/// from, and no operation waits.
pub struct resayil_service {
    pub(crate) service: Arc<Service>,
}

impl resayil_service {
    fn set(&mut self, change: impl FnOnce(Service) -> Service) {
        let service = Arc::make_mut(&mut self.service);
        *service = change(std::mem::take(service));
    }
}

/// Makes a service of which nothing is known. `*service` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_new(service: *mut *mut resayil_service) -> resayil_status {
    guard(|| {
        let out = out!(service);
        *out = give(resayil_service { service: Arc::new(Service::new()) });
        resayil_status::OK
    })
}

/// Whose API it is, by its name, such as `resayil`; NULL or `auto` recognises it by each answer.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_provider(
    service: *mut resayil_service,
    provider: *const c_char,
) -> resayil_status {
    guard(|| {
        let service = borrow_mut!(service);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let provider = names::provider(unsafe { name_in(provider) }?)?;
            service.set(|it| it.with_provider(provider));
            Ok(())
        })())
    })
}

/// The retry budget that its operations draw from. The handle stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_budget(
    service: *mut resayil_service,
    budget: *const resayil_budget,
) -> resayil_status {
    guard(|| {
        let budget = borrow!(budget).budget.clone();
        borrow_mut!(service).set(|it| it.with_budget(budget));
        resayil_status::OK
    })
}

/// The quota that its operations wait for. `now_seconds` is the time on the clock that the quota was
/// made with, which is that of the operations. The handle stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_quota(
    service: *mut resayil_service,
    quota: *const resayil_quota,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let quota = borrow!(quota).quota.clone();
        let service = borrow_mut!(service);
        ended(time::seconds(now_seconds).map(|now| service.set(|it| it.with_quota(quota, now))))
    })
}

/// What limits how many of its requests are in flight. The handle stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_concurrency_limiter(
    service: *mut resayil_service,
    limiter: *const resayil_concurrency_limiter,
) -> resayil_status {
    guard(|| {
        let limiter = borrow!(limiter).limiter.clone();
        borrow_mut!(service).set(|it| it.with_concurrency_limiter(limiter));
        resayil_status::OK
    })
}

/// Frees the service; NULL is nothing. Options and operations that have it keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_service_free(service: *mut resayil_service) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(service) }
}
