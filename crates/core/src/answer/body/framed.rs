//! Errors that came as a server-sent event although the answer is no stream: many gateways write
//! `data: {…}` under a 400 too, whatever the content type says.

use std::borrow::Cow;

/// No more than this many lines are looked at.
const MAX_LINES: usize = 64;

/// The data of the first event that holds JSON, or else any; `None` if the body is not framed so.
pub(super) fn data(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    if !FIELDS.iter().any(|field| body.starts_with(field)) {
        return None;
    }
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r')).take(MAX_LINES);
    let data = lines.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
    let mut lines = data.skip_while(|data| !is_json(data));
    let Some(first) = lines.next() else {
        let data = body.split(|byte| matches!(byte, b'\n' | b'\r')).take(MAX_LINES);
        let mut data = data.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
        return data.find(|data| !data.is_empty()).map(Cow::Borrowed);
    };
    if first.ends_with(b"}") || first.ends_with(b"]") && first.len() > 1 {
        return Some(Cow::Borrowed(first));
    }
    // Data over several lines is one text.
    let rest: Vec<&[u8]> = std::iter::once(first).chain(lines).collect();
    Some(Cow::Owned(rest.join(&b'\n')))
}

fn is_json(data: &[u8]) -> bool {
    matches!(data.first(), Some(b'{' | b'[')) && data != b"[DONE]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_an_event_is_found() {
        let data = |body: &'static str| {
            data(body.as_bytes()).map(|data| String::from_utf8(data.into_owned()).unwrap())
        };
        assert_eq!(data("data: {\"a\":1}\n\ndata: [DONE]\n\n").as_deref(), Some("{\"a\":1}"));
        let dashscope = "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"a\":1}\n\n";
        assert_eq!(data(dashscope).as_deref(), Some("{\"a\":1}"));
        assert_eq!(data("data: {\r\ndata: \"a\":1}\r\n\r\n").as_deref(), Some("{\n\"a\":1}"));
        assert_eq!(data("event: error\ndata: it broke\n\n").as_deref(), Some("it broke"));
        assert_eq!(data("event: error\n\n"), None);
        assert_eq!(data("the data: {}"), None);
    }
}
