//! Processes that know nothing of each other and use one key.

use std::collections::VecDeque;

use super::*;
use crate::error::RateLimit;

/// How a server counts: in any minute, or in a bucket that is filled in a minute. 60 of both.
enum Server {
    Rolling(VecDeque<Duration>),
    Bucket { full_at: Duration },
}

const LIMIT: usize = 60;

impl Server {
    /// How long a request has to wait; `None` if it is admitted.
    fn receive(&mut self, now: Duration) -> Option<Duration> {
        match self {
            Server::Rolling(sent) => {
                while sent.front().is_some_and(|first| *first + 60 * SECOND <= now) {
                    sent.pop_front();
                }
                if let (LIMIT, Some(first)) = (sent.len(), sent.front()) {
                    return Some(*first + 60 * SECOND - now);
                }
                sent.push_back(now);
                None
            }
            Server::Bucket { full_at } => {
                let next = (*full_at).max(now) + SECOND;
                if next > now + 60 * SECOND {
                    return Some(next - 60 * SECOND - now);
                }
                *full_at = next;
                None
            }
        }
    }
}

/// Four quotas that always have something to send, for so long: how many requests were admitted and refused.
/// An answer takes a second, and a refusal 40 ms.
fn run(mut server: Server, time: Duration) -> (usize, usize) {
    // The minute of the server's clock ends after 37 s.
    let start = Timestamp::from_unix_seconds(1_760_000_003);
    let quota = || Quota::new(QuotaOptions::default(), start, Duration::ZERO);
    let quotas = [(); 4].map(|()| quota());
    let mut under_way: Vec<(Duration, Ticket, Settlement)> = Vec::new();
    let mut waiting = quotas.each_ref().map(Quota::enter);
    let (mut now, mut admitted, mut refusals) = (SECOND, 0, 0);
    // Each looks at times of its own.
    let mut step = 0;
    while now < time {
        now += millis(3 + step % 5);
        let index = step as usize % 4;
        step += 1;
        while let Some(at) = under_way.iter().position(|(due, ..)| *due <= now) {
            let (_, ticket, settlement) = under_way.swap_remove(at);
            ticket.settle(&settlement, now);
        }
        if waiting[index].poll(now) != Admission::Ready {
            continue;
        }
        let ticket = std::mem::replace(&mut waiting[index], quotas[index].enter());
        let date = Some(start + now);
        match server.receive(now) {
            Some(wait) => {
                refusals += 1;
                let whole = Duration::from_secs(wait.as_secs_f64().ceil() as u64);
                let told = RateLimit::new(Some(LIMIT as u64), Some(0), None);
                let settlement = Settlement { date, rate_limit: Some(told), ..refused(whole) };
                under_way.push((now + millis(40), ticket, settlement));
            }
            None => {
                admitted += 1;
                let settlement = Settlement { consumed: Some(true), date, ..Settlement::default() };
                under_way.push((now + SECOND, ticket, settlement));
            }
        }
    }
    (admitted, refusals)
}

#[test]
fn they_share_a_rolling_window_with_few_refusals() {
    let (admitted, refusals) = run(Server::Rolling(VecDeque::new()), 300 * SECOND);
    assert!(admitted >= 270, "{admitted}");
    assert!(refusals * 5 <= admitted, "{refusals} of {admitted}");
}

#[test]
fn they_share_a_bucket_with_few_refusals() {
    let server = Server::Bucket { full_at: Duration::ZERO };
    let (admitted, refusals) = run(server, 300 * SECOND);
    assert!(admitted >= 300, "{admitted}");
    assert!(refusals * 5 <= admitted, "{refusals} of {admitted}");
}
