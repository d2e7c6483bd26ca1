//! What is changed in a request before each time that it is sent.

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use reqwest::{Body, Method, Request};
use resayil_core::call::FallbackTarget;
use resayil_core::{Error, Kind};
use resayil_retry::random_seed;
use resayil_tower::{Prepare, Sending};
use serde_json::{Map, Value};

use crate::next::Outgoing;
use crate::url::{CHAT, chat_at};

/// What a service of another origin may see of the headers that were given for the first.
const HARMLESS: [HeaderName; 3] = [ACCEPT, CONTENT_TYPE, USER_AGENT];

/// What is changed in a request before each time that it is sent.
///
/// It gets an `Idempotency-Key`, the same at each attempt, unless it has one. At a target of a fallback it
/// goes to that address, with that model and with that key as bearer; a service of another origin sees no
/// other header that was given for the first. Only chat completions fall back, and requests with the
/// methods GET and HEAD count against no quota.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ForRequest;

impl ForRequest {
    /// It needs to know nothing.
    pub fn new() -> Self {
        ForRequest
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Prepare<Outgoing> for ForRequest {
    fn prepare(&self, request: Outgoing, sending: &Sending<'_>) -> Result<Outgoing, Error> {
        let mut request = request.0;
        if let Some((_, target)) = sending.target() {
            redirect(&mut request, target)?;
        }
        if let Some(key) = sending.idempotency_key() {
            request.headers_mut().insert(IDEMPOTENCY_KEY, value(key)?);
        }
        Ok(Outgoing(request))
    }

    fn is_metered(&self, request: &Outgoing) -> bool {
        has_effect(&request.0)
    }

    fn may_fall_back(&self, request: &Outgoing) -> bool {
        request.0.url().path().ends_with(CHAT) && body_of(&request.0).is_some()
    }

    fn idempotency_key(&self, request: &Outgoing) -> Option<String> {
        match request.0.headers().get(IDEMPOTENCY_KEY) {
            Some(key) => key.to_str().ok().map(str::to_owned),
            None if has_effect(&request.0) => {
                Some(format!("{:016x}{:016x}", random_seed(), random_seed()))
            }
            None => None,
        }
    }
}

fn has_effect(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The request's body, if it is one that can go to another model.
fn body_of(request: &Request) -> Option<Map<String, Value>> {
    serde_json::from_slice(request.body()?.as_bytes()?).ok()
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    let bad = |_| Error::new(Kind::Configuration, "a key that no header can hold");
    let mut value = HeaderValue::from_str(text).map_err(bad)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends the request to this target.
fn redirect(request: &mut Request, target: &FallbackTarget) -> Result<(), Error> {
    let mut is_away = false;
    if let Some(base_url) = target.base_url() {
        let url = chat_at(base_url)?;
        is_away = url.origin() != request.url().origin();
        *request.url_mut() = url;
    }
    if is_away {
        if target.api_key().is_none() {
            let problem = "a fallback's service of another origin needs an API key of its own";
            return Err(Error::new(Kind::Configuration, problem));
        }
        let given = std::mem::take(request.headers_mut());
        let kept =
            HARMLESS.iter().filter_map(|name| Some((name.clone(), given.get(name)?.clone())));
        *request.headers_mut() = kept.collect::<HeaderMap>();
    }
    if let Some(key) = target.api_key() {
        request.headers_mut().insert(AUTHORIZATION, value(&format!("Bearer {key}"))?);
    }
    if let Some(model) = target.model() {
        let no_json = || Error::new(Kind::Configuration, "the request is no JSON object");
        let mut fields = body_of(request).ok_or_else(no_json)?;
        fields.insert("model".to_owned(), model.into());
        let body = serde_json::to_vec(&fields).map_err(|_| no_json())?;
        request.headers_mut().remove(CONTENT_LENGTH);
        *request.body_mut() = Some(Body::from(body));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let mut request =
            Request::new(Method::POST, "http://a.example/v1/chat/completions".parse().unwrap());
        *request.body_mut() = Some(r#"{"model":"m","x":1}"#.into());
        for (name, value) in [("authorization", "Bearer secret"), ("x-org", "o"), ("accept", "a/b")]
        {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn another_origin_sees_neither_key_nor_headers() {
        let target = FallbackTarget::new().with_base_url("https://b.example/v2/").with_model("n");
        let error = redirect(&mut request(), &target).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        let mut moved = request();
        redirect(&mut moved, &target.with_api_key("other")).unwrap();
        assert_eq!(moved.url().as_str(), "https://b.example/v2/chat/completions");
        assert_eq!(moved.headers()["authorization"], "Bearer other");
        assert_eq!(
            (moved.headers().len(), &moved.headers()["accept"]),
            (2, &HeaderValue::from_static("a/b"))
        );
        assert_eq!(moved.body().unwrap().as_bytes().unwrap(), br#"{"model":"n","x":1}"#);
        for url in ["nothing", "ftp://b.example"] {
            let target = FallbackTarget::new().with_base_url(url).with_api_key("k");
            assert_eq!(redirect(&mut request(), &target).unwrap_err().kind(), Kind::Configuration);
        }
    }

    #[test]
    fn another_model_of_the_same_service_keeps_all_else() {
        let mut moved = request();
        redirect(&mut moved, &FallbackTarget::from("n")).unwrap();
        assert_eq!((moved.url(), moved.headers()), (request().url(), request().headers()));
    }

    #[test]
    fn only_what_has_an_effect_has_a_key_of_its_own() {
        let post = Outgoing(request());
        let key = ForRequest.idempotency_key(&post).unwrap();
        assert!(key.len() == 32 && Some(key) != ForRequest.idempotency_key(&post));
        let get = Outgoing(Request::new(Method::GET, request().url().clone()));
        assert_eq!(ForRequest.idempotency_key(&get), None);
        assert!(!ForRequest.is_metered(&get) && !ForRequest.may_fall_back(&get));
        let mut own = request();
        own.headers_mut().insert(IDEMPOTENCY_KEY, HeaderValue::from_static("mine"));
        assert_eq!(ForRequest.idempotency_key(&Outgoing(own)).as_deref(), Some("mine"));
    }
}
