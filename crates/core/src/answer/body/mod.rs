//! What the body of a failed call says, in whatever format it came.

mod answer;
mod cause;
mod envelope;
mod error_object;
mod field_list;
mod fields;
mod framed;
mod html;
mod members;
mod values;
mod waits;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use crate::answer::limit::Limit;
use crate::answer::limit::words::Said;
use crate::answer::wait::{Due, Wait};
use crate::answer::wait_in_prose;
use crate::error::MAX_MESSAGE_BYTES;
use crate::provider::Provider;
use crate::text::clip::clip;
use crate::text::json::{self, Object, Value};
use crate::text::literal;
use crate::timestamp::Timestamp;

pub(crate) use field_list::Fields;

/// The facts in a body. All texts are as the server wrote them, not yet redacted.
#[derive(Default)]
pub(crate) struct Body<'a> {
    pub(crate) format: Format,
    /// Whether the body says that there is an error: an `error` that is not null, or a member that
    /// only errors have.
    pub(crate) has_error: bool,
    /// Whether the body has the looks of an error: it tells of a problem, and holds nothing that
    /// answers have.
    pub(crate) looks_like_error: bool,
    pub(crate) message: Option<Cow<'a, str>>,
    pub(crate) code: Option<Cow<'a, str>>,
    pub(crate) error_type: Option<Cow<'a, str>>,
    pub(crate) param: Option<Cow<'a, str>>,
    pub(crate) request_id: Option<Cow<'a, str>>,
    /// A more exact code that stands deeper: `innererror.code`, `metadata.error_type`, a `reason`.
    pub(crate) inner_code: Option<Cow<'a, str>>,
    /// The message of the error behind this one, where a gateway passes it on.
    cause: Option<Cow<'a, str>>,
    /// The text of the error behind this one, until it is read.
    raw_cause: Option<Cow<'a, str>>,
    /// The HTTP status that the body names.
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Due>,
    /// The limit that the message speaks of, if it was read for a verdict.
    pub(in crate::answer) told_in_prose: Cell<Option<Said>>,
    /// The wait in the message, once it was looked for.
    wait_in_prose: OnceCell<Option<Wait>>,
    pub(crate) fields: Fields<'a>,
    /// The quota that was exceeded, as far as its name tells.
    pub(crate) quota: Limit,
    /// The provider that the shape of the body gives away.
    pub(crate) provider: Option<Provider>,
    /// Which members the error object has.
    error_members: ErrorMembers,
}

impl Body<'_> {
    /// The same facts, apart from the bytes that they were read from.
    fn into_owned(self) -> Body<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Body {
            message: own(self.message),
            code: own(self.code),
            error_type: own(self.error_type),
            param: own(self.param),
            request_id: own(self.request_id),
            inner_code: own(self.inner_code),
            cause: own(self.cause),
            raw_cause: own(self.raw_cause),
            fields: self.fields.into_owned(),
            ..self
        }
    }

    /// The text that says most about what went wrong.
    pub(crate) fn prose(&self) -> Option<&str> {
        self.cause.as_deref().or(self.message.as_deref())
    }

    /// Whether a gateway passes on what somebody behind it said.
    pub(crate) fn has_cause(&self) -> bool {
        self.cause.is_some()
    }

    /// The wait that the message names, or the date when it ends. A page's title is not the API's message.
    pub(crate) fn wait_in_prose(&self) -> Option<Wait> {
        let message = self.message.as_deref().filter(|_| self.format != Format::Html)?;
        let find = || wait_in_prose::find(clip(message, MAX_MESSAGE_BYTES));
        *self.wait_in_prose.get_or_init(find)
    }
}

/// Members of an error object that give its dialect away.
#[derive(Clone, Copy, Default)]
struct ErrorMembers {
    /// Has it any at all?
    any: bool,
    code: bool,
    kind: bool,
    message: bool,
    status: bool,
    details: bool,
    innererror: bool,
    metadata: bool,
    n_ctx: bool,
}

/// The format of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Empty,
    Json,
    Html,
    Text,
}

/// How often a message that is JSON itself is opened.
const MAX_NESTED_MESSAGES: u32 = 2;

/// Reads a body. `Content-Type` is not trusted, so it is not asked.
pub(crate) fn read(bytes: &[u8], now: Timestamp) -> Body<'_> {
    let mut body = Body::default();
    read_nested(bytes, &mut body, now, MAX_NESTED_MESSAGES);
    body
}

/// A body without a byte order mark and the white space around it.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii()
}

/// Reads JSON; says whether it is any.
fn read_json<'a>(bytes: &'a [u8], body: &mut Body<'a>, now: Timestamp) -> bool {
    match Object::unread(bytes) {
        Some(object) => members::read(object, body, now),
        None => read_value(bytes, body, now).is_some(),
    }
}

/// Reads a body into one of which nothing is known yet.
fn read_nested<'a>(bytes: &'a [u8], body: &mut Body<'a>, now: Timestamp, nested: u32) {
    let bytes = trim(bytes);
    if bytes.is_empty() {
        return;
    }
    body.format = Format::Json;
    if !read_json(bytes, body, now) && !read_leading_error(bytes, body, now) {
        *body = Body::default();
        if nested == 0 || !read_disguised(bytes, body, now, nested - 1) {
            *body = read_text(bytes);
        }
        return;
    }
    if nested > 0 {
        open_message(body, now, nested);
        match body.raw_cause.take() {
            Some(raw) => {
                cause::read(&raw, body, now, nested);
            }
            None => cause::read_behind_message(body, now, nested),
        }
    }
    read_litellm(body);
    read_boto(body);
    answer::read_minimax_number(body);
}

/// Reads JSON that came in a frame, or as a program prints it; says whether it did.
fn read_disguised<'a>(bytes: &'a [u8], body: &mut Body<'a>, now: Timestamp, nested: u32) -> bool {
    match framed::data(bytes) {
        Some(Cow::Borrowed(data)) => {
            read_nested(data, body, now, nested);
            return true;
        }
        Some(Cow::Owned(data)) => {
            *body = read_owned(&data, now, nested);
            return true;
        }
        None => {}
    }
    let json = std::str::from_utf8(bytes).ok().and_then(literal::to_json);
    let inner = json.map(|json| read_owned(json.as_bytes(), now, nested));
    match inner.filter(|inner| inner.format == Format::Json) {
        Some(inner) => {
            *body = inner;
            true
        }
        None => false,
    }
}

/// Reads a text that does not live as long as the body.
fn read_owned(bytes: &[u8], now: Timestamp, nested: u32) -> Body<'static> {
    let mut body = Body::default();
    read_nested(bytes, &mut body, now, nested);
    body.into_owned()
}

/// Reads an error behind whose JSON a gateway has put words of its own; says whether there is one.
fn read_leading_error<'a>(bytes: &'a [u8], body: &mut Body<'a>, now: Timestamp) -> bool {
    *body = Body { format: Format::Json, ..Body::default() };
    json::leading(bytes).is_some_and(|json| read_json(json, body, now)) && body.has_error
}

/// Reads JSON that is no object; `None` if it is not JSON.
fn read_value<'a>(bytes: &'a [u8], body: &mut Body<'a>, now: Timestamp) -> Option<()> {
    match json::parse(bytes)? {
        // Gemini wraps its errors in an array of one.
        Value::Array(array) => {
            if let Some(object) = array.items().next().and_then(Value::as_object) {
                members::read(object, body, now);
            }
        }
        Value::Text(text) => body.message = Some(text.decode_prefix(MAX_MESSAGE_BYTES)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
    Some(())
}

/// Some gateways put the JSON of the error that they were given into their own message.
fn open_message(body: &mut Body<'_>, now: Timestamp, nested: u32) {
    let Some(message) = body.message.as_deref() else { return };
    if !matches!(message.bytes().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'[')) {
        return;
    }
    let mut inner = Body::default();
    read_nested(message.as_bytes(), &mut inner, now, nested - 1);
    if inner.format != Format::Json || inner.message.is_none() {
        return;
    }
    let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
    let (inner_code, inner_type) = (own(inner.code), own(inner.error_type));
    let (inner_status, inner_wait) = (inner.status, inner.retry_after);
    let message = own(inner.message);
    body.message = message;
    body.inner_code = body.inner_code.take().or(inner_code);
    body.error_type = body.error_type.take().or(inner_type);
    body.status = body.status.or(inner_status);
    body.retry_after = body.retry_after.or(inner_wait);
}

/// Amazon's SDK for Python writes the code into its message: `An error occurred
/// (ThrottlingException) when calling …`
fn read_boto(body: &mut Body<'_>) {
    let code = || {
        let rest = body.message.as_deref()?.strip_prefix("An error occurred (")?;
        Some(rest.split_once(") when calling")?.0.to_owned())
    };
    if let Some(code) = code() {
        body.inner_code = body.inner_code.take().or(Some(Cow::Owned(code)));
    }
}

/// LiteLLM writes its class of error in front of the message: `litellm.RateLimitError: …`
fn read_litellm(body: &mut Body<'_>) {
    let Some(rest) = body.message.as_deref().and_then(|message| message.strip_prefix("litellm."))
    else {
        return;
    };
    let class = rest
        .split(':')
        .next()
        .filter(|class| class.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    body.inner_code = body.inner_code.take().or(class.map(|class| Cow::Owned(class.to_owned())));
    body.provider = body.provider.or(Some(Provider::LiteLlm));
    // What its router says of its own groups of models is not the cause.
    let routing = ["No fallback model group found", "Received Model Group="];
    let of_cause = routing.iter().filter_map(|words| rest.find(words)).min();
    if let Some(end) = of_cause.filter(|_| body.cause.is_none()) {
        body.cause = Some(Cow::Owned(rest[..end].to_owned()));
    }
}

fn read_text(bytes: &[u8]) -> Body<'_> {
    let head = &bytes[..bytes.len().min(MAX_MESSAGE_BYTES)];
    if html::is_html(head) {
        let message = html::title(head).map(Cow::Owned);
        return Body { format: Format::Html, message, ..Body::default() };
    }
    let text = String::from_utf8_lossy(head);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // Cloudflare: `error code: 1015`.
    let code = line
        .strip_prefix("error code: ")
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    Body {
        format: Format::Text,
        provider: code.map(|_| Provider::Cloudflare),
        code: code.map(|code| Cow::Owned(code.to_owned())),
        message: Some(Cow::Owned(clip(line, MAX_MESSAGE_BYTES).to_owned())),
        ..Body::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Body<'_> {
        read(text.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_error_is_told_by_its_looks() {
        for (text, expected) in [
            (r#"{"message":"m","type":"x_error"}"#, true),
            (r#"{"message":"m","type":"x"}"#, false),
            (r#"{"type":"x_error"}"#, false),
            (r#"{"code":"x","message":"m"}"#, true),
            (r#"{"code":"ok","message":"m"}"#, false),
            (r#"{"code":"20000","message":"m"}"#, false),
            (r#"{"code":"x"}"#, false),
            (r#"{"message":"m"}"#, false),
            (r#"{"status":500,"message":"m"}"#, true),
            (r#"{"status":500}"#, false),
            (r#"{"errors":"m"}"#, true),
            (r#"{"detail":"m"}"#, true),
            (r#"{"detail":"m","choices":[]}"#, false),
            (r#"{"detail":"m","object":"list"}"#, false),
            (r#"{"detail":"m","text":"a"}"#, false),
            (r#"{"detail":"m","success":true}"#, false),
        ] {
            assert_eq!(parsed(text).looks_like_error, expected, "{text}");
        }
    }

    #[test]
    fn formats() {
        assert_eq!(parsed("").format, Format::Empty);
        assert_eq!(parsed(" \n").format, Format::Empty);
        assert_eq!(parsed("\u{feff}{}").format, Format::Json);
        assert_eq!(parsed("<!DOCTYPE html><title>x</title>").format, Format::Html);
        assert_eq!(parsed("{\"error\":").format, Format::Text);
    }

    #[test]
    fn a_message_that_is_json_is_opened() {
        let body = parsed(
            r#"{"error":{"message":"{\"error\":{\"message\":\"deep\",\"code\":\"inner\"}}","code":500}}"#,
        );
        assert_eq!(body.message.as_deref(), Some("deep"));
        assert_eq!(body.code.as_deref(), Some("500"));
        assert_eq!(body.inner_code.as_deref(), Some("inner"));
    }

    #[test]
    fn minimax_tells_of_errors_in_every_answer() {
        let body = parsed(r#"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"m"}}"#);
        assert!(body.has_error);
        assert_eq!((body.message.as_deref(), body.code.as_deref()), (Some("m"), Some("1002")));
        assert!(!parsed(r#"{"base_resp":{"status_code":0,"status_msg":"success"}}"#).has_error);
    }

    #[test]
    fn a_map_of_errors_may_be_the_error() {
        let body = parsed(r#"{"errors":{"message":"quota exceeded"},"request_id":"7"}"#);
        assert_eq!(body.message.as_deref(), Some("quota exceeded"));
        assert!(body.fields.is_empty());
        let body = parsed(r#"{"errors":{"message":"is required"},"message":"invalid"}"#);
        assert_eq!(body.message.as_deref(), Some("invalid"));
        assert!(!body.fields.is_empty());
    }

    #[test]
    fn text_gives_its_first_line() {
        assert_eq!(
            parsed("\nupstream connect error\nmore").message.as_deref(),
            Some("upstream connect error")
        );
        assert_eq!(parsed("error code: 1015").code.as_deref(), Some("1015"));
        assert_eq!(parsed("error code: x").code, None);
    }
}
