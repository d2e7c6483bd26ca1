//! What can be checked without the network: the key, the address, proxies, time-outs.

use std::env;
use std::time::Duration;

use resayil::{Client, Policy, Provider};

use super::findings::Findings;
use crate::calls::ClientArgs;

/// The least time for one attempt that the LLM Resayil guide asks for.
const LEAST_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// The variables that name a proxy, in the order in which they are looked at.
const PROXIES: [&str; 6] =
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const SET_KEY: &str = "export RESAYIL_API_KEY=...";

/// The key as the environment has it. It is never shown.
pub(super) fn key(args: &ClientArgs, findings: &mut Findings) {
    const CHECK: &str = "key";
    let key = match env::var("RESAYIL_API_KEY") {
        Ok(key) => key,
        Err(env::VarError::NotPresent) => {
            return findings.problem(CHECK, "RESAYIL_API_KEY is not set", SET_KEY);
        }
        Err(env::VarError::NotUnicode(_)) => {
            return findings.problem(CHECK, "RESAYIL_API_KEY is not text", SET_KEY);
        }
    };
    let trimmed = key.trim();
    let lower = trimmed.to_ascii_lowercase();
    let is_quoted =
        |mark: char| trimmed.len() > 1 && trimmed.starts_with(mark) && trimmed.ends_with(mark);
    let wrong = if trimmed.is_empty() {
        Some(("RESAYIL_API_KEY is empty", SET_KEY))
    } else if lower.starts_with("bearer ") || lower.starts_with("authorization:") {
        Some(("the key begins with the name of a scheme", "give the key alone, without `Bearer`"))
    } else if is_quoted('"') || is_quoted('\'') {
        Some(("the key has quotes around it", "give the key alone, without quotes"))
    } else if lower.contains("your_") || lower.contains("your-") || trimmed == "..." {
        Some(("the key is a placeholder", "put your own key in its place"))
    } else if trimmed.contains(char::is_whitespace) {
        Some(("the key has white space in the middle", "copy it again, in one piece"))
    } else if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some(("the key has characters that no key has", "copy it again: plain ASCII"))
    } else {
        None
    };
    let length = trimmed.len();
    match wrong {
        Some((found, advice)) => findings.problem(CHECK, found, advice),
        None if trimmed.len() < key.len() => findings.problem(
            CHECK,
            "the key has white space around it",
            "set it again without; `$(cat file)` cuts the end of a line, quoting does not",
        ),
        None => match unlike_resayil(trimmed, args) {
            Some(found) => {
                findings.warning(CHECK, &found, "copy it again from the service's page of keys")
            }
            None => findings.ok(CHECK, &format!("RESAYIL_API_KEY is set: {length} characters")),
        },
    }
}

/// Beginnings of other services' keys.
const FOREIGN_KEYS: [(&str, &str); 8] = [
    ("sk-ant-", "Anthropic"),
    ("sk-or-", "OpenRouter"),
    ("sk-", "OpenAI"),
    ("gsk_", "Groq"),
    ("AIza", "Google"),
    ("xai-", "xAI"),
    ("hf_", "Hugging Face"),
    ("AKIA", "AWS"),
];

/// What is strange about a key for LLM Resayil, if that is asked: its keys are `sk_llmr_` and more, or 64
/// hex digits.
fn unlike_resayil(key: &str, args: &ClientArgs) -> Option<String> {
    let url = args.base_url.clone().or_else(|| env::var("RESAYIL_BASE_URL").ok());
    let is_resayil = match args.provider.0 {
        Some(provider) => provider == Provider::Resayil,
        None => url.is_none_or(|url| url.is_empty() || url.contains("resayil.io")),
    };
    let is_like = key.starts_with("sk_llmr_")
        || (key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !is_resayil || is_like {
        return None;
    }
    let whose = FOREIGN_KEYS.iter().find(|(start, _)| key.starts_with(start));
    Some(match whose {
        Some((_, name)) => format!("the key looks like one of {name}, not of LLM Resayil"),
        None => "the key does not look like one of LLM Resayil".to_owned(),
    })
}

/// The address, and a client for it.
pub(super) fn client(args: &ClientArgs, findings: &mut Findings) -> Option<Client> {
    // One attempt a check, at once: what a quota or retries would hide is to be seen.
    let builder = match args.apply(Client::builder(), Policy::none()) {
        Ok(builder) => builder.no_quota(),
        Err(failure) => {
            findings.problem("options", failure.message(), "");
            return None;
        }
    };
    match builder.build() {
        Ok(client) => address(client.base_url(), findings).then_some(client),
        Err(error) => {
            let found = error.message().unwrap_or("it cannot be used");
            findings.problem(check_of(found), found, advice_on(found));
            None
        }
    }
}

/// Which check an error about an option belongs to.
fn check_of(message: &str) -> &'static str {
    if message.contains("proxy") {
        "proxy"
    } else if message.contains("API key") {
        "key"
    } else if message.contains("timeout") {
        "time-outs"
    } else if message.contains("certificate") || message.contains("CA") {
        "certificates"
    } else {
        "address"
    }
}

fn advice_on(message: &str) -> &'static str {
    if message.contains("plain http") {
        "use https://, or --allow-http if you are sure"
    } else if message.contains("base URL") {
        "export RESAYIL_BASE_URL=https://llmapi.resayil.io/v1, or give --base-url"
    } else if message.contains("proxy") {
        "set the proxy's variable to http://host:port or socks5h://host:port, or unset it"
    } else if message.contains("API key") {
        SET_KEY
    } else {
        ""
    }
}

/// A base URL that can be used may still be another one than was meant. Says whether to go on.
fn address(url: &str, findings: &mut Findings) -> bool {
    const CHECK: &str = "address";
    const ENDPOINTS: [&str; 5] =
        ["/chat/completions", "/completions", "/models", "/embeddings", "/responses"];
    let plain = url.split('?').next().unwrap_or_default().trim_end_matches('/');
    if let Some(base) = ENDPOINTS.iter().find_map(|endpoint| plain.strip_suffix(endpoint)) {
        let found = format!("{url} is the address of one endpoint");
        findings.problem(CHECK, &found, &format!("leave its path out: {base}"));
        return false;
    }
    if has_path(plain) {
        findings.ok(CHECK, url);
    } else {
        let better = format!("most services want a version in it: {plain}/v1");
        findings.warning(CHECK, &format!("{url} has no path"), &better);
    }
    true
}

/// Whether anything follows the host and the port.
pub(super) fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

/// The proxy that the environment names, without its password.
pub(super) fn proxy(findings: &mut Findings) {
    let set: Vec<_> = PROXIES
        .iter()
        .filter(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
        .copied()
        .collect();
    if set.is_empty() {
        findings.ok("proxy", "none");
    } else {
        findings.ok("proxy", &format!("named by {}", set.join(", ")));
    }
}

/// Whether the environment names one.
pub(super) fn has_proxy() -> bool {
    PROXIES.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(super) fn timeouts(args: &ClientArgs, findings: &mut Findings) {
    const CHECK: &str = "time-outs";
    let attempt = args.attempt_timeout.as_secs_f64();
    if args.attempt_timeout < LEAST_ATTEMPT_TIMEOUT {
        let found = format!("an attempt may take {attempt} s: slow models need more");
        return findings.warning(CHECK, &found, "give --attempt-timeout 30 or more");
    }
    match args.deadline {
        Some(deadline) if deadline < args.attempt_timeout => findings.warning(
            CHECK,
            &format!("the whole call may take {} s, less than one attempt", deadline.as_secs_f64()),
            "a deadline above the time of an attempt leaves room for retries",
        ),
        _ => findings.ok(CHECK, &format!("{attempt} s for an attempt")),
    }
}
