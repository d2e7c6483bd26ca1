//! Calls that succeed at once, over each layer, for `cargo xtask instructions`.
//!
//! `--layers` prints their names, `LAYER TIMES` makes so many calls, `LAYER --allocations` prints how often one
//! asks for memory, and `LAYER --nanoseconds` how long one takes, at best.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use resayil_tower::RetryLayer;
use tower::{Layer, Service};

type Body = Full<Bytes>;

const LAYERS: [&str; 4] = ["none", "tower's retry", "tower-resilience's retry", "resayil's"];

/// A service that answers at once.
#[derive(Clone)]
struct AtOnce;

impl Service<Request<Body>> for AtOnce {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Empty<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Empty::new())))
    }
}

/// Tries nothing again, but is ready to.
#[derive(Clone)]
struct Never;

impl<T, E> tower::retry::Policy<Request<Body>, T, E> for Never {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Body>, _: &mut Result<T, E>) -> Option<Ready<()>> {
        None
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

/// What clients of LLM APIs send: some headers, and a prompt.
fn request() -> Request<Body> {
    let builder = Request::post("http://localhost/v1/chat/completions")
        .header("authorization", "Bearer sk-0123456789")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("user-agent", "layers");
    builder.body(Full::new(Bytes::from_static(&[b'a'; 1024]))).expect("a request")
}

/// One call, whose answer is read to its end.
fn call<S, B>(service: &mut S, request: Request<Body>)
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let mut future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else { panic!("no answer") };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut context) {}
}

/// A call over this layer, with a new copy of the request.
fn over(layer: &str) -> Box<dyn FnMut()> {
    let request = request();
    match layer {
        "none" => {
            let mut service = AtOnce;
            Box::new(move || call(&mut service, request.clone()))
        }
        "tower's retry" => {
            let mut service = tower::retry::RetryLayer::new(Never).layer(AtOnce);
            Box::new(move || call(&mut service, request.clone()))
        }
        "tower-resilience's retry" => {
            let layer =
                tower_resilience_retry::RetryLayer::<Request<Body>, _, Infallible>::builder()
                    .retry_on(|_| false)
                    .build();
            let mut service = layer.layer(AtOnce);
            Box::new(move || call(&mut service, request.clone()))
        }
        _ => {
            let mut service = RetryLayer::new().layer(AtOnce);
            Box::new(move || call(&mut service, request.clone()))
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Sleeping needs its timer, though nobody sleeps.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--layers"] => println!("{}", LAYERS.join("\n")),
        [layer, "--allocations"] => {
            let mut call = over(layer);
            call();
            println!("{}", allocation_counter::measure(call).count_total);
        }
        [layer, "--nanoseconds"] => {
            let mut call = over(layer);
            let best = (0..200).map(|_| {
                let start = Instant::now();
                (0..1000).for_each(|_| call());
                start.elapsed().as_nanos() / 1000
            });
            println!("{}", best.min().unwrap_or_default());
        }
        [layer, times] => {
            let mut call = over(layer);
            (0..times.parse().unwrap_or(1)).for_each(|_| call());
        }
        _ => LAYERS.iter().for_each(|layer| over(layer)()),
    }
}
