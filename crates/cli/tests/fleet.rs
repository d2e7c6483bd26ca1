//! `resayil batch --fleet` and `resayil quota`.

#[path = "../../core/src/quota/fleet/tests/redis.rs"]
mod redis;
mod support;

use std::time::Duration;

use redis::RedisServer;
use resayil_sandbox::Sandbox;
use serde_json::Value;
use support::{ends, finished_log, resayil, results, run, spawn, text, write_batch};

#[test]
fn batches_share_a_quota_and_it_can_be_looked_at() {
    let server = RedisServer::start_with(&["--requirepass", "secret-of-a-test"]);
    let url = format!("redis://:secret-of-a-test@127.0.0.1:{}", server.port());
    let window = Duration::from_secs(2);
    let sandbox = Sandbox::builder().limit(20).window(window).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let look = |more: &[&str]| {
        let mut command = resayil(&sandbox);
        let options = ["quota", "--limit", "20", "--window", "2"];
        run(command.args(options).args(more).env("RESAYIL_FLEET", &url), "")
    };
    assert!(text(&look(&[]).stdout).contains("nothing is known"));
    let batches = ["one", "two", "three"].map(|name| {
        let input = folder.path().join(name);
        write_batch(&input, 14);
        let output = folder.path().join(format!("{name}.out"));
        let mut command = resayil(&sandbox);
        command.arg("batch").arg(&input).arg("-o").arg(&output);
        command.args(["--limit", "20", "--window", "2"]).env("RESAYIL_FLEET", &url);
        (spawn(&mut command), output)
    });
    for (child, output) in batches {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        assert!(!text(&ended.stderr).contains("warning"), "{}", text(&ended.stderr));
        assert_eq!(results(&output).len(), 14);
    }
    let log = finished_log(&sandbox);
    let refused = log.iter().filter(|entry| entry.refused).count();
    // But for a request that this machine holds up on its way.
    assert!(refused <= 2, "{refused} refused");
    let shown = look(&[]);
    let table = text(&shown.stdout);
    assert!(table.starts_with("source          the fleet over 127.0.0.1:"), "{table}");
    assert!(table.contains("limit           20\n") && !table.contains("secret"), "{table}");
    let record: Value = serde_json::from_slice(&look(&["--json"]).stdout).unwrap();
    assert_eq!((&record["limit"], &record["window"]), (&20.into(), &2.0.into()), "{record}");
    assert!(record["members"].as_u64().unwrap() >= 1, "{record}");
    assert!(record["age"].as_f64().unwrap() > 0.0, "{record}");
}

#[test]
fn a_wrong_address_is_told_without_its_password() {
    let sandbox = Sandbox::builder().start().unwrap();
    let quota = |url: &str| run(resayil(&sandbox).args(["quota", "--fleet", url]), "");
    let output = quota("http://user:hunter2@host");
    ends(&output, 4, &["the fleet's URL"]);
    assert!(!text(&output.stderr).contains("hunter2"));
    let output = quota("redis://user:hunter2@127.0.0.1:1");
    ends(&output, 1, &["127.0.0.1:1 cannot be read"]);
    assert!(!text(&output.stderr).contains("hunter2"));
    // Without a fleet it is this host's file.
    let output = run(resayil(&sandbox).args(["quota", "--json"]), "");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["source"], "this host's file");
}
