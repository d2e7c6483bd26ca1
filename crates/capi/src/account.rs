//! What a key may use: models, and the account's credits.

use ::client::{Balance, Model};

use crate::panic::{guard, take_back};
use crate::text::{Pool, Span, resayil_str};

/// The models that a key may use. Immutable; any thread may read it.
pub struct resayil_models {
    pool: Pool,
    models: Vec<(Span, Span)>,
}

impl resayil_models {
    pub(crate) fn new(models: Vec<Model>) -> Self {
        let mut pool = Pool::default();
        let add = |model: &Model| {
            let id = pool.add(&model.id);
            (id, pool.add_some(model.owned_by.as_deref()))
        };
        resayil_models { models: models.iter().map(add).collect(), pool }
    }
}

/// How many models there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_models_count(models: *const resayil_models) -> usize {
    guard(|| borrow!(models).models.len())
}

/// The name of a model, to use in requests. Absent beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_models_id(
    models: *const resayil_models,
    index: usize,
) -> resayil_str {
    guard(|| {
        let models = borrow!(models);
        let found = models.models.get(index);
        found.map_or_else(resayil_str::default, |(id, _)| models.pool.get(*id))
    })
}

/// Whose a model is. Absent beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_models_owned_by(
    models: *const resayil_models,
    index: usize,
) -> resayil_str {
    guard(|| {
        let models = borrow!(models);
        let found = models.models.get(index);
        found.map_or_else(resayil_str::default, |(_, owner)| models.pool.get(*owner))
    })
}

/// Frees the list and with it all texts that were borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_models_free(models: *mut resayil_models) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(models) }
}

/// What LLM Resayil says of the account. Immutable; any thread may read it.
pub struct resayil_balance {
    pool: Pool,
    tier: Span,
    status: Span,
    expires_at: Span,
    credits: Option<f64>,
}

impl resayil_balance {
    pub(crate) fn new(balance: Balance) -> Self {
        let mut pool = Pool::default();
        resayil_balance {
            tier: pool.add_some(balance.tier.as_deref()),
            status: pool.add_some(balance.status.as_deref()),
            expires_at: pool.add_some(balance.expires_at.as_deref()),
            pool,
            credits: balance.credits,
        }
    }
}

/// The tier, such as `basic`, `starter`, `pro` or `enterprise`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_balance_tier(balance: *const resayil_balance) -> resayil_str {
    guard(|| {
        let balance = borrow!(balance);
        balance.pool.get(balance.tier)
    })
}

/// The state of the subscription, such as `active`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_balance_status(balance: *const resayil_balance) -> resayil_str {
    guard(|| {
        let balance = borrow!(balance);
        balance.pool.get(balance.status)
    })
}

/// When the subscription ends, as the service writes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_balance_expires_at(
    balance: *const resayil_balance,
) -> resayil_str {
    guard(|| {
        let balance = borrow!(balance);
        balance.pool.get(balance.expires_at)
    })
}

/// The credits left. Says whether they are known; if not, `*credits` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_balance_credits(
    balance: *const resayil_balance,
    credits: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(credits, 0.0);
        let known = borrow!(balance).credits;
        *out = known.unwrap_or(0.0);
        known.is_some()
    })
}

/// Frees the handle and with it all texts that were borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_balance_free(balance: *mut resayil_balance) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(balance) }
}
