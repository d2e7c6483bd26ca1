//! Limits of every kind.

use std::time::Duration;

use super::{MINUTE, Network, ProcessPlan, Scenario, Service, arrivals, scenario, workers};
use crate::sim::answer::{Dialect, LimitHeaders};
use crate::sim::cost::{Charge, Counts, HeavyTail};
use crate::sim::goal::Goal::{
    Completion, CompletionP95, Lost, Over, Refused, RefusedFirst, RefusedLater, RefusedP95,
    RefusedShare,
};
use crate::sim::limiter::Rule;
use crate::sim::server::ServerOptions;

/// Requests a minute of the highest tier of LLM Resayil.
const LIMIT: u64 = 60;
/// Tokens a minute.
const TOKENS: u64 = 40_000;
const DAY: Duration = Duration::from_secs(86_400);

fn clock(limit: u64) -> Rule {
    Rule::Fixed { limit, window: MINUTE, offset: Duration::ZERO }
}

fn unaligned(limit: u64) -> Rule {
    Rule::Fixed { limit, window: MINUTE, offset: Duration::from_millis(22_700) }
}

fn rolling(limit: u64) -> Rule {
    Rule::Rolling { limit, window: MINUTE }
}

fn bucket(capacity: u64) -> Rule {
    Rule::Bucket { capacity, refill: MINUTE }
}

fn requests(rule: Rule) -> ServerOptions {
    ServerOptions::new(vec![(Counts::Requests, rule)])
}

/// Refusals are bare: no wait, no limit.
fn bare(mut server: ServerOptions) -> ServerOptions {
    (server.dialect, server.headers, server.hints) = (Dialect::Bare, LimitHeaders::Never, false);
    server
}

/// As OpenAI answers: headers always, hints.
fn openai(mut server: ServerOptions) -> ServerOptions {
    (server.dialect, server.headers) = (Dialect::OpenAi, LimitHeaders::Always);
    server
}

/// As Anthropic answers: all limits are in headers.
fn anthropic(mut server: ServerOptions) -> ServerOptions {
    (server.dialect, server.headers) = (Dialect::Anthropic, LimitHeaders::Always);
    server
}

fn one(jobs: usize) -> Vec<ProcessPlan> {
    workers(&[(0, jobs)])
}

fn four(jobs: usize) -> Vec<ProcessPlan> {
    workers(&[(0, jobs); 4])
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = of_the_clock();
    all.extend(of_other_kinds());
    all.extend(without_hints());
    all.extend(of_tokens());
    all
}

/// LLM Resayil and its like.
fn of_the_clock() -> Vec<Scenario> {
    let gateway = || requests(clock(LIMIT));
    let with = |change: &dyn Fn(&mut ServerOptions)| {
        let mut server = gateway();
        change(&mut server);
        server
    };
    let changes = Duration::from_secs(200);
    let as_today = [Lost(0.0), Refused(2.0), RefusedLater(0.0), Completion(1.01)];
    let of_four = [Lost(0.0), RefusedLater(5.0), Completion(1.02)];
    let never = [Lost(0.0), Refused(0.0), Completion(1.005)];
    vec![
        scenario("gateway-m1", "one process, the limit is unknown", gateway(), one(600), &as_today),
        Scenario {
            tier: Some(LIMIT as u32),
            ..scenario(
                "gateway-m1-tier",
                "one process, the limit is known",
                gateway(),
                one(600),
                &never,
            )
        },
        Scenario {
            network: Network::Far,
            ..scenario(
                "gateway-m1-far",
                "one process, 80 to 200 ms each way through the network",
                gateway(),
                one(600),
                &[Lost(0.0), RefusedP95(2.0), CompletionP95(1.02)],
            )
        },
        scenario(
            "gateway-m1-odd",
            "one process, the last window is not full",
            gateway(),
            one(630),
            &as_today,
        ),
        scenario("gateway-m4", "four processes that share nothing", gateway(), four(150), &of_four),
        Scenario {
            tier: Some(LIMIT as u32),
            shares: true,
            ..scenario(
                "host-m4",
                "four processes that share a file, the limit is known",
                gateway(),
                four(150),
                &never,
            )
        },
        Scenario {
            tier: Some(LIMIT as u32),
            shares: true,
            network: Network::Far,
            ..scenario(
                "host-m4-far",
                "the same, 80 to 200 ms each way through the network",
                gateway(),
                four(150),
                &[Lost(0.0), RefusedP95(2.0), CompletionP95(1.02)],
            )
        },
        scenario(
            "headers-m4",
            "four processes, every answer tells what remains",
            with(&|server| server.headers = LimitHeaders::Always),
            four(150),
            &[Lost(0.0), RefusedShare(0.01), Completion(1.02)],
        ),
        scenario(
            "streams-m1",
            "refusals tell neither a wait nor a limit",
            with(&|server| (server.headers, server.hints) = (LimitHeaders::Never, false)),
            one(600),
            &as_today,
        ),
        Scenario {
            skew: MINUTE / 2,
            ..scenario(
                "skew-m1",
                "the client's clock is 30 s wrong",
                gateway(),
                one(600),
                &as_today,
            )
        },
        scenario(
            "join-leave-m4",
            "processes come and go",
            gateway(),
            workers(&[(0, 220), (0, 140), (100, 120), (190, 120)]),
            &of_four,
        ),
        scenario(
            "fleet-64",
            "64 processes that share nothing",
            gateway(),
            workers(&[(0, 9); 64]),
            &[Lost(0.0)],
        ),
        scenario(
            "limit-raised-m1",
            "the limit is raised from 30 to 60 after 200 s; it is told on refusals",
            with(&|server| {
                server.limits = vec![(Counts::Requests, clock(LIMIT / 2))];
                server.limit_change = Some((changes, LIMIT));
            }),
            one(600),
            &[Lost(0.0)],
        ),
        scenario(
            "limit-cut-m1",
            "the limit is cut from 60 to 30 after 200 s; it is told on refusals",
            with(&|server| server.limit_change = Some((changes, LIMIT / 2))),
            one(600),
            &[Lost(0.0), Refused(3.0), Completion(1.01)],
        ),
        scenario(
            "faults-m1",
            "one process, and 5 % of requests fail",
            with(&|server| server.faults = 0.05),
            one(600),
            &[Lost(0.0), Refused(3.0), Completion(1.02)],
        ),
        Scenario {
            service: Service::LongTail,
            attempt_timeout: 10 * MINUTE,
            ..scenario(
                "long-tail-m1",
                "one process of 16 workers; one answer in ten takes 30 to 300 s",
                gateway(),
                one(600),
                &[Lost(0.0), Refused(2.0), Completion(1.02)],
            )
        },
        scenario(
            "poisson-50-m1",
            "calls at random, half as many as the limit",
            gateway(),
            arrivals(1, 300, 2 * MINUTE / LIMIT as u32),
            &[Lost(0.0), Refused(2.0), Completion(1.01)],
        ),
        scenario(
            "poisson-100-m1",
            "calls at random, as many as the limit",
            gateway(),
            arrivals(1, 600, MINUTE / LIMIT as u32),
            &[Lost(0.0), Refused(2.0), Completion(1.02)],
        ),
    ]
}

/// Windows that are not those of the clock, and buckets.
fn of_other_kinds() -> Vec<Scenario> {
    let of_one = [Lost(0.0), Refused(2.0), Completion(1.02)];
    let of_four = [Lost(0.0), RefusedShare(0.1), Completion(1.1)];
    vec![
        scenario("rolling-m1", "a rolling window", requests(rolling(LIMIT)), one(600), &of_one),
        scenario("bucket-m1", "a token bucket", requests(bucket(LIMIT)), one(600), &of_one),
        scenario(
            "unaligned-m1",
            "windows that begin 22.7 s after the minute",
            requests(unaligned(LIMIT)),
            one(600),
            &of_one,
        ),
        scenario(
            "rolling-m4",
            "a rolling window, four processes that share nothing",
            requests(rolling(LIMIT)),
            four(45),
            &of_four,
        ),
        scenario(
            "bucket-m4",
            "a token bucket, four processes that share nothing",
            requests(bucket(LIMIT)),
            four(45),
            &of_four,
        ),
        scenario(
            "unaligned-m4",
            "windows that begin 22.7 s after the minute, four processes that share nothing",
            requests(unaligned(LIMIT)),
            four(150),
            &of_four,
        ),
        scenario(
            "openai-m1",
            "a token bucket, every answer tells what remains of it",
            openai(requests(bucket(LIMIT))),
            one(600),
            &of_one,
        ),
    ]
}

/// Refusals that tell nothing.
fn without_hints() -> Vec<Scenario> {
    let goals = [Lost(0.0), RefusedFirst(8.0), RefusedLater(2.0), Completion(1.1)];
    let mut at_once = ServerOptions::new(Vec::new());
    at_once.at_once = Some(4);
    let hintless = |name, about, rule| scenario(name, about, bare(requests(rule)), one(75), &goals);
    vec![
        hintless("hintless-m1", "30 in a minute of the clock, refusals are bare", clock(LIMIT / 2)),
        hintless(
            "hintless-unaligned-m1",
            "30 in a minute that begins 22.7 s after that of the clock, refusals are bare",
            unaligned(LIMIT / 2),
        ),
        hintless("hintless-rolling-m1", "30 in any minute, refusals are bare", rolling(LIMIT / 2)),
        hintless(
            "hintless-bucket-m1",
            "a token bucket of 30, refusals are bare",
            bucket(LIMIT / 2),
        ),
        scenario(
            "hintless-m4",
            "30 in a minute of the clock, refusals are bare, four processes that share nothing",
            bare(requests(clock(LIMIT / 2))),
            four(20),
            &[Lost(0.0)],
        ),
        scenario(
            "at-once-m1",
            "4 requests at once, others are refused; refusals are bare",
            bare(at_once.clone()),
            one(150),
            &goals,
        ),
        Scenario {
            service: Service::LongTail,
            attempt_timeout: 10 * MINUTE,
            ..scenario(
                "at-once-long-m1",
                "the same, and one answer in ten takes 30 to 300 s",
                bare(at_once.clone()),
                one(150),
                &goals,
            )
        },
        scenario(
            "at-once-m4",
            "4 requests at once, four processes that share nothing",
            bare(at_once),
            four(40),
            &[Lost(0.0)],
        ),
    ]
}

/// Tokens, and several limits at once.
fn of_tokens() -> Vec<Scenario> {
    let tokens = |rule| ServerOptions::new(vec![(Counts::Tokens, rule)]);
    let by_headers = || openai(tokens(bucket(TOKENS)));
    let by_option = || {
        let mut server = tokens(clock(TOKENS));
        (server.headers, server.charge) = (LimitHeaders::Never, Charge::AtEnd);
        server
    };
    let goals =
        |share: f64| [Lost(0.0), RefusedShare(share), Completion(1.08), Over(f64::INFINITY)];
    let on_host = [Lost(0.0), RefusedShare(0.02), Completion(1.08), Over(0.02)];
    let names = Some(HeavyTail { names_max: true });
    let silent = Some(HeavyTail { names_max: false });
    let with = |it: Scenario| Scenario { costs: names, ..it };
    let told = |it: Scenario| Scenario { token_tier: Some(TOKENS), ..it };
    let several = |day| {
        openai(ServerOptions::new(vec![
            (Counts::Requests, bucket(LIMIT)),
            (Counts::Tokens, bucket(TOKENS)),
            (Counts::Requests, Rule::Fixed { limit: day, window: DAY, offset: Duration::ZERO }),
        ]))
    };
    vec![
        with(scenario(
            "tokens-m1",
            "a bucket of 40,000 tokens, which headers tell; heavy-tailed costs",
            by_headers(),
            one(150),
            &goals(0.02),
        )),
        with(scenario(
            "tokens-m4",
            "the same, four processes that share nothing",
            by_headers(),
            four(40),
            &goals(0.08),
        )),
        Scenario {
            shares: true,
            ..with(scenario(
                "tokens-host-m4",
                "the same, four processes that share a file",
                by_headers(),
                four(40),
                &on_host,
            ))
        },
        told(with(scenario(
            "tokens-window-m1",
            "40,000 tokens a minute of the clock, counted at the end; the limit is known",
            by_option(),
            one(150),
            &goals(0.02),
        ))),
        told(Scenario {
            costs: silent,
            ..scenario(
                "tokens-silent-m1",
                "the same, requests do not say how long the answer may be",
                by_option(),
                one(150),
                &goals(0.02),
            )
        }),
        told(with(scenario(
            "tokens-window-m4",
            "40,000 tokens a minute of the clock, four processes that share nothing",
            by_option(),
            four(40),
            &goals(0.08),
        ))),
        Scenario {
            shares: true,
            ..told(with(scenario(
                "tokens-window-host-m4",
                "the same, four processes that share a file",
                by_option(),
                four(40),
                &on_host,
            )))
        },
        with(scenario(
            "anthropic-m1",
            "buckets of requests, of input and of output tokens, which headers tell",
            anthropic(ServerOptions::new(vec![
                (Counts::Requests, bucket(LIMIT)),
                (Counts::Input, bucket(TOKENS / 2)),
                (Counts::Output, bucket(TOKENS / 3)),
            ])),
            one(150),
            &goals(0.02),
        )),
        with(scenario(
            "several-m1",
            "requests and tokens a minute, requests a day",
            several(320),
            one(320),
            &[Lost(0.0), RefusedShare(0.02), Completion(1.08)],
        )),
        with(scenario(
            "day-m1",
            "the same, and more jobs than the day admits",
            several(320),
            one(400),
            &[Lost(80.0), RefusedShare(0.02)],
        )),
    ]
}
