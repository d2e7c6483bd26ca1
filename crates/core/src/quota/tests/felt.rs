//! Servers that refuse and tell nothing.

use std::collections::VecDeque;

use super::*;

/// What happened in a run.
#[derive(Debug, Default)]
struct Course {
    answered: u64,
    /// When each request was refused.
    refused: Vec<Duration>,
    /// When the last one was answered.
    end: Duration,
}

/// Sixteen callers with so many requests in all, against a server that says which it admits; each answer
/// takes half a second and each refusal 40 ms.
fn run(jobs: u64, mut admits: impl FnMut(Duration, usize) -> bool) -> Course {
    let wall = Timestamp::from_unix_seconds(1_760_000_040 + 20);
    let quota = Quota::new(QuotaOptions::default().with_window(None), wall, Duration::ZERO);
    let mut course = Course::default();
    let mut waiting: VecDeque<Ticket> = (0..16).map(|_| quota.enter()).collect();
    let mut begun = 16;
    let mut under_way: Vec<(Duration, bool, Ticket)> = Vec::new();
    let mut now = Duration::ZERO;
    while course.answered < jobs {
        now += millis(10);
        assert!(now < 1000 * SECOND, "{course:?}");
        while let Some(index) = under_way.iter().position(|(at, ..)| *at <= now) {
            let (_, good, ticket) = under_way.remove(index);
            let date = Some(Timestamp::from_unix_seconds((wall + now).unix_micros() / 1_000_000));
            let place = ticket.place();
            let settlement =
                Settlement { refused: !good, consumed: Some(good), date, ..Settlement::default() };
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
            let takes = if good { millis(500) } else { millis(40) };
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
