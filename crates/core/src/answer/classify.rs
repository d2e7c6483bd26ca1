//! From an answer to an error, or to the verdict that there is none.

use super::disguise;
use super::reading::Reading;
use super::verdict;
use crate::error::Error;
use crate::provider::Provider;
use crate::timestamp::Timestamp;

/// Reads an answer and recognises the provider by it; see [`Classifier`].
///
/// # Errors
///
/// The error that the answer stands for. `Ok` means success.
pub fn classify<N, V>(
    status: u16,
    headers: &[(N, V)],
    body: &[u8],
    now: Timestamp,
) -> Result<(), Error>
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    Classifier::new().classify(status, headers, body, now)
}

/// Reads answers of LLM APIs.
///
/// The status decides first, then the codes in the body, then its prose, and that only where the
/// status leaves room. Headers and body are bytes, and any bytes will do: nothing panics, and time
/// is linear in their length.
///
/// ```
/// use resayil_core::answer::Classifier;
/// use resayil_core::{Kind, Provider, Timestamp};
///
/// let classifier = Classifier::new().provider(Provider::Anthropic);
/// let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
/// let headers: [(&str, &str); 0] = [];
/// let error = classifier.classify(529, &headers, body, Timestamp::UNIX_EPOCH).unwrap_err();
/// assert_eq!(error.kind(), Kind::Overloaded);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Classifier {
    provider: Option<Provider>,
}

impl Classifier {
    /// A classifier that recognises the provider by the answer.
    pub fn new() -> Self {
        Classifier::default()
    }

    /// The same classifier, knowing whose answers it reads; with `None` it recognises the provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Option<Provider>>) -> Self {
        self.provider = provider.into();
        self
    }

    /// Reads an answer. `now` is the wall clock when it arrived, for waits that are given as dates.
    ///
    /// A 2xx is a success only if its body is no error in disguise. That is an error object or the
    /// looks of one (`success: false`, a `detail` alone, a failed code beside a message), JSON that
    /// cannot be read, a web page, an answer that ended in a failure before it held any text, and
    /// one without content that used no tokens. The body of a stream is for [`StreamDecoder`](crate::StreamDecoder) to read.
    ///
    /// # Errors
    ///
    /// The error that the answer stands for. `Ok` means success.
    pub fn classify<N, V>(
        &self,
        status: u16,
        headers: &[(N, V)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Error>
    where
        N: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let answer = Reading::of(headers, body, self.provider, now);
        let size = answer.facts.size;
        let error = if (200..300).contains(&status) {
            match disguise::find(status, answer, now) {
                None => return Ok(()),
                Some(error) => error,
            }
        } else {
            let verdict =
                verdict::decide(Some(status), &answer.facts, &answer.body, answer.provider);
            answer.into_error(Some(status), verdict, now)
        };
        Err(error.keep_headers(headers, size))
    }
}
