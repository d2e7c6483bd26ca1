//! What a quota asks of its store, as data.

use std::time::Duration;

use super::cost::{Amounts, Cost, Sum};
use super::{QuotaState, Settlement};
use crate::error::LimitScope;
use crate::retry::{BudgetOperation, BudgetReply};
use crate::timestamp::Timestamp;

/// What a quota asks of the store that keeps its [model](super::store::QuotaModel).
///
/// Operations are data, so that a store may be anywhere: they can be carried out on bytes in a file, or
/// be told to a server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // It is handed on and not kept.
pub enum QuotaOperation {
    /// Admit a request, if that may be.
    Reserve(QuotaRequest),
    /// How long would this request have to wait? Nothing is admitted.
    Ask(QuotaRequest),
    /// There was an answer to an admitted request.
    Settle(QuotaGrant, Settlement),
    /// An admitted request whose answer was settled took this in the end.
    Correct(QuotaGrant, Cost),
    /// There will be no answer to an admitted request: it counts.
    Abandon(QuotaGrant),
    /// What is known?
    Read,
    /// Something that concerns the [budget](crate::retry::Budget::shared) which is kept with the model.
    Budget(BudgetOperation),
}

/// The answer to a [`QuotaOperation`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum QuotaReply {
    /// It was carried out, and nothing was asked.
    Done,
    /// The request is admitted.
    Granted(QuotaGrant),
    /// Not yet.
    Wait(QuotaDelay),
    /// What is known. Who waits, and how many were admitted and refused, is not known here.
    Read(QuotaState),
    /// The answer of the budget that is kept with the model.
    Budget(BudgetReply),
}

/// A request that waits to be admitted.
#[derive(Clone, Copy, Debug)]
pub struct QuotaRequest {
    pub(super) cost: Cost,
    /// Those who stand in front of it in the line of its process, and what they cost.
    pub(super) ahead: Ahead,
    /// How many wait in that line, itself included.
    pub(super) waiting: u32,
}

impl QuotaRequest {
    /// A request that waits alone.
    pub(super) fn alone(cost: Cost) -> Self {
        QuotaRequest { cost, ahead: Ahead::default(), waiting: 1 }
    }

    /// What it takes of the quota.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// How many requests wait in its process, itself included.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }
}

/// Those who stand in front.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    pub(super) count: u64,
    /// What is told of their cost, and of how many of them tokens are not.
    told: Sum,
    untold_input: u64,
    untold_output: u64,
}

impl Ahead {
    /// So many requests of which nothing is told.
    pub(super) fn plain(count: usize) -> Self {
        let count = count as u64;
        let told = Sum { requests: count, ..Sum::default() };
        Ahead { count, told, untold_input: count, untold_output: count }
    }

    pub(super) fn add(&mut self, cost: &Cost) {
        self.count += 1;
        self.untold_input += u64::from(cost.input_tokens().is_none());
        self.untold_output += u64::from(cost.output_tokens().is_none());
        self.told.add(&cost.or(&Amounts::default()));
    }

    /// As if there were so many of the same kind.
    pub(super) fn scaled_to(self, count: usize) -> Self {
        let scale = |it: u64| (it as f64 * count as f64 / self.count.max(1) as f64) as u64;
        Ahead {
            count: count as u64,
            told: Sum {
                requests: scale(self.told.requests),
                input: scale(self.told.input),
                output: scale(self.told.output),
            },
            untold_input: scale(self.untold_input),
            untold_output: scale(self.untold_output),
        }
    }

    /// The tokens of the prompts that are told.
    pub(super) fn told_input(&self) -> u64 {
        self.told.input
    }

    /// What they cost in all, if what is not told is as usual.
    pub(super) fn resolve(&self, usual: &Amounts) -> Sum {
        let untold = |count: u64, usual: u32| count.saturating_mul(u64::from(usual));
        Sum {
            requests: self.told.requests,
            input: self.told.input.saturating_add(untold(self.untold_input, usual.input)),
            output: self.told.output.saturating_add(untold(self.untold_output, usual.output)),
        }
    }
}

/// An admitted request.
#[derive(Clone, Copy, Debug)]
pub struct QuotaGrant {
    /// When that was, in nanoseconds: a `Duration` is slower to hand on.
    pub(super) at: u64,
    pub(super) cost: Amounts,
    pub(super) flags: u32,
}

impl QuotaGrant {
    /// Others wait for its answer, so that it has to be told at once.
    pub(super) const WATCHED: u32 = 1;
    /// It was admitted while the shared model was out of reach.
    pub(super) const APART: u32 = 2;
    /// Tokens are limited.
    pub(super) const TOKENS: u32 = 4;
    /// The tokens of the prompt were told.
    pub(super) const TOLD: u32 = 8;
    /// The flag for a cost of which the tokens of the prompt are told.
    #[inline]
    pub(super) fn told(cost: &Cost) -> u32 {
        if cost.input_tokens().is_some() { Self::TOLD } else { 0 }
    }

    pub(super) fn is_input_told(&self) -> bool {
        self.flags & Self::TOLD != 0
    }

    /// From this bit on it is told how many were under way when it was sent.
    pub(super) const SENT_WITH: u32 = 16;

    /// When it was admitted, on the clock of the store.
    pub fn at(&self) -> Duration {
        Duration::from_nanos(self.at)
    }

    /// Whether its answer has to be told to the store at once, because somebody may be waiting for what
    /// it teaches. Else it may be told with the next request, or up to a second later.
    pub fn is_watched(&self) -> bool {
        self.flags & Self::WATCHED != 0
    }

    /// How many were under way when it was sent, itself included; no more than 65,535.
    pub(super) fn sent_with(&self) -> u32 {
        self.flags >> Self::SENT_WITH
    }

    /// Whether tokens are limited, so that what the answer used is worth to be told.
    pub fn counts_tokens(&self) -> bool {
        self.flags & Self::TOKENS != 0
    }

    pub(super) fn is_apart(&self) -> bool {
        self.flags & Self::APART != 0
    }
}

/// What a sender is told that may not send yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaDelay {
    /// How long it has to wait at least, more than zero. Answers that are under way may be all that
    /// is missing; then it is short.
    pub least: Duration,
    /// After what time it has to ask again if nothing happens in the meantime.
    pub again: Duration,
    /// The limit that it is larger than, so that it is never admitted.
    pub(super) exceeds: Option<(LimitScope, u64)>,
    /// The time until the limit that holds it back begins anew, whoever is in front of it.
    pub(super) reset: Duration,
    /// When that is by the server's clock, if it is known.
    pub(super) reset_at: Option<Timestamp>,
    /// For so long those behind it, as far as they fit into the rest of the window, do not delay it.
    pub(super) aside: Duration,
}

impl QuotaDelay {
    /// Nothing but time is missing.
    pub fn exactly(wait: Duration) -> Self {
        Self::between(wait, wait)
    }

    /// Between these two.
    pub(super) const fn between(least: Duration, again: Duration) -> Self {
        QuotaDelay {
            least,
            again,
            exceeds: None,
            reset: Duration::ZERO,
            reset_at: None,
            aside: Duration::ZERO,
        }
    }

    /// It is larger than a limit: what that counts, and how much there is of it.
    pub fn never(scope: LimitScope, limit: u64) -> Self {
        let wait = Duration::MAX;
        QuotaDelay { exceeds: Some((scope, limit)), ..Self::exactly(wait) }
    }

    /// The limit that the request is larger than, so that it is never admitted.
    pub fn exceeds(&self) -> Option<(LimitScope, u64)> {
        self.exceeds
    }

    /// The time until the limit that holds the request back begins anew, whoever is in front of it: of a day
    /// that is used up the rest. Zero if that is not known.
    pub fn reset(&self) -> Duration {
        self.reset
    }

    /// The same for a limit that begins anew after this time.
    pub(super) fn with_reset(self, reset: Duration) -> Self {
        QuotaDelay { reset, ..self }
    }

    /// The same for one that is not delayed by those behind it for this time.
    pub(super) fn with_aside(self, aside: Duration) -> Self {
        QuotaDelay { aside, ..self }
    }

    /// The same, but not less than this.
    pub(super) fn at_least(self, wait: Duration) -> Self {
        QuotaDelay { least: self.least.max(wait), again: self.again.max(wait), ..self }
    }

    /// The longer one of both.
    pub(super) fn and(self, other: Self) -> Self {
        QuotaDelay {
            least: self.least.max(other.least),
            again: self.again.max(other.again),
            exceeds: self.exceeds.or(other.exceeds),
            reset: self.reset.max(other.reset),
            reset_at: self.reset_at.max(other.reset_at),
            aside: self.aside.max(other.aside),
        }
    }
}
