//! What the layer adds to a call that succeeds, beside tower's own retry.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body_util::Full;
use resayil_tower::RetryLayer;
use tower::{Layer, Service};

fn main() {
    divan::main();
}

type Body = Full<bytes::Bytes>;

/// A service that answers at once.
#[derive(Clone)]
struct AtOnce;

impl Service<Request<()>> for AtOnce {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let builder = Response::builder().header("content-type", "application/json");
        ready(Ok(builder.body(Full::default()).unwrap_or_default()))
    }
}

/// Tries nothing again.
#[derive(Clone)]
struct Never;

impl<T, E> tower::retry::Policy<Request<()>, T, E> for Never {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<()>, _: &mut Result<T, E>) -> Option<Ready<()>> {
        None
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

fn run<S: Service<Request<()>>>(bencher: divan::Bencher<'_, '_>, mut service: S) {
    let waker = Waker::noop();
    bencher.bench_local(|| {
        let mut context = Context::from_waker(waker);
        let _ = service.poll_ready(&mut context);
        let mut future = pin!(service.call(Request::new(())));
        matches!(future.as_mut().poll(&mut context), Poll::Ready(Ok(_)))
    });
}

#[divan::bench]
fn alone(bencher: divan::Bencher<'_, '_>) {
    run(bencher, AtOnce);
}

#[divan::bench]
fn resayil(bencher: divan::Bencher<'_, '_>) {
    run(bencher, RetryLayer::new().layer(AtOnce));
}

#[divan::bench]
fn tower_retry(bencher: divan::Bencher<'_, '_>) {
    run(bencher, tower::retry::RetryLayer::new(Never).layer(AtOnce));
}
