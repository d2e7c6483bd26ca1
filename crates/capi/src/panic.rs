//! What every exported function does first: catch panics, refuse NULL.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::status::resayil_status;

/// What a function answers when it cannot do its work.
pub(crate) trait Fallback {
    /// A handle is needed, and NULL came.
    fn on_null() -> Self;
    /// The library has a bug.
    fn on_panic() -> Self;
}

impl Fallback for resayil_status {
    fn on_null() -> Self {
        resayil_status::NULL_PARAMETER
    }

    fn on_panic() -> Self {
        resayil_status::PANIC
    }
}

impl Fallback for () {
    fn on_null() {}
    fn on_panic() {}
}

/// Types whose zero says "nothing": getters cannot report more.
macro_rules! zero_is_the_fallback {
    ($($type:ty),*) => {$(
        impl Fallback for $type {
            fn on_null() -> Self { <$type>::default() }
            fn on_panic() -> Self { <$type>::default() }
        }
    )*};
}

zero_is_the_fallback!(
    bool,
    u32,
    u64,
    usize,
    f64,
    crate::text::resayil_str,
    crate::text::resayil_bytes
);

impl<T> Fallback for *const T {
    fn on_null() -> Self {
        std::ptr::null()
    }

    fn on_panic() -> Self {
        std::ptr::null()
    }
}

/// Runs the body of an exported function. No panic gets past it.
pub(crate) fn guard<R: Fallback>(body: impl FnOnce() -> R) -> R {
    let body = || {
        // For the test that none gets out of any function.
        if cfg!(feature = "panic-in-every-function") {
            std::panic::panic_any("on purpose");
        }
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
        R::on_panic()
    })
}

/// The handle behind a pointer, or a return from the function for NULL.
macro_rules! borrow {
    ($pointer:expr) => {
        // SAFETY: the header asks for NULL or a handle that is alive.
        match unsafe { $pointer.as_ref() } {
            Some(handle) => handle,
            None => return $crate::panic::Fallback::on_null(),
        }
    };
}

/// The handle behind a pointer that is not shared, or a return from the function for NULL.
macro_rules! borrow_mut {
    ($pointer:expr) => {
        // SAFETY: the header asks for NULL or a handle that is alive and that nobody else uses.
        match unsafe { $pointer.as_mut() } {
            Some(handle) => handle,
            None => return $crate::panic::Fallback::on_null(),
        }
    };
}

/// Sets an out pointer to its empty value, or returns from the function for NULL.
macro_rules! out {
    ($pointer:expr, $empty:expr) => {{
        if $pointer.is_null() {
            return $crate::panic::Fallback::on_null();
        }
        // SAFETY: the header asks for NULL or a place that can be written; it is written before it
        // is borrowed, so it may be uninitialised.
        unsafe {
            $pointer.write($empty);
            &mut *$pointer
        }
    }};
    ($pointer:expr) => {
        out!($pointer, std::ptr::null_mut())
    };
}

/// Moves a value to the heap and gives it to the caller.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Takes back what [`give`] gave; NULL is nothing.
///
/// # Safety
/// The pointer is NULL or comes from [`give`] and was not taken back yet.
pub(crate) unsafe fn take_back<T>(pointer: *mut T) {
    guard(|| {
        if !pointer.is_null() {
            // SAFETY: as this function demands.
            drop(unsafe { Box::from_raw(pointer) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_or_a_zero() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let status = guard(|| -> resayil_status { panic!("on purpose") });
        let number = guard(|| -> u32 { panic!("on purpose") });
        std::panic::set_hook(hook);
        assert_eq!(status, resayil_status::PANIC);
        assert_eq!(number, 0);
    }
}
