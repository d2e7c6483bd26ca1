//! One quota for a fleet: real processes and a real server, with which all goes wrong that can.

mod common;
#[path = "../../core/src/quota/fleet/tests/redis.rs"]
mod redis;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, finished_log, wait};
use redis::{Answer, Redis, RedisServer};
use resayil::observe::{CallAction, Warning};
use resayil::quota::fleet::{FleetLoss, FleetOptions};
use resayil::quota::{Admission, Cost, QuotaOptions, Settlement};
use resayil::{ChatRequest, Client, FleetQuota, Kind, Policy, fleet_key, monotonic_now};
use resayil_sandbox::{LogEntry, Sandbox};

const WINDOW: Duration = Duration::from_secs(2);
const LIMIT: u32 = 20;
const KEY: &str = "sk_llmr_of_a_test";

/// This program once more, as a member that makes so many calls in four threads.
fn spawn(fleet: &str, sandbox: &Sandbox, limit: Option<u32>, name: &str, calls: u32) -> Child {
    let limit = limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("RESAYIL_TEST_FLEET", fleet)
        .env("RESAYIL_TEST_ARGUMENT", format!("{} {limit} {name} {calls}", sandbox.base_url()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// No test of its own: what the members do.
#[test]
fn child() {
    let Ok(fleet) = std::env::var("RESAYIL_TEST_FLEET") else { return };
    let argument = std::env::var("RESAYIL_TEST_ARGUMENT").unwrap();
    let [url, limit, name, count]: [&str; 4] =
        argument.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let warnings = std::sync::Arc::new(AtomicU32::new(0));
    let told = std::sync::Arc::clone(&warnings);
    let client = Client::builder()
        .base_url(url)
        .api_key(KEY)
        .policy(Policy::builder().deadline(2 * PATIENCE).build().unwrap())
        .quota_options(QuotaOptions::default().with_limit(limit.parse().ok()).with_window(WINDOW))
        .fleet(&fleet)
        .observer(move |event| {
            if event.action == CallAction::Warning(Warning::QuotaNotShared) {
                told.fetch_add(1, Ordering::Relaxed);
            }
        })
        .build()
        .unwrap();
    let count: usize = count.parse().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let client = &client;
            scope.spawn(move || {
                for index in (thread..count).step_by(4) {
                    let prompt = format!("{name} {index}");
                    client.chat(&ChatRequest::new("mistral").user(&prompt)).unwrap();
                }
            });
        }
    });
    let state = client.fleet().unwrap().state();
    eprintln!("{name}: {state:?}");
    assert!(warnings.load(Ordering::Relaxed) <= 1, "more than one warning");
}

fn sandbox() -> Sandbox {
    Sandbox::builder().api_key(KEY).limit(LIMIT).window(WINDOW).start().unwrap()
}

/// Each prompt of these was answered, once.
fn assert_all_answered(log: &[LogEntry], names: &[&str], calls: usize) {
    let mut answers = BTreeMap::<&str, u32>::new();
    for entry in log.iter().filter(|entry| entry.answered) {
        *answers.entry(entry.prompt.as_deref().unwrap()).or_default() += 1;
    }
    for name in names {
        for index in 0..calls {
            let prompt = format!("{name} {index}");
            assert_eq!(answers.get(prompt.as_str()), Some(&1), "{prompt}");
        }
    }
}

fn refused(log: &[LogEntry]) -> usize {
    log.iter().filter(|entry| entry.refused).count()
}

fn answered(sandbox: &Sandbox) -> usize {
    sandbox.log().iter().filter(|entry| entry.answered).count()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

#[test]
fn eight_processes_use_one_quota_and_none_is_refused() {
    let (server, sandbox) = (RedisServer::start(), sandbox());
    let start = Instant::now();
    let children = NAMES.map(|name| spawn(&server.url(), &sandbox, Some(LIMIT), name, 12));
    children.into_iter().for_each(wait);
    let (took, log) = (start.elapsed(), finished_log(&sandbox));
    assert_all_answered(&log, &NAMES, 12);
    // A request that this machine holds up for a quarter of a second on its way may fall into a window that is full.
    assert!(refused(&log) <= 2, "{} refused", refused(&log));
    // 96 in windows of 20: five of them, the first of which had begun.
    assert!(took >= 3 * WINDOW && took < 12 * WINDOW, "{took:?}");
    eprintln!("known limit: {} refused, {took:?}", refused(&log));
}

#[test]
fn a_limit_that_nobody_knows_is_found_by_all_together_though_some_are_killed() {
    let (server, sandbox) = (RedisServer::start(), sandbox());
    let children = NAMES.map(|name| spawn(&server.url(), &sandbox, None, name, 12));
    wait_until("nobody gets on", || answered(&sandbox) >= 25);
    let start = Instant::now();
    for (index, mut child) in children.into_iter().enumerate() {
        if index < 2 {
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            wait(child);
        }
    }
    let log = finished_log(&sandbox);
    assert_all_answered(&log, &NAMES[2..], 12);
    // Two when it is found, one when it is tried whether there is more, and what a busy machine delays.
    assert!(refused(&log) <= 4, "{} refused", refused(&log));
    eprintln!("unknown limit: {} refused, {:?}", refused(&log), start.elapsed());
}

#[test]
fn nothing_that_happens_to_the_server_stops_a_call() {
    let (mut server, sandbox) = (RedisServer::start(), sandbox());
    let calls = 40;
    let names = &NAMES[..4];
    let children: Vec<_> =
        names.iter().map(|name| spawn(&server.url(), &sandbox, Some(LIMIT), name, calls)).collect();
    let mut redis = server.connect();
    wait_until("nobody gets on", || answered(&sandbox) >= 20);
    redis.command(&["SCRIPT", "FLUSH"]);
    wait_until("nobody gets on without the script", || answered(&sandbox) >= 60);
    redis.command(&["DEBUG", "SLEEP", "0.6"]);
    wait_until("nobody gets on after a silence", || answered(&sandbox) >= 90);
    server.kill();
    wait_until("nobody gets on without the server", || answered(&sandbox) >= 120);
    server.restart();
    children.into_iter().for_each(wait);
    let log = finished_log(&sandbox);
    assert_all_answered(&log, names, calls as usize);
    // No more than one window's refusals.
    assert!(refused(&log) <= LIMIT as usize, "{} refused", refused(&log));
    eprintln!("a server in trouble: {} refused", refused(&log));
}

/// What a server's clock is ahead of this machine's, in seconds; it can be changed while the server runs.
struct Clock {
    folder: tempfile::TempDir,
}

impl Clock {
    /// Builds what goes between the server and its clock.
    fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock { folder };
        clock.set(0);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/clock.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", source, "-o"])
            .arg(clock.path("clock.so"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "no C compiler, or it failed");
        clock
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn server(&self) -> RedisServer {
        let (library, file) = (self.path("clock.so"), self.path("ahead"));
        RedisServer::start_in(&[], &[("LD_PRELOAD", &library), ("CLOCK_AHEAD", &file)])
    }

    fn set(&self, seconds: i64) {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path("ahead"));
        std::io::Write::write_all(file.as_mut().unwrap(), &seconds.to_ne_bytes()).unwrap();
    }
}

/// The server's own time, in seconds since 1970.
fn time_of(redis: &mut Redis) -> i64 {
    match redis.command(&["TIME"]) {
        Answer::List(list) => match &list[0] {
            Answer::Text(text) => text.parse().unwrap(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn steps_of_the_servers_clock_stop_no_call() {
    let (clock, sandbox) = (Clock::build(), sandbox());
    let server = clock.server();
    let mut redis = server.connect();
    let calls = 25;
    let names = &NAMES[..4];
    let children: Vec<_> =
        names.iter().map(|name| spawn(&server.url(), &sandbox, Some(LIMIT), name, calls)).collect();
    let before = time_of(&mut redis);
    wait_until("nobody gets on", || answered(&sandbox) >= 20);
    clock.set(-300);
    assert!(time_of(&mut redis) < before - 200, "the clock does not step");
    wait_until("nobody gets on when it went back", || answered(&sandbox) >= 50);
    clock.set(300);
    wait_until("nobody gets on when it went ahead", || answered(&sandbox) >= 80);
    children.into_iter().for_each(wait);
    let log = finished_log(&sandbox);
    assert_all_answered(&log, names, calls as usize);
    // No more than one window's refusals for each step.
    assert!(refused(&log) <= 2 * LIMIT as usize, "{} refused", refused(&log));
    eprintln!("a clock that steps: {} refused", refused(&log));
}

fn fleet(url: &str, limit: u32) -> FleetQuota {
    let hour = Duration::from_secs(3600);
    let quota = QuotaOptions::default().with_limit(limit).with_window(hour);
    FleetQuota::open(url, "http://test", KEY, &FleetOptions::default().with_quota(quota)).unwrap()
}

/// Waits for a place; says how long that took.
fn acquire(fleet: &FleetQuota) -> Duration {
    let start = monotonic_now();
    let (mut ticket, mut admission) = fleet.quota().acquire(start);
    let thread = std::thread::current();
    let waker = std::task::Waker::from(std::sync::Arc::new(Unpark(thread)));
    while let Admission::Wait(wait) = admission {
        assert!(monotonic_now() - start < PATIENCE);
        assert!(wait < PATIENCE, "{wait:?}");
        admission = ticket.poll_with(monotonic_now(), &waker);
        if admission != Admission::Ready {
            std::thread::park_timeout(Duration::from_millis(20));
            admission = ticket.poll_with(monotonic_now(), &waker);
        }
    }
    let took = monotonic_now() - start;
    ticket.settle(&Settlement::unknown(), monotonic_now());
    took
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn one_that_waits_costs_a_round_trip_and_many_share_one() {
    let server = RedisServer::start();
    let fleet = fleet(&server.url(), 1_000_000);
    let mut times: Vec<_> = (0..200).map(|_| acquire(&fleet)).collect();
    times.sort_unstable();
    let alone = fleet.state().round_trips;
    eprintln!("a call through the fleet: median {:?}, 9 of 10 {:?}", times[100], times[180]);
    assert!((200..=220).contains(&alone), "{alone}");
    assert!(times[100] < Duration::from_millis(20), "{:?}", times[100]);
    // 32 threads at once.
    std::thread::scope(|scope| {
        (0..32).for_each(|_| {
            scope.spawn(|| {
                (0..20).for_each(|_| {
                    acquire(&fleet);
                })
            });
        });
    });
    let shared = fleet.state().round_trips - alone;
    eprintln!("640 calls of 32 threads: {shared} round trips");
    assert!(shared <= 660, "{shared}");
    let used = |name: &str| {
        let hour = Some(Duration::from_secs(3600));
        let mut redis = server.connect();
        match redis.command(&["HGET", &fleet_key("http://test", KEY, hour), name]) {
            Answer::Text(text) => text.parse::<u64>().unwrap(),
            other => panic!("{other:?}"),
        }
    };
    // What was granted and not used was given back, or will be within a second.
    wait_until("what is not used is not given back", || {
        acquire(&fleet);
        let sent = fleet.quota().state(monotonic_now()).admitted;
        (sent..=sent + 1).contains(&used("u1"))
    });
    assert_eq!((used("m").max(used("n")), fleet.state().members), (1, 1));
    assert!(fleet.state().is_shared);
}

#[test]
fn a_server_or_proxy_that_knows_eval_alone_is_enough() {
    let forbidden = ["--rename-command", "EVALSHA", "", "--rename-command", "SCRIPT", ""];
    let server = RedisServer::start_with(&forbidden);
    let fleet = fleet(&server.url(), 1000);
    (0..5).for_each(|_| {
        acquire(&fleet);
    });
    assert!(fleet.state().is_shared);
    assert!(fleet.take_warning().is_none());
    assert_eq!(fleet.quota().state(monotonic_now()).remaining, Some(995));
}

#[test]
fn without_a_server_each_has_its_share_and_says_so_once() {
    let mut server = RedisServer::start();
    let (one, other) = (fleet(&server.url(), 4000), fleet(&server.url(), 4000));
    (0..10).for_each(|_| {
        acquire(&one);
    });
    (0..10).for_each(|_| {
        acquire(&other);
    });
    acquire(&one); // Now it knows of the other one.
    server.kill();
    let start = Instant::now();
    acquire(&one);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let state = one.quota().state(monotonic_now());
    // 3979 were left for two, and one is used.
    let left = state.remaining.unwrap();
    assert!((1985..=1989).contains(&left), "{state:?}");
    assert!(!one.state().is_shared);
    let warning = one.take_warning().unwrap();
    assert_eq!(warning.kind(), Kind::Configuration);
    assert!(warning.to_string().contains("goes on alone"), "{warning}");
    assert!(one.take_warning().is_none());
    // When it is back, empty, all that this process sent is counted there.
    server.restart();
    wait_until("it does not come back", || {
        acquire(&one);
        one.state().is_shared
    });
    acquire(&one);
    let sent = one.quota().state(monotonic_now()).admitted as u32;
    wait_until("what was sent is not counted", || {
        acquire(&one);
        let sent = one.quota().state(monotonic_now()).admitted as u32;
        one.quota().state(monotonic_now()).remaining.unwrap() <= 4000 - sent
    });
    assert!(sent >= 13, "{sent}");
}

#[test]
fn a_program_may_choose_to_send_nothing_alone() {
    let quota = QuotaOptions::default().with_limit(10);
    let options = FleetOptions::default().with_quota(quota).with_loss(FleetLoss::Closed);
    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://:secret@127.0.0.1:{port}");
    let fleet = FleetQuota::open(&url, "http://test", KEY, &options).unwrap();
    let (mut ticket, _) = fleet.quota().acquire(monotonic_now());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        assert!(matches!(ticket.poll(monotonic_now()), Admission::Wait(_)));
        std::thread::sleep(Duration::from_millis(10));
    }
    let warning = fleet.take_warning().unwrap().to_string();
    assert!(!format!("{warning} {fleet:?}").contains("secret"), "{warning}");
}

#[test]
fn tokens_are_shared_too_and_corrected() {
    let server = RedisServer::start();
    // Near the end of a window, what is reserved may count in the next one, too, and is not corrected there.
    let quota = QuotaOptions::default().with_limit(1000).with_token_limit(1000);
    let quota = quota.with_window(Duration::from_secs(3600));
    let options = FleetOptions::default().with_quota(quota);
    let open = || FleetQuota::open(&server.url(), "http://test", KEY, &options).unwrap();
    let (one, other) = (open(), open());
    let enter = |input: u64, output: u64| {
        let cost = Cost::default().with_input_tokens(input).with_output_tokens(output);
        resayil::quota::EnterOptions::default().with_cost(cost)
    };
    let ready = |fleet: &FleetQuota, input, output| {
        let start = Instant::now();
        let mut ticket = fleet.quota().enter_with(&enter(input, output));
        loop {
            match ticket.poll(monotonic_now()) {
                Admission::Ready => return Ok(ticket),
                Admission::Wait(wait) if wait > Duration::from_millis(300) => return Err(ticket),
                Admission::Wait(_) => std::thread::sleep(Duration::from_millis(1)),
            }
            assert!(start.elapsed() < PATIENCE);
        }
    };
    let first = ready(&one, 0, 900).ok().unwrap();
    let refused = ready(&other, 0, 200).err().unwrap();
    drop(refused);
    // It took far less, and that is known to the other one within some seconds.
    let mut settlement = Settlement::unknown();
    settlement.usage = Some(Cost::default().with_input_tokens(0).with_output_tokens(100));
    first.settle(&settlement, monotonic_now());
    let start = Instant::now();
    let window = monotonic_now();
    while ready(&other, 0, 200).is_err() {
        assert!(start.elapsed() < PATIENCE, "{:?}", monotonic_now() - window);
        std::thread::sleep(Duration::from_millis(100));
    }
    // And what is larger than the limit is never admitted.
    let ticket = ready(&other, 0, 1001).err().unwrap();
    assert!(ticket.exceeds().is_some());
    let _ = Redis::connect(server.port());
}
