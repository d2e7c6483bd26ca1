//! A model that may call functions of the program: it is asked again, with what came of its calls, until it
//! answers in words.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL. LLM Resayil has no tools; any service that is compatible with
//! OpenAI's does, and `resayil sandbox --openai-features` prints a pair to try it with.

use resayil::{ChatRequest, Client, Error, FunctionTool, Kind, ToolCall};
use serde::Deserialize;
use serde_json::json;

/// So often a model is asked, at most: one that calls tools without end costs money without end.
const MAX_TURNS: usize = 8;

/// What the function `weather` takes.
#[derive(Deserialize)]
struct Place {
    city: String,
}

/// Carries a call out. What is wrong with it is told to the model, which often mends it.
fn run_tool(call: &ToolCall) -> String {
    match call.name() {
        "weather" => match call.parse_arguments::<Place>() {
            Ok(place) => format!("The weather in {} is hot.", place.city),
            Err(error) => format!("error: {error}"),
        },
        other => format!("error: there is no tool {other:?}"),
    }
}

/// Asks until the model answers in words, and gives the answer.
pub(crate) fn answer(client: &Client, question: &str) -> Result<String, Error> {
    let weather =
        FunctionTool::new("weather").description("The weather of today.").parameters(json!({
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name, in English."}},
            "required": ["city"],
        }))?;
    let mut request = ChatRequest::new("llama3.2:3b").user(question).tool(&weather);
    for _ in 0..MAX_TURNS {
        let answer = client.chat(&request)?;
        if answer.tool_calls().is_empty() {
            return Ok(answer.content().to_owned());
        }
        // The results follow the message that asked for them.
        request = request.message(answer.message())?;
        for call in answer.tool_calls() {
            println!("{}({})", call.name(), call.arguments());
            request = request.tool_result(call.id(), &run_tool(call));
        }
    }
    Err(Error::new(Kind::Protocol, "the model calls tools without end"))
}

/// The same with the answer as it comes.
pub(crate) fn stream_answer(client: &Client, question: &str) -> Result<String, Error> {
    let weather = FunctionTool::new("weather")
        .parameters(json!({"type": "object", "properties": {"city": {"type": "string"}}}))?;
    let mut request = ChatRequest::new("llama3.2:3b").user(question).tool(&weather);
    for _ in 0..MAX_TURNS {
        let mut stream = client.chat_stream(&request)?;
        for piece in &mut stream {
            print!("{}", piece?);
        }
        println!();
        let message = stream.message();
        if message.tool_calls().is_empty() {
            return Ok(message.content().unwrap_or_default().to_owned());
        }
        request = request.message(&message)?;
        for call in message.tool_calls() {
            request = request.tool_result(call.id(), &run_tool(call));
        }
    }
    Err(Error::new(Kind::Protocol, "the model calls tools without end"))
}

fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    println!("{}", answer(&client, "What is the weather in Kuwait?")?);
    println!("{}", stream_answer(&client, "And the weather in Cairo?")?);
    Ok(())
}
