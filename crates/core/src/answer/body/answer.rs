//! What tells an answer from an error that stands in its place.

use std::borrow::Cow;

use super::Body;
use super::values::{message_of, scalar};
use crate::text::json::{Members, Object, Value};

/// The error in one of the choices of an answer, if there is one; `None` if they are no list.
pub(super) fn read_choices<'a>(answer: &mut Members<'a>) -> Option<Option<Object<'a>>> {
    let mut error = None;
    let is_list = answer.each_object(|choice| {
        for (name, value) in choice {
            if error.is_none() && name.is("error") {
                error = value.as_object();
            }
        }
    });
    is_list.then_some(error)
}

/// MiniMax's `base_resp`, which stands in every answer, most often under a 200: `{"status_code":1008,
/// "status_msg":"insufficient balance"}`.
pub(super) fn read_base_resp<'a>(answer: Object<'a>, body: &mut Body<'a>) {
    let Some(code) = failed_base_resp(answer) else { return };
    body.has_error = true;
    body.message = answer.get("status_msg").and_then(message_of).or(body.message.take());
    body.inner_code = minimax_name(&code).map(Cow::Borrowed);
    body.code = Some(code);
}

/// In the dialect of another provider, MiniMax writes its number behind the message: `insufficient
/// balance (1008)`.
pub(super) fn read_minimax_number(body: &mut Body<'_>) {
    let number = || {
        let message = body.message.as_deref()?.strip_suffix(')')?;
        let (_, number) = message.get(message.len().checked_sub(6)?..)?.split_once(" (")?;
        minimax_name(number)
    };
    if let Some(name) = number() {
        body.inner_code = body.inner_code.take().or(Some(Cow::Borrowed(name)));
    }
}

/// What a number of MiniMax's means, which says no more to anybody else.
fn minimax_name(number: &str) -> Option<&'static str> {
    match number {
        "1000" | "1013" | "1024" | "1033" => Some("server_error"),
        "1001" => Some("timeout"),
        "1002" | "1041" => Some("rate_limit"),
        "1004" | "2049" => Some("authentication_error"),
        "1008" => Some("insufficient_balance"),
        "1026" | "1027" => Some("content_filter"),
        "2013" => Some("invalid_request"),
        "2056" => Some("usage_limit_reached"),
        _ => None,
    }
}

/// The code in MiniMax's `base_resp`, unless it is that of success.
fn failed_base_resp(answer: Object<'_>) -> Option<Cow<'_, str>> {
    answer.get("status_code").and_then(scalar).filter(|code| code != "0")
}

/// Whether a header of an answer tells of a failure: `{"code":11200,"message":"AppIdNoAuthError"}`.
pub(super) fn is_failed_header(header: Object<'_>) -> bool {
    let [code, message] = header.get_all(["code", "message"]);
    code.is_some_and(is_failed_code) && message.and_then(message_of).is_some()
}

/// Whether a code that stands beside a message is one of failure. Those of success are 0, or begin
/// as its statuses do: `200`, `20000`.
pub(super) fn is_failed_code(code: Value<'_>) -> bool {
    let Some(code) = scalar(code).filter(|code| code.parse() != Ok(0.0)) else { return false };
    if code.bytes().all(|byte| byte.is_ascii_digit()) {
        return !code.starts_with('2');
    }
    !["ok", "success"].iter().any(|good| code.eq_ignore_ascii_case(good))
}
