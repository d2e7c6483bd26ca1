//! State that one caller at a time may change.

use std::sync::{Mutex, TryLockError};

use crate::status::resayil_status;

/// Says "busy" to a second thread and to a callback, where C would have undefined behaviour.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Exclusive(Mutex::new(value))
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Result<R, resayil_status> {
        match self.0.try_lock() {
            Ok(mut value) => Ok(work(&mut value)),
            Err(TryLockError::WouldBlock) => Err(resayil_status::BUSY),
            // The call that panicked has said so.
            Err(TryLockError::Poisoned(poisoned)) => Ok(work(&mut poisoned.into_inner())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_is_told() {
        let value = Exclusive::new(1);
        let inner = value.with(|_| value.with(|_| ())).unwrap();
        assert_eq!(inner, Err(resayil_status::BUSY));
        assert_eq!(value.with(|it| *it), Ok(1));
    }
}
