//! From method and path to the endpoint.

use std::io;

use serde_json::json;

use crate::exchange::{After, Exchange};
use crate::{chat, control, endpoints};

/// Where the control plane is.
const CONTROL: &str = "/_sandbox/";

/// The endpoints of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Chat,
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
        "/models" => Some(Endpoint::Models),
        _ => None,
    }
}

pub(crate) fn dispatch(ex: &mut Exchange<'_>, body: &[u8]) -> io::Result<After> {
    let (method, path) = (ex.head.method.as_str(), ex.head.path.as_str());
    if let Some(action) = path.strip_prefix(CONTROL) {
        return control::handle(ex, action, body);
    }
    let Some(endpoint) = endpoint(path) else {
        let text = format!("The route {} could not be found.", shown(path));
        let response = ex.shared.options.behaviour.json(404, &json!({ "message": text }));
        return ex.send(&response);
    };
    match (endpoint, method) {
        (Endpoint::Chat, "POST") => chat::handle(ex, body),
        (Endpoint::Models, "GET" | "HEAD") => endpoints::models(ex),
        (Endpoint::Subscription, "GET" | "HEAD") => endpoints::subscription(ex),
        (endpoint, _) => {
            let allowed = match endpoint {
                Endpoint::Chat => "POST",
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
