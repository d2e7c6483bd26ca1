//! The rest of the chain, as a service.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::Next;
use resayil_core::Error;
use resayil_tower::{BoxError, Replay};

/// A request that can be sent again, unless its body is a stream.
pub struct Outgoing(pub(crate) Request);

impl Replay for Outgoing {
    fn replay(&self) -> Option<Self> {
        self.0.try_clone().map(Outgoing)
    }
}

/// The rest of the chain of a client.
#[derive(Clone)]
pub(crate) struct NextService<'a> {
    next: Next<'a>,
    /// Each attempt begins with what the one before has left.
    extensions: Arc<Mutex<Extensions>>,
}

impl<'a> NextService<'a> {
    pub(crate) fn new(next: Next<'a>, extensions: Arc<Mutex<Extensions>>) -> Self {
        NextService { next, extensions }
    }
}

impl<'a> tower_service::Service<Outgoing> for NextService<'a> {
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send + 'a>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Outgoing) -> Self::Future {
        let next = self.next.clone();
        let shared = Arc::clone(&self.extensions);
        Box::pin(async move {
            let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
            let mut extensions = lock().clone();
            let result = next.run(request.0, &mut extensions).await;
            *lock() = extensions;
            result.map_err(unwrapped)
        })
    }
}

/// The error that is inside: of reqwest, of the core, of a middleware.
fn unwrapped(error: reqwest_middleware::Error) -> BoxError {
    match error {
        // The address may hold a key.
        reqwest_middleware::Error::Reqwest(error) => Box::new(error.without_url()),
        reqwest_middleware::Error::Middleware(error) => match error.downcast::<Error>() {
            Ok(error) => Box::new(error),
            Err(error) => error.into(),
        },
    }
}
