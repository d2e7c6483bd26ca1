//! Responses whose body can be taken out and put back.

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use resayil_retry::Timer;

use crate::{AnswerBody, BoxError};

/// A response whose body can be taken out and put back: an `http::Response`, and with the feature `reqwest`
/// a `reqwest::Response`.
pub trait HttpResponse<T: Timer>: Sized {
    /// Its body. Box and pin one that is not `Unpin`.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Unpin;
    /// What the service above gets.
    type Output;

    /// The status.
    fn status(&self) -> StatusCode;
    /// The headers.
    fn headers(&self) -> &HeaderMap;
    /// The response as it is.
    fn untouched(self) -> Self::Output;
    /// Takes it apart.
    fn into_parts(self) -> (Parts, Self::Body);
    /// Puts it together.
    fn from_parts(parts: Parts, body: AnswerBody<Self::Body, T>) -> Self::Output;
}

impl<T: Timer, B> HttpResponse<T> for http::Response<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Body = B;
    type Output = http::Response<AnswerBody<B, T>>;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn untouched(self) -> Self::Output {
        self.map(AnswerBody::untouched)
    }

    fn into_parts(self) -> (Parts, B) {
        self.into_parts()
    }

    fn from_parts(parts: Parts, body: AnswerBody<B, T>) -> Self::Output {
        http::Response::from_parts(parts, body)
    }
}

#[cfg(feature = "reqwest")]
impl<T> HttpResponse<T> for reqwest::Response
where
    T: Timer + Send + Sync + 'static,
    T::Sleep: Send + Sync,
{
    type Body = reqwest::Body;
    type Output = reqwest::Response;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn untouched(self) -> reqwest::Response {
        self
    }

    fn into_parts(self) -> (Parts, reqwest::Body) {
        use reqwest::ResponseBuilderExt as _;
        // Its address gets lost on the way otherwise.
        let url = self.url().clone();
        let (mut parts, body) = http::Response::from(self).into_parts();
        if let Ok(marked) = http::Response::builder().url(url).body(()) {
            parts.extensions.extend(marked.into_parts().0.extensions);
        }
        (parts, body)
    }

    fn from_parts(parts: Parts, body: AnswerBody<reqwest::Body, T>) -> reqwest::Response {
        http::Response::from_parts(parts, reqwest::Body::wrap(body)).into()
    }
}
