//! One quota for several processes: real ones, of which some are killed.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{PATIENCE, finished_log, wait};
use resayil::observe::{CallAction, Warning};
use resayil::quota::{Admission, QuotaOptions, Settlement};
use resayil::{ChatRequest, Client, HostQuota, HostQuotaOptions, Kind, Policy, monotonic_now};
use resayil_sandbox::{Fault, LogEntry, Sandbox};

const WINDOW: Duration = Duration::from_secs(2);
const LIMIT: u32 = 10;
const KEY: &str = "sk_llmr_of_a_test";

/// This program once more, as the child with this role.
fn spawn(role: &str, folder: &Path, argument: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("RESAYIL_TEST_ROLE", role)
        .env("RESAYIL_TEST_FOLDER", folder)
        .env("RESAYIL_TEST_ARGUMENT", argument)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// No test of its own: what the children do.
#[test]
fn child() {
    let Ok(role) = std::env::var("RESAYIL_TEST_ROLE") else { return };
    let folder = PathBuf::from(std::env::var_os("RESAYIL_TEST_FOLDER").unwrap());
    let argument = std::env::var("RESAYIL_TEST_ARGUMENT").unwrap();
    match role.as_str() {
        "calls" => calls(&folder, &argument),
        "counts" => counts(&folder, &argument),
        "holds" => holds(&folder),
        "fails" => fails(&folder, &argument),
        role => panic!("{role}"),
    }
}

/// Makes calls from four threads. The argument is the base URL, the limit or nothing, the name of the
/// process and how many calls to make.
fn calls(folder: &Path, argument: &str) {
    let [url, limit, name, count]: [&str; 4] =
        argument.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let client = Client::builder()
        .base_url(url)
        .api_key(KEY)
        .policy(Policy::builder().deadline(PATIENCE).build().unwrap())
        .quota_options(QuotaOptions::default().with_limit(limit.parse().ok()).with_window(WINDOW))
        .share_quota(true)
        .quota_folder(folder)
        .observer(|event| {
            // A lock may take long where the machine is busy; all else is wrong.
            let text = event.error.map(ToString::to_string).unwrap_or_default();
            if event.action == CallAction::Warning(Warning::QuotaNotShared) {
                assert!(text.contains("locked"), "{text}");
            }
        })
        .build()
        .unwrap();
    let count: usize = count.parse().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (client, name) = (&client, &name);
            scope.spawn(move || {
                for index in (thread..count).step_by(4) {
                    let prompt = format!("{name} {index}");
                    client.chat(&ChatRequest::new("mistral").user(&prompt)).unwrap();
                }
            });
        }
    });
}

/// Makes one call to a service that is out of order. The argument is the base URL.
fn fails(folder: &Path, url: &str) {
    let client = Client::builder()
        .base_url(url)
        .api_key(KEY)
        .policy(common::quick().patience(Duration::from_millis(50)).build().unwrap())
        .share_quota(true)
        .quota_folder(folder)
        .build()
        .unwrap();
    let error = client.chat(&common::hello()).unwrap_err();
    assert_eq!(error.kind(), Kind::Server);
}

#[test]
fn in_an_outage_a_process_for_each_call_is_no_storm() {
    const CALLS: usize = 20;
    let sandbox = Sandbox::builder().api_key(KEY).limit(1000).start().unwrap();
    (0..5 * CALLS).for_each(|_| sandbox.push_fault(Fault::ServerError));
    let folder = tempfile::tempdir().unwrap();
    (0..CALLS).for_each(|_| wait(spawn("fails", folder.path(), &sandbox.base_url())));
    // Each of them would send five by itself.
    let sent = finished_log(&sandbox).len();
    assert!((CALLS..=CALLS * 3 / 2).contains(&sent), "{sent}");
}

fn sandbox() -> Sandbox {
    Sandbox::builder().api_key(KEY).limit(LIMIT).window(WINDOW).start().unwrap()
}

/// How often each prompt was answered, by process.
fn answers(log: &[LogEntry]) -> BTreeMap<String, BTreeMap<String, u32>> {
    let mut answers = BTreeMap::<_, BTreeMap<_, _>>::new();
    for entry in log.iter().filter(|entry| entry.answered) {
        let prompt = entry.prompt.clone().unwrap();
        let name = prompt.split(' ').next().unwrap().to_owned();
        *answers.entry(name).or_default().entry(prompt).or_insert(0) += 1;
    }
    answers
}

fn refused(log: &[LogEntry]) -> usize {
    log.iter().filter(|entry| entry.refused).count()
}

#[test]
fn four_processes_use_one_quota_and_none_is_refused() {
    let (sandbox, folder) = (sandbox(), tempfile::tempdir().unwrap());
    let start = Instant::now();
    let children = ["a", "b", "c", "d"].map(|name| {
        let argument = format!("{} {LIMIT} {name} 10", sandbox.base_url());
        spawn("calls", folder.path(), &argument)
    });
    children.into_iter().for_each(wait);
    let took = start.elapsed();
    let log = finished_log(&sandbox);
    let answers = answers(&log);
    assert_eq!(answers.len(), 4);
    for answers in answers.values() {
        assert_eq!(answers.len(), 10);
        assert!(answers.values().all(|times| *times == 1));
    }
    // Without sharing they are refused a dozen times and more. Requests that this machine
    // holds up for a quarter of a second on their way may fall into a window that is full.
    assert!(refused(&log) <= 8, "{} refused", refused(&log));
    // Four windows at the least.
    assert!(took >= 2 * WINDOW && took < 15 * WINDOW, "{took:?}");
    eprintln!("known limit: {} refused, {took:?}", refused(&log));
}

#[test]
fn a_limit_that_one_process_learns_all_know_though_one_is_killed() {
    let (sandbox, folder) = (sandbox(), tempfile::tempdir().unwrap());
    let mut children = ["a", "b", "c", "killed"].map(|name| {
        let argument = format!("{} - {name} 12", sandbox.base_url());
        spawn("calls", folder.path(), &argument)
    });
    // In the middle: some were answered, and others wait.
    let start = Instant::now();
    while sandbox.log().iter().filter(|entry| entry.answered).count() < 15 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    children[3].kill().unwrap();
    let [a, b, c, mut killed] = children;
    killed.wait().unwrap();
    [a, b, c].into_iter().for_each(wait);
    let log = finished_log(&sandbox);
    let answers = answers(&log);
    for name in ["a", "b", "c"] {
        assert_eq!(answers[name].len(), 12);
        assert!(answers[name].values().all(|times| *times == 1));
    }
    // In the first window 4 processes with 4 threads each; then none but what a busy machine delays.
    assert!(refused(&log) <= 16 + 2, "{} refused", refused(&log));
    eprintln!("unknown limit: {} refused, {:?}", refused(&log), start.elapsed());
}

const MANY: u32 = 1_000_000;

fn host_quota(folder: &Path) -> HostQuota {
    limited_to(MANY, folder)
}

fn limited_to(limit: u32, folder: &Path) -> HostQuota {
    let day = Duration::from_secs(24 * 3600);
    let options = HostQuotaOptions::default()
        .with_quota(QuotaOptions::default().with_limit(limit).with_window(day))
        .with_folder(folder.to_owned());
    HostQuota::open("http://test", KEY, &options).unwrap()
}

/// Sends as fast as it can, and adds a byte to the file of this name for each that it may send.
fn counts(folder: &Path, path: &str) {
    let host = host_quota(folder);
    let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let (ticket, admission) = host.quota().acquire(monotonic_now());
        assert_eq!(admission, Admission::Ready);
        file.write_all(b".").unwrap();
        ticket.settle(&Settlement::unknown(), monotonic_now());
    }
}

#[test]
fn whoever_is_killed_at_any_moment_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let files = folder.path().join("files");
    let host = host_quota(&files);
    let counted = || u64::from(MANY - host.quota().state(monotonic_now()).remaining.unwrap());
    let reported = || report.metadata().map_or(0, |found| found.len());
    let mut killed = 0;
    let mut random = 12_345u64;
    for _ in 0..10 {
        let mut children = [(); 3].map(|()| spawn("counts", &files, report.to_str().unwrap()));
        let (start, before) = (Instant::now(), reported());
        while reported() < before + 30 {
            assert!(start.elapsed() < PATIENCE, "nobody gets on");
            std::thread::sleep(Duration::from_millis(1));
        }
        for child in &mut children {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            std::thread::sleep(Duration::from_micros(random >> 52));
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
        // Each that was killed may have been admitted without having had the time to say so.
        let (counted, reported) = (counted(), reported());
        assert!(
            (reported..=reported + killed).contains(&counted),
            "{counted} counted, {reported} reported, {killed} killed"
        );
    }
    eprintln!("{} counted, {} reported, {killed} killed", counted(), reported());
    if let Some(warning) = host.take_warning() {
        panic!("{warning}");
    }
}

/// Takes the lock, and stops as if a terminal had suspended it.
fn holds(folder: &Path) {
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::File::open(file).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::STOP).unwrap();
    // Another thread may be the one that gets the signal, a moment before this one stops.
    std::thread::sleep(PATIENCE);
}

#[test]
fn while_the_holder_of_the_lock_is_stopped_all_go_on_with_their_part() {
    let folder = tempfile::tempdir().unwrap();
    let quotas = [(); 3].map(|()| limited_to(12, folder.path()));
    let send = |host: &HostQuota| {
        let (ticket, admission) = host.quota().acquire(monotonic_now());
        ticket.settle(&Settlement::unknown(), monotonic_now());
        admission == Admission::Ready
    };
    assert!(quotas.iter().all(send));
    // What each saw last is what it goes on with.
    let remaining = |host: &HostQuota| host.quota().state(monotonic_now()).remaining;
    assert!(quotas.iter().all(|host| remaining(host) == Some(9)));
    let mut holder = spawn("holds", folder.path(), "");
    let start = Instant::now();
    let stat = format!("/proc/{}/stat", holder.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        assert!(start.elapsed() < PATIENCE, "it does not stop");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Nine are left for three.
    let sent = quotas.each_ref().map(|host| (0..20).filter(|_| send(host)).count());
    assert_eq!(sent, [3; 3]);
    for host in &quotas {
        let warning = host.take_warning().unwrap().to_string();
        assert!(warning.contains("locked"), "{warning}");
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
}
