//! Only the decisions, with an HTTP client of your own (here ureq): read each answer, and ask whether
//! and when to send again.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.

use std::thread;
use std::time::{Instant, SystemTime};

use resayil::{Decision, Error, Kind, Policy, Timestamp, classify};

const PROMPT: &str =
    r#"{"model":"llama3.2:3b","messages":[{"role":"user","content":"What is a quota?"}]}"#;

/// The answer's JSON, or the error after the last attempt.
fn ask(agent: &ureq::Agent, base_url: &str, api_key: &str) -> Result<String, Error> {
    let begin = Instant::now();
    let mut call = Policy::default().start(begin.elapsed(), begin.elapsed().as_nanos() as u64);
    loop {
        let error = match send(agent, base_url, api_key) {
            Ok(body) => {
                call.on_success();
                return Ok(body);
            }
            Err(error) => error,
        };
        match call.on_error(&error, begin.elapsed()) {
            Decision::Retry { delay, reason } => {
                println!(
                    "{}: trying again in {:.1} s ({reason})",
                    error.kind(),
                    delay.as_secs_f64()
                );
                thread::sleep(delay);
            }
            Decision::Stop { reason } => return Err(call.mark(error, reason)),
        }
    }
}

/// One request.
fn send(agent: &ureq::Agent, base_url: &str, api_key: &str) -> Result<String, Error> {
    let mut response = agent
        .post(format!("{base_url}/chat/completions"))
        .header("Authorization", format!("Bearer {api_key}"))
        .header("Accept", "application/json") // the API answers errors as JSON only then
        .header("Content-Type", "application/json")
        .send(PROMPT)
        .map_err(|error| Error::new(Kind::Network, &error.to_string()))?;
    let body = response
        .body_mut()
        .read_to_vec()
        .map_err(|error| Error::new(Kind::Network, &error.to_string()))?;
    let headers: Vec<_> =
        response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    classify(response.status().as_u16(), &headers, &body, Timestamp::from(SystemTime::now()))?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Asks once, and says what came of it.
pub(crate) fn run(base_url: &str, api_key: &str) -> Result<String, Error> {
    // Errors have bodies that say more than the status: they have to be read.
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    ask(&agent, base_url, api_key)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = run(&std::env::var("RESAYIL_BASE_URL")?, &std::env::var("RESAYIL_API_KEY")?)?;
    println!("{answer}");
    Ok(())
}
