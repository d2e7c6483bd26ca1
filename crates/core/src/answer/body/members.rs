//! The members of a JSON body, beside an error and around it, in the shapes of all known dialects.

use std::borrow::Cow;

use super::error_object::{is_error_object, read_error};
use super::values::{is_text, is_word, message_of, scalar, status};
use super::waits::{self, read_waits};
use super::{Body, answer, envelope, fields};
use crate::error::MAX_MESSAGE_BYTES;
use crate::provider::Provider;
use crate::text::json::{Object, Value};
use crate::timestamp::Timestamp;

/// The members beside the error itself, kept until all are known.
#[derive(Default)]
struct Top<'a> {
    error: Option<Error<'a>>,
    /// `errors` was a map, which was read.
    has_field_map: bool,
    /// The name of the message says that there is an error.
    has_error_text: bool,
    /// A wait stands beside the error.
    waits: bool,
    /// What `success` or `status` say of the call.
    succeeded: Option<bool>,
    /// Something stands here that only an answer has.
    has_content: bool,
    /// One of many results, as files of batches hold them: its error is none of this call.
    is_result: bool,
    errors: Option<Value<'a>>,
    detail: Option<Value<'a>>,
    details: Option<Value<'a>>,
    message: Option<Value<'a>>,
    description: Option<Value<'a>>,
    /// Where an error event has its message if it has none by name.
    content: Option<Value<'a>>,
    title: Option<Value<'a>>,
    kind: Option<Value<'a>>,
    code: Option<Value<'a>>,
    error_type: Option<Value<'a>>,
    object: Option<Value<'a>>,
    id: Option<Value<'a>>,
    /// The choices of an answer, of which one may hold an error.
    choices: Option<Option<Object<'a>>>,
    response: Option<Object<'a>>,
    /// An answer of somebody else that is passed on.
    body: Option<Object<'a>>,
    base_resp: Option<Object<'a>>,
}

/// The member `error`.
#[derive(Clone, Copy)]
enum Error<'a> {
    /// An object, which was read.
    Object,
    Other(Value<'a>),
}

/// Reads the object that a body consists of; says whether it is well formed.
pub(super) fn read<'a>(object: Object<'a>, body: &mut Body<'a>, now: Timestamp) -> bool {
    let mut top = Top::default();
    let mut text_in_map = None;
    let mut members = object.members();
    while let Some(name) = members.name() {
        // The two members that hold most of a body are read in place.
        if name.raw() == b"error" && members.enter(|error| read_error(error, body, now)) {
            top.error = Some(Error::Object);
            continue;
        }
        let read_map = |map: &mut _| text_in_map = fields::read_map(map, &mut body.fields);
        if name.raw() == b"errors" && members.enter(read_map) {
            top.has_field_map = !body.fields.is_empty();
            continue;
        }
        if name.raw() == b"choices" {
            top.choices = answer::read_choices(&mut members);
            if top.choices.is_some() {
                continue;
            }
        }
        let Some(value) = members.value() else { break };
        match name.raw() {
            _ if matches!(value, Value::Null) => {}
            b"error" => top.error = Some(Error::Other(value)),
            b"errors" | b"invalid-params" => top.errors = Some(value),
            b"detail" => top.detail = Some(value),
            b"details" => top.details = Some(value),
            b"message" | b"Message" | b"msg" => {
                top.message = Some(value);
                top.has_content |= value.as_object().is_some_and(|it| it.get("role").is_some());
            }
            b"error_msg" | b"error_message" | b"status_message" | b"errorText" => {
                top.message = Some(value);
                top.has_error_text |= message_of(value).is_some();
            }
            b"error_description" => top.description = Some(value),
            b"title" => top.title = Some(value),
            b"type" | b"__type" => top.kind = Some(value),
            b"code" | b"error_code" => top.code = Some(value),
            b"error_type" => top.error_type = Some(value),
            b"object" => top.object = Some(value),
            b"id" => top.id = Some(value),
            b"custom_id" => top.is_result = true,
            b"param" => body.param = scalar(value),
            b"request_id" | b"requestId" | b"request-id" => body.request_id = scalar(value),
            b"status" | b"statusCode" | b"status_code" | b"http_status_code" => {
                body.status = body.status.or(status(value));
                if is_text(value, "error") {
                    top.succeeded = Some(false);
                }
            }
            b"event" if is_word(value, "error") => top.succeeded = Some(false),
            b"success" => {
                if let Value::Bool(succeeded) = value {
                    top.succeeded = Some(succeeded);
                }
            }
            // Telegram; what imitates it.
            b"parameters" => read_waits(value, body, now),
            b"data" | b"result" | b"results" | b"output" | b"content" | b"embeddings"
            | b"embedding" | b"text" | b"completion" | b"generated_text" | b"candidates" => {
                top.has_content |= value.holds_content();
                match name.raw() {
                    b"data" | b"result" => top.body = top.body.or(value.as_object()),
                    b"content" | b"text" => top.content = top.content.or(Some(value)),
                    _ => {}
                }
                read_waits(value, body, now);
            }
            b"Error" | b"ErrorMsg" | b"fault" | b"last_error" if is_error_object(value) => {
                if let Value::Object(error) = value {
                    read_error(&mut error.members(), body, now);
                    top.error = Some(Error::Object);
                }
            }
            b"body" => top.body = value.as_object(),
            // Tencent, Volcengine.
            b"Response" | b"ResponseMetadata" => {
                let error = value.as_object().and_then(|answer| answer.get_some("Error"));
                if let Some(error) = error.and_then(Value::as_object) {
                    read_error(&mut error.members(), body, now);
                    top.error = Some(Error::Object);
                }
            }
            b"response" => {
                top.response = value.as_object();
                top.has_content |= matches!(value, Value::Text(_)) && value.holds_content();
            }
            b"base_resp" => top.base_resp = value.as_object(),
            // iFlytek: a header that each answer has.
            b"header" => {
                if let Some(header) = value.as_object().filter(|it| answer::is_failed_header(*it)) {
                    read_error(&mut header.members(), body, now);
                    top.error = Some(Error::Object);
                }
            }
            // Groq, in a chunk without choices.
            b"x_groq" => match value.as_object().and_then(|groq| groq.get_some("error")) {
                Some(Value::Object(error)) => {
                    read_error(&mut error.members(), body, now);
                    top.error = Some(Error::Object);
                }
                error => top.error = error.map(Error::Other).or(top.error),
            },
            // An event of Amazon's, named after what went wrong: `throttlingException`.
            raw if raw.ends_with(b"Exception") && value.as_object().is_some() => {
                body.code = Some(name.decode_prefix(64));
                body.provider = body.provider.or(Some(Provider::Bedrock));
                top.error = Some(Error::Other(value));
            }
            b"top_up_url" | b"current_credits" => body.provider = Some(Provider::Resayil),
            b"exception" | b"trace" => body.provider = body.provider.or(Some(Provider::Laravel)),
            b"estimated_time" => {
                body.provider = body.provider.or(Some(Provider::HuggingFace));
                body.retry_after = waits::read(b"estimated_time", value, now);
            }
            name => {
                let wait = waits::read(name, value, now);
                top.waits |= wait.is_some();
                body.retry_after = body.retry_after.or(wait);
            }
        }
    }
    if !members.is_complete() {
        return false;
    }
    match text_in_map {
        // ModelScope: `errors` is the error itself.
        Some(text) if top.message.is_none() && top.error.is_none() => {
            top.message = Some(Value::Text(text));
        }
        Some(text) => {
            fields::push("message", text, &mut body.fields);
            top.has_field_map = true;
        }
        None => {}
    }
    top.read_into(body, now);
    true
}

impl<'a> Top<'a> {
    fn read_into(self, body: &mut Body<'a>, now: Timestamp) {
        if self.is_result {
            return;
        }
        let names_an_error = |kind: Value<'_>| {
            is_word(kind, "error")
                || matches!(kind, Value::Text(text) if text.raw().ends_with(b".error"))
        };
        let is_error_event = self.kind.is_some_and(names_an_error);
        match self.error {
            // An empty one is as good as null.
            Some(Error::Object) => body.has_error = body.error_members.any,
            Some(Error::Other(Value::Text(text))) if text.raw().is_empty() => {}
            Some(Error::Other(Value::Text(text))) => {
                body.has_error = true;
                body.message = Some(text.decode_prefix(MAX_MESSAGE_BYTES));
            }
            Some(Error::Other(Value::Object(error))) => {
                body.has_error = true;
                body.message = message_of(Value::Object(error));
            }
            Some(Error::Other(Value::Array(list))) => {
                body.has_error = list.items().next().is_some();
                body.message = list.items().find_map(message_of);
            }
            Some(Error::Other(Value::Bool(true))) => body.has_error = true,
            _ => {}
        }
        if let Some(response) = self.response {
            // OpenAI's Responses API wraps the failed response in an event.
            let [error, details] = response.get_all(["error", "status_details"]);
            // The Realtime API's has it one step deeper.
            let deeper = || details.and_then(Value::as_object)?.get("error")?.as_object();
            if let Some(error) = error.and_then(Value::as_object).or_else(deeper) {
                body.has_error = true;
                read_error(&mut error.members(), body, now);
            }
        }
        if let Some(answer) = self.base_resp.filter(|_| !body.has_error) {
            answer::read_base_resp(answer, body);
        }
        if !body.has_error {
            if let Some(error) = self.choices.flatten() {
                body.has_error = true;
                read_error(&mut error.members(), body, now);
            }
        }
        if !body.has_error {
            self.open_envelopes(body, now);
        }
        let first = self.errors.and_then(Value::as_array).and_then(|list| list.items().next());
        for value in [self.detail, self.details, first].into_iter().flatten() {
            read_waits(value, body, now);
        }
        self.recognise(body);
        self.read_fields(body);
        self.read_texts(body, is_error_event);
    }

    /// Looks for the error inside of what is around it.
    fn open_envelopes(&self, body: &mut Body<'a>, now: Timestamp) {
        let opened = [
            (self.detail.and_then(Value::as_object), true),
            (self.message.and_then(Value::as_object).filter(|_| !self.has_content), true),
            (self.body, false),
            (self.response, false),
        ];
        let depth = envelope::MAX_DEPTH - 1;
        let _ = opened.into_iter().any(|(envelope, is_error)| {
            envelope.is_some_and(|inside| envelope::read(inside, is_error, body, now, depth))
        });
    }

    fn read_fields(&self, body: &mut Body<'a>) {
        // Mistral puts FastAPI's list into its message.
        let inside =
            self.message.and_then(Value::as_object).and_then(|message| message.get("detail"));
        for value in [&self.errors, &self.detail, &inside] {
            if let Some(Value::Array(list)) = value {
                fields::read_list(*list, &mut body.fields);
            }
        }
    }

    /// The texts beside the error, where the error itself has none.
    fn read_texts(&self, body: &mut Body<'a>, is_error_event: bool) {
        // OAuth: `error` is the code and `error_description` the message. Frameworks such as
        // Spring put the status's name into `error` and the reason into `message`.
        let is_word = |text: &str| !text.contains(char::is_whitespace);
        let error_is_label = self.description.is_some()
            || self.has_two_texts()
                && (body.status.is_some() || body.message.as_deref().is_some_and(is_word));
        if error_is_label {
            let is_code = |label: &Cow<'_, str>| {
                is_word(label)
                    && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            let label = body.message.take();
            body.message = self.description.or(self.message).and_then(message_of);
            body.code = body.code.take().or(label.filter(is_code));
        }
        if body.message.is_none() {
            let beside = [self.detail, self.message, self.errors, self.title, self.details];
            body.message = beside.into_iter().flatten().find_map(message_of);
            if is_error_event {
                body.message = body.message.take().or_else(|| self.content.and_then(message_of));
            }
        }
        let of_first = || match self.errors.filter(|_| body.fields.is_empty())? {
            Value::Array(list) => list.items().next()?.as_object()?.get("code").and_then(scalar),
            _ => None,
        };
        let code = body.code.take().or_else(|| self.code.and_then(scalar));
        body.code = code.or_else(of_first);
        body.inner_code = body.inner_code.take().or_else(|| self.error_type.and_then(scalar));
        if is_error_event {
            // Anthropic: the type of the error is its code.
            if matches!(self.error, Some(Error::Object)) {
                body.code = body.code.take().or_else(|| body.error_type.clone());
            }
            body.has_error = true;
        } else {
            body.error_type =
                body.error_type.take().or_else(|| self.kind.or(self.error_type).and_then(scalar));
        }
        body.has_error |= self.tells_of_failure(body);
        body.looks_like_error = self.has_looks_of_error(body);
        // Cohere's id of the request stands beside the message, in a body without `error`.
        if self.error.is_none() && self.choices.is_none() && self.message.is_some() {
            body.request_id = body.request_id.take().or_else(|| self.id.and_then(scalar));
        }
    }

    /// Whether a member other than `error` says that the call failed.
    fn tells_of_failure(&self, body: &Body<'_>) -> bool {
        self.has_error_text
            || self.object.is_some_and(|object| is_text(object, "error"))
            || self.succeeded == Some(false) && body.message.is_some()
    }

    /// Whether the members are those of an error, and no others.
    fn has_looks_of_error(&self, body: &Body<'_>) -> bool {
        let told = |value: Option<Value<'_>>| value.and_then(message_of).is_some();
        let is_error_type =
            |kind| matches!(kind, Value::Text(text) if text.raw().ends_with(b"_error"));
        let is_answer = self.has_content || self.choices.is_some() || self.object.is_some();
        if is_answer || self.succeeded == Some(true) {
            return false;
        }
        // Cerebras has the error's own members, DashScope a code, and FastAPI only the detail.
        self.message.is_some() && self.kind.is_some_and(is_error_type)
            || self.code.is_some_and(answer::is_failed_code) && told(self.message)
            || body.status.is_some() && body.message.is_some()
            || told(self.errors)
            || told(self.detail)
    }

    /// `error` and `message` are both texts.
    fn has_two_texts(&self) -> bool {
        matches!(
            (self.error, self.message),
            (Some(Error::Other(Value::Text(_))), Some(Value::Text(_)))
        )
    }

    /// Recognises the provider by members that only its errors have.
    fn recognise(&self, body: &mut Body<'a>) {
        let has = body.error_members;
        let code_is_number = body.code.as_ref().is_some_and(|code| code.parse::<u16>().is_ok());
        let waits_beside_error = self.waits && has.message && code_is_number;
        let known = |message: Value<'_>| {
            is_text(message, "Unauthenticated.") || is_text(message, "Forbidden.")
        };
        let found = if waits_beside_error
            || (self.has_two_texts() && self.message.is_some_and(known))
        {
            Some(Provider::Resayil)
        } else if self.has_field_map {
            Some(if has.message { Provider::Resayil } else { Provider::Laravel })
        } else if self.kind.is_some_and(|kind| is_text(kind, "error")) && has.kind && !has.code {
            Some(Provider::Anthropic)
        } else if has.details && has.status {
            Some(Provider::Gemini)
        } else if has.innererror {
            Some(Provider::Azure)
        } else if has.metadata {
            Some(Provider::OpenRouter)
        } else if has.n_ctx {
            Some(Provider::LlamaCpp)
        } else if self.detail.is_some_and(|detail| detail.as_array().is_some()) {
            Some(Provider::FastApi)
        } else if self.title.is_some() && body.status.is_some() {
            Some(Provider::ProblemJson)
        } else {
            None
        };
        body.provider = body.provider.or(found);
    }
}
