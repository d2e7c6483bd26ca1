//! Servers that a fleet may have besides a plain one: behind TLS, and a cluster's node. All are real.

mod common;
#[path = "../../core/src/quota/fleet/tests/redis.rs"]
mod redis;

use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{PATIENCE, wait};
use redis::{Answer, Redis, RedisServer, free_port};
use resayil::quota::fleet::FleetOptions;
use resayil::quota::{Admission, QuotaOptions, Settlement};
use resayil::{FleetFailure, FleetQuota, fleet_key, monotonic_now};

const ORIGIN: &str = "http://test";
const KEY: &str = "sk_llmr_of_a_test";
const HOUR: Duration = Duration::from_secs(3600);

fn options() -> FleetOptions {
    let quota = QuotaOptions::default().with_limit(1000).with_window(HOUR);
    // A handshake of TLS in a build without optimisation takes its time on a busy machine.
    FleetOptions::default()
        .with_quota(quota)
        .with_connect_timeout(Duration::from_secs(10))
        .with_reply_timeout(Duration::from_secs(5))
}

/// Waits for a place, and gives it back as used.
fn acquire(fleet: &FleetQuota) {
    let start = Instant::now();
    let (mut ticket, mut admission) = fleet.quota().acquire(monotonic_now());
    while admission != Admission::Ready {
        assert!(start.elapsed() < PATIENCE, "{fleet:?}");
        std::thread::sleep(Duration::from_millis(1));
        admission = ticket.poll(monotonic_now());
    }
    ticket.settle(&Settlement::unknown(), monotonic_now());
}

/// Certificates for a server on this machine, and the options that make it speak TLS on a port.
struct Tls {
    folder: tempfile::TempDir,
    port: u16,
}

impl Tls {
    fn new() -> Self {
        let tls = Tls { folder: tempfile::tempdir().unwrap(), port: free_port() };
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let ca = ca.self_signed(&ca_key).unwrap();
        let server = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let server_key = rcgen::KeyPair::generate().unwrap();
        let server = server.signed_by(&server_key, &ca, &ca_key).unwrap();
        for (name, text) in [
            ("ca.pem", ca.pem()),
            ("server.pem", server.pem()),
            ("server.key", server_key.serialize_pem()),
        ] {
            std::fs::write(tls.path(name), text).unwrap();
        }
        tls
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn server(&self) -> RedisServer {
        let port = self.port.to_string();
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        let ca = self.path("ca.pem");
        let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
        let more = ["--tls-port", &port, "--tls-auth-clients", "no", "--requirepass", "secret"];
        RedisServer::start_with(&[files, more].concat())
    }
}

/// What `child` is to do.
const URL: &str = "RESAYIL_TEST_URL";

/// No test of its own: a process that trusts what it is told to trust.
#[test]
fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let fleet = FleetQuota::open(&url, ORIGIN, KEY, &options()).unwrap();
    (0..5).for_each(|_| acquire(&fleet));
    if std::env::var("RESAYIL_TEST_TRUSTS").is_ok() {
        assert!(fleet.state().is_shared, "{:?}", fleet.take_warning());
        assert!(fleet.take_warning().is_none());
        assert_eq!(fleet.quota().state(monotonic_now()).remaining, Some(995));
    } else {
        // It goes on, but alone, and says why.
        assert!(!fleet.state().is_shared);
        let warning = fleet.take_warning().unwrap().to_string();
        assert!(warning.to_lowercase().contains("certificate"), "{warning}");
        assert!(!warning.contains("secret"), "{warning}");
    }
}

#[test]
fn over_tls_a_server_is_used_that_has_a_good_certificate_and_no_other() {
    let tls = Tls::new();
    let server = tls.server();
    for trusts in [true, false] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]);
        command.env(URL, format!("rediss://:secret@127.0.0.1:{}", tls.port));
        if trusts {
            command.env("SSL_CERT_FILE", tls.path("ca.pem")).env("RESAYIL_TEST_TRUSTS", "1");
        }
        wait(command.spawn().unwrap());
    }
    let mut redis = server.connect();
    redis.command(&["AUTH", "secret"]);
    let used = redis.command(&["HGET", &fleet_key(ORIGIN, KEY, Some(HOUR)), "u1"]);
    assert_eq!(used, Answer::Text("5".to_owned()));
}

#[test]
fn on_a_clusters_node_all_lies_in_one_slot() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    let server = RedisServer::start_with(&["--cluster-enabled", "yes", "--dir", &folder]);
    let mut redis = server.connect();
    let added = redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    assert_eq!(added, Answer::Text("OK".to_owned()));
    let start = Instant::now();
    let is_up = |redis: &mut Redis| match redis.command(&["CLUSTER", "INFO"]) {
        Answer::Text(text) => text.contains("cluster_state:ok"),
        other => panic!("{other:?}"),
    };
    while !is_up(&mut redis) {
        assert!(start.elapsed() < PATIENCE, "the cluster does not get up");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The bundled connection, and one of the program's own.
    let bundled = FleetQuota::open(&server.url(), ORIGIN, KEY, &options()).unwrap();
    let connection = Mutex::new(server.connect());
    let carry = move |call: &resayil::quota::fleet::FleetCall| {
        let words: Vec<String> = call.command().iter().map(ToString::to_string).collect();
        match connection.lock().unwrap().command(&words) {
            Answer::List(list) => Ok(Answer::List(list).numbers()),
            Answer::Error(error) => Err(FleetFailure::Server(error)),
            other => Err(FleetFailure::Lost(format!("{other:?}"))),
        }
    };
    let own = FleetQuota::open_with(carry, ORIGIN, KEY, &options()).unwrap();
    for fleet in [&bundled, &own] {
        (0..5).for_each(|_| acquire(fleet));
        assert!(fleet.state().is_shared, "{:?}", fleet.take_warning());
        assert!(fleet.take_warning().is_none());
    }
    assert_eq!(own.quota().state(monotonic_now()).remaining, Some(990));
    let key = fleet_key(ORIGIN, KEY, Some(HOUR));
    assert_eq!(redis.command(&["KEYS", "*"]), Answer::List(vec![Answer::Text(key.clone())]));
    // The whole name is the tag that a cluster takes the slot from.
    let tag = key.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap();
    let slot = |redis: &mut Redis, name: &str| redis.command(&["CLUSTER", "KEYSLOT", name]);
    assert_eq!(slot(&mut redis, &key), slot(&mut redis, tag));
}
