//! `resayil doctor` names the right fault first.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use resayil_sandbox::{Fault, Sandbox, TlsKind};
use serde_json::Value;
use support::{bare, resayil, run, text};

/// What it finds, as JSON.
#[track_caller]
fn examine(command: &mut Command) -> Value {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = run(command.arg("--json"), "");
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_eq!(output.status.code(), Some(if found["ok"] == true { 0 } else { 1 }));
    assert!(!text(&output.stdout).contains("sk_llmr_"), "{}", text(&output.stdout));
    found
}

/// The first finding of this verdict: its check, what was found, and what to do.
fn first(found: &Value, verdict: &str) -> Option<[String; 3]> {
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["verdict"] == verdict)?;
    Some(["check", "found", "advice"].map(|it| check[it].as_str().unwrap_or_default().to_owned()))
}

/// The first problem is of this check, and says this.
#[track_caller]
fn names(command: &mut Command, check: &str, part: &str) {
    let found = examine(command);
    let Some([named, text, advice]) = first(&found, "problem") else {
        panic!("no problem: {found}")
    };
    assert_eq!(named, check, "{text}");
    let all = format!("{text} {advice}");
    assert!(all.contains(part), "{part:?} is not in: {all}");
}

/// It works, with this as the first warning.
#[track_caller]
fn warns(command: &mut Command, check: &str, part: &str) {
    let found = examine(command);
    assert_eq!(found["ok"], true, "{found}");
    let Some([named, text, advice]) = first(&found, "warning") else {
        panic!("no warning: {found}")
    };
    assert_eq!(named, check, "{text}");
    assert!(format!("{text} {advice}").contains(part), "{text}");
}

fn doctor(sandbox: &Sandbox) -> Command {
    let mut command = resayil(sandbox);
    command.arg("doctor");
    command
}

#[test]
fn a_good_setup_is_good() {
    let sandbox = Sandbox::builder().start().unwrap();
    let found = examine(doctor(&sandbox).args(["--provider", "resayil"]));
    assert_eq!(first(&found, "problem"), None);
    assert_eq!(first(&found, "warning"), None);
    let output = run(&mut doctor(&sandbox), "");
    assert!(text(&output.stdout).ends_with("\nAll is well.\n"), "{}", text(&output.stdout));
    // One call, and it can be left out.
    assert_eq!(sandbox.log().iter().filter(|entry| entry.method == "POST").count(), 2);
    examine(doctor(&sandbox).arg("--no-call"));
    assert_eq!(sandbox.log().iter().filter(|entry| entry.method == "POST").count(), 2);
}

#[test]
fn keys_that_cannot_work() {
    let sandbox = Sandbox::builder().start().unwrap();
    names(bare().arg("doctor"), "key", "is not set");
    for (key, part) in [
        ("", "is empty"),
        ("Bearer sk_llmr_a", "without `Bearer`"),
        ("\"sk_llmr_abc\"", "quotes"),
        ("YOUR_API_KEY", "placeholder"),
        ("sk_llmr_abc def", "white space in the middle"),
        ("sk_llmr_\u{e9}abc", "characters that no key has"),
    ] {
        names(doctor(&sandbox).env("RESAYIL_API_KEY", key), "key", part);
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was sent");
    let padded = format!(" {}\n", sandbox.api_key());
    names(doctor(&sandbox).env("RESAYIL_API_KEY", padded), "key", "white space around");
    names(doctor(&sandbox).env("RESAYIL_API_KEY", "sk_llmr_wrong_key_0000"), "account", "key");
}

#[test]
fn a_key_of_another_service_is_recognised_by_its_form() {
    let sandbox = Sandbox::builder().start().unwrap();
    let mut command = doctor(&sandbox);
    command.args(["--provider", "resayil"]).env("RESAYIL_API_KEY", "sk-ant-0123456789");
    let found = examine(&mut command);
    let [check, text, _] = first(&found, "warning").unwrap();
    assert_eq!((check.as_str(), text.contains("Anthropic")), ("key", true), "{text}");
    assert_eq!(first(&found, "problem").unwrap()[0], "account");
    // Elsewhere keys have other forms.
    let mut command = doctor(&sandbox);
    command.args(["--provider", "openai"]).env("RESAYIL_API_KEY", "sk-0123456789");
    assert_eq!(first(&examine(&mut command), "warning"), None);
}

/// A server that has nothing anywhere.
fn nothing_found() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 65536]);
            let answer =
                "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn addresses_that_cannot_work() {
    let sandbox = Sandbox::builder().start().unwrap();
    let (base, origin) = (sandbox.base_url(), sandbox.origin());
    let at = |url: &str| {
        let mut command = doctor(&sandbox);
        command.env("RESAYIL_BASE_URL", url);
        command
    };
    names(&mut at("llmapi.resayil.io/v1"), "address", "https://");
    names(&mut at("http://llmapi.example.com/v1"), "address", "plain http");
    names(&mut at(&format!("{base}/chat/completions")), "address", &base);
    names(&mut at("https://no-such-host.invalid/v1"), "name", "no-such-host.invalid");
    names(&mut at("http://127.0.0.1:1/v1"), "connection", "refused");
    names(&mut at(&origin), "address", &format!("the service is at {origin}/v1"));
    names(&mut at(&format!("{origin}/v2")), "address", "its path");
    names(at(&base).args(["--deadline", "0.000001"]), "time-outs", "--deadline");
    // A web server that knows nothing of the path.
    names(at(&nothing_found()).args(["--model", "m"]), "call", "404");
    names(&mut at(&format!("{origin}/fault/not_http/v1")), "call", "HTTP");
    names(at(&format!("{origin}/fault/hang/v1")).args(["--deadline", "1"]), "call", "time");
}

#[test]
fn proxies_and_certificates() {
    let sandbox = Sandbox::builder().tls(TlsKind::Expired).start().unwrap();
    let url = sandbox.tls_base_url().unwrap();
    names(doctor(&sandbox).env("RESAYIL_BASE_URL", &url), "certificates", "expired");
    for (kind, part) in [
        (TlsKind::UnknownCa, "unknown"),
        (TlsKind::NotYetValid, "not"),
        (TlsKind::Plain, "secure"),
        (TlsKind::WrongHost, "name"),
        (TlsKind::OldVersion, "secure"),
    ] {
        let sandbox = Sandbox::builder().tls(kind).start().unwrap();
        let url = sandbox.tls_base_url().unwrap();
        names(doctor(&sandbox).env("RESAYIL_BASE_URL", &url), "certificates", part);
    }
    let plain = Sandbox::builder().start().unwrap();
    let mut command = doctor(&plain);
    let output = run(command.env("HTTP_PROXY", "http://127.0.0.1:1").arg("--json"), "");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(first(&found, "problem").unwrap()[0], "proxy", "{found}");
    let mut command = doctor(&sandbox);
    let output = run(command.env("HTTP_PROXY", "ftp://proxy:1").arg("--json"), "");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(first(&found, "problem").unwrap()[0], "proxy");
}

#[test]
fn accounts_models_and_calls_that_fail() {
    let broke = Sandbox::builder().credits(Some(0.0)).start().unwrap();
    names(doctor(&broke).args(["--provider", "resayil"]), "credits", "none are left");
    names(doctor(&broke).args(["--provider", "openai"]), "call", "402");
    let sandbox = Sandbox::builder().models(["llama3.2:3b", "mistral"]).start().unwrap();
    names(doctor(&sandbox).args(["--model", "lama3.2:3b"]), "model", "did you mean `llama3.2:3b`?");
    names(doctor(&sandbox).args(["--model", "gpt-4o"]), "model", "resayil models");
    for (status, part) in [(403, "403"), (500, "500"), (503, "503")] {
        let body = r#"{"error":{"message":"no","code":1}}"#.to_owned();
        let fault = || Fault::Status { status, body: Some(body.clone()), headers: Vec::new() };
        sandbox.push_fault(fault());
        names(&mut doctor(&sandbox), "call", part);
    }
    let failing = Sandbox::builder().balance_fails(true).start().unwrap();
    warns(doctor(&failing).args(["--provider", "resayil"]), "credits", "cannot be read");
}

#[test]
fn handshakes_that_end_are_told_as_such() {
    for kind in [TlsKind::ClientCert, TlsKind::CutHandshake] {
        let sandbox = Sandbox::builder().tls(kind).start().unwrap();
        let url = sandbox.tls_base_url().unwrap();
        let found = examine(doctor(&sandbox).env("RESAYIL_BASE_URL", &url));
        let [check, text, advice] = first(&found, "problem").unwrap();
        assert!(["certificates", "connection"].contains(&check.as_str()), "{check}: {text}");
        assert!(!advice.is_empty(), "{text}");
    }
}

#[test]
fn answers_that_are_none_are_problems_of_the_call() {
    let sandbox = Sandbox::builder().start().unwrap();
    for fault in [Fault::BadJson, Fault::HtmlBadGateway, Fault::Maintenance, Fault::DropMidBody] {
        sandbox.push_fault(fault.clone());
        let found = examine(&mut doctor(&sandbox));
        let Some([check, text, advice]) = first(&found, "problem") else {
            panic!("{fault:?}: {found}")
        };
        assert_eq!(check, "call", "{fault:?}: {text}");
        assert!(!advice.is_empty(), "{fault:?}: {text}");
    }
}

#[test]
fn what_only_hurts_is_a_warning() {
    let ahead = Sandbox::builder().clock_offset(120.0).start().unwrap();
    warns(&mut doctor(&ahead), "clock", "behind the service");
    let sandbox = Sandbox::builder().start().unwrap();
    warns(doctor(&sandbox).args(["--attempt-timeout", "5"]), "time-outs", "30");
    let full = Sandbox::builder().limit(1).window(Duration::from_secs(3600)).start().unwrap();
    let first = examine(&mut doctor(&full));
    assert_eq!(first["ok"], true);
    warns(&mut doctor(&full), "rate limit", "wait");
}

#[test]
fn requests_are_checked_before_they_are_sent() {
    let sandbox = Sandbox::builder().start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("request.json");
    names(doctor(&sandbox).arg("--request").arg(&path), "request", "cannot be read");
    for (request, part) in [
        ("{", "is not JSON"),
        (r#"{"messages":[]}"#, "`model` is missing"),
        (r#"{"model":"mistral","messages":"hi"}"#, "`messages` is not a list"),
        (
            r#"{"model":"mistral","messages":[{"role":"user","content":"a"}],"temprature":1}"#,
            "temperature",
        ),
    ] {
        std::fs::write(&path, request).unwrap();
        names(doctor(&sandbox).arg("--request").arg(&path), "request", part);
    }
    assert_eq!(sandbox.log().len(), 0);
    std::fs::write(
        &path,
        r#"{"model":"mistral","messages":[{"role":"user","content":"a"}],"stream":true}"#,
    )
    .unwrap();
    assert_eq!(examine(doctor(&sandbox).arg("--request").arg(&path))["ok"], true);
}
