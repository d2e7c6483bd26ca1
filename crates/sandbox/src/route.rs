//! From method and path to the endpoint.

use std::io;

use serde_json::json;

use crate::chat::Upstream;
use crate::exchange::{After, Exchange};
use crate::fault::{Fault, FaultError};
use crate::http::Head;
use crate::server::Shared;
use crate::{chat, control, endpoints};

/// Where faults are named in the path.
const FAULT: &str = "/fault/";

/// Where the control plane is.
const CONTROL: &str = "/_sandbox/";

/// The endpoints of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Chat,
    Embeddings,
    Models,
    Subscription,
}

pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with(CONTROL)
}

fn endpoint(path: &str) -> Option<Endpoint> {
    let path = path.trim_end_matches('/');
    if path == "/api/billing/subscription" {
        return Some(Endpoint::Subscription);
    }
    let local = path.strip_prefix("/api").unwrap_or(path);
    match local.strip_prefix("/v1")? {
        "/chat/completions" => Some(Endpoint::Chat),
        "/embeddings" => Some(Endpoint::Embeddings),
        "/models" => Some(Endpoint::Models),
        _ => None,
    }
}

/// The same, of those that this sandbox has.
fn endpoint_of(shared: &Shared, path: &str) -> Option<Endpoint> {
    let has_embeddings = shared.options.openai_features;
    endpoint(path).filter(|endpoint| has_embeddings || *endpoint != Endpoint::Embeddings)
}

/// The fault that a path names, and the path behind it.
fn fault(path: &str) -> Option<(Result<Fault, FaultError>, &str)> {
    let rest = path.strip_prefix(FAULT)?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((Fault::from_path(&rest[..end]), &rest[end..]))
}

/// The fault of a chat request that strikes before its body is read.
pub(crate) fn early_fault(shared: &Shared, head: &Head) -> Option<Fault> {
    let (by_path, path) = fault(&head.path).map_or((None, &*head.path), |it| (it.0.ok(), it.1));
    if head.method != "POST" || endpoint_of(shared, path) != Some(Endpoint::Chat) {
        return None;
    }
    by_path.filter(Fault::is_early).or_else(|| shared.account.take_early_fault())
}

pub(crate) fn dispatch(ex: &mut Exchange<'_>, body: &[u8]) -> io::Result<After> {
    let head = ex.head;
    let (method, path) = (head.method.as_str(), head.path.as_str());
    let (fault, path) = match fault(path) {
        None => (None, path),
        Some((Ok(fault), path)) => (Some(fault), path),
        Some((Err(error), _)) => {
            let body = json!({ "message": error.to_string() });
            return ex.send(&ex.shared.options.behaviour.json(404, &body));
        }
    };
    if let Some(action) = path.strip_prefix(CONTROL) {
        return control::handle(ex, action, body);
    }
    let Some(endpoint) = endpoint_of(ex.shared, path) else {
        let text = format!("The route {} could not be found.", shown(path));
        let response = ex.shared.options.behaviour.json(404, &json!({ "message": text }));
        return ex.send(&response);
    };
    match (endpoint, method) {
        (Endpoint::Chat, "POST") => match fault {
            Some(fault) => chat::fail(ex, body, &fault),
            None => chat::handle(ex, body, Upstream::Chat),
        },
        (Endpoint::Embeddings, "POST") => match fault {
            Some(fault) => chat::fail(ex, body, &fault),
            None => chat::handle(ex, body, Upstream::Embeddings),
        },
        (Endpoint::Models, "GET" | "HEAD") => endpoints::models(ex),
        (Endpoint::Subscription, "GET" | "HEAD") => endpoints::subscription(ex),
        (endpoint, _) => {
            let allowed = match endpoint {
                Endpoint::Chat | Endpoint::Embeddings => "POST",
                Endpoint::Models | Endpoint::Subscription => "GET, HEAD",
            };
            let text = format!(
                "The {method} method is not supported for route {}. Supported methods: {allowed}.",
                shown(path)
            );
            let response = ex.shared.options.behaviour.json(405, &json!({ "message": text }));
            ex.send(&response.with("Allow", allowed))
        }
    }
}

/// A path as messages show it: without slashes around it.
fn shown(path: &str) -> &str {
    path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bases_lead_to_the_endpoints() {
        for base in ["/v1", "/api/v1"] {
            assert_eq!(endpoint(&format!("{base}/chat/completions")), Some(Endpoint::Chat));
            assert_eq!(endpoint(&format!("{base}/models/")), Some(Endpoint::Models));
            assert_eq!(endpoint(&format!("{base}/billing/subscription")), None);
        }
        assert_eq!(endpoint("/api/billing/subscription"), Some(Endpoint::Subscription));
        for path in ["/", "/v1", "/v2/models", "/v1x/models", "/api/api/v1/models", "/models"] {
            assert_eq!(endpoint(path), None, "{path}");
        }
    }
}
