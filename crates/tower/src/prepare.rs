//! What is changed in a request before each time that it is sent.

use resayil_core::Error;
use resayil_core::call::FallbackTarget;

/// A request that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub(crate) number: u32,
    pub(crate) target: Option<(usize, &'a FallbackTarget)>,
    pub(crate) idempotency_key: Option<&'a str>,
}

impl<'a> Sending<'a> {
    /// Which request of the call it is, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where it goes: the index and the target of the fallback; `None` for where the request itself says.
    pub fn target(&self) -> Option<(usize, &'a FallbackTarget)> {
        self.target
    }

    /// What to send as `Idempotency-Key`, if [`Prepare::idempotency_key`] gave one: the same at each attempt,
    /// unless it is another request that is sent.
    pub fn idempotency_key(&self) -> Option<&'a str> {
        self.idempotency_key
    }
}

/// What is changed in a request before each time that it is sent: its address and key where a fallback's
/// target takes it over, an `Idempotency-Key`. A closure over both is one.
pub trait Prepare<Req> {
    /// The request to send.
    ///
    /// # Errors
    ///
    /// The request cannot be sent so: the call ends with this error.
    fn prepare(&self, request: Req, sending: &Sending<'_>) -> Result<Req, Error>;

    /// Whether the request counts against the quota, and so waits for it. Default: yes.
    fn is_metered(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// Whether a fallback's target may take the request over. Default: yes.
    fn may_fall_back(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// The key of the call's requests by which a server knows that they are one: 1 to 255 visible ASCII
    /// characters. Default: none.
    fn idempotency_key(&self, request: &Req) -> Option<String> {
        let _ = request;
        None
    }
}

/// Nothing is changed.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AsIs;

impl<Req> Prepare<Req> for AsIs {
    fn prepare(&self, request: Req, _: &Sending<'_>) -> Result<Req, Error> {
        Ok(request)
    }
}

impl<Req, F: Fn(Req, &Sending<'_>) -> Result<Req, Error>> Prepare<Req> for F {
    fn prepare(&self, request: Req, sending: &Sending<'_>) -> Result<Req, Error> {
        self(request, sending)
    }
}
