//! The scenarios: a server, processes and their jobs.

use std::time::Duration;

use super::answer::LimitHeaders;
use super::limiter::Rule;
use super::server::ServerOptions;

const MINUTE: Duration = Duration::from_secs(60);
/// Requests a minute of the highest tier of LLM Resayil.
const LIMIT: u32 = 60;

/// One process and its jobs.
#[derive(Clone, Debug)]
pub(crate) struct ProcessPlan {
    /// When it starts.
    pub(crate) starts: Duration,
    pub(crate) jobs: usize,
    pub(crate) load: Load,
}

/// When jobs begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// So many workers, each of which takes the next job when it is done with the last.
    Workers(usize),
    /// Whatever becomes of the others, with random gaps of this mean.
    Arrivals(Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) server: ServerOptions,
    pub(crate) processes: Vec<ProcessPlan>,
    /// The limit, if the clients are told it beforehand.
    pub(crate) tier: Option<u32>,
    /// Whether the processes share what they know of the quota.
    pub(crate) shares: bool,
    /// How wrong the clients' clocks are.
    pub(crate) skew: Duration,
    /// The time for one attempt.
    pub(crate) attempt_timeout: Duration,
    /// The jobs that begin in this time are what the amplification is about.
    pub(crate) trouble: Option<(Duration, Duration)>,
}

/// All scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    let gateway = ServerOptions::new(Rule::Fixed { limit: LIMIT, window: MINUTE });
    let one = || workers(&[(0, 600)]);
    let four = || workers(&[(0, 150), (0, 150), (0, 150), (0, 150)]);
    let outage = (MINUTE, 2 * MINUTE);
    let changes = Duration::from_secs(200);
    let clients = |minutes: usize| arrivals(200, minutes * 10, MINUTE / 10);
    let with = |change: &dyn Fn(&mut ServerOptions)| {
        let mut server = gateway.clone();
        change(&mut server);
        server
    };
    let open = |change: &dyn Fn(&mut ServerOptions)| {
        let mut server = ServerOptions::new(Rule::Unlimited);
        change(&mut server);
        server
    };
    vec![
        scenario("gateway-m1", "one process, the limit is unknown", gateway.clone(), one()),
        Scenario {
            tier: Some(LIMIT),
            ..scenario("gateway-m1-tier", "one process, the limit is known", gateway.clone(), one())
        },
        scenario("gateway-m4", "four processes that share nothing", gateway.clone(), four()),
        Scenario {
            tier: Some(LIMIT),
            shares: true,
            ..scenario(
                "host-m4",
                "four processes that share a file, the limit is known",
                gateway.clone(),
                four(),
            )
        },
        scenario(
            "headers-m4",
            "four processes, every answer tells what remains",
            with(&|server| server.headers = LimitHeaders::Always),
            four(),
        ),
        scenario(
            "rolling-m1",
            "a rolling window",
            with(&|server| server.rule = Rule::Rolling { limit: LIMIT, window: MINUTE }),
            one(),
        ),
        scenario(
            "bucket-m1",
            "a token bucket",
            with(&|server| server.rule = Rule::Bucket { capacity: LIMIT, refill: MINUTE }),
            one(),
        ),
        scenario(
            "streams-m1",
            "refusals tell neither a wait nor a limit",
            with(&|server| {
                server.headers = LimitHeaders::Never;
                server.body_hint = false;
            }),
            one(),
        ),
        Scenario {
            skew: MINUTE / 2,
            ..scenario("skew-m1", "the client's clock is 30 s wrong", gateway.clone(), one())
        },
        scenario(
            "join-leave-m4",
            "processes come and go",
            gateway.clone(),
            workers(&[(0, 220), (0, 140), (100, 120), (190, 120)]),
        ),
        scenario(
            "limit-raised-m1",
            "the limit is raised from 30 to 60 after 200 s; it is told on refusals",
            with(&|server| {
                server.rule = Rule::Fixed { limit: LIMIT / 2, window: MINUTE };
                server.limit_change = Some((changes, LIMIT));
            }),
            one(),
        ),
        scenario(
            "limit-cut-m1",
            "the limit is cut from 60 to 30 after 200 s; it is told on refusals",
            with(&|server| server.limit_change = Some((changes, LIMIT / 2))),
            one(),
        ),
        Scenario {
            trouble: Some(outage),
            ..scenario(
                "outage-500",
                "200 clients, every request fails for 60 s",
                open(&|server| server.outage = Some(outage)),
                clients(4),
            )
        },
        Scenario {
            trouble: Some(outage),
            ..scenario(
                "outage-hang",
                "200 clients, no answers for 60 s, then little capacity",
                open(&|server| {
                    server.hang = Some(outage);
                    server.capacity = Some(60);
                }),
                clients(8),
            )
        },
        scenario(
            "flaky-2pct",
            "2 % of requests fail; 500 calls a minute",
            open(&|server| server.faults = 0.02),
            arrivals(1, 10_000, MINUTE / 500),
        ),
        scenario(
            "flaky-2pct-slow",
            "2 % of requests fail; 20 clients with 5 calls a minute",
            open(&|server| server.faults = 0.02),
            arrivals(20, 500, MINUTE / 5),
        ),
    ]
}

fn scenario(
    name: &'static str,
    about: &'static str,
    server: ServerOptions,
    processes: Vec<ProcessPlan>,
) -> Scenario {
    Scenario {
        name,
        about,
        server,
        processes,
        tier: None,
        shares: false,
        skew: Duration::ZERO,
        attempt_timeout: MINUTE / 2,
        trouble: None,
    }
}

/// Processes of 16 workers: when each starts, in seconds, and its jobs.
fn workers(processes: &[(u64, usize)]) -> Vec<ProcessPlan> {
    let plan = |&(starts, jobs): &(u64, usize)| ProcessPlan {
        starts: Duration::from_secs(starts),
        jobs,
        load: Load::Workers(16),
    };
    processes.iter().map(plan).collect()
}

/// Processes whose jobs arrive at random.
fn arrivals(processes: usize, jobs: usize, gap: Duration) -> Vec<ProcessPlan> {
    vec![ProcessPlan { starts: Duration::ZERO, jobs, load: Load::Arrivals(gap) }; processes]
}
