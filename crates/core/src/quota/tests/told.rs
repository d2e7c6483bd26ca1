//! Limits of which the headers of answers tell what remains.

use super::*;
use crate::error::RateLimit;

fn answer(ticket: Ticket, remaining: u64, now: Duration) {
    let told = RateLimit::new(Some(10), Some(remaining), Some(4 * SECOND));
    let settlement =
        Settlement { consumed: Some(true), rate_limit: Some(told), ..Settlement::default() };
    ticket.settle(&settlement, now);
}

#[test]
fn what_is_under_way_when_a_limit_is_told_first_is_taken_of_it() {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
    let send = |now| {
        let (ticket, admission) = quota.acquire(now);
        (admission == Admission::Ready).then_some(ticket)
    };
    let [first, _second] = [(); 2].map(|()| send(SECOND).unwrap());
    answer(first, 2, SECOND + millis(1));
    // The second one is one of the two that remain.
    let _third = send(SECOND + millis(2)).unwrap();
    assert!(send(SECOND + millis(3)).is_none());
}

#[test]
fn one_after_the_other_all_of_a_window_is_used() {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
    for number in 0..10 {
        let now = SECOND + millis(3 * number);
        let (ticket, admission) = quota.acquire(now);
        assert_eq!(admission, Admission::Ready, "{number}");
        answer(ticket, 9 - number, now + millis(1));
    }
    assert!(matches!(quota.acquire(SECOND + millis(40)).1, Admission::Wait(_)));
}
