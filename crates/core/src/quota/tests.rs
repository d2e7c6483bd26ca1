use super::operation::Ahead;
use super::store::{QuotaDelay, QuotaGrant, QuotaOperation, QuotaReply, QuotaRequest};
use super::*;

mod felt;
mod given;
mod parties;
mod stray;
mod tokens;
mod told;
mod wake;

const SECOND: Duration = Duration::from_secs(1);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A quota whose minute ends ten seconds after time zero.
fn quota(limit: Option<u32>) -> Quota {
    let options = QuotaOptions::default().with_limit(limit);
    Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO)
}

fn admit(quota: &Quota, now: Duration) -> Option<Ticket> {
    let mut ticket = quota.enter();
    (ticket.poll(now) == Admission::Ready).then_some(ticket)
}

fn refused(wait: Duration) -> Settlement {
    Settlement {
        refused: true,
        consumed: Some(false),
        retry_after: Some(wait),
        ..Settlement::default()
    }
}

#[test]
fn a_window_admits_its_limit_and_the_next_one_again() {
    let quota = quota(Some(3));
    let tickets: Vec<_> = (0..3).filter_map(|_| admit(&quota, Duration::ZERO)).collect();
    assert_eq!(tickets.len(), 3);
    assert!(admit(&quota, SECOND).is_none());
    assert_eq!(quota.state(SECOND).remaining, Some(0));
    assert!(admit(&quota, 10 * SECOND).is_some());
    assert_eq!(quota.state(10 * SECOND).remaining, Some(2));
}

#[test]
fn the_line_is_served_in_order_and_each_place_knows_its_window() {
    let quota = quota(Some(2));
    let mut tickets: Vec<_> = (0..6).map(|_| quota.enter()).collect();
    let waits: Vec<_> =
        tickets.iter_mut().rev().map(|ticket| ticket.poll(Duration::ZERO)).collect();
    let wait = |seconds| Admission::Wait(seconds * SECOND);
    // Asked from the last to the first: who came first is admitted all the same.
    assert_eq!(waits, [wait(70), wait(70), wait(10), wait(10), Admission::Ready, Admission::Ready]);
}

#[test]
fn a_place_that_is_given_up_moves_the_others_forward() {
    let quota = quota(Some(1));
    let first = admit(&quota, Duration::ZERO).unwrap();
    let (second, mut third) = (quota.enter(), quota.enter());
    assert_eq!(third.poll(Duration::ZERO), Admission::Wait(70 * SECOND));
    drop(second);
    assert_eq!(third.poll(Duration::ZERO), Admission::Wait(10 * SECOND));
    // An admitted request was sent: dropping it gives nothing back.
    drop(first);
    assert_eq!(third.poll(Duration::ZERO), Admission::Wait(10 * SECOND));
}

#[test]
fn a_request_that_was_not_counted_is_given_back() {
    let quota = quota(Some(1));
    let ticket = admit(&quota, Duration::ZERO).unwrap();
    assert!(admit(&quota, SECOND).is_none());
    ticket.settle(&Settlement { consumed: Some(false), ..Settlement::default() }, SECOND);
    assert!(admit(&quota, SECOND).is_some());
}

#[test]
fn the_first_refusal_holds_everybody_back_and_teaches_the_limit() {
    let quota = quota(None);
    let answer = Settlement { consumed: Some(true), ..Settlement::default() };
    // One at first, and one more for each that was answered.
    for count in 1..=2 {
        let tickets: Vec<_> = (0..count).map(|_| admit(&quota, Duration::ZERO).unwrap()).collect();
        assert!(admit(&quota, Duration::ZERO).is_none());
        tickets.into_iter().for_each(|ticket| ticket.settle(&answer, millis(50)));
    }
    let mut tickets: Vec<_> = (0..4).map(|_| admit(&quota, millis(50)).unwrap()).collect();
    // Two more are answered, two refused.
    for ticket in tickets.split_off(2) {
        ticket.settle(&refused(10 * SECOND), millis(100));
    }
    for ticket in tickets {
        ticket.settle(&answer, millis(200));
    }
    assert!(admit(&quota, SECOND).is_none());
    assert_eq!(quota.state(SECOND).limit, Some(5));
    let next = 11 * SECOND;
    let admitted: Vec<_> = (0..9).filter_map(|_| admit(&quota, next)).collect();
    assert_eq!(admitted.len(), 5);
    assert_eq!(quota.state(next).refused, 2);
}

#[test]
fn a_limit_that_headers_tell_is_taken() {
    let quota = quota(None);
    let ticket = admit(&quota, Duration::ZERO).unwrap();
    let headers = [("X-RateLimit-Limit", "2"), ("X-RateLimit-Remaining", "1")];
    let settlement = Settlement::from_answer(200, &headers, None, Timestamp::from_unix_seconds(50));
    ticket.settle(&settlement, SECOND);
    assert_eq!(quota.state(SECOND).limit, Some(2));
    assert!(admit(&quota, SECOND).is_some());
    assert!(admit(&quota, SECOND).is_none());
}

#[test]
fn a_wrong_wall_clock_is_corrected_by_the_servers_date() {
    // The local clock is 30 s behind: the server's minute ends 20 s earlier than it seems.
    let options = QuotaOptions::default().with_limit(1);
    let quota = Quota::new(options, Timestamp::from_unix_seconds(10), Duration::ZERO);
    let ticket = admit(&quota, Duration::ZERO).unwrap();
    let date = Some(Timestamp::from_unix_seconds(40));
    ticket.settle(&Settlement { date, consumed: Some(true), ..Settlement::default() }, millis(100));
    let Admission::Wait(wait) = quota.enter().poll(millis(100)) else { panic!() };
    assert_eq!(wait, 20 * SECOND);
}

#[test]
fn requests_sent_just_before_the_end_may_count_in_the_next_window() {
    let quota = quota(Some(2));
    let _late = admit(&quota, millis(9_900)).unwrap();
    let _first = admit(&quota, 10 * SECOND).unwrap();
    assert!(admit(&quota, 10 * SECOND).is_none());
}

#[test]
fn without_a_window_the_way_is_felt_and_a_wait_that_is_named_is_kept() {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
    let answer = Settlement { consumed: Some(true), ..Settlement::default() };
    // Two at a time, since all are answered at once.
    for count in [2, 2, 2] {
        let tickets: Vec<_> = (0..20).filter_map(|_| admit(&quota, Duration::ZERO)).collect();
        assert_eq!(tickets.len(), count);
        tickets.into_iter().for_each(|ticket| ticket.settle(&answer, Duration::ZERO));
    }
    let ticket = admit(&quota, SECOND).unwrap();
    ticket.settle(&refused(5 * SECOND), SECOND);
    assert_eq!(quota.enter().poll(SECOND), Admission::Wait(5 * SECOND));
    assert!(admit(&quota, 6 * SECOND).is_some());
}

#[test]
fn a_refusal_in_a_short_window_teaches_its_limit_and_not_a_wrong_end() {
    // 0.42 s into a window of two seconds; the server says "2", rounded up from 1.58.
    for wait in [2, 1] {
        let options = QuotaOptions::default().with_window(2 * SECOND);
        let into = if wait == 2 { 420 } else { 1420 };
        let wall = Timestamp::from_unix_micros(86_000_000 + into * 1000);
        let quota = Quota::new(options, wall, Duration::ZERO);
        let date = Some(Timestamp::from_unix_seconds(86 + into / 1000));
        let answer = Settlement { date, consumed: Some(true), ..Settlement::default() };
        let refusal = Settlement { date, ..refused(wait * SECOND) };
        for settlements in [&[answer][..], &[answer; 2], &[answer, answer, refusal, refusal]] {
            let tickets: Vec<_> =
                settlements.iter().map(|_| admit(&quota, millis(5)).unwrap()).collect();
            for (ticket, settlement) in tickets.into_iter().zip(settlements) {
                ticket.settle(settlement, millis(5));
            }
        }
        assert_eq!(quota.state(millis(5)).limit, Some(5));
        // The window ends at 88, and begins with certainty a second later at the latest.
        let reset = quota.state(millis(5)).reset_after.unwrap();
        let left = millis(2000 - into as u64 - 5);
        assert!(reset >= left && reset <= left + SECOND, "{reset:?} of {left:?}");
    }
}

#[test]
fn answered_requests_take_nothing_from_the_next_window() {
    // The server's clock is known to a second, so that any of these could be late by it alone.
    let options = QuotaOptions::default().with_limit(2).with_window(2 * SECOND);
    let quota = Quota::new(options, Timestamp::from_unix_micros(33_550_000), Duration::ZERO);
    let tickets: Vec<_> = (0..2).map(|_| admit(&quota, Duration::ZERO).unwrap()).collect();
    let date = Some(Timestamp::from_unix_seconds(33));
    for ticket in tickets {
        let answer = Settlement { date, consumed: Some(true), ..Settlement::default() };
        ticket.settle(&answer, millis(5));
    }
    let Admission::Wait(wait) = quota.enter().poll(millis(5)) else { panic!() };
    assert!(wait <= SECOND);
    let next = millis(5) + wait;
    assert_eq!((0..5).filter_map(|_| admit(&quota, next)).count(), 2);
}

#[test]
fn a_late_answer_frees_the_place_that_was_kept_for_it() {
    let quota = quota(Some(2));
    let late = admit(&quota, millis(9_900)).unwrap();
    let _first = admit(&quota, 10 * SECOND).unwrap();
    assert!(admit(&quota, 10 * SECOND).is_none());
    // It was answered in the second before the minute ended.
    let date = Some(Timestamp::from_unix_seconds(59));
    let answer = Settlement { date, consumed: Some(true), ..Settlement::default() };
    late.settle(&answer, millis(10_050));
    // By this answer the minute may end as late as at 11.05 s; then one place is taken.
    assert!(admit(&quota, millis(10_100)).is_none());
    assert!(admit(&quota, millis(11_100)).is_some());
    assert!(admit(&quota, millis(11_100)).is_none());
}

fn ask(model: &mut QuotaModel, ahead: usize, now: Duration) -> Result<QuotaGrant, QuotaDelay> {
    let waiting = ahead as u32 + 1;
    let request = QuotaRequest { cost: Cost::default(), ahead: Ahead::plain(ahead), waiting };
    match model.apply(&[QuotaOperation::Reserve(request)], now) {
        (QuotaReply::Granted(grant), true) => Ok(grant),
        (QuotaReply::Wait(delay), false) => Err(delay),
        reply => panic!("{reply:?}"),
    }
}

/// A model of each way of counting, after some use.
fn used_models() -> Vec<(QuotaModel, Duration)> {
    let wall = Timestamp::from_unix_seconds(50);
    let mut models = Vec::new();
    for (window, hint) in [(Some(60), 10), (Some(60), 40), (Some(60), 1), (None, 5)] {
        let options = QuotaOptions::default().with_window(window.map(|window| window * SECOND));
        let mut model = QuotaModel::new(options, wall, Duration::ZERO);
        let mut now = Duration::ZERO;
        for round in 0..40 {
            now += millis(90);
            let Ok(grant) = ask(&mut model, 0, now) else { continue };
            let settlement = match round {
                20..25 => Settlement {
                    date: Some(wall + now + 3 * SECOND),
                    retry_after_source: Some(crate::error::HintSource::Body),
                    ..refused(hint * SECOND)
                },
                5 => Settlement {
                    rate_limit: Some(crate::error::RateLimit::new(
                        Some(30),
                        Some(24),
                        Some(9 * SECOND),
                    )),
                    ..Settlement::default()
                },
                _ if round % 3 == 0 => continue,
                _ => Settlement { consumed: Some(true), ..Settlement::default() },
            };
            model.settle(&grant, &settlement, now + millis(20));
        }
        models.push((model, now));
    }
    models
}

#[test]
fn a_model_goes_through_bytes_unchanged() {
    for (mut model, mut now) in used_models() {
        let bytes = model.to_bytes();
        assert!(bytes.len() <= QuotaModel::MAX_BYTES);
        let mut copy = QuotaModel::from_bytes(&bytes).unwrap();
        assert_eq!(copy.to_bytes(), bytes);
        // And goes on alike.
        for _ in 0..300 {
            now += millis(333);
            let (one, other) = (ask(&mut model, 1, now), ask(&mut copy, 1, now));
            assert_eq!(one.is_ok(), other.is_ok());
            assert_eq!(one.err(), other.err());
        }
        assert_eq!(copy.to_bytes(), model.to_bytes());
    }
}

#[test]
fn the_bytes_of_a_model_do_not_grow_with_its_window() {
    let lengths = [100, 10_000, 1_000_000].map(|limit| {
        let options = QuotaOptions::default().with_limit(limit);
        let mut model = QuotaModel::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
        // Spread over all slots, and none of them is answered.
        let mut most = 0;
        for index in 0..40_000 {
            let _ = ask(&mut model, 0, millis(15) * index);
            most = most.max(model.to_bytes().len());
        }
        assert!(QuotaModel::from_bytes(&model.to_bytes()).is_some());
        most
    });
    assert!(lengths.iter().all(|length| *length <= 4096), "{lengths:?}");
}

#[test]
fn no_bytes_make_a_model_panic() {
    let (mut read, mut random) = (0, 1u64);
    for (model, now) in used_models() {
        let bytes = model.to_bytes();
        for length in 0..bytes.len() {
            assert!(QuotaModel::from_bytes(&bytes[..length]).is_none());
        }
        for index in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[index] ^= mask;
                if mask == 0xff {
                    // And another one besides.
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let other = (random >> 33) as usize % bytes.len();
                    bytes[other] = (random >> 20) as u8;
                }
                let Some(mut model) = QuotaModel::from_bytes(&bytes) else { continue };
                read += 1;
                for step in 0..8 {
                    let now = now + 7 * step * SECOND;
                    if let Ok(grant) = ask(&mut model, step as usize % 3, now) {
                        let date = Some(Timestamp::from_unix_seconds(70));
                        let answer = Settlement { date, ..refused(3 * SECOND) };
                        model.settle(&grant, &answer, now + millis(50));
                    }
                    model.read(now);
                }
                model.to_bytes();
            }
        }
    }
    assert!(read > 100, "only {read} were read at all");
}

#[test]
fn who_goes_on_alone_is_counted_when_it_comes_back() {
    let options = QuotaOptions::default().with_limit(5);
    let mut shared = QuotaModel::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
    let before = ask(&mut shared, 0, Duration::ZERO).unwrap();
    shared.saved();
    let mut alone = shared.clone();
    alone.part(SECOND);
    let grants = [(); 2].map(|()| ask(&mut alone, 0, SECOND).unwrap());
    ask(&mut shared, 0, SECOND).unwrap();
    shared.rejoin(&alone, 2 * SECOND);
    // Two by all, two by the one that was alone.
    assert_eq!(shared.read(2 * SECOND).remaining, Some(1));
    // What it was not told of harms nothing, and what it shared is known.
    let unused = Settlement { consumed: Some(false), ..Settlement::default() };
    shared.settle(&grants[0], &unused, 2 * SECOND);
    assert_eq!(shared.read(2 * SECOND).remaining, Some(1));
    shared.settle(&before, &unused, 2 * SECOND);
    assert_eq!(shared.read(2 * SECOND).remaining, Some(2));
}

#[test]
fn who_goes_on_alone_takes_its_part_of_what_is_left() {
    let options = QuotaOptions::default().with_limit(10);
    let start = Timestamp::from_unix_seconds(50);
    let mut shared = QuotaModel::new(options, start, Duration::ZERO);
    for member in 0..3 {
        shared.meet(member, Duration::ZERO);
    }
    // One that was not seen for long is none.
    let now = 200 * SECOND;
    for member in 1..4 {
        shared.meet(member, now);
    }
    for _ in 0..4 {
        ask(&mut shared, 0, now).unwrap();
    }
    shared.part(now);
    // Six are left for three.
    let grants = [(); 2].map(|()| ask(&mut shared, 0, now).unwrap());
    let left = 50 * SECOND;
    assert_eq!(ask(&mut shared, 0, now).unwrap_err().least, left);
    // What was not counted is given back.
    let unused = Settlement { consumed: Some(false), ..Settlement::default() };
    shared.settle(&grants[0], &unused, now);
    assert!(ask(&mut shared, 0, now).is_ok());
    assert!(ask(&mut shared, 0, now).is_err());
    // And of the next window each has a third.
    let admitted = (0..10).filter(|_| ask(&mut shared, 0, now + left + SECOND).is_ok()).count();
    assert_eq!(admitted, 3);
    // Nobody is known to share it: all of it is this one's.
    let mut alone = QuotaModel::new(options, start, Duration::ZERO);
    alone.part(Duration::ZERO);
    let admitted = (0..20).filter(|_| ask(&mut alone, 0, Duration::ZERO).is_ok()).count();
    assert_eq!(admitted, 10);
}

#[test]
fn the_wait_that_a_refusal_names_outranks_the_reset_of_its_headers() {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
    let ticket = admit(&quota, Duration::ZERO).unwrap();
    let named = Settlement {
        rate_limit: Some(crate::error::RateLimit::new(Some(20), Some(0), Some(60 * SECOND))),
        retry_after_source: Some(crate::error::HintSource::Body),
        ..refused(2 * SECOND)
    };
    ticket.settle(&named, Duration::ZERO);
    assert_eq!(quota.enter().poll(SECOND), Admission::Wait(SECOND));
    let ticket = admit(&quota, 2 * SECOND).unwrap();
    // Without one the reset is all there is.
    let by_reset = Settlement {
        retry_after: Some(60 * SECOND),
        retry_after_source: Some(crate::error::HintSource::RateLimitReset),
        ..named
    };
    ticket.settle(&by_reset, 2 * SECOND);
    assert_eq!(quota.enter().poll(2 * SECOND), Admission::Wait(60 * SECOND));
}

#[test]
fn no_refusal_holds_back_for_longer_than_its_body_says() {
    // Around the beginning of a minute "1 s" may be its end, as far as the clock is known.
    for into in (0..120_000).step_by(90) {
        let wall = Timestamp::from_unix_micros(1_760_000_040_000_000 + into * 1000);
        let quota = Quota::new(QuotaOptions::default(), wall, Duration::ZERO);
        let ticket = admit(&quota, Duration::ZERO).unwrap();
        let date = Some(Timestamp::from_unix_seconds(1_760_000_040 + into / 1000));
        ticket.settle(&Settlement { date, ..refused(SECOND) }, millis(5));
        assert!(admit(&quota, SECOND + millis(5)).is_some(), "{into}");
    }
}

#[test]
fn a_late_reset_does_not_outweigh_the_wait_that_a_refusal_names() {
    let options = QuotaOptions::default().with_window(None);
    let quota = Quota::new(options, Timestamp::UNIX_EPOCH, Duration::ZERO);
    let ticket = admit(&quota, Duration::ZERO).unwrap();
    let rate_limit = Some(crate::error::RateLimit::new(Some(20), Some(0), Some(60 * SECOND)));
    ticket.settle(&Settlement { rate_limit, ..refused(SECOND) }, Duration::ZERO);
    assert!(admit(&quota, millis(900)).is_none());
    assert!(admit(&quota, SECOND).is_some());
}

#[test]
fn who_shares_a_known_limit_feels_its_way_beyond_its_own_share() {
    let quota = quota(Some(10));
    let tickets: Vec<_> = (0..5).filter_map(|_| admit(&quota, Duration::ZERO)).collect();
    assert_eq!(tickets.len(), 5);
    for (index, ticket) in tickets.into_iter().enumerate() {
        let answer = if index < 3 { Settlement::unknown() } else { refused(10 * SECOND) };
        ticket.settle(&answer, millis(100));
    }
    // Others had the seven that are missing. Three are its own by experience, and one it tries.
    let next = 11 * SECOND;
    let admitted: Vec<_> = (0..10).filter_map(|_| admit(&quota, next)).collect();
    assert!((3..=4).contains(&admitted.len()), "{}", admitted.len());
}
