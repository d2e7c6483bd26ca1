//! A web service that asks an LLM for its users: all of them share one quota, wait in one line, and read a
//! message that they understand when it fails.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. Then:
//! `curl -d 'What is a quota?' http://127.0.0.1:3000/ask`

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use resayil_core::messages::Messages;
use resayil_core::quota::QuotaOptions;
use resayil_core::{Error, Policy, Provider};
use resayil_reqwest::{RetryLayer, RetryMiddleware};
use serde_json::{Value, json};

/// The way to the API, for all requests.
#[derive(Clone)]
pub(crate) struct Llm {
    client: ClientWithMiddleware,
    base_url: String,
    api_key: String,
}

impl Llm {
    pub(crate) fn new(base_url: &str, api_key: &str, limit: u32) -> Result<Self, Error> {
        // Nobody waits longer than this for a page.
        let policy = Policy::builder().deadline(Duration::from_secs(20)).build();
        let options = RetryLayer::builder()
            .policy(policy.map_err(|error| {
                Error::new(resayil_core::Kind::Configuration, &error.to_string())
            })?)
            .provider(Provider::Resayil)
            .quota_options(QuotaOptions::default().with_limit(limit))
            .api_key(api_key)
            .check_answers(true)
            .error_for_status(true);
        let middleware = RetryMiddleware::try_from(options)?;
        let client = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
        Ok(Llm { client, base_url: base_url.to_owned(), api_key: api_key.to_owned() })
    }

    async fn ask(&self, prompt: &str) -> Result<String, reqwest_middleware::Error> {
        let body =
            json!({"model": "llama3.2:3b", "messages": [{"role": "user", "content": prompt}]});
        let request = self.client.post(format!("{}/chat/completions", self.base_url));
        let request = request.bearer_auth(&self.api_key).header("accept", "application/json");
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer: Value = request.send().await?.json().await?;
        Ok(answer["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned())
    }
}

/// The service.
pub(crate) fn app(llm: Llm) -> Router {
    Router::new().route("/ask", post(ask)).with_state(llm)
}

async fn ask(State(llm): State<Llm>, headers: HeaderMap, prompt: String) -> Response {
    match llm.ask(&prompt).await {
        Ok(answer) => answer.into_response(),
        Err(error) => tell(&error, &headers),
    }
}

/// What a user reads of a failure, in Arabic or English.
fn tell(error: &reqwest_middleware::Error, headers: &HeaderMap) -> Response {
    let core = match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast_ref::<Error>(),
        reqwest_middleware::Error::Reqwest(_) => None,
    };
    let Some(core) = core else { return StatusCode::BAD_GATEWAY.into_response() };
    let language = headers.get("accept-language").and_then(|value| value.to_str().ok());
    let messages = match language {
        Some(language) if language.starts_with("ar") => &resayil_core::messages::ARABIC,
        _ => &resayil_core::messages::ENGLISH,
    };
    let text = message(core, messages);
    match core.retry_after() {
        Some(wait) => {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())], text)
                .into_response()
        }
        None => (StatusCode::BAD_GATEWAY, text).into_response(),
    }
}

fn message(error: &Error, messages: &Messages) -> String {
    error.user_message_in(messages)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (base_url, api_key) =
        (std::env::var("RESAYIL_BASE_URL")?, std::env::var("RESAYIL_API_KEY")?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(Llm::new(&base_url, &api_key, 20)?)).await?;
    Ok(())
}
