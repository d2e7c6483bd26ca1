//! What is simulated.

use std::time::Duration;

use super::world::Scenario;

const SECOND: Duration = Duration::from_secs(1);

/// The processes have so many jobs each, all at the beginning.
fn backlog(processes: usize, each: usize) -> Vec<Vec<Duration>> {
    vec![vec![Duration::ZERO; each]; processes]
}

/// Jobs come at random, so many a second in all, for this long.
fn steady(processes: usize, a_second: f64, time: Duration, seed: u64) -> Vec<Vec<Duration>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut jobs = vec![Vec::new(); processes];
    let mut at = Duration::ZERO;
    loop {
        at += Duration::from_secs_f64(-random.f64().max(1e-9).ln() / a_second);
        if at >= time {
            return jobs;
        }
        jobs[random.usize(..processes)].push(at);
    }
}

/// All scenarios, for so many processes.
pub(crate) fn all(processes: usize) -> Vec<Scenario> {
    let count = processes as u32;
    let plain = Scenario {
        name: "",
        about: "",
        jobs: Vec::new(),
        limit: count * 20,
        is_known: true,
        lost: None,
        fail_over: None,
        killed: Vec::new(),
        seed: 1,
    };
    let mut heavy = backlog(processes, 0);
    heavy[0] = vec![Duration::ZERO; processes * 100];
    for (index, light) in heavy.iter_mut().enumerate().skip(1) {
        // One job each 20 s.
        light.extend((0..12).map(|turn| SECOND * (turn * 20 + (index as u32 * 7) % 20)));
    }
    vec![
        Scenario {
            name: "backlog",
            about: "each process has 50 jobs, 20 a minute are there for each, known",
            jobs: backlog(processes, 50),
            ..plain.clone()
        },
        Scenario {
            name: "unknown",
            about: "the same, and nobody knows the limit",
            jobs: backlog(processes, 50),
            is_known: false,
            ..plain.clone()
        },
        Scenario {
            name: "light",
            about: "jobs come at random, 70 % of the limit for 5 minutes",
            jobs: steady(processes, f64::from(count * 20) / 60.0 * 0.7, SECOND * 300, 3),
            ..plain.clone()
        },
        Scenario {
            name: "scarce",
            about: "a job each, and a tenth of a request a minute for each process",
            jobs: backlog(processes, 1),
            limit: (count / 10).max(1),
            ..plain.clone()
        },
        Scenario {
            name: "lost",
            about: "jobs come at 95 % of the limit for 5 minutes, the store is lost for 30 s after 100 s",
            jobs: steady(processes, f64::from(count * 20) / 60.0 * 0.95, SECOND * 300, 5),
            lost: Some((SECOND * 100, SECOND * 130, false)),
            ..plain.clone()
        },
        Scenario {
            name: "lost-empty",
            about: "a backlog, the store is lost for 30 s after 55 s and comes back empty",
            jobs: backlog(processes, 80),
            lost: Some((SECOND * 55, SECOND * 85, true)),
            ..plain.clone()
        },
        Scenario {
            name: "fail-over",
            about: "jobs come at 95 % of the limit, after 100 s a fail-over forgets the last second",
            jobs: steady(processes, f64::from(count * 20) / 60.0 * 0.95, SECOND * 300, 7),
            fail_over: Some(SECOND * 100),
            ..plain.clone()
        },
        Scenario {
            name: "heavy",
            about: "one process has five minutes' work, the others a job each 20 s",
            jobs: heavy,
            ..plain.clone()
        },
        Scenario {
            name: "killed",
            about: "a backlog, a tenth of the processes are killed after 50 s",
            jobs: backlog(processes, 50),
            killed: (0..processes / 10).map(|index| (index * 10, SECOND * 50)).collect(),
            ..plain
        },
    ]
}

/// When a perfect scheduler has the last answer, about: it sends each job when it comes or when a window has room.
pub(crate) fn perfect(scenario: &Scenario) -> Duration {
    let mut times: Vec<_> = scenario.jobs.iter().flatten().copied().collect();
    times.sort_unstable();
    // Time zero is 20.37 s into a minute.
    let into = Duration::from_millis(20_370);
    let (mut window, mut used, mut last) = (0u64, 0, Duration::ZERO);
    for time in times {
        let own = (time + into).as_secs() / 60;
        if own > window {
            (window, used) = (own, 0);
        }
        if used == scenario.limit {
            (window, used) = (window + 1, 0);
        }
        used += 1;
        let begins = Duration::from_secs(window * 60).saturating_sub(into);
        last = last.max(time.max(begins));
    }
    last + Duration::from_millis(750)
}
