//! The service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use resayil_core::{Error, Operation};
use resayil_retry::{Timer, TokioTimer, random_seed};
use tower_service::Service;

use crate::layer::Shared;
use crate::{AsIs, BoxError, HttpResponse, Prepare, Replay, ResponseFuture};

/// A service whose calls are tried again; made by [`RetryLayer`](crate::RetryLayer).
///
/// It is always ready: the service below is asked when there is something to send, so that no place of it
/// is taken while a call waits.
pub struct Retry<S, T = TokioTimer, P = AsIs> {
    pub(crate) inner: S,
    pub(crate) shared: Arc<Shared<T, P>>,
}

impl<S, T, P> Retry<S, T, P> {
    /// The service below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service below.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, T, P> Clone for Retry<S, T, P> {
    fn clone(&self) -> Self {
        Retry { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S, Req, T, P> Service<Req> for Retry<S, T, P>
where
    S: Service<Req, Response: HttpResponse<T>, Error: Into<BoxError>> + Clone,
    Req: Replay,
    T: Timer,
    P: Prepare<Req>,
{
    type Response = <S::Response as HttpResponse<T>>::Output;
    type Error = BoxError;
    type Future = ResponseFuture<S, Req, T, P>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let operation = start(&self.shared, &request);
        ResponseFuture::new(self.inner.clone(), Arc::clone(&self.shared), request, operation)
    }
}

fn start<Req, T: Timer, P: Prepare<Req>>(
    shared: &Shared<T, P>,
    request: &Req,
) -> Result<Operation, Error> {
    let mut options = shared
        .call
        .clone()
        .with_metered(shared.prepare.is_metered(request))
        .with_idempotency_key(shared.prepare.idempotency_key(request));
    if let Some((fallback, services)) = &shared.fallback {
        if shared.prepare.may_fall_back(request) {
            options = options.with_fallback(fallback.clone(), Arc::clone(services));
        }
    }
    options.start(shared.timer.now(), random_seed())
}

impl<S: fmt::Debug, T, P> fmt::Debug for Retry<S, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("inner", &self.inner).finish_non_exhaustive()
    }
}
