//! A process that goes on without the fleet's server.

use std::time::Duration;

use super::options::{FleetLoss, FleetOptions};
use super::reply::FleetReply;
use crate::quota::model::QuotaModel;
use crate::quota::model::beside::SCOPES;
use crate::quota::operation::{QuotaDelay, QuotaGrant, QuotaRequest};

/// How often those ask again who may not send at all.
const CLOSED: Duration = Duration::from_millis(250);

/// What a process that is alone may send.
pub(super) struct Alone {
    /// `None` if nothing may be sent.
    model: Option<QuotaModel>,
    /// Where a share is less than a request: one in so many windows, and which of them.
    every: Option<(i64, i64)>,
}

impl Alone {
    /// `last` is what the server answered last, and `window` the window that is now, if it is known to be the
    /// one of that answer.
    pub(super) fn new(
        options: &FleetOptions,
        learner: &QuotaModel,
        last: Option<&FleetReply>,
        is_same_window: bool,
        rank: i64,
        now: Duration,
    ) -> Self {
        if options.loss == FleetLoss::Closed {
            return Alone { model: None, every: None };
        }
        let weight = i64::from(options.weight);
        let members = match options.loss {
            FleetLoss::Open => weight,
            _ => last.map_or(i64::from(options.expected_members), FleetReply::members).max(weight),
        };
        let (_, told) = learner.counting();
        let mut limits = told.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let mut used = [0; 4];
        let mut quota = options.quota;
        if let Some(last) = last.filter(|last| last.mode() != 2) {
            limits = last.limits();
            if last.soft() > 0 {
                limits[0] = last.soft();
            }
            if is_same_window {
                used = last.used();
            }
            if last.mode() == 1 {
                // The key counts in small parts.
                let times = (60_000 / last.len()).max(1);
                limits = limits.map(|limit| limit.saturating_mul(times));
                used = [0; 4];
            }
        }
        let share = |amount: i64| amount.saturating_mul(weight) / members;
        let mut taken = [0; 4];
        for (taken, (limit, used)) in taken.iter_mut().zip(limits.into_iter().zip(used)) {
            let rest = share(limit.saturating_sub(used).max(0));
            *taken = u64::try_from(share(limit).max(1) - rest).unwrap_or(0);
        }
        let least = |limit: i64| Some(u64::try_from(share(limit).max(1)).unwrap_or(1));
        for (scope, limit) in SCOPES.into_iter().zip(limits).filter(|(_, limit)| *limit > 0) {
            use crate::error::LimitScope::{InputTokens, OutputTokens, Requests};
            let limit = least(limit);
            match scope {
                Requests => quota.limit = limit.map(|it| u32::try_from(it).unwrap_or(u32::MAX)),
                InputTokens => quota.input_token_limit = limit,
                OutputTokens => quota.output_token_limit = limit,
                _ => quota.token_limit = limit,
            }
        }
        quota.daily_limit = quota
            .daily_limit
            .map(|limit| u32::try_from(share(i64::from(limit)).max(1)).unwrap_or(limit));
        let every = (limits[0] > 0 && share(limits[0]) < 1)
            .then(|| (members.div_euclid(limits[0] * weight) + 1, rank));
        let model = if last.is_none_or(|last| last.mode() == 2) && limits == [0; 4] {
            // Nobody knows a limit: it feels its way as if there were no fleet.
            let mut model = learner.clone();
            model.part(now);
            model
        } else {
            learner.alone(quota, taken, now)
        };
        Alone { model: Some(model), every }
    }

    /// `window` is the number of the window that is now, and `left` what is left of it.
    pub(super) fn reserve(
        &mut self,
        request: &QuotaRequest,
        (window, left): (i64, Duration),
        now: Duration,
    ) -> Result<QuotaGrant, QuotaDelay> {
        let Some(model) = &mut self.model else { return Err(QuotaDelay::exactly(CLOSED)) };
        if let Some(left) = not_yet(self.every, window, left) {
            return Err(left);
        }
        model.reserve(request, now)
    }

    /// The same without admitting anybody.
    pub(super) fn ask(
        &mut self,
        request: &QuotaRequest,
        (window, left): (i64, Duration),
        now: Duration,
    ) -> Option<QuotaDelay> {
        let Some(model) = &mut self.model else { return Some(QuotaDelay::exactly(CLOSED)) };
        not_yet(self.every, window, left).or_else(|| model.ask(request, now))
    }

    /// The model, to be told of answers.
    pub(super) fn model(&mut self) -> Option<&mut QuotaModel> {
        self.model.as_mut()
    }
}

/// How long until it is the turn of a process with a share of less than a request.
fn not_yet(every: Option<(i64, i64)>, window: i64, left: Duration) -> Option<QuotaDelay> {
    let (every, rank) = every?;
    (window.wrapping_add(rank).rem_euclid(every) != 0)
        .then(|| QuotaDelay::exactly(left.max(Duration::from_millis(1))))
}
