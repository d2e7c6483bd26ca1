//! The policies that are compared, by name.

use std::time::Duration;

use super::aws::{Adaptive, Standard};
use super::baseline::{
    Baseline, Guide, LiteLlm, NoRetry, OpenAi, Pace, Rules, Tenacity, ThreeRetries,
};
use super::budgets::{GrpcThrottling, TowerBudget};
use super::driver::Driver;
use super::oracle::{Knowledge, Oracle};
use super::resayil::{Resayil, Shared};
use super::scenario::Scenario;
use super::world;

/// Name and what it is.
pub(crate) const ALL: &[(&str, &str)] = &[
    (
        "oracle",
        "a perfect scheduler in the order of arrival, which knows the server's clock, counter and troubles and what answers will take, and keeps the limits",
    ),
    ("resayil", "this project's defaults"),
    ("none", "no retries"),
    ("retries-3", "three retries, exponential"),
    ("openai", "OpenAI's SDK, two retries"),
    ("openai-10", "OpenAI's SDK, ten retries"),
    ("guide", "the loop of the LLM Resayil guide"),
    ("pace80", "pacing at 80 % of the quota"),
    ("pace100", "pacing at all of the quota, with a burst of a window"),
    ("tenacity", "tenacity's random exponential wait, six attempts"),
    ("litellm", "LiteLLM's router with one deployment"),
    ("aws-standard", "the AWS SDKs, mode standard"),
    ("aws-adaptive", "the AWS SDKs, mode adaptive"),
    ("grpc", "gRPC's retry throttling"),
    ("tower", "tower's retry budget"),
];

/// One policy for each process of the scenario; `None` for an unknown name.
pub(crate) fn drivers(name: &str, scenario: &Scenario, seed: u64) -> Option<Vec<Box<dyn Driver>>> {
    let processes = scenario.processes.len();
    if name == "oracle" {
        let known = Knowledge::new(scenario, world::epoch(seed));
        let oracle = |process| boxed(Oracle::new(known.clone(), process));
        return Some((0..processes).map(oracle).collect());
    }
    let limit = scenario.server.request_limit();
    let shared = Shared::default();
    let make = |process: usize| -> Option<Box<dyn Driver>> {
        let seed = (seed << 16) + process as u64;
        Some(match name {
            "resayil" => boxed(resayil(scenario, process, seed, &shared)),
            "none" => baseline(NoRetry, seed),
            "retries-3" => baseline(ThreeRetries, seed),
            "openai" => baseline(OpenAi { max_retries: 2 }, seed),
            "openai-10" => baseline(OpenAi { max_retries: 10 }, seed),
            "guide" => baseline(Guide, seed),
            "pace80" | "pace100" => match limit {
                Some(limit) if name == "pace80" => {
                    baseline(Pace::new(limit, 0.8, 1, processes), seed)
                }
                Some(limit) => baseline(Pace::new(limit, 1.0, limit.0, processes), seed),
                None => baseline(Guide, seed),
            },
            "tenacity" => baseline(Tenacity, seed),
            "litellm" => baseline(LiteLlm, seed),
            "aws-standard" => baseline(Standard::new(), seed),
            "aws-adaptive" => baseline(Adaptive::new(), seed),
            "grpc" => baseline(GrpcThrottling::new(), seed),
            "tower" => baseline(TowerBudget::new(), seed),
            _ => return None,
        })
    };
    (0..processes).map(make).collect()
}

fn resayil(scenario: &Scenario, process: usize, seed: u64, shared: &Shared) -> Resayil {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x736b_6577);
    // A clock that is kept by NTP, or one that is not.
    let error = Duration::from_millis(random.u64(0..50)) + scenario.skew;
    let epoch = world::epoch(seed >> 16);
    let wall = if random.bool() { epoch + error } else { epoch - error };
    let shared = scenario.shares.then_some(shared);
    Resayil::new(scenario, wall, scenario.processes[process].starts, seed, shared)
}

fn baseline<R: Rules + 'static>(rules: R, seed: u64) -> Box<dyn Driver> {
    boxed(Baseline::new(rules, seed))
}

fn boxed<D: Driver + 'static>(driver: D) -> Box<dyn Driver> {
    Box::new(driver)
}
