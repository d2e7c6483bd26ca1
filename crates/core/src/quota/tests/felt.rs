//! Servers that refuse and tell nothing.

use std::collections::VecDeque;

use super::*;
use crate::error::{HintSource, RateLimit};

/// What happened in a run.
#[derive(Debug, Default)]
struct Course {
    answered: u64,
    /// When each request was refused.
    refused: Vec<Duration>,
    /// When the last one was answered.
    end: Duration,
}

/// Who calls, and how long the server takes.
struct Callers {
    /// So many ask at once.
    count: u64,
    /// How long an answer takes, and a refusal.
    answers: Duration,
    refusals: Duration,
    /// What a refusal tells to wait at a time.
    hint: fn(Duration) -> Option<Duration>,
    /// The limit that its headers tell.
    limit: Option<u64>,
}

/// Sixteen callers with so many requests in all, against a server that says which it admits; each answer
/// takes half a second and each refusal 40 ms.
fn run(jobs: u64, admits: impl FnMut(Duration, usize) -> bool) -> Course {
    let (answers, refusals) = (millis(500), millis(40));
    run_by(jobs, &Callers { count: 16, answers, refusals, hint: |_| None, limit: None }, admits)
}

fn run_by(jobs: u64, callers: &Callers, mut admits: impl FnMut(Duration, usize) -> bool) -> Course {
    let wall = Timestamp::from_unix_seconds(1_760_000_040 + 20);
    let quota = Quota::new(QuotaOptions::default().with_window(None), wall, Duration::ZERO);
    let mut course = Course::default();
    let mut waiting: VecDeque<Ticket> = (0..callers.count).map(|_| quota.enter()).collect();
    let mut begun = callers.count;
    let mut under_way: Vec<(Duration, bool, Ticket)> = Vec::new();
    let mut now = Duration::ZERO;
    while course.answered < jobs {
        now += millis(10);
        assert!(now < 1000 * SECOND, "{course:?}");
        while let Some(index) = under_way.iter().position(|(at, ..)| *at <= now) {
            let (_, good, ticket) = under_way.remove(index);
            let date = Some(Timestamp::from_unix_seconds((wall + now).unix_micros() / 1_000_000));
            let place = ticket.place();
            let settlement = Settlement {
                refused: !good,
                consumed: Some(good),
                date,
                retry_after: if good { None } else { (callers.hint)(now) },
                // As some do: as if a window began now.
                rate_limit: callers.limit.filter(|_| !good).map(|limit| {
                    RateLimit::new(Some(limit), Some(0), Some(Duration::from_secs(3)))
                }),
                retry_after_source: (!good).then_some(HintSource::Body),
                ..Settlement::default()
            };
            ticket.settle(&settlement, now);
            if good {
                course.answered += 1;
                course.end = now;
                if begun < jobs {
                    begun += 1;
                    waiting.push_back(quota.enter());
                }
            } else {
                course.refused.push(now);
                waiting.push_front(quota.enter_with(&EnterOptions::default().with_place(place)));
            }
        }
        let mut rest = VecDeque::new();
        for mut ticket in std::mem::take(&mut waiting) {
            if ticket.poll(now) != Admission::Ready {
                rest.push_back(ticket);
                continue;
            }
            let in_flight = under_way.iter().filter(|(_, good, _)| *good).count();
            let good = admits(now, in_flight);
            let takes = if good { callers.answers } else { callers.refusals };
            under_way.push((now + takes, good, ticket));
        }
        waiting = rest;
    }
    course
}

/// A server that admits so many in each minute, which begins at this second.
fn minute(limit: u32, begins: u64) -> impl FnMut(Duration, usize) -> bool {
    let mut window = (0, 0);
    move |now, _| {
        let number = (now.as_secs() + 60 - begins) / 60;
        window = if window.0 == number { (number, window.1 + 1) } else { (number, 1) };
        window.1 <= limit
    }
}

fn later_than(course: &Course, seconds: u64) -> usize {
    course.refused.iter().filter(|at| **at > Duration::from_secs(seconds)).count()
}

#[test]
fn windows_are_found_and_used_up() {
    // The minute of the server's clock ends after 40 s; the other begins with no such minute.
    for begins in [40, 17] {
        let course = run(100, minute(20, begins));
        let windows = Duration::from_secs(begins + 3 * 60);
        assert!(course.end < windows + 20 * SECOND, "{begins}: {course:?}");
        assert!(course.refused.len() <= 16, "{begins}: {course:?}");
        assert!(later_than(&course, begins + 60) <= 6, "{begins}: {course:?}");
    }
}

#[test]
fn a_bucket_is_paced() {
    let mut level = 20.0;
    let mut last = Duration::ZERO;
    let course = run(80, |now, _| {
        level = f64::min(20.0, level + (now - last).as_secs_f64() / 1.5);
        last = now;
        let good = level >= 1.0;
        level -= f64::from(u8::from(good));
        good
    });
    assert!(course.end.as_secs_f64() < 60.0 * 1.5 * 1.08, "{course:?}");
    assert!(course.refused.len() <= 16, "{course:?}");
    assert!(later_than(&course, 60) <= 2, "{course:?}");
}

#[test]
fn a_limit_of_concurrency_is_kept() {
    let course = run(200, |_, in_flight| in_flight < 4);
    assert!(course.end.as_secs_f64() < 25.0 * 1.1, "{course:?}");
    assert!(course.refused.len() <= 8, "{course:?}");
}

/// Hundred at once, as an async program gathers them, where answers come fast.
const GATHERED: Callers =
    Callers { count: 100, answers: millis(20), refusals: millis(20), hint: |_| None, limit: None };

/// A server that admits twenty in each window of so many seconds that begins after half of one.
fn windows(seconds: u64) -> impl FnMut(Duration, usize) -> bool {
    let mut window = (0, 0);
    move |now, _| {
        let number = (now + millis(500)).as_secs() / seconds;
        window = if window.0 == number { (number, window.1 + 1) } else { (number, 1) };
        window.1 <= 20
    }
}

/// What it tells to wait, rounded up to whole seconds.
fn until_window(now: Duration, seconds: u64) -> Option<Duration> {
    let into = (now + millis(500)).as_millis() as u64 % (seconds * 1000);
    Some(Duration::from_secs((seconds * 1000 - into).div_ceil(1000)))
}

#[test]
fn a_short_window_is_found_by_the_waits_that_are_told() {
    let three = Callers { hint: |now| until_window(now, 3), ..GATHERED };
    let course = run_by(100, &three, windows(3));
    assert!(course.end < 15 * SECOND, "{course:?}");
    assert!(course.refused.len() <= 5, "{course:?}");
    let seven = Callers { hint: |now| until_window(now, 7), ..GATHERED };
    let course = run_by(100, &seven, windows(7));
    assert!(course.end < 30 * SECOND, "{course:?}");
    assert!(course.refused.len() <= 5, "{course:?}");
}

#[test]
fn a_wait_that_is_told_and_does_not_hold_says_nothing_of_windows() {
    let liar = Callers { hint: |_| Some(SECOND), ..GATHERED };
    let course = run_by(70, &liar, windows(60));
    assert!(course.end < 190 * SECOND, "{course:?}");
    assert!(later_than(&course, 130) <= 6, "{course:?}");
}

#[test]
fn where_only_refusals_tell_the_limit_few_are_refused() {
    let three = Callers { hint: |now| until_window(now, 3), limit: Some(20), ..GATHERED };
    let course = run_by(160, &three, windows(3));
    assert!(course.end < 27 * SECOND, "{course:?}");
    assert!(course.refused.len() <= 3, "{course:?}");
    let minute = Callers { hint: |now| until_window(now, 60), limit: Some(20), ..GATHERED };
    let course = run_by(110, &minute, windows(60));
    assert!(course.end < 310 * SECOND, "{course:?}");
    assert!(course.refused.len() <= 3, "{course:?}");
}
