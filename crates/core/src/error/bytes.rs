//! Errors as bytes, for pickling, caches and queues, the same in every language.
//!
//! After [`MAGIC`] come fields: a tag, the length of the value (four bytes, little-endian), the value.
//! What is absent has no field, and a reader passes over tags that it does not know, so that an older
//! version reads what a newer one wrote. A tag is never given another meaning.

use std::time::Duration;

use super::{Error, HintSource, RateLimit};
use crate::kind::Kind;
use crate::limit_scope::LimitScope;
use crate::timestamp::Timestamp;

const MAGIC: &[u8] = b"resayil error 1\n";

/// These bytes are not those of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are not the bytes of an error: {0}")]
pub struct DecodeError(&'static str);

/// Each tag with the field that it stands for.
macro_rules! tags {
    ($($name:ident = $tag:literal,)+) => {
        $(const $name: u8 = $tag;)+
    };
}

tags! {
    KIND = 1,
    STATUS = 2,
    RETRYABLE = 3,
    SHOULD_RETRY = 4,
    MESSAGE = 5,
    EXPLANATION = 6,
    CODE = 7,
    TYPE = 8,
    PARAM = 9,
    REQUEST_ID = 10,
    RETRY_AFTER = 11,
    RETRY_AFTER_SOURCE = 12,
    REQUEST_LIMIT = 13,
    TOKEN_LIMIT = 14,
    LIMIT_SCOPE = 15,
    LIMIT_WINDOW = 16,
    RETRY_AT = 17,
    FIELD = 18,
    FIELD_MESSAGE = 19,
    PROVIDER = 20,
    ATTEMPTS = 21,
    EXHAUSTED = 22,
    STOP_REASON = 23,
    AMBIGUOUS = 24,
    REJECTED = 25,
    MODEL = 26,
    PARTIAL_TEXT = 27,
    DELIVERED = 28,
    BODY = 29,
    HEADER_NAME = 30,
    HEADER_VALUE = 31,
    INPUT_TOKEN_LIMIT = 32,
    OUTPUT_TOKEN_LIMIT = 33,
    OTHER_LIMIT = 34,
}

/// The limits of a [`RateLimit`]; the last one stands for all others.
const LIMITS: [(u8, LimitScope); 5] = [
    (REQUEST_LIMIT, LimitScope::Requests),
    (TOKEN_LIMIT, LimitScope::Tokens),
    (INPUT_TOKEN_LIMIT, LimitScope::InputTokens),
    (OUTPUT_TOKEN_LIMIT, LimitScope::OutputTokens),
    (OTHER_LIMIT, LimitScope::Images),
];

impl Error {
    /// All that the error knows but its [`source`](std::error::Error::source), to be read by
    /// [`from_bytes`](Self::from_bytes) of this version or a later one, in any language. They hold the
    /// body and the headers of the answer, as [`body`](Self::body) and [`headers`](Self::headers) do.
    ///
    /// ```
    /// use resayil_core::{Error, Kind};
    ///
    /// let error = Error::new(Kind::RateLimit, "slow down").with_status(429);
    /// let copy = Error::from_bytes(&error.to_bytes()).unwrap();
    /// assert_eq!(copy.to_json(), error.to_json());
    /// assert!(Error::from_bytes(b"something else").is_err());
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.value(KIND, &self.kind().number().to_le_bytes());
        out.opt(STATUS, self.status().map(u16::to_le_bytes));
        out.flag(RETRYABLE, self.is_retryable());
        out.opt(SHOULD_RETRY, self.should_retry().map(|it| [u8::from(it)]));
        out.opt(MESSAGE, self.message());
        out.opt(EXPLANATION, self.explanation());
        out.opt(CODE, self.code());
        out.opt(TYPE, self.error_type());
        out.opt(PARAM, self.param());
        out.opt(REQUEST_ID, self.request_id());
        out.opt(RETRY_AFTER, self.retry_after().map(duration));
        out.opt(RETRY_AFTER_SOURCE, self.retry_after_source().map(HintSource::name));
        if let Some(limit) = self.0.rate_limit {
            for (tag, scope) in LIMITS {
                let bucket = limit.of(scope);
                if !bucket.is_empty() {
                    out.value(tag, &bucket_bytes(bucket));
                }
            }
        }
        out.opt(LIMIT_SCOPE, self.limit_scope().map(|scope| scope.name()));
        out.opt(LIMIT_WINDOW, self.limit_window().map(duration));
        out.opt(RETRY_AT, self.retry_at().map(|at| at.unix_micros().to_le_bytes()));
        for field in self.field_errors() {
            out.value(FIELD, field.field.as_bytes());
            for message in field.messages {
                out.value(FIELD_MESSAGE, message.as_bytes());
            }
        }
        out.opt(PROVIDER, self.provider().map(|provider| provider.name()));
        out.value(ATTEMPTS, &self.attempts().to_le_bytes());
        out.flag(EXHAUSTED, self.is_exhausted());
        out.opt(STOP_REASON, self.stop_reason().map(|reason| reason.name()));
        out.flag(AMBIGUOUS, self.is_ambiguous());
        out.flag(REJECTED, self.is_rejected());
        out.opt(MODEL, self.model());
        out.opt(PARTIAL_TEXT, self.partial_text());
        out.flag(DELIVERED, self.0.delivered);
        if !self.body().is_empty() {
            out.value(BODY, self.body());
        }
        for (name, value) in self.headers().iter() {
            out.value(HEADER_NAME, name.as_ref());
            out.value(HEADER_VALUE, value.as_ref());
        }
        out.0
    }

    /// The error of these bytes. They may come from anywhere: whatever is kept is cut and redacted as if
    /// it came from a server.
    ///
    /// # Errors
    ///
    /// The bytes do not begin as those of an error, break off, or name no kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError("they begin otherwise"))?;
        let mut reader = Reader(rest);
        let Some((KIND, value)) = reader.next()? else { return Err(DecodeError("no kind")) };
        let kind = u16_of(value).and_then(Kind::from_number).unwrap_or(Kind::Unknown);
        let mut error = Error::new(kind, "").with_message(None);
        let mut hint = None;
        let mut rate_limit = RateLimit::default();
        let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
        while let Some((tag, value)) = reader.next()? {
            let text = || std::str::from_utf8(value).unwrap_or_default();
            let is_set = value.first().is_some_and(|byte| *byte != 0);
            error = match tag {
                STATUS => match u16_of(value) {
                    Some(status) => error.with_status(status),
                    None => error,
                },
                RETRYABLE => error.with_retryable(is_set),
                SHOULD_RETRY => error.with_should_retry(Some(is_set)),
                MESSAGE => error.with_message(Some(text())),
                EXPLANATION => error.with_explanation(text()),
                CODE => error.with_code(text()),
                TYPE => error.with_error_type(text()),
                PARAM => error.with_param(text()),
                REQUEST_ID => error.with_request_id(text()),
                RETRY_AFTER_SOURCE => {
                    let named = HintSource::ALL.iter().find(|source| source.name() == text());
                    match (hint, named) {
                        (Some(wait), Some(source)) => error.with_retry_after(wait, *source),
                        _ => error,
                    }
                }
                LIMIT_SCOPE => match text().parse() {
                    Ok(scope) => error.with_limit_scope(scope),
                    Err(_) => error,
                },
                LIMIT_WINDOW => match duration_of(value) {
                    Some(window) => error.with_limit_window(window),
                    None => error,
                },
                RETRY_AT => match value.try_into().map(i64::from_le_bytes) {
                    Ok(micros) => error.with_retry_at(Timestamp::from_unix_micros(micros)),
                    Err(_) => error,
                },
                PROVIDER => error.with_provider(text().parse().ok()),
                ATTEMPTS => match value.try_into().map(u32::from_le_bytes) {
                    Ok(attempts) => error.with_attempts(attempts),
                    Err(_) => error,
                },
                EXHAUSTED => error.with_exhausted(is_set),
                STOP_REASON => match text().parse() {
                    Ok(reason) => error.with_stop_reason(reason),
                    Err(_) => error,
                },
                AMBIGUOUS => error.with_ambiguous(is_set),
                REJECTED => error.with_rejected(is_set),
                MODEL => error.with_model(text()),
                PARTIAL_TEXT => error.with_partial_text(text()),
                DELIVERED => error.with_delivered(is_set),
                BODY => error.with_body(value),
                _ => error,
            };
            match tag {
                RETRY_AFTER => hint = duration_of(value),
                FIELD => fields.push((text(), Vec::new())),
                FIELD_MESSAGE => {
                    if let Some((_, messages)) = fields.last_mut() {
                        messages.push(text());
                    }
                }
                HEADER_NAME => headers.push((value, &[])),
                HEADER_VALUE => {
                    if let Some(header) = headers.last_mut() {
                        header.1 = value;
                    }
                }
                _ => {
                    if let Some((_, scope)) = LIMITS.iter().find(|(known, _)| *known == tag) {
                        let bucket = bucket_of(value).unwrap_or_default();
                        rate_limit = rate_limit.with(Some(*scope), bucket);
                    }
                }
            }
        }
        for (field, messages) in fields {
            error = error.with_field_error(field, &messages);
        }
        if let Some(limit) = rate_limit.known() {
            error = error.with_rate_limit(limit);
        }
        if !headers.is_empty() {
            error = error.with_headers(&headers);
        }
        Ok(error)
    }
}

fn duration(duration: Duration) -> [u8; 12] {
    let mut out = [0; 12];
    out[..8].copy_from_slice(&duration.as_secs().to_le_bytes());
    out[8..].copy_from_slice(&duration.subsec_nanos().to_le_bytes());
    out
}

fn duration_of(bytes: &[u8]) -> Option<Duration> {
    let (seconds, nanos) = bytes.split_at_checked(8)?;
    let nanos = u32::from_le_bytes(nanos.try_into().ok()?);
    let seconds = u64::from_le_bytes(seconds.try_into().ok()?);
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

fn u16_of(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

/// Which of the three numbers are there, as bits, then those.
fn bucket_bytes(bucket: super::Bucket) -> Vec<u8> {
    let super::Bucket { limit, remaining, reset_after } = bucket;
    let bit = |is_there: bool, bit: u8| if is_there { bit } else { 0 };
    let there =
        bit(limit.is_some(), 1) | bit(remaining.is_some(), 2) | bit(reset_after.is_some(), 4);
    let mut out = vec![there];
    out.extend(limit.unwrap_or_default().to_le_bytes());
    out.extend(remaining.unwrap_or_default().to_le_bytes());
    out.extend(duration(reset_after.unwrap_or_default()));
    out
}

fn bucket_of(bytes: &[u8]) -> Option<super::Bucket> {
    let (there, rest) = bytes.split_first()?;
    let (limit, rest) = rest.split_at_checked(8)?;
    let (remaining, reset) = rest.split_at_checked(8)?;
    let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
    let is_there = |bit: u8| there & bit != 0;
    Some(super::Bucket {
        limit: number(limit).filter(|_| is_there(1)),
        remaining: number(remaining).filter(|_| is_there(2)),
        reset_after: duration_of(reset).filter(|_| is_there(4)),
    })
}

struct Writer(Vec<u8>);

impl Writer {
    fn value(&mut self, tag: u8, value: &[u8]) {
        // All parts of an error are bounded, far below 4 GiB.
        self.0.push(tag);
        self.0.extend((value.len() as u32).to_le_bytes());
        self.0.extend(value);
    }

    fn opt(&mut self, tag: u8, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.value(tag, value.as_ref());
        }
    }

    fn flag(&mut self, tag: u8, value: bool) {
        self.value(tag, &[u8::from(value)]);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, DecodeError> {
        const CUT: DecodeError = DecodeError("they break off");
        let Some((tag, rest)) = self.0.split_first() else { return Ok(None) };
        let (length, rest) = rest.split_at_checked(4).ok_or(CUT)?;
        let length = length.try_into().map(u32::from_le_bytes).map_err(|_| CUT)?;
        let (value, rest) = rest.split_at_checked(length as usize).ok_or(CUT)?;
        self.0 = rest;
        Ok(Some((*tag, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Classifier;
    use crate::limit_scope::LimitScope;
    use crate::provider::Provider;
    use crate::stop_reason::StopReason;

    fn full() -> Error {
        let headers = [
            ("x-request-id", "req-1"),
            ("x-ratelimit-limit-tokens", "9000"),
            ("x-ratelimit-remaining-tokens", "12"),
            ("x-ratelimit-limit-requests", "20"),
            ("x-ratelimit-reset-requests", "7s"),
        ];
        let body = br#"{"error":{"message":"slow","code":"rate_limit_exceeded","type":"requests","param":"n"}}"#;
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let classifier = Classifier::new().provider(Provider::OpenAi);
        let error = classifier.classify(429, &headers, body, now).unwrap_err();
        error
            .with_retry_after(Duration::from_nanos(1_500_000_001), HintSource::RetryAfter)
            .with_retry_at(Timestamp::from_unix_micros(1_700_000_000_123_456))
            .with_limit_scope(LimitScope::Tokens)
            .with_limit_window(Duration::from_secs(60))
            .with_field_error("messages.0.role", &["is missing", "must be one of a, b"])
            .with_field_error("n", &[])
            .with_explanation("mine")
            .with_should_retry(Some(false))
            .with_retryable(false)
            .with_attempts(3)
            .with_exhausted(true)
            .with_stop_reason(StopReason::MaxAttempts)
            .with_ambiguous(true)
            .with_rejected(true)
            .with_model("llama3.2")
            .with_partial_text("half an ans")
            .with_delivered(true)
    }

    #[test]
    fn all_that_is_known_comes_back() {
        for error in [full(), Error::new(Kind::Unknown, "")] {
            let copy = Error::from_bytes(&error.to_bytes()).unwrap();
            assert_eq!(copy.to_json(), error.to_json());
            assert_eq!(format!("{copy:?}"), format!("{error:?}"));
            assert_eq!(copy.to_string(), error.to_string());
            assert_eq!(copy.rate_limit(), error.rate_limit());
            assert_eq!(copy.retry_after(), error.retry_after());
            assert_eq!(copy.should_retry(), error.should_retry());
            assert_eq!(copy.explanation(), error.explanation());
            assert_eq!(copy.is_safe_to_replay(), error.is_safe_to_replay());
            assert_eq!(copy.is_rejected(), error.is_rejected());
            assert_eq!(copy.partial_text(), error.partial_text());
            assert_eq!(copy.body(), error.body());
            assert!(copy.headers().iter().eq(error.headers().iter()));
            assert_eq!(copy.to_bytes(), error.to_bytes());
        }
    }

    #[test]
    fn bytes_that_break_off_are_refused_and_unknown_tags_passed_over() {
        let bytes = full().to_bytes();
        let ends = (0..bytes.len()).filter(|end| Error::from_bytes(&bytes[..*end]).is_ok());
        // Between two fields it may end, but not before the kind is named.
        assert!(ends.clone().count() > 20 && ends.min().unwrap() > MAGIC.len());
        let later = [&bytes[..], &[250, 2, 0, 0, 0, 1, 2]].concat();
        assert_eq!(Error::from_bytes(&later).unwrap().to_bytes(), bytes);
        let huge = [MAGIC, &[KIND, 255, 255, 255, 255]].concat();
        assert_eq!(Error::from_bytes(&huge).unwrap_err(), DecodeError("they break off"));
    }
}
