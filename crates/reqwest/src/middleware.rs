//! The middleware.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};
use resayil_core::{Error, call::Service};
use resayil_tower::{BoxError, RetryLayer, RetryLayerBuilder, TokioTimer};
use tower_service::Service as _;

use crate::ForRequest;
use crate::next::{NextService, Outgoing};

/// Makes the calls of a `reqwest_middleware` client robust; see [the crate](crate) for what it does.
///
/// It stands for one API and one key. A clone is the same middleware. Put it behind what is to see each
/// call once, and before what is to see each attempt.
#[derive(Clone)]
pub struct RetryMiddleware(RetryLayer<TokioTimer, ForRequest>);

impl RetryMiddleware {
    /// A middleware with all options at their defaults; others by `try_from`, of a [`RetryLayerBuilder`].
    pub fn new() -> Self {
        match RetryLayer::builder().try_into() {
            Ok(middleware) => middleware,
            Err(error) => unreachable!("the defaults are good: {error}"),
        }
    }

    /// What the calls share: quota, budget and places.
    pub fn service(&self) -> &Arc<Service> {
        self.0.service()
    }
}

impl Default for RetryMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl TryFrom<RetryLayerBuilder> for RetryMiddleware {
    type Error = Error;

    fn try_from(options: RetryLayerBuilder) -> Result<Self, Error> {
        Ok(RetryMiddleware(options.prepare(ForRequest::new()).build()?))
    }
}

#[async_trait::async_trait]
impl Middleware for RetryMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        use tower_layer::Layer as _;
        let shared = Arc::new(Mutex::new(std::mem::take(extensions)));
        let mut service = self.0.layer(NextService::new(next, Arc::clone(&shared)));
        let result = service.call(Outgoing(request)).await;
        drop(service);
        // What the middleware below have left there is for those above.
        *extensions = std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner));
        result.map_err(told)
    }
}

/// The error as callers of the client get it.
fn told(error: BoxError) -> reqwest_middleware::Error {
    match error.downcast::<Error>() {
        Ok(error) => reqwest_middleware::Error::middleware(*error),
        Err(other) => reqwest_middleware::Error::middleware(std::io::Error::other(other)),
    }
}

impl fmt::Debug for RetryMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RetryMiddleware").field(&self.0).finish()
    }
}
