//! What remains without the feature: nothing that costs.

use resayil_core::Error;
use resayil_core::observe::CallEvent;

use crate::chat::ChatCompletion;
use crate::endpoint::Endpoint;

pub(crate) fn emit(_: &CallEvent<'_>) {}

#[derive(Clone)]
pub(crate) struct CallSpan;

impl CallSpan {
    pub(crate) fn new(_: &Endpoint, _: Option<&str>) -> Self {
        CallSpan
    }

    pub(crate) fn moved(&self, _: &Endpoint) {}

    pub(crate) fn attempt(&self, _: &'static str) {}

    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    pub(crate) fn answer(&self, _: &ChatCompletion) {}

    pub(crate) fn end(&self, _: u32, _: Option<&Error>) {}
}
