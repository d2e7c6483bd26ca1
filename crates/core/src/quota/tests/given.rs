//! Limits of tokens that the program gives, which others may use, too; and the one that is likely if none is given.

use super::*;

const LIMIT: u64 = 40_000;
/// Windows end 10 s after time zero, and each minute.
const WINDOW: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

fn limited(requests: Option<u32>) -> Quota {
    let options = QuotaOptions::default().with_token_limit(LIMIT).with_limit(requests);
    Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO)
}

fn cost(tokens: u64) -> EnterOptions {
    EnterOptions::default()
        .with_cost(Cost::default().with_input_tokens(0).with_output_tokens(tokens))
}

/// How many of this cost are sent at once, of at most so many.
fn send(quota: &Quota, tokens: u64, most: usize, now: Duration) -> Vec<Ticket> {
    let admit = |_| {
        let (ticket, admission) = quota.acquire_with(&cost(tokens), now);
        (admission == Admission::Ready).then_some(ticket)
    };
    (0..most).map_while(admit).collect()
}

/// The same one after the other: how many are answered at once.
fn send_in_turn(quota: &Quota, tokens: u64, now: Duration) -> usize {
    let next = |_: &()| {
        let sent = send(quota, tokens, 1, now);
        let count = sent.len();
        answer(sent, now);
        (count > 0).then_some(())
    };
    std::iter::successors(next(&()), next).count()
}

fn answer(tickets: Vec<Ticket>, now: Duration) {
    let good = Settlement { consumed: Some(true), ..Settlement::default() };
    tickets.into_iter().for_each(|ticket| ticket.settle(&good, now));
}

/// One that is sent now is refused, in an answer that has this type in it.
fn refuse(quota: &Quota, tokens: u64, of_type: &str, now: Duration) {
    let (ticket, admission) = quota.acquire_with(&cost(tokens), now);
    assert_eq!(admission, Admission::Ready);
    let wait = 60 - (now.as_secs() - 10) % 60;
    let error = format!(r#"{{"message":"Rate limit exceeded","type":"{of_type}","code":429}}"#);
    let body = format!(r#"{{"error":{error},"retry_after":{wait}}}"#);
    let wall = Timestamp::from_unix_seconds(50 + now.as_secs() as i64);
    let headers = [("Content-Type", "application/json")];
    let classifier = crate::answer::Classifier::new().provider(crate::Provider::Resayil);
    let error = classifier.classify(429, &headers, body.as_bytes(), wall).unwrap_err();
    ticket.settle(&Settlement::from_answer(429, &headers, Some(&error), wall), now);
}

/// Four of 3000 tokens, and a fifth one that is refused.
fn after_a_refusal(tokens: u64, of_type: &str) -> Quota {
    let quota = limited(None);
    for number in 0..4 {
        let now = WINDOW + number * SECOND;
        let sent = send(&quota, tokens, 1, now);
        assert_eq!(sent.len(), 1);
        answer(sent, now);
    }
    refuse(&quota, tokens, of_type, WINDOW + 5 * SECOND);
    quota
}

#[test]
fn a_refusal_that_does_not_say_which_limit_teaches_the_one_that_is_known() {
    let quota = after_a_refusal(3000, "rate_limit_error");
    // A third of the tokens were this process's, and nothing is thought of requests.
    let next = WINDOW + MINUTE;
    assert_eq!(send_in_turn(&quota, 500, next), 24);
    // It would be refused again in this window, and perhaps not in the one after it.
    let (ticket, admission) = quota.acquire_with(&cost(500), next + 5 * SECOND);
    assert_eq!(admission, Admission::Wait(MINUTE - 5 * SECOND));
    drop(ticket);
    let later = next + MINUTE;
    assert_eq!(send_in_turn(&quota, 500, later), 80);
}

#[test]
fn a_refusal_that_says_which_limit_teaches_that() {
    let quota = after_a_refusal(3000, "requests");
    assert_eq!(send_in_turn(&quota, 500, WINDOW + MINUTE), 4);
}

#[test]
fn an_unknown_limit_is_taught_where_the_known_one_is_hardly_used() {
    let quota = after_a_refusal(100, "rate_limit_error");
    assert_eq!(send_in_turn(&quota, 100, WINDOW + MINUTE), 4);
}

#[test]
fn what_comes_before_a_large_one_in_a_calm_window_is_not_all() {
    let quota = after_a_refusal(3000, "rate_limit_error");
    let next = WINDOW + MINUTE;
    // Larger than the part, and the window is as good as any other for it.
    let (_ticket, admission) = quota.acquire_with(&cost(20_000), next);
    assert_eq!(admission, Admission::Ready);
}

#[test]
fn a_part_of_a_given_limit_is_sent_first_until_it_is_known_to_be_ones_own() {
    let quota = limited(Some(1000));
    let mut now = WINDOW;
    let mut send_and_wait = |tokens| {
        let sent = send(&quota, tokens, 100, now);
        let count = sent.len();
        answer(sent, now + millis(400));
        now += SECOND;
        count
    };
    // A quarter of what is left; one after the other is certain then.
    let sent = [2000, 1000, 1000, 1000, 1000, 1000].map(&mut send_and_wait);
    assert_eq!(sent, [4, 6, 5, 4, 3, 3]);
    // When most of it was got nobody else can have much.
    assert_eq!(send_and_wait(1000), 11);
    // A window was used by this process alone but for less than an eighth, so that no care is needed.
    let sent = send(&quota, 2000, 30, WINDOW + MINUTE);
    assert_eq!(sent.len(), 20);
}

#[test]
fn no_care_is_taken_when_the_window_ends_soon() {
    let quota = limited(Some(1000));
    assert_eq!(send(&quota, 2000, 30, WINDOW - 4 * SECOND).len(), 20);
}

#[test]
fn the_likely_limit_is_passed_by_one_after_the_other() {
    let quota = quota(None);
    let mut now = WINDOW;
    let mut sent: Vec<Duration> = Vec::new();
    let mut tickets = Vec::new();
    while sent.len() < 80 {
        while let Some(ticket) = admit(&quota, now) {
            sent.push(now);
            tickets.push(ticket);
        }
        now += millis(50);
    }
    // More and more up to it, and then none before all of them are certain not to be refused.
    let apart = |index: usize| sent[index] - sent[index - 1];
    assert_eq!(apart(59), Duration::ZERO);
    assert!(apart(60) >= millis(500), "{:?}", apart(60));
    assert!((61..71).all(|index| apart(index) >= millis(500)), "{sent:?}");
    assert_eq!(apart(79), Duration::ZERO);
    // In a later window that admitted more it is no limit.
    let later = WINDOW + MINUTE + MINUTE;
    let most = (0..80).map_while(|_| admit(&quota, later)).count();
    assert_eq!(most, 80);
}
