//! A policy of your own: fewer attempts, a deadline, and a budget that two clients share.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.

use std::time::Duration;

use resayil::retry::{Budget, BudgetOptions, Jitter};
use resayil::{ChatRequest, Client, Error, Kind, Policy};

/// Asks with two models, and gives both answers.
pub(crate) fn run(
    base_url: &str,
    api_key: &str,
) -> Result<[String; 2], Box<dyn std::error::Error>> {
    let policy = Policy::builder()
        .max_attempts(3)
        .base_delay(Duration::from_millis(100))
        .jitter(Jitter::Full)
        .deadline(Duration::from_secs(20))
        .retry_kind(Kind::Conflict, false) // our requests never conflict by chance
        .build()?;
    // One service behind both clients: what the one finds out of order, the other need not try.
    let budget = Budget::new(BudgetOptions::default().with_reserve(20.0));
    let client = || {
        Client::builder()
            .base_url(base_url)
            .api_key(api_key)
            .policy(policy.clone())
            .budget(budget.clone())
            .build()
    };
    let (one, other) = (client()?, client()?);
    let ask = |client: &Client, model: &str| -> Result<String, Error> {
        Ok(client.chat(&ChatRequest::new(model).user("What is a quota?"))?.content().to_owned())
    };
    Ok([ask(&one, "llama3.2:3b")?, ask(&other, "mistral")?])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for answer in run(&std::env::var("RESAYIL_BASE_URL")?, &std::env::var("RESAYIL_API_KEY")?)? {
        println!("{answer}");
    }
    Ok(())
}
