//! What else is in use to share a limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::scenario;
use super::world::{Outcome, PROVIDER, STORE, Scenario};

const MINUTE: u64 = 60_000;

/// Each process has its part of the limit, and knows the provider's clock: no server is asked.
pub(super) fn split(scenario: &Scenario) -> Outcome {
    let count = scenario.jobs.len() as u32;
    let part = Scenario { limit: (scenario.limit / count).max(1), ..scenario.clone() };
    let each = scenario
        .jobs
        .iter()
        .map(|jobs| scenario::perfect(&Scenario { jobs: vec![jobs.clone()], ..part.clone() }));
    let took = each.max().unwrap_or_default();
    Outcome { done: scenario.jobs.iter().map(Vec::len).sum(), took, ..Outcome::default() }
}

/// A counter a minute of the server's clock (`INCR`, as many gateways have it): who is above the limit waits for
/// the next minute and asks again, and so does who was refused, when the refusal says.
pub(super) fn counter(scenario: &Scenario) -> Outcome {
    let mut outcome = Outcome::default();
    let millis = |time: Duration| time.as_millis() as u64;
    let (store, provider) = (millis(STORE), millis(PROVIDER));
    let (mut counted, mut admitted) = (BTreeMap::<u64, u32>::new(), BTreeMap::<u64, u32>::new());
    let jobs = scenario.jobs.iter().flatten().copied().map(millis);
    let mut asks: BinaryHeap<_> = jobs.map(Reverse).collect();
    while let Some(Reverse(now)) = asks.pop() {
        outcome.round_trips += 1;
        let used = counted.entry((store + now) / MINUTE).or_default();
        *used += 1;
        if *used > scenario.limit {
            asks.push(Reverse(now + MINUTE - (store + now) % MINUTE));
            continue;
        }
        let window = (provider + now) / MINUTE;
        *outcome.arrived.entry(window).or_default() += 1;
        let used = admitted.entry(window).or_default();
        if *used >= scenario.limit {
            outcome.refused += 1;
            asks.push(Reverse(now + MINUTE - (provider + now) % MINUTE));
            continue;
        }
        *used += 1;
        outcome.done += 1;
        outcome.took = outcome.took.max(Duration::from_millis(now + 750));
    }
    outcome
}
