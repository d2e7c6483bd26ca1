//! The pointer that a program wants back in its callbacks.

use std::ffi::c_void;

/// The pointer that a program wants back in its callback.
pub(crate) struct User(pub(crate) *mut c_void);

// SAFETY: the header says that several threads may call the callback at once, and so that what the
// pointer leads to has to bear it.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    /// A method, so that closures hold the whole and not the bare pointer.
    pub(crate) fn pointer(&self) -> *mut c_void {
        self.0
    }
}
