//! Costs, several limits at once, and days that are used up.

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

use super::*;
use crate::error::{HintSource, LimitScope, RateLimit};

fn cost(input: u64, output: u64) -> EnterOptions {
    EnterOptions::default()
        .with_cost(Cost::default().with_input_tokens(input).with_output_tokens(output))
}

/// A quota whose minute ends ten seconds after time zero.
fn limited(options: QuotaOptions) -> Quota {
    Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO)
}

fn used(input: u64, output: u64) -> Settlement {
    let usage = Some(Cost::default().with_input_tokens(input).with_output_tokens(output));
    Settlement { consumed: Some(true), usage, ..Settlement::default() }
}

#[test]
fn a_request_has_to_fit_into_all_limits_and_takes_nothing_if_it_does_not() {
    let options = QuotaOptions::default()
        .with_limit(5)
        .with_token_limit(1000)
        .with_output_token_limit(400)
        .with_daily_limit(4);
    let quota = limited(options);
    let (first, admission) = quota.acquire_with(&cost(0, 300), Duration::ZERO);
    assert_eq!(admission, Admission::Ready);
    assert!(first.counts_tokens());
    // Tokens and requests are there, but not so many tokens of answers.
    for _ in 0..3 {
        let (waiting, admission) = quota.acquire_with(&cost(0, 101), Duration::ZERO);
        assert_eq!(admission, Admission::Wait(10 * SECOND));
        drop(waiting);
    }
    assert_eq!(quota.state(Duration::ZERO).remaining, Some(4));
    let (_second, admission) = quota.acquire_with(&cost(0, 100), Duration::ZERO);
    assert_eq!(admission, Admission::Ready);
    // The next window has all of it, but the day only two more.
    for _ in 0..2 {
        let (_ticket, admission) = quota.acquire_with(&cost(0, 100), 10 * SECOND);
        assert_eq!(admission, Admission::Ready);
    }
    let (ticket, admission) = quota.acquire_with(&cost(0, 100), 10 * SECOND);
    let day = Duration::from_secs(86_400 - 60);
    assert_eq!((admission, ticket.reset_after()), (Admission::Wait(day), day));
}

#[test]
fn usage_corrects_what_was_reserved_in_its_window() {
    let quota = limited(QuotaOptions::default().with_token_limit(1000));
    let (mut ticket, _) = quota.acquire_with(&cost(0, 900), Duration::ZERO);
    let (_, admission) = quota.acquire_with(&cost(0, 200), Duration::ZERO);
    assert_eq!(admission, Admission::Wait(10 * SECOND));
    // The head of the answer changes nothing about it, its end does, and only once.
    ticket.settle_head(&Settlement { consumed: Some(true), ..Settlement::default() }, SECOND);
    let (_, admission) = quota.acquire_with(&cost(0, 200), SECOND);
    assert_eq!(admission, Admission::Wait(9 * SECOND));
    ticket.settle(&used(50, 50), SECOND);
    let (more, admission) = quota.acquire_with(&cost(0, 900), SECOND);
    assert_eq!(admission, Admission::Ready);
    // One that took more than it reserved, and is settled when its window is over.
    more.settle(&used(0, 5000), 11 * SECOND);
    let (_ticket, admission) = quota.acquire_with(&cost(0, 1000), 11 * SECOND);
    assert_eq!(admission, Admission::Ready);
}

#[test]
fn what_is_unknown_of_a_cost_is_as_usual() {
    let quota = limited(QuotaOptions::default().with_token_limit(1000));
    let (ticket, _) = quota.acquire(Duration::ZERO);
    ticket.settle(&used(300, 100), SECOND);
    let (_second, admission) = quota.acquire(SECOND);
    assert_eq!(admission, Admission::Ready);
    let (_, admission) = quota.acquire(SECOND);
    assert_eq!(admission, Admission::Wait(9 * SECOND));
}

#[test]
fn what_is_larger_than_a_limit_is_never_admitted() {
    let quota = limited(QuotaOptions::default().with_input_token_limit(100));
    let (ticket, admission) = quota.acquire_with(&cost(101, 0), Duration::ZERO);
    assert_eq!(admission, Admission::Wait(Duration::MAX));
    assert_eq!(ticket.exceeds(), Some((LimitScope::InputTokens, 100)));
    // It holds up nobody: who cannot go leaves.
    drop(ticket);
    let (_, admission) = quota.acquire_with(&cost(80, 0), Duration::ZERO);
    assert_eq!(admission, Admission::Ready);
    // The same where headers tell the limit.
    let quota = limited(QuotaOptions::default().with_window(None));
    let told = RateLimit::new(None, None, None).with_tokens(Some(100), Some(90), Some(6 * SECOND));
    let (ticket, _) = quota.acquire_with(&cost(5, 5), Duration::ZERO);
    ticket.settle(&Settlement { rate_limit: Some(told), ..used(5, 5) }, Duration::ZERO);
    let (ticket, _) = quota.acquire_with(&cost(1, 100), Duration::ZERO);
    assert_eq!(ticket.exceeds(), Some((LimitScope::Tokens, 100)));
}

#[test]
fn a_day_that_is_used_up_is_asked_for_once() {
    let quota = limited(QuotaOptions::default());
    let (ticket, _) = quota.acquire(Duration::ZERO);
    let hours = Duration::from_secs(5 * 3600);
    let exhausted = Settlement {
        exhausted: true,
        consumed: Some(false),
        retry_after: Some(hours),
        retry_after_source: Some(HintSource::Body),
        ..Settlement::default()
    };
    ticket.settle(&exhausted, Duration::ZERO);
    let (ticket, admission) = quota.acquire(SECOND);
    assert_eq!(
        (admission, ticket.reset_after()),
        (Admission::Wait(hours - SECOND), hours - SECOND)
    );
    drop(ticket);
    assert_eq!(quota.acquire(hours).1, Admission::Ready);
}

#[test]
fn prompts_and_answers_are_counted_apart_where_headers_tell_both() {
    let quota = limited(QuotaOptions::default().with_window(None));
    let (ticket, _) = quota.acquire_with(&cost(100, 10), Duration::ZERO);
    let headers = [
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "1970-01-01T00:00:51Z"),
        // The one that is nearest to its end, which is not the sum of both.
        ("anthropic-ratelimit-tokens-limit", "1000"),
        ("anthropic-ratelimit-tokens-remaining", "900"),
        ("anthropic-ratelimit-tokens-reset", "1970-01-01T00:00:56Z"),
        ("anthropic-ratelimit-input-tokens-limit", "1000"),
        ("anthropic-ratelimit-input-tokens-remaining", "900"),
        ("anthropic-ratelimit-input-tokens-reset", "1970-01-01T00:00:56Z"),
        ("anthropic-ratelimit-output-tokens-limit", "500"),
        ("anthropic-ratelimit-output-tokens-remaining", "490"),
        ("anthropic-ratelimit-output-tokens-reset", "1970-01-01T00:00:51Z"),
    ];
    let wall = Timestamp::from_unix_seconds(50);
    let settlement = Settlement::from_answer(200, &headers, None, wall);
    let told = settlement.rate_limit.unwrap();
    assert_eq!((told.limit(), told.token_limit()), (Some(50), Some(1000)));
    assert_eq!((told.input_token_limit(), told.input_tokens_remaining()), (Some(1000), Some(900)));
    assert_eq!((told.output_token_limit(), told.output_tokens_remaining()), (Some(500), Some(490)));
    assert_eq!(told.input_tokens_reset_after(), Some(6 * SECOND));
    assert_eq!(told.output_tokens_reset_after(), Some(SECOND));
    ticket.settle(&settlement, Duration::ZERO);
    // Together they are more than either limit.
    let (_ticket, admission) = quota.acquire_with(&cost(600, 450), Duration::ZERO);
    assert_eq!(admission, Admission::Ready);
    let exceeds = |cost: &EnterOptions| quota.acquire_with(cost, Duration::ZERO).0.exceeds();
    assert_eq!(exceeds(&cost(1, 501)), Some((LimitScope::OutputTokens, 500)));
    assert_eq!(exceeds(&cost(1001, 1)), Some((LimitScope::InputTokens, 1000)));
}

#[test]
fn what_fits_to_a_limit_is_admitted_however_wrong_estimates_were() {
    let told = RateLimit::new(None, None, None)
        .with_input_tokens(Some(1000), Some(1000), Some(Duration::ZERO))
        .with_output_tokens(Some(1000), Some(1000), Some(Duration::ZERO));
    for options in [
        QuotaOptions::default().with_window(None),
        QuotaOptions::default().with_window(None).with_input_token_limit(1000),
        QuotaOptions::default().with_input_token_limit(1000),
    ] {
        let quota = limited(options);
        // Prompts had three times the tokens that were told.
        for second in 0..20 {
            let now = 120 * second * SECOND;
            let (ticket, _) = quota.acquire_with(&cost(100, 1), now);
            ticket.settle(&Settlement { rate_limit: Some(told), ..used(300, 1) }, now);
        }
        let now = 24 * 120 * SECOND;
        assert_eq!(quota.acquire_with(&cost(900, 1), now).1, Admission::Ready);
    }
}

#[test]
fn who_fits_into_the_rest_of_a_window_passes_who_does_not_and_does_not_delay_it() {
    let quota = limited(QuotaOptions::default().with_token_limit(1000));
    let (ticket, _) = quota.acquire_with(&cost(0, 800), Duration::ZERO);
    ticket.settle(&used(0, 800), Duration::ZERO);
    let (mut large, admission) = quota.acquire_with(&cost(0, 500), Duration::ZERO);
    assert_eq!(admission, Admission::Wait(10 * SECOND));
    let (mut other, admission) = quota.acquire_with(&cost(0, 700), Duration::ZERO);
    assert_eq!(admission, Admission::Wait(10 * SECOND));
    let (_small, admission) = quota.acquire_with(&cost(0, 150), Duration::ZERO);
    assert_eq!(admission, Admission::Ready);
    let (mut small, admission) = quota.acquire_with(&cost(0, 150), Duration::ZERO);
    assert_eq!(admission, Admission::Wait(10 * SECOND));
    // In the next window the first claim is that of the first, whoever asks first.
    assert_eq!(small.poll(10 * SECOND), Admission::Wait(60 * SECOND));
    assert_eq!(other.poll(10 * SECOND), Admission::Wait(60 * SECOND));
    assert_eq!(large.poll(10 * SECOND), Admission::Ready);
    // Its answer may give enough back for the next one, which is not passed before that is clear.
    assert_eq!(small.poll(10 * SECOND), Admission::Wait(60 * SECOND));
    large.settle(&used(0, 400), 11 * SECOND);
    assert_eq!(other.poll(11 * SECOND), Admission::Wait(59 * SECOND));
    assert_eq!(small.poll(11 * SECOND), Admission::Ready);
}

#[test]
fn who_may_pass_is_woken() {
    let quota = limited(QuotaOptions::default().with_token_limit(1000));
    let (ticket, _) = quota.acquire_with(&cost(0, 800), Duration::ZERO);
    let woken: [Arc<Woken>; 3] = std::array::from_fn(|_| Arc::default());
    let mut tickets = [500, 100, 100].map(|tokens| quota.enter_with(&cost(0, tokens)));
    for (ticket, woken) in tickets.iter_mut().zip(&woken) {
        assert_ne!(ticket.poll_with(SECOND, &Waker::from(Arc::clone(woken))), Admission::Ready);
    }
    // All of it was used: the first has to wait for the next window, and the others pass.
    ticket.settle(&used(0, 750), 2 * SECOND);
    let count = || woken.each_ref().map(|woken| woken.0.load(Ordering::Relaxed));
    assert_eq!(count(), [0, 1, 1]);
    let [first, second, third] = &mut tickets;
    assert_eq!(first.poll(2 * SECOND), Admission::Wait(8 * SECOND));
    assert_eq!(second.poll(2 * SECOND), Admission::Ready);
    assert_eq!(third.poll(2 * SECOND), Admission::Ready);
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn nobody_is_passed_where_the_day_is_nearly_used_up() {
    let quota = limited(QuotaOptions::default().with_token_limit(1000).with_daily_limit(3));
    let (ticket, _) = quota.acquire_with(&cost(0, 800), Duration::ZERO);
    ticket.settle(&used(0, 800), Duration::ZERO);
    let (mut large, _) = quota.acquire_with(&cost(0, 500), Duration::ZERO);
    for _ in 0..2 {
        let (_, admission) = quota.acquire_with(&cost(0, 10), Duration::ZERO);
        assert_ne!(admission, Admission::Ready);
    }
    assert_eq!(large.poll(10 * SECOND), Admission::Ready);
}
