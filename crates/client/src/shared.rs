//! What all calls of a client share.

use std::sync::Arc;

use crate::endpoint::Endpoint;
use crate::fallback::Fallbacks;
use crate::settings::Settings;

/// What all calls of a client share: where they go, and what the program set.
pub(crate) struct Shared {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) fallbacks: Option<Fallbacks>,
    pub(crate) settings: Settings,
}

impl Shared {
    /// Where a request of a call goes that is at this target of the fallback, or at none.
    pub(crate) fn endpoint(&self, target: Option<usize>) -> &Endpoint {
        let endpoints = self.fallbacks.as_ref().map(|fallbacks| &fallbacks.endpoints);
        let of_target = target.and_then(|target| endpoints?.get(target));
        of_target.unwrap_or(&self.endpoint)
    }

    /// Whether an endpoint is of the origin of the first, and so may see what was given for that one.
    pub(crate) fn is_at_home(&self, endpoint: &Endpoint) -> bool {
        endpoint.url.origin() == self.endpoint.url.origin()
    }
}
