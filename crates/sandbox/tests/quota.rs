//! Windows, quota accounting, credits and the headers that tell of them.

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::*;
use resayil_sandbox::{Behaviour, Fault, RateLimitHeaders, Sandbox, Tier};
use serde_json::json;

const NOW: Duration = Duration::from_secs(1_741_305_555);

#[test]
fn a_window_takes_its_limit_and_the_next_starts_afresh() {
    let s = Sandbox::builder().limit(3).frozen_at(NOW).start().unwrap();
    let statuses: Vec<_> = (0..5).map(|_| chat(&s, "x").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!((s.state().used, s.state().remaining), (3, 0));
    s.advance_clock(44.0);
    assert_eq!(chat(&s, "x").json()["retry_after"], 1);
    s.advance_clock(1.0);
    assert_eq!(chat(&s, "x").status, 200);
    let log = s.log();
    let windows: Vec<_> = log.iter().map(|e| e.window - log[0].window).collect();
    assert_eq!(windows, [0, 0, 0, 0, 0, 0, 1]);
    let consumed: Vec<_> = log.iter().map(|e| e.consumed).collect();
    assert_eq!(consumed, [true, true, true, false, false, false, true]);
    assert!(log.iter().all(|e| e.refused == (e.status == Some(429))));
}

#[test]
fn a_real_window_of_a_second_rolls_over() {
    let s = Sandbox::builder().limit(2).window(Duration::from_secs(1)).start().unwrap();
    let mut refused = 0;
    eventually("requests were admitted in three windows", || {
        let reply = chat(&s, "x");
        if reply.status == 429 {
            assert_eq!(reply.json()["retry_after"], 1);
        }
        let mut windows: Vec<_> = s.log().iter().filter(|e| e.consumed).map(|e| e.window).collect();
        windows.dedup();
        windows.len() >= 3
    });
    let log = s.log();
    for entry in &log {
        let counted = log.iter().filter(|e| e.consumed && e.window == entry.window);
        assert!(counted.count() <= 2, "window {}", entry.window);
        // Aligned to the epoch: the window is the whole seconds of its time.
        if !entry.consumed {
            assert_eq!(entry.window, entry.server_time as u64);
            refused += usize::from(entry.refused);
        }
    }
    assert!(refused > 0);
}

#[test]
fn refusals_consume_nothing_and_a_503_does() {
    let s = Sandbox::builder().limit(10).credits(Some(1.0)).frozen_at(NOW).start().unwrap();
    let bad_key = request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string())
        .replace(s.api_key(), "sk_llmr_other");
    assert_eq!(send(&s, &bad_key).unwrap().status, 401);
    assert_eq!(post(&s, &json!({})).unwrap().status, 422);
    let mut unknown = chat_body("x");
    unknown["model"] = json!("none");
    assert_eq!(post(&s, &unknown).unwrap().status, 404);
    assert_eq!(s.state().used, 0);
    s.push_fault(Fault::Unavailable);
    assert_eq!(chat(&s, "x").status, 503);
    assert_eq!((s.state().used, s.state().credits), (1, Some(1.0)));
    assert_eq!(chat(&s, "x").status, 200);
    assert_eq!((s.state().used, s.state().credits), (2, Some(0.0)));
    assert_eq!(chat(&s, "x").status, 402);
    assert_eq!(s.state().used, 2);
    s.set_credits(Some(5.0));
    assert_eq!(chat(&s, "x").status, 200);
    let consumed = s.log().iter().filter(|e| e.consumed).count();
    assert_eq!(consumed, 3);
}

#[test]
fn the_order_of_checks_is_the_servers() {
    // Everything is wrong at once; one after the other is put right.
    let s = Sandbox::builder().limit(0).credits(Some(0.0)).frozen_at(NOW).start().unwrap();
    let invalid = json!({"model": "none"}).to_string();
    let mut unknown = chat_body("x");
    unknown["model"] = json!("none");
    let no_key = request(&s, "POST", "/v1/chat/completions", &invalid).replace("Bearer", "Basic");
    assert_eq!(send(&s, &no_key).unwrap().status, 401);
    assert_eq!(post(&s, &json!({"model": "none"})).unwrap().status, 422);
    assert_eq!(post(&s, &unknown).unwrap().status, 429);
    s.set_limit(1);
    assert_eq!(post(&s, &unknown).unwrap().status, 402);
    s.set_credits(None);
    assert_eq!(post(&s, &unknown).unwrap().status, 404);
    assert_eq!(chat(&s, "x").status, 200);
}

#[test]
fn headers_come_always_on_refusal_or_never() {
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let shown = |reply: &Reply| -> Vec<Option<u64>> {
        names.map(|n| reply.header(n).map(|v| v.parse().unwrap())).to_vec()
    };
    let none = vec![None; 3];
    let end = 1_741_305_600;
    for (behaviour, reset) in
        [(Behaviour::Guide, end), (Behaviour::Pages, end), (Behaviour::Server, NOW.as_secs() + 60)]
    {
        let start = |mode| {
            Sandbox::builder()
                .behaviour(behaviour)
                .limit(2)
                .frozen_at(NOW)
                .rate_limit_headers(mode)
                .start()
                .unwrap()
        };
        let s = start(RateLimitHeaders::Always);
        assert_eq!(shown(&chat(&s, "x")), [Some(2), Some(1), Some(reset)]);
        assert_eq!(shown(&stream(&s, "x")), [Some(2), Some(0), Some(reset)]);
        assert_eq!(shown(&chat(&s, "x")), [Some(2), Some(0), Some(reset)]);
        assert_eq!(shown(&post(&s, &json!({})).unwrap()), [Some(2), Some(0), Some(reset)]);

        let s = start(RateLimitHeaders::OnRefusal);
        assert_eq!(shown(&chat(&s, "x")), none);
        assert_eq!(shown(&chat(&s, "x")), none);
        assert_eq!(shown(&chat(&s, "x")), [Some(2), Some(0), Some(reset)]);
        let refused = stream(&s, "x");
        assert_eq!(shown(&refused) == none, behaviour == Behaviour::Server);

        let s = start(RateLimitHeaders::Never);
        s.set_limit(0);
        let refused = chat(&s, "x");
        assert_eq!((refused.status, shown(&refused)), (429, none.clone()));
    }
}

#[test]
fn the_variant_with_headers_alone() {
    let s = Sandbox::builder().limit(0).body_hint(false).start().unwrap();
    let refused = chat(&s, "x");
    assert_eq!(refused.status, 429);
    assert!(refused.json().get("retry_after").is_none());
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
}

#[test]
fn the_clock_offset_shows_in_date_and_windows() {
    let s = Sandbox::builder().clock_offset(-86_400.0).start().unwrap();
    let reply = chat(&s, "x");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let date = httpdate::parse_http_date(reply.header("date").unwrap()).unwrap();
    let date = date.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 86_400.0 - date).abs() < 60.0);
    let entry = &s.log()[0];
    assert!((entry.time - now).abs() < 60.0);
    assert!((entry.server_time - date).abs() < 60.0);
    assert!(entry.window.abs_diff((date / 60.0) as u64) <= 1);
}

#[test]
fn tiers_and_fractional_windows() {
    for (tier, limit) in
        [(Tier::Basic, 10), (Tier::Starter, 10), (Tier::Pro, 30), (Tier::Enterprise, 60)]
    {
        assert_eq!(tier.name().parse(), Ok(tier));
        let s = Sandbox::builder().tier(tier).start().unwrap();
        assert_eq!(s.state().limit, limit);
    }
    assert_eq!(Sandbox::builder().start().unwrap().state().limit, 20);
    let s = Sandbox::builder()
        .window(Duration::from_millis(1500))
        .frozen_at(Duration::from_millis(4499))
        .limit(1)
        .start()
        .unwrap();
    assert_eq!(chat(&s, "x").status, 200);
    assert_eq!(chat(&s, "x").status, 429);
    s.advance_clock(0.001);
    assert_eq!(chat(&s, "x").status, 200);
    assert_eq!(chat(&s, "x").json()["retry_after"], 2);
    assert_eq!(s.state().window, 3);
}

#[test]
fn no_burst_slips_past_unless_the_gap_is_there() {
    let burst = |gap: Duration| {
        let s = Sandbox::builder().limit(1).frozen_at(NOW).quota_gap(gap).start().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| chat(&s, "x"));
            }
        });
        s.log().iter().filter(|e| e.consumed).count()
    };
    assert_eq!(burst(Duration::ZERO), 1);
    // All eight arrive within the gap, unless the machine stalls for longer than it.
    assert!(burst(Duration::from_secs(2)) > 1);
}
