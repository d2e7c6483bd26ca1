//! The endpoints beside chat: models and balance.

use std::io;

use serde_json::{Value, json};

use crate::auth;
use crate::behaviour::Problem;
use crate::chat::problem;
use crate::exchange::{After, Exchange, Quota};

/// What an account with unlimited credits shows, since the field is a number.
const UNLIMITED: f64 = 1_000_000.5;

/// `GET {base}/models`.
pub(crate) fn models(ex: &mut Exchange<'_>) -> io::Result<After> {
    let options = &ex.shared.options;
    if let Err(cause) = auth::check(ex.head.header("authorization"), &options.api_key) {
        return problem(ex, &Problem::Unauthenticated(cause));
    }
    ex.quota = Quota::Known;
    let data: Vec<Value> = options
        .models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": 1_735_689_600, "owned_by": "resayil"}))
        .collect();
    ex.send(&options.behaviour.json(200, &json!({"object": "list", "data": data})))
}

/// `GET {origin}/api/billing/subscription`.
pub(crate) fn subscription(ex: &mut Exchange<'_>) -> io::Result<After> {
    let options = &ex.shared.options;
    if options.balance_fails {
        // For everyone, whatever the key, and in this shape in every family.
        return ex.send(&options.behaviour.json(500, &json!({"message": "Server error."})));
    }
    if let Err(cause) = auth::check(ex.head.header("authorization"), &options.api_key) {
        return problem(ex, &Problem::Unauthenticated(cause));
    }
    ex.quota = Quota::Known;
    let body = json!({
        "tier": options.tier.name(),
        "status": "active",
        "expires_at": "2099-12-31T23:59:59+00:00",
        "credits": ex.shared.account.credits().unwrap_or(UNLIMITED),
    });
    ex.send(&options.behaviour.json(200, &body))
}
