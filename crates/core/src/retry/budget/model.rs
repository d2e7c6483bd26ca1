//! What is known of a service's health, and what its callers may still spend.

use std::time::Duration;

use super::RETRY;
use super::numbers::Numbers;
use super::operation::{BudgetOperation, BudgetReply, Request};
use super::record::{Own, Record};
use crate::quota::bytes::record;

/// So long it takes until time alone gives a retry back.
const REFILL: Duration = Duration::from_secs(60);

/// The stock, the record of the last attempts, and who may go on. A [`Budget`](super::Budget) keeps one
/// of its own, or it is kept with the model of a quota, where other processes find it.
#[derive(Clone, Default)]
pub(crate) struct BudgetModel {
    /// What is missing of a full stock, in thousandths of a retry. So those who share it may differ in how
    /// much a full one is.
    spent: u32,
    /// Until when time has been counted into the stock.
    refilled: Duration,
    record: Record,
    line: Numbers,
}

record!(BudgetModel { spent, refilled, record, line });

/// Whether it is somebody's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelTurn {
    Released,
    Probe,
    /// Perhaps after this time.
    Wait(Duration),
}

impl BudgetModel {
    /// Whether it can be reckoned with.
    pub(crate) fn is_sound(&self) -> bool {
        self.record.is_sound() && self.line.is_sound()
    }

    /// An attempt succeeded. Says whether anything changed.
    pub(super) fn succeeded(&mut self, earned: u32) -> bool {
        let is_new = self.spent > 0 || !self.is_calm() || !self.record.is_clean();
        if is_new {
            self.spent = self.spent.saturating_sub(earned);
            self.record.succeeded();
            self.line.release();
        }
        is_new
    }

    /// An attempt failed in a way that speaks of the service's health.
    pub(super) fn failed(&mut self, weight: u32, own: &mut Own, now: Duration) {
        self.record.failed(weight, own, now);
        self.line.close();
    }

    pub(super) fn affords(&self, cost: u32, capacity: u32, own: &Own) -> bool {
        self.spent.saturating_add(cost) <= capacity && !self.record.is_outage(own)
    }

    /// Takes the price of a retry, if it is there.
    pub(super) fn withdraw(&mut self, cost: u32, capacity: u32, own: &Own, now: Duration) -> bool {
        self.refill(now);
        let affords = self.affords(cost, capacity, own);
        if affords {
            self.spent += cost;
        }
        affords
    }

    /// Counts the time since the last look into the stock.
    fn refill(&mut self, now: Duration) {
        let minutes = now.saturating_sub(self.refilled).as_secs() / REFILL.as_secs();
        if minutes > 0 {
            let retries = u32::try_from(minutes).unwrap_or(u32::MAX).saturating_mul(RETRY);
            self.spent = self.spent.saturating_sub(retries);
            self.refilled = now;
        }
    }

    pub(super) fn join(&mut self) -> u64 {
        self.line.join()
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.line.leave(number);
    }

    /// Whether it is the turn of the one with this number, who is the first of its process and may watch
    /// the silence.
    pub(super) fn turn(&mut self, number: u64, probe_after: Duration, now: Duration) -> ModelTurn {
        if self.line.is_released(number) {
            return ModelTurn::Released;
        }
        let silent_since = self.record.last_failure.max(self.line.probed);
        let left = silent_since.saturating_add(probe_after).saturating_sub(now);
        if !left.is_zero() {
            return ModelTurn::Wait(left);
        }
        self.line.probed = now;
        self.line.leave(number);
        ModelTurn::Probe
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.record.has_succeeded()
    }

    pub(super) fn health(&self) -> f64 {
        self.record.health()
    }

    /// How many thousandths of a retry are left of so many.
    pub(super) fn remaining(&self, capacity: u32) -> u32 {
        capacity.saturating_sub(self.spent)
    }

    pub(super) fn is_released(&self, number: u64) -> bool {
        self.line.is_released(number)
    }

    /// Whether nothing failed since the last success, and nobody waits.
    fn is_calm(&self) -> bool {
        self.record.is_calm() && self.line.is_empty()
    }

    /// Whether the next success changes nothing.
    pub(super) fn is_untroubled(&self) -> bool {
        self.spent == 0 && self.record.is_clean() && self.line.is_empty()
    }

    /// Carries out what somebody asks who shares it. Says whether it was changed.
    pub(crate) fn apply(
        &mut self,
        operation: &BudgetOperation,
        now: Duration,
    ) -> (BudgetReply, bool) {
        let mut reply = BudgetReply::default();
        let mut changed = true;
        match operation.0 {
            Request::Succeeded { earned } => changed = self.succeeded(earned),
            Request::Failed { weight, mut own } => {
                self.failed(weight, &mut own, now);
                reply.own = own;
            }
            Request::Afford { cost, capacity, own } => {
                (reply.is_afforded, changed) = (self.affords(cost, capacity, &own), false);
            }
            Request::Withdraw { cost, capacity, own } => {
                reply.is_afforded = self.withdraw(cost, capacity, &own, now);
            }
            Request::Join => reply.number = self.join(),
            Request::Leave(number) => self.leave(number),
            Request::Turn { number, probe_after } => {
                changed = self.line.knows(number);
                let turn = self.turn(number, probe_after, now);
                reply.turn = Some(turn);
                changed |= turn == ModelTurn::Probe;
            }
            Request::Read => changed = false,
        }
        reply.spent = self.spent;
        reply.health = self.health();
        reply.has_succeeded = self.has_succeeded();
        reply.is_calm = self.is_calm();
        reply.released = self.line.released();
        (reply, changed)
    }
}
