//! Texts that an application brings as data.

use std::borrow::Cow;

use super::Messages;
use super::units::Units;
use crate::kind::Kind;
use crate::text::json::{self, Array, Object, Value};

/// Data that is no set of texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the texts cannot be used: {problem}")]
pub struct MessagesError {
    problem: String,
}

fn wrong(problem: impl Into<String>) -> MessagesError {
    MessagesError { problem: problem.into() }
}

pub(super) fn read(mut messages: Messages, data: &str) -> Result<Messages, MessagesError> {
    let value = json::parse(data.trim().as_bytes()).ok_or_else(|| wrong("they are not JSON"))?;
    let object = value.as_object().ok_or_else(|| wrong("they are not a JSON object"))?;
    for (name, value) in object.members() {
        match &*name.decode() {
            "language" => messages.language = Cow::Owned(text("language", value)?),
            "units" => messages.duration = units(as_object("units", value)?)?,
            "kinds" => {
                for (kind, texts) in as_object("kinds", value)?.members() {
                    let name = kind.decode();
                    let kind: Kind = name.parse().map_err(|error| wrong(format!("{error}")))?;
                    messages = replace(messages, kind, as_object(&name, texts)?)?;
                }
            }
            other => return Err(wrong(format!("{other:?} is none of language, units, kinds"))),
        }
    }
    Ok(messages)
}

fn replace(
    mut messages: Messages,
    kind: Kind,
    texts: Object<'_>,
) -> Result<Messages, MessagesError> {
    for (name, value) in texts.members() {
        messages = match &*name.decode() {
            "user_message" => {
                let message = text("user_message", value)?;
                check_placeholders(kind, &message)?;
                messages.with_user_message(kind, &message)
            }
            "advice" => {
                let steps = list("advice", value)?;
                steps.iter().try_for_each(|step| check_placeholders(kind, step))?;
                messages.with_advice(kind, &steps.iter().map(String::as_str).collect::<Vec<_>>())
            }
            other => {
                return Err(wrong(format!(
                    "{other:?} of {kind} is neither user_message nor advice"
                )));
            }
        };
    }
    Ok(messages)
}

fn check_placeholders(kind: Kind, text: &str) -> Result<(), MessagesError> {
    match super::unknown_placeholder(text) {
        None => Ok(()),
        Some(name) => {
            let known = super::PLACEHOLDERS.join(", ");
            Err(wrong(format!("the placeholder {name:?} of {kind} is none of {known}")))
        }
    }
}

fn units(object: Object<'_>) -> Result<Units, MessagesError> {
    let unit = |name: &str| {
        let value = object.get(name).ok_or_else(|| wrong(format!("units has no {name}")))?;
        let forms = list(name, value)?;
        <[String; 2]>::try_from(forms)
            .map_err(|_| wrong(format!("{name} is not a singular and a plural")))
    };
    Ok(Units::Named([unit("second")?, unit("minute")?, unit("hour")?, unit("day")?]))
}

fn as_object<'a>(name: &str, value: Value<'a>) -> Result<Object<'a>, MessagesError> {
    value.as_object().ok_or_else(|| wrong(format!("{name} is not an object")))
}

fn text(name: &str, value: Value<'_>) -> Result<String, MessagesError> {
    value.as_text().map(Cow::into_owned).ok_or_else(|| wrong(format!("{name} is not text")))
}

fn list(name: &str, value: Value<'_>) -> Result<Vec<String>, MessagesError> {
    let texts =
        value.as_array().map(Array::items).into_iter().flatten().map(|item| text(name, item));
    match value {
        Value::Array(_) => texts.collect(),
        _ => Err(wrong(format!("{name} is not a list of texts"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Error;
    use crate::error::HintSource;

    #[test]
    fn a_language_from_data() {
        let german = r#"{
            "language": "de",
            "units": {"second": ["Sekunde", "Sekunden"], "minute": ["Minute", "Minuten"],
                "hour": ["Stunde", "Stunden"], "day": ["Tag", "Tage"]},
            "kinds": {"rate_limit": {"user_message": "Bitte in {wait|Kürze} wieder.", "advice": ["Warten."]}}
        }"#;
        let german = Messages::english().with_json(german).unwrap();
        let error = Error::new(Kind::RateLimit, "");
        assert_eq!(german.language(), "de");
        assert_eq!(error.user_message_in(&german), "Bitte in Kürze wieder.");
        assert_eq!(error.advice_in(&german), ["Warten."]);
        let waits = [
            (1, "1 Sekunde"),
            (90, "90 Sekunden"),
            (150, "3 Minuten"),
            (7200, "2 Stunden"),
            (200_000, "3 Tage"),
        ];
        for (seconds, name) in waits {
            let error =
                error.clone().with_retry_after(Duration::from_secs(seconds), HintSource::Body);
            assert_eq!(error.user_message_in(&german), format!("Bitte in {name} wieder."));
        }
    }

    #[test]
    fn bad_data_is_named() {
        for (data, part) in [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            (r#"{"kind": {}}"#, "kind"),
            (r#"{"kinds": {"rate_limits": {}}}"#, "rate_limits"),
            (r#"{"kinds": {"server": {"message": ""}}}"#, "message"),
            (r#"{"kinds": {"server": {"advice": "x"}}}"#, "advice"),
            (r#"{"kinds": {"server": []}}"#, "server"),
            (r#"{"kinds": {"server": {"user_message": "In {wiat}."}}}"#, "\"wiat\" of server"),
            (r#"{"kinds": {"server": {"advice": ["a", "{wait} {Model|x}"]}}}"#, "Model"),
            (r#"{"language": 1}"#, "language"),
            (r#"{"units": {"second": ["s", "s"]}}"#, "minute"),
            (r#"{"units": {"second": ["s"]}}"#, "second"),
        ] {
            let error = Messages::english().with_json(data).err().unwrap().to_string();
            assert!(error.contains(part), "{data}: {error}");
        }
    }
}
