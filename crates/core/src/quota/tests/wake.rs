//! Who is woken, and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::*;

/// How often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Waiter {
    ticket: Ticket,
    count: Arc<Count>,
}

impl Waiter {
    fn new(quota: &Quota) -> Self {
        Waiter { ticket: quota.enter(), count: Arc::default() }
    }

    fn poll(&mut self, now: Duration) -> Admission {
        self.ticket.poll_with(now, &Waker::from(self.count.clone()))
    }

    fn woken(&self) -> usize {
        self.count.0.load(Ordering::Relaxed)
    }
}

fn not_counted() -> Settlement {
    Settlement { consumed: Some(false), ..Settlement::unknown() }
}

/// A thousand who wait for the two places of each window, and the two that were admitted.
fn crowd() -> (Quota, [Ticket; 2], Vec<Waiter>) {
    let quota = quota(Some(2));
    let first = [(); 2].map(|()| admit(&quota, Duration::ZERO).unwrap());
    let mut waiters: Vec<_> = (0..1000).map(|_| Waiter::new(&quota)).collect();
    for waiter in &mut waiters {
        assert_ne!(waiter.poll(Duration::ZERO), Admission::Ready);
    }
    (quota, first, waiters)
}

fn woken(waiters: &[Waiter]) -> Vec<usize> {
    (0..waiters.len()).filter(|index| waiters[*index].woken() > 0).collect()
}

#[test]
fn one_place_that_is_freed_wakes_one_of_a_thousand() {
    let (_quota, [first, _second], mut waiters) = crowd();
    first.settle(&not_counted(), SECOND);
    // The one who may go, and the one who has to know that it is next in an earlier window.
    let awake = woken(&waiters);
    assert!(awake.contains(&0) && awake.len() <= 2, "{awake:?}");
    assert_eq!(waiters[0].poll(SECOND), Admission::Ready);
    let total: usize = waiters.iter().map(Waiter::woken).sum();
    assert!(total <= 3, "{total}");
}

#[test]
fn who_leaves_wakes_no_more_than_may_profit() {
    let (quota, _first, mut waiters) = crowd();
    // The third waits for the window after the next, until somebody in front goes.
    let third = waiters[2].ticket.poll_at().unwrap();
    drop(waiters.remove(0));
    let awake = woken(&waiters);
    assert!(awake.len() <= 2, "{awake:?}");
    // Whoever is woken asks, and so the news goes on to those whom it concerns, one by one.
    let mut asked = 0;
    while let Some(index) = (0..waiters.len()).find(|index| waiters[*index].woken() > 0) {
        waiters[index].count = Arc::default();
        let _ = waiters[index].poll(SECOND);
        asked += 1;
        assert!(asked <= waiters.len());
    }
    assert!(waiters[1].ticket.poll_at().unwrap() <= third);
    assert_eq!(quota.state(SECOND).waiting, 999);
}

#[test]
fn all_are_admitted_who_ask_only_at_their_time_or_when_woken() {
    let (_quota, first, mut waiters) = crowd();
    for ticket in first {
        ticket.settle(&not_counted(), SECOND);
    }
    waiters.truncate(40);
    let (mut now, mut admitted, mut asked) = (SECOND, 0, 0);
    while !waiters.is_empty() {
        let due = |waiter: &Waiter| {
            waiter.woken() > 0 || waiter.ticket.poll_at().is_some_and(|at| at <= now)
        };
        if let Some(index) = waiters.iter().position(due) {
            asked += 1;
            assert!(asked < 1000, "asked in vain");
            waiters[index].count = Arc::default();
            if waiters[index].poll(now) == Admission::Ready {
                waiters.remove(index).ticket.settle(&Settlement::unknown(), now);
                admitted += 1;
            }
        } else {
            now = waiters.iter().filter_map(|waiter| waiter.ticket.poll_at()).min().unwrap();
        }
    }
    assert_eq!(admitted, 40);
    // Two at once, and then two in each minute.
    assert!(now <= Duration::from_secs(10 + 19 * 60), "{now:?}");
    assert!(asked <= 40 * 4, "{asked}");
}

#[test]
fn a_limit_that_is_raised_wakes_as_many_as_it_admits() {
    let (_quota, [first, _second], waiters) = crowd();
    let headers = [("X-RateLimit-Limit", "5"), ("X-RateLimit-Remaining", "3")];
    let answer = Settlement::from_answer(200, &headers, None, Timestamp::from_unix_seconds(51));
    first.settle(&answer, SECOND);
    let awake = woken(&waiters);
    assert!(!awake.is_empty() && awake.len() <= 4, "{awake:?}");
}

#[test]
fn a_waker_is_dropped_with_its_ticket() {
    let (_quota, _first, mut waiters) = crowd();
    let Waiter { ticket, count } = waiters.swap_remove(500);
    assert_eq!(Arc::strong_count(&count), 2);
    drop(ticket);
    assert_eq!(Arc::strong_count(&count), 1);
}
