//! The whole quota used, and nothing refused.

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{builder, finished_log};
use resayil::quota::QuotaOptions;
use resayil::{ChatRequest, Client, Policy, Provider};
use resayil_sandbox::{LogEntry, RateLimitHeaders, Sandbox};

/// Calls from eight threads, each prompt once; every answer has to come.
fn call_all(client: &Client, count: usize) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if index >= count {
                        break;
                    }
                    let request = ChatRequest::new("mistral").user(&format!("prompt {index}"));
                    client.chat(&request).unwrap();
                }
            });
        }
    });
}

fn assert_each_answered_once(log: &[LogEntry], count: usize) {
    let mut answers = BTreeMap::new();
    for entry in log.iter().filter(|entry| entry.answered) {
        *answers.entry(entry.prompt.clone().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(answers.len(), count);
    assert!(answers.values().all(|times| *times == 1), "{answers:?}");
}

#[test]
fn with_a_known_limit_none_is_refused() {
    let window = Duration::from_secs(1);
    let sandbox = Sandbox::builder().limit(5).window(window).start().unwrap();
    let client = builder(&sandbox)
        .policy(Policy::default())
        .quota_options(QuotaOptions::default().with_limit(5).with_window(window))
        .build()
        .unwrap();
    let start = Instant::now();
    call_all(&client, 15);
    // A machine that stops for a while may need more; it is not to be far more.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let log = finished_log(&sandbox);
    assert_each_answered_once(&log, 15);
    assert_eq!(log.len(), 15, "none was refused");
    let stats = client.stats();
    assert_eq!((stats.refused, stats.retries, stats.attempts), (0, 0, 15));
    assert!(stats.quota_wait > Duration::ZERO);
    assert_eq!(client.quota_state().unwrap().limit, Some(5));
}

#[test]
fn an_unknown_limit_is_learned_in_the_first_window() {
    for headers in [RateLimitHeaders::Never, RateLimitHeaders::OnRefusal] {
        let window = Duration::from_secs(2);
        let sandbox =
            Sandbox::builder().limit(5).window(window).rate_limit_headers(headers).start().unwrap();
        let client = builder(&sandbox)
            .policy(Policy::default())
            .provider(Provider::Resayil)
            .quota_options(QuotaOptions::default().with_window(window))
            .build()
            .unwrap();
        call_all(&client, 20);
        let log = finished_log(&sandbox);
        assert_each_answered_once(&log, 20);
        let refused: Vec<_> = log.iter().filter(|entry| entry.refused).collect();
        // Eight callers, of whom each may be refused once before the first refusal is known, and
        // once more where that was just when a window ended.
        assert!(refused.len() <= 16, "{} refused", refused.len());
        assert!(refused.iter().all(|entry| entry.window <= log[0].window + 1), "{headers}");
        assert_eq!(client.stats().refused, refused.len() as u64);
    }
}

#[test]
fn a_burst_that_slips_past_the_limit_does_no_harm() {
    let window = Duration::from_secs(1);
    let sandbox = Sandbox::builder()
        .limit(4)
        .window(window)
        .quota_gap(Duration::from_millis(30))
        .start()
        .unwrap();
    let client = builder(&sandbox)
        .policy(Policy::default())
        .quota_options(QuotaOptions::default().with_window(window))
        .build()
        .unwrap();
    call_all(&client, 16);
    assert_each_answered_once(&finished_log(&sandbox), 16);
}

#[test]
fn a_wrong_clock_does_no_harm() {
    for offset in [-30.4, 30.4] {
        let window = Duration::from_secs(1);
        let sandbox =
            Sandbox::builder().limit(5).window(window).clock_offset(offset).start().unwrap();
        let client = builder(&sandbox)
            .policy(Policy::default())
            .quota_options(QuotaOptions::default().with_limit(5).with_window(window))
            .build()
            .unwrap();
        call_all(&client, 15);
        assert_each_answered_once(&finished_log(&sandbox), 15);
    }
}

#[test]
fn two_clients_can_share_a_quota() {
    let window = Duration::from_secs(1);
    let sandbox = Sandbox::builder().limit(4).window(window).start().unwrap();
    let first = builder(&sandbox)
        .policy(Policy::default())
        .quota_options(QuotaOptions::default().with_limit(4).with_window(window))
        .build()
        .unwrap();
    let quota = first.quota().unwrap().clone();
    let second = builder(&sandbox).policy(Policy::default()).quota(quota).build().unwrap();
    std::thread::scope(|scope| {
        for client in [&first, &second] {
            scope.spawn(|| {
                for index in 0..5 {
                    let request = ChatRequest::new("mistral").user(&format!("{index}"));
                    client.chat(&request).unwrap();
                }
            });
        }
    });
    assert_eq!(first.stats().refused + second.stats().refused, 0);
    assert_eq!(finished_log(&sandbox).len(), 10);
}
