//! Budgets of several processes that share one model.

use std::sync::{Arc, Mutex};

use super::*;
use crate::error::Error;
use crate::quota::QuotaOptions;
use crate::quota::store::{QuotaModel, QuotaOperation, QuotaReply, QuotaStore};
use crate::retry::{Call, Decision, Policy};
use crate::timestamp::Timestamp;

/// The bytes that processes share, and how often they were looked at.
#[derive(Clone)]
struct File(Arc<Mutex<(Vec<u8>, usize)>>);

impl File {
    fn new() -> Self {
        let model = QuotaModel::new(QuotaOptions::default(), Timestamp::UNIX_EPOCH, T0);
        File(Arc::new(Mutex::new((model.to_bytes(), 0))))
    }

    /// What a process has.
    fn budget(&self) -> Budget {
        self.pair().1
    }

    fn pair(&self) -> (Quota, Budget) {
        let quota = Quota::shared(self.clone());
        let budget = Budget::shared(BudgetOptions::default(), &quota);
        (quota, budget)
    }

    fn exchanges(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl QuotaStore for File {
    /// Each process counts from the start of the host.
    fn time(&self, now: Duration) -> Duration {
        now + seconds(1000)
    }

    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        let mut file = self.0.lock().unwrap();
        let mut model = QuotaModel::from_bytes(&file.0).expect("bytes of a model");
        let reply = model.apply(operations, now).0;
        *file = (model.to_bytes(), file.1 + 1);
        reply
    }
}

/// How many requests a call sends that fails each time.
fn sent_in_vain(call: &mut Call) -> u32 {
    let error = Error::new(Kind::Server, "out of order").with_status(500);
    let mut sent = 1;
    while let Decision::Retry { .. } = call.on_error(&error, T0) {
        sent += 1;
    }
    sent
}

#[test]
fn a_process_for_each_call_is_no_storm() {
    let file = File::new();
    let sent: u32 = (0..100)
        .map(|seed| sent_in_vain(&mut Policy::default().start(T0, seed).with_budget(file.budget())))
        .sum();
    assert!(sent <= 110, "{sent}");
    // With a budget each it is one.
    let alone: u32 = (0..100)
        .map(|seed| {
            sent_in_vain(&mut Policy::default().start(T0, seed).with_budget(Budget::default()))
        })
        .sum();
    assert_eq!(alone, 500);
}

#[test]
fn a_success_of_one_process_releases_the_longest_waiting_of_all() {
    let file = File::new();
    let (one, other) = (file.budget(), file.budget());
    fail(&one, Kind::Server, 9);
    assert!(!affords(&other));
    assert_eq!(other.health(), 0.0);
    let mut first = one.wait(Budget::PROBE_AFTER, T0);
    let mut second = other.wait(Budget::PROBE_AFTER, T0);
    let mut third = one.wait(Budget::PROBE_AFTER, T0);
    let waker = Waker::from(Arc::new(Nobody));
    // Nobody wakes it when another process is answered.
    assert_eq!(first.poll(T0, &waker), Turn::Wait(Quota::SHARED_POLL));
    assert_eq!(second.poll(T0, &waker), Turn::Wait(Quota::SHARED_POLL));
    assert_eq!(third.poll(T0, &waker), Turn::Wait(Duration::MAX));
    file.budget().deposit();
    assert_eq!(second.poll(T0, &waker), Turn::Wait(Quota::SHARED_POLL));
    assert_eq!(first.poll(T0, &waker), Turn::Released);
    file.budget().deposit();
    assert_eq!(second.poll(T0, &waker), Turn::Released);
    assert_eq!(third.poll(T0, &waker), Turn::Released);
    assert!(affords(&other));
}

#[test]
fn in_a_silence_one_of_all_probes() {
    let file = File::new();
    let (one, other) = (file.budget(), file.budget());
    fail(&one, Kind::Server, 9);
    let mut first = one.wait(Budget::PROBE_AFTER, T0);
    let mut second = other.wait(Budget::PROBE_AFTER, T0);
    let waker = Waker::from(Arc::new(Nobody));
    assert_eq!(second.poll(seconds(4), &waker), Turn::Wait(seconds(4) + Quota::SHARED_POLL));
    assert_eq!(second.poll(seconds(5), &waker), Turn::Probe);
    assert_eq!(first.poll(seconds(6), &waker), Turn::Wait(seconds(6) + Quota::SHARED_POLL));
    // It gives up, and is not in the way of those who come later.
    drop(first);
    let mut third = other.wait(Budget::PROBE_AFTER, seconds(7));
    one.deposit();
    assert_eq!(third.poll(seconds(7), &waker), Turn::Released);
}

#[test]
fn what_one_spends_all_have_spent() {
    let file = File::new();
    let (one, other) = (file.budget(), file.budget());
    let own = Own::default();
    assert!((0..10).all(|_| one.withdraw(Kind::Server, &own, T0)));
    assert_eq!(other.remaining(), 0.0);
    assert!(!other.withdraw(Kind::Server, &own, T0));
    // The time since the last minute goes on for all, too.
    assert!(other.withdraw(Kind::Server, &own, seconds(60)));
    assert!(!one.withdraw(Kind::Server, &own, seconds(61)));
    file.budget().deposit();
    assert_eq!(one.remaining(), 1.0);
}

#[test]
fn while_all_is_well_a_success_costs_no_exchange() {
    let file = File::new();
    let (quota, budget) = file.pair();
    budget.deposit();
    let before = file.exchanges();
    (0..20).for_each(|_| budget.deposit());
    assert_eq!(file.exchanges(), before);
    // It is told with the next request.
    let _ticket = quota.acquire(T0);
    assert_eq!(file.exchanges(), before + 1);
    fail(&file.budget(), Kind::Server, 1);
    assert_eq!(file.budget().health(), 0.95);
}

#[test]
fn damaged_bytes_are_none() {
    let mut model = QuotaModel::new(QuotaOptions::default(), Timestamp::UNIX_EPOCH, T0);
    let mut budget = BudgetModel::default();
    (0..3).for_each(|_| {
        budget.join();
    });
    budget.leave(2);
    budget.failed(1, &mut Own::default(), T0);
    model.budget = budget;
    let bytes = model.to_bytes();
    let copy = QuotaModel::from_bytes(&bytes).unwrap();
    assert_eq!(copy.to_bytes(), bytes);
    // Whatever is changed, it can be reckoned with or is refused.
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x81;
        let Some(mut model) = QuotaModel::from_bytes(&bytes) else { continue };
        let operations = [
            Request::Succeeded { earned: 1000 },
            Request::Failed { weight: 2, own: Own::default() },
            Request::Turn { number: u64::MAX, probe_after: T0 },
            Request::Turn { number: 9, probe_after: seconds(5) },
            Request::Join,
            Request::Leave(3),
            Request::Succeeded { earned: 1000 },
        ];
        let operations = operations.map(|it| QuotaOperation::Budget(BudgetOperation(it)));
        let _ = model.apply(&operations, seconds(5));
        assert!(QuotaModel::from_bytes(&model.to_bytes()).is_some(), "byte {at}");
    }
}
