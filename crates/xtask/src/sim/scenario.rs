//! The scenarios: a server, processes and their jobs.

mod quotas;
mod troubles;

use std::time::Duration;

use super::cost::HeavyTail;
use super::goal::Goal;
use super::server::ServerOptions;

const MINUTE: Duration = Duration::from_secs(60);

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

/// How long the model takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    /// About a second.
    Short,
    /// Some seconds, and for one in ten 30 to 300 s.
    LongTail,
}

/// One way through the network.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    /// 5 ms and a random bit more.
    Near,
    /// 80 to 200 ms.
    Far,
}

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) server: ServerOptions,
    pub(crate) processes: Vec<ProcessPlan>,
    /// The limit, if the clients are told it beforehand.
    pub(crate) tier: Option<u32>,
    /// The limit of tokens a minute, if they are told that.
    pub(crate) token_tier: Option<u64>,
    /// Whether the processes share what they know of the quota.
    pub(crate) shares: bool,
    /// How wrong the clients' clocks are.
    pub(crate) skew: Duration,
    /// The time for one attempt.
    pub(crate) attempt_timeout: Duration,
    /// The jobs that begin in this time are what the amplification is about.
    pub(crate) trouble: Option<(Duration, Duration)>,
    /// Whether nobody waits for the jobs: the policy is that of a batch.
    pub(crate) patient: bool,
    /// The jobs that begin before this are not held against anybody.
    pub(crate) warm_up: Duration,
    pub(crate) costs: Option<HeavyTail>,
    pub(crate) service: Service,
    pub(crate) network: Network,
    /// What has to be true of this project's policy.
    pub(crate) goals: Vec<Goal>,
}

/// All scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = quotas::all();
    all.extend(troubles::all());
    all
}

fn scenario(
    name: &'static str,
    about: &'static str,
    server: ServerOptions,
    processes: Vec<ProcessPlan>,
    goals: &[Goal],
) -> Scenario {
    Scenario {
        name,
        about,
        server,
        processes,
        tier: None,
        token_tier: None,
        shares: false,
        skew: Duration::ZERO,
        // As the client has it.
        attempt_timeout: 2 * MINUTE,
        trouble: None,
        patient: false,
        warm_up: Duration::ZERO,
        costs: None,
        service: Service::Short,
        network: Network::Near,
        goals: goals.to_vec(),
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

/// Processes of one job each, one after the other.
fn one_by_one(jobs: usize, gap: Duration) -> Vec<ProcessPlan> {
    let plan = |index: usize| ProcessPlan {
        starts: gap.mul_f64(index as f64),
        jobs: 1,
        load: Load::Workers(1),
    };
    (0..jobs).map(plan).collect()
}
