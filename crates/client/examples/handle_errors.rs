//! Three calls that fail, and what a program does about it.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.

use resayil::observe::CallAction;
use resayil::{ChatRequest, Client, Error};

fn main() -> Result<(), Error> {
    // Retries are on by default. An observer is told about them.
    let client = Client::builder()
        .observer(|event| {
            if let (CallAction::Retry(_), Some(error), Some(delay)) =
                (event.action, event.error, event.delay)
            {
                println!("{}: trying again in {:.1} s", error.kind(), delay.as_secs_f64());
            }
        })
        .build()?;
    let question = ChatRequest::new("llama3.2:3b").user("What is a quota?");

    // A refusal for quota: the client waits as long as the server says, and sends it again.
    let answer = client.chat(&question)?;
    println!("answer after {} attempts: {}", answer.attempts(), answer.content());

    // A field is invalid: nothing to retry, but the server says which one.
    match client.chat(&question.clone().temperature(9.0)) {
        Ok(answer) => println!("unexpected: {}", answer.content()),
        Err(error) => {
            for field in error.field_errors() {
                println!("{}: {}: {}", error.kind(), field.field, field.messages.join(" "));
            }
        }
    }

    // No credits are left: say so in words for the user, and act on the advice.
    match client.chat(&question) {
        Ok(answer) => println!("unexpected: {}", answer.content()),
        Err(error) => {
            println!("{}: {}", error.kind(), error.user_message());
            for step in error.advice() {
                println!("- {step}");
            }
        }
    }
    Ok(())
}
