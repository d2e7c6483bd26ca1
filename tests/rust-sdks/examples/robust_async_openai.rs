//! async-openai, made robust: one line more than without.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs,
};
use resayil_tower::RetryLayer;
use tower::Layer;

/// The answer to a prompt.
pub(crate) async fn ask(
    base_url: &str,
    api_key: &str,
    prompt: &str,
) -> Result<String, OpenAIError> {
    let layer = RetryLayer::builder().watch_streams(true).error_for_status(true).build();
    let layer = layer.map_err(|error| OpenAIError::InvalidArgument(error.to_string()))?;
    let config = OpenAIConfig::new().with_api_base(base_url).with_api_key(api_key);
    let client = Client::with_config(config)
        .with_http_service(layer.layer(ReqwestService::new(reqwest::Client::new())));
    let message = ChatCompletionRequestUserMessageArgs::default().content(prompt).build()?;
    let request = CreateChatCompletionRequestArgs::default()
        .model("llama3.2:3b")
        .messages([message.into()])
        .build()?;
    let answer = client.chat().create(request).await?;
    let choice = answer.choices.into_iter().next();
    Ok(choice.and_then(|choice| choice.message.content).unwrap_or_default())
}

/// What to tell a user of a failure.
pub(crate) fn tell(error: &OpenAIError) -> String {
    if let OpenAIError::Boxed(error) = error {
        if let Some(error) = error.downcast_ref::<resayil_core::Error>() {
            return error.user_message();
        }
    }
    "Something went wrong.".to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), std::env::VarError> {
    let (base_url, api_key) =
        (std::env::var("RESAYIL_BASE_URL")?, std::env::var("RESAYIL_API_KEY")?);
    match ask(&base_url, &api_key, "What is a quota?").await {
        Ok(answer) => println!("{answer}"),
        Err(error) => println!("{}", tell(&error)),
    }
    Ok(())
}
