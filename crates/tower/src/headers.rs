//! Headers as the core reads them.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// So many are read without memory of their own. Answers of LLM APIs have some thirty.
const FEW: usize = 64;

/// Gives the headers as pairs of bytes, which takes no memory unless they are many.
pub(crate) fn pairs<R>(headers: &HeaderMap, read: impl FnOnce(&[(&str, &[u8])]) -> R) -> R {
    let mut few = [("", &b""[..]); FEW];
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    if headers.len() > FEW {
        return read(&pairs.collect::<Vec<_>>());
    }
    let mut count = 0;
    for (place, pair) in few.iter_mut().zip(pairs) {
        *place = pair;
        count += 1;
    }
    read(&few[..count])
}

/// What an answer is by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Stream,
    Json,
    Other,
}

impl Form {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
        let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is = |name: &str| media_type.eq_ignore_ascii_case(name.as_bytes());
        let streams = [
            "text/event-stream",
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/stream+json",
        ];
        if streams.into_iter().any(is) {
            Form::Stream
        } else if is("application/json") || media_type.to_ascii_lowercase().ends_with(b"+json") {
            Form::Json
        } else {
            Form::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn many_headers_are_given_whole() {
        for many in [0, 3, FEW, FEW + 1] {
            let mut headers = HeaderMap::new();
            (0..many).for_each(|_| {
                headers.append("x", HeaderValue::from_static("y"));
            });
            pairs(&headers, |pairs| assert_eq!(pairs, vec![("x", &b"y"[..]); many]));
        }
    }

    #[test]
    fn forms_are_known_by_their_media_type() {
        for (value, form) in [
            ("text/event-stream; charset=utf-8", Form::Stream),
            ("Application/X-NDJSON", Form::Stream),
            ("application/json", Form::Json),
            ("application/problem+json", Form::Json),
            ("text/html", Form::Other),
            ("", Form::Other),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(Form::of(&headers), form, "{value}");
        }
    }
}
