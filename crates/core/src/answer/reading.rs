//! An answer that was read, and the error that is made of it.

use super::body::{self, Body};
use super::headers::HeaderFacts;
use super::hint;
use super::limit::choice;
use super::verdict::Verdict;
use crate::error::{Error, Inner, Part, max_bytes};
use crate::provider::Provider;
use crate::timestamp::Timestamp;

/// What is known of an answer once its headers and its body were read.
pub(crate) struct Reading<'a> {
    pub(crate) facts: HeaderFacts<'a>,
    pub(crate) body: Body<'a>,
    /// Named by the caller or recognised.
    pub(crate) provider: Option<Provider>,
    /// The body as it came.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Reading<'a> {
    /// Reads an answer that arrived at `now`.
    pub(crate) fn of<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: &'a [(N, V)],
        bytes: &'a [u8],
        provider: Option<Provider>,
        now: Timestamp,
    ) -> Self {
        let facts = HeaderFacts::read(headers, now);
        let body = body::read(bytes, now);
        let provider = provider.or(facts.provider).or(body.provider).or(facts.front);
        Reading { facts, body, provider, bytes }
    }

    /// The error that the answer stands for, still without the headers, which
    /// [`Error::keep_headers`] gives it.
    pub(crate) fn into_error(self, status: Option<u16>, verdict: Verdict, now: Timestamp) -> Error {
        let Reading { facts, body, provider, bytes } = self;
        let (limit, is_usual) = choice::of(&facts, &body, provider, status, verdict.kind);
        let hint = hint::select(&facts, &body, provider, verdict.kind, now);
        let of_field = if body.message.is_none() { body.fields.first_message() } else { None };
        let texts = [
            (Part::Message, body.message.as_deref().or(of_field.as_deref())),
            (Part::Code, body.code.as_deref().or(facts.code)),
            (Part::Type, body.error_type.as_deref()),
            (Part::Param, body.param.as_deref()),
            (Part::RequestId, facts.request_ids.of(provider).or(body.request_id.as_deref())),
        ];
        let raw = &bytes[..bytes.len().min(max_bytes(Part::Body))];
        let size_of_text = |(part, text): &(Part, Option<&str>)| {
            text.map_or(0, |text| text.len().min(max_bytes(*part)))
        };
        let size_of_texts = texts.iter().map(size_of_text).sum::<usize>();
        let mut inner = Inner::boxed();
        let store = &mut inner.store;
        store.reserve(raw.len() + facts.size.bytes + size_of_texts);
        store.set(Part::Body, raw);
        for (part, text) in texts {
            if let Some(text) = text {
                store.set_redacted(part, text);
            }
        }
        inner.kind = verdict.kind;
        inner.status = status;
        inner.retryable = verdict.retryable;
        // A gateway that waited for the service in vain: the service may be at it still.
        inner.ambiguous = matches!(status, Some(504 | 524));
        inner.should_retry = facts.should_retry;
        inner.provider = provider;
        inner.retry_after = hint.map(|(due, source)| (due.wait, source));
        inner.retry_at = hint.and_then(|(due, _)| due.at);
        inner.rate_limit = facts.told.limit;
        inner.limit_scope = limit.scope;
        inner.limit_window = limit.window;
        inner.is_usual_scope = is_usual;
        inner.field_errors = body.fields.finish();
        inner.into()
    }
}
