//! A refusal that came by chance, where there is no limit.

use super::*;

/// When each of so many requests is sent, one after the other, if that of this number is refused.
fn times(refused: usize, hint: Option<Duration>) -> Vec<Duration> {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
    let mut now = SECOND;
    (0..100)
        .map(|number| {
            let mut ticket = quota.enter();
            while let Admission::Wait(wait) = ticket.poll(now) {
                now += wait;
            }
            let sent = now;
            now += millis(200);
            let is_refused = number == refused;
            let settlement = Settlement {
                refused: is_refused,
                consumed: Some(!is_refused),
                retry_after: hint.filter(|_| is_refused),
                ..Settlement::default()
            };
            ticket.settle(&settlement, now);
            sent
        })
        .collect()
}

#[test]
fn it_costs_the_wait_that_it_names_and_no_more() {
    let plain = millis(200) * 99;
    for refused in [0, 1, 3, 10, 40] {
        for hint in [None, Some(SECOND), Some(SECOND * 7)] {
            let times = times(refused, hint);
            let took = times[99] - times[0];
            let most = plain + hint.unwrap_or(SECOND) + millis(100);
            assert!(took <= most, "{refused} {hint:?}: {took:?}");
        }
    }
}
