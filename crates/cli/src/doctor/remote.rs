//! What the service itself shows: its name, the connection, its clock, the account, the model.

use std::net::ToSocketAddrs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use resayil::{CallOptions, Client, Error, Kind, Provider, Response};
use serde_json::{Value, json};

use super::findings::Findings;
use super::local::has_path;
use super::nearest::nearest;

/// A wall clock that is further off misjudges quota windows. Seconds.
const CLOCK_WARNING: f64 = 5.0;
/// The time that looking a name up may take.
const LOOKUP: Duration = Duration::from_secs(10);

/// Looks the host's name up. Says whether to go on.
pub(super) fn name(client: &Client, findings: &mut Findings) -> bool {
    const CHECK: &str = "name";
    let url = client.base_url();
    let is_plain = url.starts_with("http://");
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default().to_owned();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = match (has_port, is_plain) {
        (true, _) => authority.clone(),
        (false, true) => format!("{authority}:80"),
        (false, false) => format!("{authority}:443"),
    };
    let (send, receive) = mpsc::channel();
    // A look-up cannot be ended: it may outlive this wait.
    thread::spawn(move || send.send(address.to_socket_addrs().map(Iterator::count)));
    let advice = "look for a slip in the address; is this machine online?";
    match receive.recv_timeout(LOOKUP) {
        Ok(Ok(count)) if count > 0 => {
            findings.ok(CHECK, &format!("{authority}: addresses: {count}"));
            true
        }
        Ok(_) => {
            findings.problem(CHECK, &format!("{authority} is not known"), advice);
            false
        }
        Err(_) => {
            let found =
                format!("{authority}: no answer from the name server in {} s", LOOKUP.as_secs());
            findings.problem(CHECK, &found, advice);
            false
        }
    }
}

/// What the service's list of models told.
pub(super) struct Service {
    pub(super) models: Vec<String>,
    /// Whether anything is known to be there.
    pub(super) is_found: bool,
}

/// Asks for the list of models: the connection, TLS, the key, the path. None if calls cannot work.
pub(super) fn service(client: &Client, findings: &mut Findings) -> Option<Service> {
    match client.get("models", &CallOptions::new()) {
        Ok(response) => {
            findings.ok("connection", "the service answers");
            clock(response.header("date"), findings);
            findings.ok("account", "the key is accepted");
            Some(Service { models: models(&response), is_found: true })
        }
        Err(error) => {
            if error.status().is_some() {
                findings.ok("connection", "the service answers");
                let date = error.headers().get("date").map(<[u8]>::to_vec);
                clock(date.as_deref(), findings);
            }
            refused(client, &error, findings)
        }
    }
}

/// What an error to a plain question means for all calls.
fn refused(client: &Client, error: &Error, findings: &mut Findings) -> Option<Service> {
    let url = error.help_url().unwrap_or_default();
    let advice = error.advice().first().map(|step| step.to_string()).unwrap_or_default();
    let found = error.to_string();
    match error.kind() {
        Kind::Network if found.contains("certificate") || found.contains("secure connection") => {
            findings.problem("certificates", &found, &advice);
        }
        Kind::Network if found.contains("the proxy") => {
            let advice = "start it, correct the variable that names it, or unset that";
            findings.problem("proxy", &found, advice);
        }
        Kind::Deadline => findings.problem("time-outs", &found, "give a longer --deadline"),
        Kind::Network | Kind::Timeout => findings.problem("connection", &found, &advice),
        Kind::Protocol => findings.problem(
            "address",
            &found,
            "this is no API: check host and path of the address, and proxies on the way",
        ),
        Kind::NotFound => {
            let url = client.base_url();
            // A version that was left out is found by trying it.
            if !has_path(url) && client.get("v1/models", &CallOptions::new()).is_ok() {
                let found = format!("{url} has no path, and nothing is there (404)");
                findings.problem("address", &found, &format!("the service is at {url}/v1"));
                return None;
            }
            // Some services have no list; the trial call tells whether the path is right.
            findings.skipped("account", "there is no list of models here (404)");
            return Some(Service { models: Vec::new(), is_found: false });
        }
        Kind::RateLimit => {
            findings.warning("account", &found, &advice);
            return Some(Service { models: Vec::new(), is_found: true });
        }
        _ => findings.problem("account", &found, if advice.is_empty() { url } else { &advice }),
    }
    None
}

fn models(response: &Response) -> Vec<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let list = body.get("data").or(Some(&body)).and_then(Value::as_array);
    let ids = list.into_iter().flatten().filter_map(|model| model.get("id")?.as_str());
    ids.map(str::to_owned).collect()
}

/// Compares the server's clock with this machine's.
fn clock(date: Option<&[u8]>, findings: &mut Findings) {
    const CHECK: &str = "clock";
    let date = date.and_then(|date| std::str::from_utf8(date).ok());
    let Some(server) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return findings.skipped(CHECK, "the service names no date");
    };
    let seconds =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    // A date is cut to whole seconds.
    let off = seconds(SystemTime::now()) - seconds(server) - 0.5;
    if off.abs() > CLOCK_WARNING {
        let which = if off > 0.0 { "ahead of" } else { "behind" };
        let found = format!("this machine is {:.0} s {which} the service", off.abs());
        return findings.warning(
            CHECK,
            &found,
            "set it by NTP: quota windows follow the service's",
        );
    }
    findings.ok(CHECK, "as the service's");
}

/// The account's state and credits, where the service tells them.
pub(super) fn credits(client: &Client, findings: &mut Findings) {
    const CHECK: &str = "credits";
    if client.provider() != Some(Provider::Resayil) {
        return findings.skipped(CHECK, "this service has no page for them that is known");
    }
    match client.balance() {
        Ok(balance) => {
            let tier = balance.tier.as_deref().unwrap_or("unknown");
            let status = balance.status.as_deref().unwrap_or("unknown");
            match balance.credits {
                Some(credits) if credits <= 0.0 => findings.problem(
                    CHECK,
                    &format!("none are left (tier {tier}, {status})"),
                    "top up the balance",
                ),
                Some(credits) => findings.ok(CHECK, &format!("{credits} (tier {tier}, {status})")),
                None => findings.warning(CHECK, "the service does not say how many", ""),
            }
        }
        // The page is known to fail for everyone at times; calls work without it.
        Err(error) => {
            findings.warning(CHECK, &format!("cannot be read: {error}"), "look again later")
        }
    }
}

/// Whether there is such a model, and which name is like it. Says which to use.
pub(super) fn model(
    named: Option<&str>,
    service: &Service,
    findings: &mut Findings,
) -> Option<String> {
    const CHECK: &str = "model";
    let known = &service.models;
    match (named, known.first()) {
        (None, Some(first)) => {
            findings.ok(CHECK, &format!("none was named; {first} is there"));
            Some(first.clone())
        }
        (None, None) if !service.is_found => {
            findings.problem(
                "address",
                "nothing was found at its `models` (404), and no model was named to try a call",
                "look at its path, which ends in a version as a rule, or give --model",
            );
            None
        }
        (None, None) => {
            findings.skipped(CHECK, "none was named: give --model");
            None
        }
        (Some(model), None) => {
            findings.skipped(CHECK, "the service lists none");
            Some(model.to_owned())
        }
        (Some(model), Some(_)) if known.iter().any(|it| it == model) => {
            findings.ok(CHECK, &format!("{model} is there"));
            Some(model.to_owned())
        }
        (Some(model), Some(_)) => {
            let advice = match nearest(model, known.iter().map(String::as_str)) {
                Some(like) => format!("did you mean `{like}`?"),
                None => format!("`resayil models` lists those that are there ({})", known.len()),
            };
            findings.problem(CHECK, &format!("`{model}` is not listed by the service"), &advice);
            None
        }
    }
}

/// A call as programs make it: one short answer, or the request of the file.
pub(super) fn call(client: &Client, model: &str, request: Option<&Value>, findings: &mut Findings) {
    const CHECK: &str = "call";
    let tiny = json!({
        "model": model,
        "messages": [{"role": "user", "content": "Say ok."}],
        "max_tokens": 1,
    });
    let mut request = request.unwrap_or(&tiny).clone();
    // The answer is looked at whole.
    if let Some(members) = request.as_object_mut() {
        members.remove("stream");
        members.remove("stream_options");
    }
    match client.post("chat/completions", request.to_string().as_bytes(), &CallOptions::new()) {
        Ok(response) if response.content().is_none() => {
            let found = format!("the answer ({}) is no chat completion", response.status());
            let advice =
                "something else answers: check the path of the address, and proxies on the way";
            findings.problem(CHECK, &found, advice);
        }
        Ok(response) => {
            let found = "POST chat/completions is answered: JSON, with the key as a bearer token";
            findings.ok(CHECK, found);
            let number = |name: &str| {
                let value = response.header(name)?;
                std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok()
            };
            rate_limit(number("x-ratelimit-limit"), number("x-ratelimit-remaining"), findings);
        }
        Err(error) => {
            let mut found = error.to_string();
            if error.kind() == Kind::NotFound && error.param().is_none() && error.code().is_none() {
                found += " (model or path)";
            }
            let advice = error.advice().first().map(|step| step.to_string()).unwrap_or_default();
            match error.kind() {
                Kind::RateLimit => {
                    findings.warning(
                        "rate limit",
                        &found,
                        "wait, or send less; retries do it for you",
                    );
                }
                _ => findings.problem(CHECK, &found, &advice),
            }
        }
    }
}

fn rate_limit(limit: Option<u64>, remaining: Option<u64>, findings: &mut Findings) {
    const CHECK: &str = "rate limit";
    match (limit, remaining) {
        (Some(limit), Some(0)) => findings.warning(
            CHECK,
            &format!("none of {limit} requests are left in this window"),
            "clients with a quota wait for the next one",
        ),
        (Some(limit), Some(left)) => {
            findings.ok(CHECK, &format!("{left} of {limit} requests left"))
        }
        _ => findings.skipped(CHECK, "the service tells it with refusals only"),
    }
}
