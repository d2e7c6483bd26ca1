//! Errors inside of what gateways and frameworks put around them: FastAPI's `detail`, a `data`, the
//! `body` of an answer that is passed on.

use super::error_object::read_error_within;
use super::values::message_of;
use super::{Body, cause};
use crate::text::json::{Object, Value};
use crate::timestamp::Timestamp;

/// How many envelopes are opened, one inside the other.
pub(super) const MAX_DEPTH: u32 = 3;

/// The members that hold an error of somebody else.
pub(super) fn is_envelope(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 17] = [
        b"error",
        b"Error",
        b"detail",
        b"details",
        b"data",
        b"body",
        b"response",
        b"result",
        b"message",
        b"cause",
        b"fault",
        b"inner_error",
        b"innerError",
        b"original_error",
        b"provider_error",
        b"upstream_error",
        b"raw",
    ];
    NAMES.contains(&name)
}

/// Reads the error that an envelope holds; says whether it holds one. An envelope may be the error
/// itself only if it `is_error`.
pub(super) fn read<'a>(
    envelope: Object<'a>,
    is_error: bool,
    body: &mut Body<'a>,
    now: Timestamp,
    depth: u32,
) -> bool {
    match envelope.get("error").or_else(|| envelope.get("Error")) {
        Some(Value::Object(error)) if error.members().next().is_some() => {
            read_error_within(&mut error.members(), body, now, depth);
            body.has_error = true;
            return true;
        }
        Some(error @ Value::Text(_)) if is_error && message_of(error).is_some() => {
            read_error_within(&mut envelope.members(), body, now, 0);
            body.message = message_of(error);
            return true;
        }
        _ => {}
    }
    if is_error && names_a_mistake(envelope) {
        read_error_within(&mut envelope.members(), body, now, depth);
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    let mut inside = envelope.members().filter(|(name, _)| is_envelope(name.raw()));
    inside.any(|(_, value)| match value {
        Value::Object(inner) => read(inner, is_error, body, now, depth),
        _ => false,
    })
}

/// Reads what stands behind an error, and takes from it what the error itself does not say.
pub(super) fn read_behind<'a>(
    envelope: Object<'a>,
    body: &mut Body<'a>,
    now: Timestamp,
    depth: u32,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut inner = Body::default();
    if read(envelope, true, &mut inner, now, depth) {
        cause::pass_on(inner, body);
    }
}

/// Whether an object has the members by which errors are known.
fn names_a_mistake(object: Object<'_>) -> bool {
    const NAMES: [&[u8]; 12] = [
        b"code",
        b"Code",
        b"error_code",
        b"errorcode",
        b"type",
        b"message",
        b"Message",
        b"msg",
        b"Msg",
        b"faultstring",
        b"reason",
        b"error_msg",
    ];
    object.members().any(|(name, value)| {
        NAMES.contains(&name.raw()) && matches!(value, Value::Text(_) | Value::Number(_))
    })
}
