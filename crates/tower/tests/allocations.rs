//! Where a call succeeds, the layer takes no memory of its own.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use resayil_core::concurrency::ConcurrencyLimit;
use resayil_tower::RetryLayer;
use tower::{Layer, Service};

/// A body that takes no memory.
#[derive(Default)]
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

/// A service that answers at once, from no memory.
#[derive(Clone)]
struct AtOnce;

impl Service<Request<()>> for AtOnce {
    type Response = Response<Nothing>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Nothing>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Nothing)))
    }
}

/// What one call over this layer takes, once another was made.
fn count(layer: RetryLayer) -> u64 {
    let mut service = layer.layer(AtOnce);
    let mut call = || {
        let mut context = Context::from_waker(Waker::noop());
        let mut future = pin!(service.call(Request::new(())));
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else {
            panic!("no answer")
        };
        // To its end: a call that is given up makes an error.
        let body = response.into_body();
        assert!(matches!(pin!(body).poll_frame(&mut context), Poll::Ready(None)));
    };
    call();
    allocation_counter::measure(call).count_total
}

#[tokio::test]
async fn a_success_takes_no_memory() {
    assert_eq!(count(RetryLayer::new()), 0);
}

#[tokio::test]
async fn a_body_that_holds_a_place_takes_one_piece() {
    let layer = RetryLayer::builder().concurrency(ConcurrencyLimit::fixed(8)).build().unwrap();
    assert_eq!(count(layer), 1);
}
