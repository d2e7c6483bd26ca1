//! What the budget affords, and who waits for it.

use std::task::Waker;

use super::*;

mod shared;

const T0: Duration = Duration::ZERO;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fail(budget: &Budget, kind: Kind, count: u32) {
    (0..count).for_each(|_| budget.failed(kind, true, &mut Own::default(), T0));
}

fn affords(budget: &Budget) -> bool {
    budget.affords(Kind::Server, &Own::default(), T0)
}

/// A budget whose record is that of a service at which every n-th attempt failed.
fn seasoned(every: u32) -> Budget {
    let budget = Budget::default();
    for n in 1..=40 {
        if n % every == 0 {
            fail(&budget, Kind::Server, 1);
        }
        budget.deposit();
    }
    budget
}

#[test]
fn the_stock_runs_empty_and_fills_by_successes_and_a_little_by_time() {
    let budget = Budget::new(BudgetOptions { ratio: 0.5, reserve: 2.0 });
    let own = Own::default();
    assert!((0..2).all(|_| budget.withdraw(Kind::Server, &own, T0)));
    assert!(!budget.withdraw(Kind::Server, &own, T0));
    budget.deposit();
    assert!(!affords(&budget));
    budget.deposit();
    assert!(affords(&budget) && !budget.affords(Kind::Timeout, &own, T0));
    assert!(budget.withdraw(Kind::Server, &own, T0));
    assert!(!budget.withdraw(Kind::Server, &own, seconds(59)));
    assert!(budget.withdraw(Kind::Server, &own, seconds(60)));
    (0..100).for_each(|_| budget.deposit());
    assert_eq!(budget.remaining(), 2.0);
}

#[test]
fn options_out_of_range_do_no_harm() {
    let budget = Budget::new(BudgetOptions { ratio: f64::NAN, reserve: -1.0 });
    budget.deposit();
    assert_eq!(budget.remaining(), 0.0);
    assert!(!budget.is_worth_a_wait());
    let budget = Budget::new(BudgetOptions { ratio: 1e9, reserve: 1e9 });
    assert_eq!(budget.remaining(), 10_000.0);
    assert_eq!(budget.options(), BudgetOptions { ratio: 10.0, reserve: 10_000.0 });
}

#[test]
fn the_more_often_attempts_fail_by_chance_the_longer_a_run_has_to_be() {
    let longest = |budget: &Budget| {
        (0..40)
            .take_while(|_| {
                let open = affords(budget);
                fail(budget, Kind::Server, 1);
                open
            })
            .count()
    };
    // Nothing is known: six in a row by even odds.
    assert_eq!(longest(&Budget::default()), 6);
    let runs = [41, 5, 3, 2].map(|every| longest(&seasoned(every)));
    assert!(runs.is_sorted(), "{runs:?}");
    assert_eq!(runs, [2, 3, 4, 4]);
}

#[test]
fn overload_counts_twice_and_a_success_opens() {
    for (kind, ambiguous, most) in [
        (Kind::Overloaded, true, 3),
        (Kind::Timeout, true, 3),
        (Kind::Network, false, 3),
        (Kind::Network, true, 6),
        (Kind::Server, true, 6),
    ] {
        let budget = Budget::default();
        for n in 1..=most {
            budget.failed(kind, ambiguous, &mut Own::default(), T0);
            assert_eq!(affords(&budget), n < most, "{kind} {n}");
        }
        budget.deposit();
        assert!(affords(&budget), "{kind}");
    }
}

#[test]
fn a_call_does_not_hold_its_own_failures_against_itself() {
    let (budget, mut own) = (seasoned(41), Own::default());
    for _ in 0..4 {
        budget.failed(Kind::Server, true, &mut own, T0);
        assert!(budget.affords(Kind::Server, &own, T0));
    }
    assert!(!affords(&budget));
    fail(&budget, Kind::Server, 2);
    assert!(!budget.affords(Kind::Server, &own, T0));
    // What was before a success is forgotten.
    budget.deposit();
    fail(&budget, Kind::Server, 4);
    assert!(!budget.affords(Kind::Server, &own, T0));
}

#[test]
fn the_record_is_kept_for_an_hour() {
    let budget = seasoned(41);
    assert_eq!(budget.health(), 1.0);
    fail(&budget, Kind::Server, 5);
    assert_eq!(budget.health(), 0.75);
    assert!(!affords(&budget));
    let late = seconds(3601);
    budget.failed(Kind::Server, true, &mut Own::default(), late);
    assert!(affords(&budget));
    assert_eq!(budget.health(), 0.0);
}

#[test]
fn a_success_releases_the_first_and_each_further_one_twice_as_many() {
    let budget = Budget::default();
    fail(&budget, Kind::Server, 9);
    let mut waits: Vec<_> = (0..10).map(|_| budget.wait(Budget::PROBE_AFTER, T0)).collect();
    let released = |waits: &mut Vec<BudgetWait>| {
        let go: Vec<_> =
            waits.iter_mut().map(|it| it.poll(T0, Waker::noop()) == Turn::Released).collect();
        let count = go.iter().filter(|go| **go).count();
        assert!(go[..count].iter().all(|go| *go), "out of order");
        waits.drain(..count);
        count
    };
    assert_eq!(released(&mut waits), 0);
    for expected in [1, 2, 4] {
        budget.deposit();
        assert_eq!(released(&mut waits), expected);
    }
    // A failure, and it begins anew.
    fail(&budget, Kind::Server, 1);
    budget.deposit();
    assert_eq!(released(&mut waits), 1);
    budget.deposit();
    assert_eq!(released(&mut waits), 2);
}

#[test]
fn in_a_silence_the_first_probes_and_then_the_next() {
    let budget = Budget::default();
    fail(&budget, Kind::Server, 9);
    let (mut first, mut second) =
        (budget.wait(Budget::PROBE_AFTER, T0), budget.wait(Budget::PROBE_AFTER, T0));
    let waker = Waker::from(std::sync::Arc::new(Nobody));
    assert_eq!(first.poll(T0, &waker), Turn::Wait(seconds(5)));
    assert_eq!(second.poll(T0, &waker), Turn::Wait(Duration::MAX));
    // Who leaves nothing to be woken by looks again.
    assert_eq!(second.poll(T0, Waker::noop()), Turn::Wait(seconds(1)));
    assert_eq!(first.poll(seconds(5), &waker), Turn::Probe);
    assert_eq!(second.poll(seconds(6), &waker), Turn::Wait(seconds(10)));
    budget.failed(Kind::Server, true, &mut Own::default(), seconds(7));
    assert_eq!(second.poll(seconds(10), &waker), Turn::Wait(seconds(12)));
    assert_eq!(second.poll(seconds(12), &waker), Turn::Probe);
}

#[test]
fn whoever_comes_to_the_front_is_woken_to_watch_the_silence() {
    let budget = Budget::default();
    fail(&budget, Kind::Server, 9);
    let mut waits: Vec<_> = (0..4).map(|_| budget.wait(Budget::PROBE_AFTER, T0)).collect();
    let counts = [(); 4].map(|()| std::sync::Arc::new(Count::default()));
    for (wait, count) in waits.iter_mut().zip(&counts) {
        let _ = wait.poll(T0, &Waker::from(std::sync::Arc::clone(count)));
    }
    let woken = || counts.each_ref().map(|count| count.0.load(Ordering::Relaxed));
    assert_eq!(waits[0].poll(seconds(5), Waker::noop()), Turn::Probe);
    assert_eq!(woken(), [0, 1, 0, 0]);
    // A success lets the first go, and the next one watches.
    budget.deposit();
    assert_eq!(woken(), [0, 1, 1, 0]);
    drop(waits.remove(2));
    assert_eq!(woken(), [0, 1, 1, 1]);
}

#[derive(Default)]
struct Count(std::sync::atomic::AtomicU32);

impl std::task::Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: std::sync::Arc<Self>) {}
}

#[test]
fn options_are_checked_at_the_ends_of_their_ranges() {
    let options = BudgetOptions::default().with_ratio(0.5).with_reserve(3.0);
    assert_eq!((options.ratio, options.reserve), (0.5, 3.0));
    for (ratio, reserve, wrong) in [
        (0.0, 0.0, None),
        (10.0, 10_000.0, None),
        (-0.1, 1.0, Some("ratio")),
        (10.1, 1.0, Some("ratio")),
        (f64::NAN, 1.0, Some("ratio")),
        (1.0, -1.0, Some("reserve")),
        (1.0, 10_001.0, Some("reserve")),
    ] {
        let options = BudgetOptions::default().with_ratio(ratio).with_reserve(reserve);
        assert_eq!(options.check().err().map(|error| error.option()), wrong, "{ratio} {reserve}");
    }
}
