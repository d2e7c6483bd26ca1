//! Which limit it was that refused a request: what it counts, and in which window.

use std::time::Duration;

use super::body::QuotaWindow;
use super::reading::Reading;
use crate::kind::Kind;
use crate::limit_scope::LimitScope;

/// What is known of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limit {
    pub(crate) scope: Option<LimitScope>,
    pub(crate) window: Option<Duration>,
}

/// The limit that refused the request, as far as the answer tells.
pub(super) fn of(answer: &Reading<'_>, status: Option<u16>, kind: Kind) -> Limit {
    let is_limit = matches!(kind, Kind::RateLimit | Kind::QuotaExhausted) || status == Some(429);
    if !is_limit {
        return Limit::default();
    }
    let told = &answer.facts.told;
    let rate =
        answer.provider.and_then(|provider| provider.rate()).filter(|_| kind == Kind::RateLimit);
    let _ = QuotaWindow::Day;
    Limit {
        scope: told.scope.or(rate.map(|(scope, _)| scope)),
        window: told.window.or(rate.map(|(_, window)| window)),
    }
}
