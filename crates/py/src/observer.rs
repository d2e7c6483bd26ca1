//! Functions of the program that are told a client's decisions.

use std::cell::RefCell;

use ::client::observe::CallEvent;
use pyo3::prelude::*;

use crate::interrupt::Interruption;
use crate::{event_queue, wake};

/// The call that a thread carries out.
#[derive(Default)]
struct Current {
    /// Who is told of it, beside the client's observer.
    observer: Option<Py<PyAny>>,
    /// What ends it, where it runs in the thread of its caller.
    interruption: Option<Interruption>,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::default();
}

/// Carries out a call, of which `observer` is told, too. An observer may itself make one.
pub(crate) fn observed<T>(
    observer: Option<Py<PyAny>>,
    interruption: Option<&Interruption>,
    work: impl FnOnce() -> T,
) -> T {
    /// Also when the work breaks off.
    struct Outer(Current);
    impl Drop for Outer {
        fn drop(&mut self) {
            CURRENT.replace(std::mem::take(&mut self.0));
        }
    }
    let current = Current { observer, interruption: interruption.cloned() };
    let _outer = Outer(CURRENT.replace(current));
    work()
}

/// Hands a decision to Python. An interpreter that is going down is told nothing.
pub(crate) fn notify(observer: &Py<PyAny>, event: &CallEvent<'_>) {
    wake::attached(|py| {
        let of_call =
            CURRENT.with_borrow(|it| it.observer.as_ref().map(|observer| observer.clone_ref(py)));
        for observer in [Some(observer), of_call.as_ref()].into_iter().flatten() {
            let Err(raised) = observer.call1(py, event_queue::to_python(event)) else { continue };
            let interruption = CURRENT.with_borrow(|it| it.interruption.clone());
            let mistake = match interruption {
                Some(interruption) => interruption.end_by(py, raised),
                None => Some(raised),
            };
            if let Some(mistake) = mistake {
                mistake.write_unraisable(py, Some(observer.bind(py)));
            }
        }
    });
}
