//! TLS: whom the client trusts, who it is, and what it says when that fails.

mod common;

use common::{hello, quick};
use resayil::error::RequestState;
use resayil::{Client, ClientBuilder, Error, Kind};
use resayil_sandbox::{Sandbox, TlsKind};

fn sandbox(kind: TlsKind) -> Sandbox {
    Sandbox::builder().limit(1000).tls(kind).start().unwrap()
}

fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder()
        .base_url(&sandbox.tls_base_url().unwrap())
        .api_key(sandbox.api_key())
        .no_proxy()
        .policy(quick().build().unwrap())
}

fn trusting(sandbox: &Sandbox) -> ClientBuilder {
    builder(sandbox).ca_pem(sandbox.ca_pem().unwrap())
}

#[test]
fn a_ca_of_the_users_is_trusted_and_connections_are_kept() {
    let sandbox = sandbox(TlsKind::Good);
    let client = trusting(&sandbox).build().unwrap();
    for _ in 0..3 {
        assert_eq!(client.chat(&hello()).unwrap().attempts(), 1);
    }
    let mut stream = client.chat_stream(&hello()).unwrap();
    let text: String = stream.by_ref().map(Result::unwrap).collect();
    assert!(!text.is_empty());
    assert_eq!(sandbox.state().connections, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, sandbox.ca_pem().unwrap()).unwrap();
    builder(&sandbox).ca_file(&path).build().unwrap().chat(&hello()).unwrap();
    // A large prompt, in many records.
    let long = resayil::ChatRequest::new("mistral").user(&"Hello ".repeat(20_000));
    assert_eq!(client.chat(&long).unwrap().attempts(), 1);
}

fn fails(kind: TlsKind) -> Error {
    let sandbox = sandbox(kind);
    let error = trusting(&sandbox).build().unwrap().chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1), "{error:?}");
    assert!(!error.is_retryable(), "{error:?}");
    assert_eq!(error.request_state(), RequestState::NotSent);
    assert!(sandbox.log().is_empty());
    error
}

#[test]
fn what_is_wrong_is_told_and_not_tried_again() {
    for (kind, words) in [
        (TlsKind::UnknownCa, "unknown CA"),
        (TlsKind::WrongHost, "another host than localhost"),
        (TlsKind::Expired, "has expired"),
        (TlsKind::NotYetValid, "not valid yet"),
        (TlsKind::OldVersion, "version of TLS in common"),
        (TlsKind::Plain, "does not speak TLS"),
    ] {
        let error = fails(kind);
        assert!(error.to_string().contains(words), "{kind:?}: {error}");
    }
    // The sandbox's CA is none of the platform's.
    let sandbox = sandbox(TlsKind::Good);
    let error = builder(&sandbox).build().unwrap().chat(&hello()).unwrap_err();
    assert!(error.to_string().contains("ca_file"), "{error}");
}

#[test]
fn a_handshake_that_breaks_off_is_tried_again() {
    let sandbox = sandbox(TlsKind::CutHandshake);
    let policy = quick().max_attempts(3).build().unwrap();
    let error = trusting(&sandbox).policy(policy).build().unwrap().chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 3), "{error:?}");
}

#[test]
fn a_client_shows_its_certificate_where_it_is_asked_to() {
    let sandbox = sandbox(TlsKind::ClientCert);
    let (certificate, key) = sandbox.client_cert_pem().unwrap();
    let client = trusting(&sandbox).client_cert_pem(certificate, key).build().unwrap();
    assert_eq!(client.chat(&hello()).unwrap().attempts(), 1);
    let error = trusting(&sandbox).build().unwrap().chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1), "{error:?}");
    assert!(error.to_string().contains("client_cert_file"), "{error}");
}

#[test]
fn what_cannot_be_read_is_told_when_the_client_is_made() {
    let sandbox = sandbox(TlsKind::Good);
    let (certificate, key) = sandbox.client_cert_pem().unwrap();
    let (_, other) = (certificate, self::sandbox(TlsKind::Good));
    let (_, other_key) = other.client_cert_pem().unwrap();
    for (builder, words) in [
        (builder(&sandbox).ca_file("/nowhere/ca.pem"), "/nowhere/ca.pem"),
        (builder(&sandbox).ca_pem("nonsense"), "ca_pem"),
        (builder(&sandbox).client_cert_pem(certificate, "nonsense"), "key"),
        (builder(&sandbox).client_cert_pem("nonsense", key), "client certificate"),
        (builder(&sandbox).client_cert_pem(certificate, other_key), "client certificate"),
        (builder(&sandbox).client_cert_file("/nowhere/a", "/nowhere/b"), "client certificate"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("PRIVATE"), "{error:?}");
    }
}
