//! The members of an error object, in the shapes of all known dialects.

use std::borrow::Cow;

use super::values::{message_of, scalar, status};
use super::waits::{self, read_waits};
use super::{Body, ErrorMembers, envelope, fields};
use crate::answer::limit::{Limit, words};
use crate::provider::Provider;
use crate::text::json::{Array, Members, Object, Value};
use crate::timestamp::Timestamp;

/// Reads an error object.
pub(super) fn read_error<'a>(error: &mut Members<'a>, body: &mut Body<'a>, now: Timestamp) {
    read_error_within(error, body, now, envelope::MAX_DEPTH);
}

/// Reads an error object, and so many errors inside of it.
pub(super) fn read_error_within<'a>(
    error: &mut Members<'a>,
    body: &mut Body<'a>,
    now: Timestamp,
    depth: u32,
) {
    let (mut nested, mut behind, mut google_status) = (None, None, None);
    for (name, value) in error {
        if matches!(value, Value::Null) {
            continue;
        }
        note(name.raw(), value, &mut body.error_members);
        if let Value::Object(object) = value {
            if envelope::is_envelope(name.raw()) {
                behind = behind.or(Some(object));
            }
            // SDKs for JavaScript put what they were answered into `data` or `param`.
            if matches!(name.raw(), b"data" | b"param") {
                let named = object.get("statusCode").and_then(status);
                body.status = body.status.or(named);
            }
        }
        match name.raw() {
            b"message" | b"msg" | b"Message" | b"Msg" | b"faultstring" => {
                body.message = message_of(value).or(body.message.take())
            }
            b"detail" | b"description" => {
                body.message = body.message.take().or_else(|| message_of(value))
            }
            b"code" | b"Code" | b"error_code" | b"errorcode" => body.code = scalar(value),
            b"type" => body.error_type = scalar(value),
            b"param" => body.param = scalar(value),
            b"request_id" => body.request_id = body.request_id.take().or_else(|| scalar(value)),
            b"status" | b"http_status_code" | b"status_code" | b"statusCode" => match status(value)
            {
                Some(code) => body.status = Some(code),
                None => google_status = scalar(value),
            },
            b"innererror" => {
                let code = value.as_object().and_then(|inner| inner.get_some("code"));
                body.inner_code = code.and_then(scalar).or(body.inner_code.take());
            }
            b"metadata" => {
                if let Some(metadata) = value.as_object() {
                    read_metadata(metadata, body, now);
                }
            }
            b"details" => match value {
                Value::Array(details) => read_details(details, body, now),
                details => read_waits(details, body, now),
            },
            b"errors" => {
                if let Some(map) = value.as_object() {
                    if let Some(text) = fields::read_map(&mut map.members(), &mut body.fields) {
                        fields::push("message", text, &mut body.fields);
                    }
                }
            }
            b"error" => nested = Some(value),
            name => body.retry_after = body.retry_after.or_else(|| waits::read(name, value, now)),
        }
    }
    if body.message.is_none() {
        body.message = nested.and_then(message_of);
    }
    if let Some(behind) = behind {
        envelope::read_behind(behind, body, now, depth);
    }
    // google.rpc.Code, such as RESOURCE_EXHAUSTED, says more than the code, which repeats the HTTP
    // status.
    let is_google = |status: &Cow<'_, str>| {
        status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let code_is_number =
        body.code.as_ref().is_none_or(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(status) = google_status.filter(is_google).filter(|_| code_is_number) {
        body.status = body.status.or(body.code.as_ref().and_then(|code| code.parse().ok()));
        body.code = Some(status);
        body.provider = body.provider.or(Some(Provider::Gemini));
    }
}

fn note(name: &[u8], value: Value<'_>, members: &mut ErrorMembers) {
    // Some answers have an error whose members are all empty: `{"message":"","code":0}`.
    members.any |= match value {
        Value::Number(digits) => digits != b"0",
        Value::Bool(is_true) => is_true,
        value => value.holds_content(),
    };
    match name {
        b"code" => members.code = true,
        b"type" => members.kind = true,
        b"message" => members.message = true,
        b"status" => members.status = true,
        b"details" => members.details = true,
        b"innererror" => members.innererror = true,
        b"metadata" => members.metadata = true,
        b"n_ctx" => members.n_ctx = true,
        _ => {}
    }
}

/// OpenRouter's `metadata`.
fn read_metadata<'a>(metadata: Object<'a>, body: &mut Body<'a>, now: Timestamp) {
    for (name, value) in metadata.members() {
        match name.raw() {
            b"error_type" => body.inner_code = scalar(value).or(body.inner_code.take()),
            // A moderation's verdict: the flagged input beside it is the prompt, and is not read.
            b"reasons" | b"flagged_input" | b"patterns" => {
                body.inner_code = Some(Cow::Borrowed("moderation"))
            }
            // What the provider said to OpenRouter. It may quote the prompt, so it is never shown.
            b"raw" => body.raw_cause = value.as_text(),
            b"headers" => {
                if let Some(headers) = value.as_object() {
                    body.retry_after =
                        body.retry_after.or_else(|| waits::read_headers(headers, now));
                }
            }
            name => body.retry_after = body.retry_after.or_else(|| waits::read(name, value, now)),
        }
    }
}

/// No more than this many of Google's details, and of the violations in one, are looked at.
const MAX_DETAILS: usize = 32;

/// Google's `details`: the wait, the quota that was exceeded, the reason.
fn read_details<'a>(details: Array<'a>, body: &mut Body<'a>, now: Timestamp) {
    for detail in details.items().take(MAX_DETAILS).filter_map(Value::as_object) {
        for (name, value) in detail.members() {
            match name.raw() {
                // google.rpc.ErrorInfo, such as API_KEY_INVALID.
                b"reason" => body.inner_code = scalar(value).or(body.inner_code.take()),
                b"metadata" => {
                    let limit = value.as_object().and_then(|metadata| metadata.get("quota_limit"));
                    note_quota(limit, body);
                }
                b"violations" => {
                    let Some(violations) = value.as_array() else { continue };
                    for violation in
                        violations.items().take(MAX_DETAILS).filter_map(Value::as_object)
                    {
                        note_quota(violation.get("quotaId"), body);
                    }
                }
                name => {
                    body.retry_after = body.retry_after.or_else(|| waits::read(name, value, now))
                }
            }
        }
    }
}

/// What the name of a quota tells, such as `GenerateRequestsPerDayPerProject`: of several the longest
/// window counts.
fn note_quota(name: Option<Value<'_>>, body: &mut Body<'_>) {
    let Some(name) = name.and_then(Value::as_text) else { return };
    let quota = words::of_quota(&name);
    if quota.window > body.quota.window || body.quota == Limit::default() {
        body.quota = quota;
    }
}

/// Whether it is an object that tells of a failure. Coze has one in each answer, with the code 0.
pub(super) fn is_error_object(value: Value<'_>) -> bool {
    let Value::Object(error) = value else { return false };
    match error.get_some("code").or_else(|| error.get_some("Code")) {
        Some(code) => scalar(code).is_some_and(|code| !matches!(&*code, "0" | "200")),
        None => error.members().any(|(_, value)| value.holds_content()),
    }
}
