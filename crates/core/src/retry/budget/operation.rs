//! What a budget asks of the store that keeps its health, as data.

use std::time::Duration;

use super::model::ModelTurn;
use super::record::Own;

/// What a [`Budget`](super::Budget) asks of the store that keeps it together with a quota's model. What it
/// asks is between the two; a store only hands it on.
#[derive(Clone, Copy, Debug)]
pub struct BudgetOperation(pub(super) Request);

/// The answer to a [`BudgetOperation`].
#[derive(Clone, Copy, Debug, Default)]
pub struct BudgetReply {
    pub(super) own: Own,
    pub(super) is_afforded: bool,
    pub(super) number: u64,
    pub(super) turn: Option<ModelTurn>,
    pub(super) spent: u32,
    pub(super) health: f64,
    pub(super) has_succeeded: bool,
    /// Nothing failed since the last success, and nobody waits.
    pub(super) is_calm: bool,
    /// All numbers up to this one may go.
    pub(super) released: u64,
}

/// Costs and stocks are in thousandths of a retry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request {
    Succeeded { earned: u32 },
    Failed { weight: u32, own: Own },
    Afford { cost: u32, capacity: u32, own: Own },
    Withdraw { cost: u32, capacity: u32, own: Own },
    Join,
    Leave(u64),
    Turn { number: u64, probe_after: Duration },
    Read,
}
