//! The one warning that a quota is not shared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use resayil_core::{Error, Kind};

/// It is set while the quota is locked, and told when it is not.
#[derive(Clone, Default)]
pub(super) struct Warning(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// So that nothing has to be locked where there is none.
    untold: AtomicBool,
    first: Mutex<Option<String>>,
}

impl Warning {
    /// The first one stays.
    pub(super) fn set(&self, problem: &str) {
        let mut first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(problem.to_owned());
            self.0.untold.store(true, Ordering::Release);
        }
    }

    pub(super) fn take(&self) -> Option<Error> {
        if !self.0.untold.load(Ordering::Acquire) || !self.0.untold.swap(false, Ordering::AcqRel) {
            return None;
        }
        let first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = first.as_deref().unwrap_or_default();
        let message = format!(
            "the quota is not shared with the other processes of this host: {problem}; this \
             process goes on alone"
        );
        Some(Error::new(Kind::Configuration, &message))
    }
}
