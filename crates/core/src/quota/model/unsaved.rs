//! What a process knows for itself, and is not kept with the rest.

use crate::quota::bytes::Record;
use crate::quota::cost::Sum;

/// From when to when no window ends and nothing is to be forgotten, in nanoseconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Steady {
    pub(super) from: u64,
    pub(super) until: u64,
}

/// What is this process's own.
#[derive(Clone, Copy, Default)]
pub(super) struct Apart {
    /// How many share the model that is out of reach, this process included: each of them is taken to send as
    /// much as this one. 0 while it is within reach.
    pub(super) parties: u32,
    /// What was admitted since this was last saved.
    pub(super) unsaved: Sum,
}

/// They are found anew.
macro_rules! unsaved {
    ($($name:ident),+) => {$(
        impl Record for $name {
            fn put(&self, _: &mut Vec<u8>) {}

            fn get(_: &mut &[u8]) -> Option<Self> {
                Some($name::default())
            }
        }
    )+};
}
unsaved!(Steady, Apart);
