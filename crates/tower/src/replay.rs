//! Requests that can be sent again.

/// A request that can be sent again, as a copy. Whatever is `Clone` can: an `http::Request` whose body is
/// in memory, async-openai's `HttpRequestFactory`.
///
/// A type of your own says for each request whether it can. One that cannot is sent once: it waits for
/// quota and place like others, and its failure is final.
pub trait Replay: Sized {
    /// A copy to send, or `None` if there can be none.
    fn replay(&self) -> Option<Self>;
}

impl<R: Clone> Replay for R {
    fn replay(&self) -> Option<Self> {
        Some(self.clone())
    }
}
