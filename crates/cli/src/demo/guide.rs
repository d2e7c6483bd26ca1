//! Each error of the guide, met for real: what a user would be told, and advised.

use std::fmt::Write;

use resayil::messages::Messages;
use resayil::{ChatRequest, Client, Error, Policy, Provider};
use resayil_sandbox::{Behaviour, Fault, Sandbox};

use crate::calls::call_failed;
use crate::exit::{Exit, Failure};

/// Calls a sandbox that answers as the guide says, so that every error of the guide comes.
pub(super) fn meet_all() -> Result<Vec<Error>, Failure> {
    let sandbox = Sandbox::builder()
        .behaviour(Behaviour::Guide)
        .start()
        .map_err(|error| Failure::new(Exit::System, error))?;
    let client = |key: &str| {
        Client::builder()
            .base_url(&sandbox.base_url())
            .api_key(key)
            .provider(Provider::Resayil)
            .policy(Policy::none())
            .no_quota()
            .build()
            .map_err(|error| call_failed(&error))
    };
    let good = client(sandbox.api_key())?;
    let hello = ChatRequest::new("mistral").user("Hello");
    let fails = |client: &Client, request: &ChatRequest| match client.chat(request) {
        Err(error) => Ok(error),
        Ok(_) => Err(Failure::new(Exit::Failed, "the sandbox answered where it was to fail")),
    };
    let fails_by = |fault: Fault| {
        sandbox.push_fault(fault);
        fails(&good, &hello)
    };
    let status = |status| Fault::Status { status, body: None, headers: Vec::new() };

    let unauthorized = fails(&client("sk_llmr_revoked_example_key")?, &hello)?;
    sandbox.set_credits(Some(0.0));
    let no_credits = fails(&good, &hello)?;
    sandbox.set_credits(None);
    Ok(vec![
        unauthorized,
        no_credits,
        fails_by(status(403))?,
        fails(&good, &ChatRequest::new("mistral-9000").user("Hello"))?,
        fails(&good, &ChatRequest::new(""))?,
        fails_by(Fault::RateLimited { retry_after: 45 })?,
        fails_by(Fault::ServerError)?,
    ])
}

/// The errors with what to tell and advise.
pub(super) fn text(errors: &[Error], messages: &Messages) -> String {
    let mut out = String::new();
    for error in errors {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "{} {} ({})\n    tell the user: {}",
            error.status().unwrap_or_default(),
            error.kind(),
            error.severity(),
            error.user_message_in(messages)
        );
        for step in error.advice_in(messages) {
            let _ = writeln!(out, "    - {step}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_guide_is_met() {
        let errors = meet_all().unwrap();
        let statuses: Vec<_> = errors.iter().filter_map(Error::status).collect();
        assert_eq!(statuses, [401, 402, 403, 404, 422, 429, 500]);
        assert!(errors[4].field_errors().iter().any(|field| field.field == "model"));
        let text = text(&errors, Messages::of_language("en").unwrap());
        assert!(text.contains("45"), "{text}");
    }
}
