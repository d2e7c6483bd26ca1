//! Members and their links, with the model in place of the server.

use std::task::Waker;
use std::time::Duration;

use crate::quota::fleet::{FleetLink, FleetLoss, FleetModel, FleetOptions, FleetStep, SCRIPT};
use crate::quota::{Admission, QuotaOptions, Settlement};
use crate::{Quota, Timestamp};

/// 30 s into a minute.
const START: i64 = 1_800_000_030;

fn member(options: FleetOptions) -> (Quota, FleetLink) {
    let options = options.with_quota(QuotaOptions::default().with_limit(10));
    Quota::fleet("{of a test}", &options, Timestamp::from_unix_seconds(START), Duration::ZERO)
}

/// Carries all calls that are due.
fn carry(link: &FleetLink, server: &mut FleetModel, now: Duration) -> usize {
    let mut count = 0;
    while let FleetStep::Call(call) = link.poll(now, Waker::noop()) {
        let reply = server.carry_out(&call, START * 1000 + now.as_millis() as i64);
        link.on_reply(reply.numbers(), now);
        count += 1;
    }
    count
}

fn acquire(quota: &Quota, link: &FleetLink, server: &mut FleetModel, now: Duration) -> Admission {
    let (mut ticket, _) = quota.acquire(now);
    carry(link, server, now);
    let admission = ticket.poll(now);
    ticket.settle(&Settlement::unknown(), now);
    admission
}

#[test]
fn only_a_script_that_is_not_known_is_sent_again() {
    let (quota, link) = member(FleetOptions::default());
    let now = Duration::ZERO;
    let _waiting = quota.acquire(now);
    let FleetStep::Call(call) = link.poll(now, Waker::noop()) else { panic!() };
    assert_eq!(call.command()[..3], ["EVALSHA", super::super::SCRIPT_SHA1, "1"]);
    let again = link.on_error("NOSCRIPT No matching script. Please use EVAL.", now).unwrap();
    assert_eq!(again.command()[..2], ["EVAL", SCRIPT]);
    assert_eq!(again.numbers(), call.numbers());
    // It is not sent a third time, and nothing is after any other error.
    assert_eq!(link.on_error("NOSCRIPT No matching script.", now), None);
    assert!(matches!(link.poll(now, Waker::noop()), FleetStep::Wait(Some(_))));
    assert!(!link.watch().state().is_shared);
}

#[test]
fn who_has_no_answer_in_time_goes_on_with_its_share_and_counts_it_later() {
    let mut server = FleetModel::new();
    let (one, link) = member(FleetOptions::default());
    let (other, other_link) = member(FleetOptions::default());
    let now = Duration::ZERO;
    assert_eq!(acquire(&one, &link, &mut server, now), Admission::Ready);
    assert_eq!(acquire(&other, &other_link, &mut server, now), Admission::Ready);
    assert_eq!(acquire(&one, &link, &mut server, now), Admission::Ready);
    // 7 are left for two.
    let mut tickets: Vec<_> = (0..5).map(|_| one.enter()).collect();
    let _ = tickets[0].poll(now);
    assert!(matches!(link.poll(now, Waker::noop()), FleetStep::Call(_)));
    let late = Duration::from_millis(151);
    assert!(matches!(link.poll(late, Waker::noop()), FleetStep::Wait(Some(_))));
    let ready = tickets.iter_mut().map(|ticket| ticket.poll(late));
    assert_eq!(ready.filter(|it| *it == Admission::Ready).count(), 3);
    assert_eq!(link.watch().take_warning().as_deref(), Some("no answer in time"));
    assert_eq!(link.watch().take_warning(), None);
    tickets.truncate(3);
    // When it is back, what was sent meanwhile counts.
    let back = Duration::from_secs(2);
    carry(&link, &mut server, back);
    assert!(link.watch().state().is_shared);
    carry(&link, &mut server, back + Duration::from_secs(1));
    assert_eq!(acquire(&other, &other_link, &mut server, back), Admission::Ready);
    assert_eq!(other.state(back).remaining, Some(10 - 2 - 1 - 3 - 1));
}

#[test]
fn a_process_may_send_nothing_or_all_alone() {
    for (loss, ready) in [(FleetLoss::Closed, 0), (FleetLoss::Open, 10)] {
        let (quota, link) = member(FleetOptions::default().with_loss(loss));
        let now = Duration::ZERO;
        let mut tickets: Vec<_> = (0..12).map(|_| quota.enter()).collect();
        let _ = tickets[0].poll(now);
        assert!(matches!(link.poll(now, Waker::noop()), FleetStep::Call(_)));
        link.on_lost("refused", now);
        let admitted = tickets.iter_mut().map(|ticket| ticket.poll(now));
        assert_eq!(admitted.filter(|it| *it == Admission::Ready).count(), ready, "{loss:?}");
    }
}

#[test]
fn the_link_ends_with_the_quota() {
    let (quota, link) = member(FleetOptions::default());
    let mut server = FleetModel::new();
    assert_eq!(acquire(&quota, &link, &mut server, Duration::ZERO), Admission::Ready);
    assert!(matches!(link.poll(Duration::ZERO, Waker::noop()), FleetStep::Wait(_)));
    drop(quota);
    carry(&link, &mut server, Duration::from_secs(1));
    assert_eq!(link.poll(Duration::from_secs(1), Waker::noop()), FleetStep::Ended);
}
