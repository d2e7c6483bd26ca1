//! Calls that are dropped wherever they can be: each gives its place up at once.

mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::layer;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
use resayil_core::quota::QuotaOptions;
use resayil_core::{Quota, Timestamp};
use resayil_tower::{RetryLayer, Timer, TokioTimer};
use tower::{Layer, Service, ServiceExt};

/// A future that is dropped where it has to wait for the `left`th time.
struct Dropped<F> {
    future: Option<Pin<Box<F>>>,
    left: usize,
}

impl<F: Future> Future for Dropped<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        self.left -= 1;
        if self.left == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

/// A body that has to be waited for before each piece.
struct Slow {
    pieces: Vec<&'static str>,
    ready: bool,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        self.ready = !self.ready;
        if self.ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.pieces.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(self.pieces.remove(0).into()))))
    }
}

/// A service that has to be waited for at each step. At first it refuses, then it is busy, then it streams.
#[derive(Clone, Default)]
struct Steps {
    asked: u32,
    sent: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Service<Request<String>> for Steps {
    type Response = Response<Slow>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Slow>, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.asked += 1;
        if self.asked % 2 == 1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        let sent = self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (status, kind, pieces) = match sent {
                0 => (429, "application/json", vec![r#"{"retry_"#, r#"after":2}"#]),
                1 => (503, "text/html", vec!["busy"]),
                _ => (
                    200,
                    "text/event-stream",
                    vec![
                        ": hello\n\n",
                        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
                        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
                        "data: [DONE]\n\n",
                    ],
                ),
            };
            let body = Slow { pieces, ready: false };
            Ok(Response::builder().status(status).header("content-type", kind).body(body).unwrap())
        })
    }
}

/// One call to its end, over a layer that shares nothing with others.
async fn call(layer: RetryLayer) -> String {
    let response =
        layer.layer(Steps::default()).oneshot(Request::new(String::new())).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_await_frees_its_place() {
    let mut waits = 0;
    loop {
        waits += 1;
        let quota = QuotaOptions::default().with_window(None);
        let quota = Quota::new(quota, Timestamp::from_unix_seconds(50), TokioTimer::new().now());
        let layer = layer()
            .quota(quota.clone())
            .concurrency(ConcurrencyLimit::fixed(1))
            .watch_streams(true)
            .attempt_timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let limiter =
            || -> ConcurrencyLimiter { layer.service().concurrency_limiter().unwrap().clone() };
        let result = Dropped { future: Some(Box::pin(call(layer.clone()))), left: waits }.await;
        let (state, places) = (quota.state(TokioTimer::new().now()), limiter().state());
        assert_eq!((state.waiting, places.in_flight, places.waiting), (0, 0, 0), "wait {waits}");
        if let Some(text) = result {
            assert!(text.contains("Hi"), "{text}");
            break;
        }
        // The next one gets the place.
        assert!(call(layer).await.contains("Hi"));
    }
    // Readiness, answer and each piece, three times, and the waits between.
    assert!(waits > 15, "{waits}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_the_line_leaves_it() {
    let options = QuotaOptions::default().with_limit(1).with_window(Duration::from_secs(60));
    let quota = Quota::new(options, Timestamp::from_unix_seconds(50), TokioTimer::new().now());
    let layer = layer().quota(quota.clone()).build().unwrap();
    let waiting = |quota: &Quota| quota.state(TokioTimer::new().now()).waiting;
    let (first, _) = quota.acquire(TokioTimer::new().now());
    {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut second = pin!(call(layer));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert_eq!(waiting(&quota), 1);
    }
    assert_eq!(waiting(&quota), 0);
    drop(first);
}
