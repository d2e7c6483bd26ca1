//! A service that answers by a script.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use resayil_core::Policy;
use resayil_core::retry::Jitter;
use resayil_tower::{AnswerBody, BoxError, RetryLayer, RetryLayerBuilder};
use tower::util::BoxCloneService;
use tower::{Service, ServiceExt};

/// What comes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Whole(u16, Vec<(String, String)>, Vec<String>),
    /// The body begins so, and nothing follows.
    Stalled(u16, &'static str),
    /// A stream of which nothing comes.
    StalledStream,
    /// The body begins so, then the connection breaks.
    Broken(&'static str, &'static str),
    /// No answer ever comes.
    Silent,
    /// No connection.
    Refused,
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    // In two pieces, as bodies come.
    let mut middle = body.len() / 2;
    while !body.is_char_boundary(middle) {
        middle -= 1;
    }
    Answer::Whole(status, headers, vec![body[..middle].into(), body[middle..].into()])
}

pub(crate) fn json(status: u16, body: &str) -> Answer {
    answer(status, &[("content-type", "application/json")], body)
}

pub(crate) fn stream(events: &[&str]) -> Answer {
    let pieces: Vec<_> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    pieces_of(pieces)
}

/// A stream that comes in these pieces.
pub(crate) fn pieces(pieces: &[&str]) -> Answer {
    pieces_of(pieces.iter().map(|piece| (*piece).to_owned()).collect())
}

fn pieces_of(pieces: Vec<String>) -> Answer {
    Answer::Whole(200, vec![("content-type".into(), "text/event-stream".into())], pieces)
}

/// A body by a script.
pub(crate) struct ScriptBody {
    pieces: VecDeque<String>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Over,
    Stalled,
    Broken,
}

impl Body for ScriptBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece.into())))),
            (None, End::Over) => Poll::Ready(None),
            (None, End::Stalled) => Poll::Pending,
            (None, End::Broken) => {
                self.end = End::Over;
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
        }
    }
}

/// Answers, and what was asked.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<(VecDeque<Answer>, Vec<http::HeaderMap>)>>);

pub(crate) type ScriptService = BoxCloneService<Request<String>, Response<ScriptBody>, io::Error>;

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Script(Arc::new(Mutex::new((answers.into_iter().collect(), Vec::new()))))
    }

    pub(crate) fn sent(&self) -> usize {
        self.0.lock().unwrap().1.len()
    }

    /// What was sent as this header, by each request.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let seen = &self.0.lock().unwrap().1;
        seen.iter().map(|headers| headers[name].to_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn service(&self) -> ScriptService {
        let script = self.clone();
        tower::service_fn(move |request: Request<String>| {
            let mut state = script.0.lock().unwrap();
            state.1.push(request.headers().clone());
            let answer = state.0.pop_front().expect("another request than the script has");
            drop(state);
            async move {
                // As on a network, the answer is not there at once.
                tokio::task::yield_now().await;
                play(answer).await
            }
        })
        .boxed_clone()
    }
}

async fn play(answer: Answer) -> io::Result<Response<ScriptBody>> {
    let response = |status, kind: &str, pieces: &[&str], end| {
        let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        let builder = Response::builder().status(status).header("content-type", kind);
        Ok(builder.body(ScriptBody { pieces, end }).unwrap())
    };
    match answer {
        Answer::Whole(status, headers, pieces) => {
            let mut builder = Response::builder().status(status);
            for (name, value) in headers {
                builder = builder.header(name, value);
            }
            Ok(builder.body(ScriptBody { pieces: pieces.into(), end: End::Over }).unwrap())
        }
        Answer::Stalled(status, text) => {
            response(status, "application/json", &[text], End::Stalled)
        }
        Answer::StalledStream => response(200, "text/event-stream", &[": hi\n"], End::Stalled),
        Answer::Broken(kind, text) => response(200, kind, &[text], End::Broken),
        Answer::Silent => std::future::pending().await,
        Answer::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
    }
}

/// A layer without chance.
pub(crate) fn layer() -> RetryLayerBuilder {
    let policy = Policy::builder().jitter(Jitter::None).build().unwrap();
    RetryLayer::builder().policy(policy)
}

/// One call.
pub(crate) async fn send<S>(mut service: S) -> Result<Response<AnswerBody<ScriptBody>>, BoxError>
where
    S: Service<Request<String>, Response = Response<AnswerBody<ScriptBody>>, Error = BoxError>,
{
    service.ready().await?.call(Request::new("{}".to_owned())).await
}

/// The whole body.
pub(crate) async fn text<B>(response: Response<B>) -> Result<String, B::Error>
where
    B: Body<Data = Bytes>,
{
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}
