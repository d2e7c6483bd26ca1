//! Servers that fail.

use std::time::Duration;

use super::{MINUTE, Scenario, arrivals, one_by_one, scenario, workers};
use crate::sim::goal::Goal::{
    Amplification, Back, Lost, LostLate, LostShare, Recovery, SentInTrouble,
};
use crate::sim::server::ServerOptions;

const SECOND: Duration = Duration::from_secs(1);

fn open(change: &dyn Fn(&mut ServerOptions)) -> ServerOptions {
    let mut server = ServerOptions::new(Vec::new());
    change(&mut server);
    server
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = outages();
    all.extend(flaky());
    all
}

fn outages() -> Vec<Scenario> {
    let minute = (MINUTE, 2 * MINUTE);
    let short = (MINUTE, MINUTE + 20 * SECOND);
    let long = (MINUTE, MINUTE + 75 * SECOND);
    let clients = |minutes: usize| arrivals(200, minutes * 10, MINUTE / 10);
    let failing = |outage| open(&move |server| server.outage = Some(outage));
    let of_a_minute = |name, about, processes, goals: &[_]| Scenario {
        trouble: Some(minute),
        ..scenario(name, about, failing(minute), processes, goals)
    };
    vec![
        of_a_minute("outage-500", "200 clients, every request fails for 60 s", clients(4), &[]),
        Scenario {
            trouble: Some(minute),
            ..scenario(
                "outage-hang",
                "200 clients, no answers for 60 s, then little capacity",
                open(&|server| (server.hang, server.capacity) = (Some(minute), Some(60))),
                clients(8),
                &[Amplification(1.3), Recovery(104.0)],
            )
        },
        Scenario {
            trouble: Some(short),
            ..scenario(
                "outage-20",
                "one client of 1000 calls a minute, every request fails for 20 s",
                failing(short),
                arrivals(1, 4000, MINUTE / 1000),
                &[LostLate(0.03), SentInTrouble(1.15)],
            )
        },
        of_a_minute(
            "outage-60-300",
            "4 clients of 300 calls a minute, every request fails for 60 s",
            arrivals(4, 1200, MINUTE / 300),
            &[LostLate(0.03), SentInTrouble(1.1)],
        ),
        of_a_minute(
            "outage-60-60",
            "10 clients of 60 calls a minute, every request fails for 60 s",
            arrivals(10, 240, MINUTE / 60),
            &[LostLate(0.05), SentInTrouble(1.2)],
        ),
        of_a_minute(
            "outage-60-10",
            "40 clients of 10 calls a minute, every request fails for 60 s",
            arrivals(40, 40, MINUTE / 10),
            &[LostLate(0.2), SentInTrouble(1.85)],
        ),
        Scenario {
            shares: true,
            ..of_a_minute(
                "outage-60-processes",
                "a process for each of 60 calls a minute, on one host; every request fails for 60 s",
                one_by_one(240, SECOND),
                &[SentInTrouble(1.5)],
            )
        },
        Scenario {
            trouble: Some(long),
            patient: true,
            ..scenario(
                "outage-75-batch",
                "one process of 16 workers, every request is answered with a 503 for 75 s",
                open(&|server| (server.outage, server.outage_status) = (Some(long), 503)),
                workers(&[(0, 3000)]),
                &[Lost(0.0), Back(5.0)],
            )
        },
    ]
}

fn flaky() -> Vec<Scenario> {
    let failing =
        |share, only_500| open(&move |server| (server.faults, server.only_500) = (share, only_500));
    // What five free attempts lose, and half as much again.
    let mut all = vec![
        scenario(
            "flaky-2pct",
            "2 % of requests fail; 500 calls a minute",
            failing(0.02, false),
            arrivals(1, 10_000, MINUTE / 500),
            &[],
        ),
        scenario(
            "flaky-2pct-slow",
            "2 % of requests fail; 20 clients with 5 calls a minute",
            failing(0.02, false),
            arrivals(20, 500, MINUTE / 5),
            &[],
        ),
    ];
    for (name, about, share, rate) in [
        ("flaky-20pct", "20 % of requests fail; 10 clients with 60 calls a minute", 0.2, 60),
        ("flaky-30pct", "30 % of requests fail; 10 clients with 60 calls a minute", 0.3, 60),
        ("flaky-50pct", "50 % of requests fail; 10 clients with 60 calls a minute", 0.5, 60),
        ("flaky-20pct-slow", "20 % of requests fail; 20 clients with a call a minute", 0.2, 1),
        ("flaky-30pct-slow", "30 % of requests fail; 20 clients with a call a minute", 0.3, 1),
        ("flaky-50pct-slow", "50 % of requests fail; 20 clients with a call a minute", 0.5, 1),
    ] {
        let processes = match rate {
            1 => arrivals(20, 300, MINUTE),
            _ => arrivals(10, 1000, MINUTE / rate),
        };
        let goal = LostShare(1.5 * f64::powi(share, 5));
        all.push(Scenario {
            warm_up: MINUTE / rate * 30,
            ..scenario(name, about, failing(share, true), processes, &[goal])
        });
    }
    all
}
