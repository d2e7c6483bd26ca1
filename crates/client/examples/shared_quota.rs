//! One quota for many threads: 30 prompts at once where a minute admits 20 would have ten refused;
//! here they wait in line, and none is.
//!
//! Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. For
//! several processes of a host add `.share_quota(true)`.

use std::thread;

use resayil::observe::Stats;
use resayil::quota::QuotaOptions;
use resayil::{ChatRequest, Client, Error};

/// Asks so many prompts at once, and gives what the client counted.
pub(crate) fn run(
    base_url: &str,
    api_key: &str,
    limit: u32,
    prompts: usize,
) -> Result<Stats, Error> {
    let client = Client::builder()
        .base_url(base_url)
        .api_key(api_key)
        .quota_options(QuotaOptions::default().with_limit(limit))
        .build()?;
    thread::scope(|scope| {
        let calls: Vec<_> = (0..prompts)
            .map(|number| {
                let client = client.clone();
                scope.spawn(move || {
                    let prompt = format!("What is {number} + 1?");
                    client.chat(&ChatRequest::new("llama3.2:3b").user(&prompt)).map(drop)
                })
            })
            .collect();
        calls.into_iter().try_for_each(|call| call.join().expect("no panic in a call"))
    })?;
    Ok(client.stats())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (base_url, api_key) =
        (std::env::var("RESAYIL_BASE_URL")?, std::env::var("RESAYIL_API_KEY")?);
    println!("{:#?}", run(&base_url, &api_key, 20, 30)?);
    Ok(())
}
