//! TLS in front of the sandbox, with a CA of its own, right or wrong.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::error::{StartError, UnknownName};
use crate::server::Shared;

/// How often the door looks whether the server has stopped.
const ACCEPT_POLL: Duration = Duration::from_millis(5);
/// How much goes through at once.
const PIECE: usize = 16 * 1024;

/// How the sandbox speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsKind {
    /// Right: the certificate is for `localhost` and 127.0.0.1.
    Good,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate is another CA's.
    UnknownCa,
    /// The client has to show a certificate of the CA.
    ClientCert,
    /// Only versions that nobody speaks any more.
    OldVersion,
    /// No TLS at all: plain HTTP.
    Plain,
    /// The connection is closed in the middle of the handshake.
    CutHandshake,
}

impl TlsKind {
    /// Every way, with its name on the command line.
    pub const ALL: &'static [(TlsKind, &'static str)] = &[
        (TlsKind::Good, "good"),
        (TlsKind::Expired, "expired"),
        (TlsKind::NotYetValid, "not_yet_valid"),
        (TlsKind::WrongHost, "wrong_host"),
        (TlsKind::UnknownCa, "unknown_ca"),
        (TlsKind::ClientCert, "client_cert"),
        (TlsKind::OldVersion, "old_version"),
        (TlsKind::Plain, "plain"),
        (TlsKind::CutHandshake, "cut_handshake"),
    ];
}

impl std::str::FromStr for TlsKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = TlsKind::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind);
        found.ok_or_else(|| UnknownName {
            what: "way to speak TLS",
            given: name.to_owned(),
            choices: "good, expired, not_yet_valid, wrong_host, unknown_ca, client_cert, old_version, \
                      plain, cut_handshake",
        })
    }
}

/// The door, and what a client needs to come in.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) papers: Papers,
}

/// Certificates, as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Papers {
    pub(crate) ca: String,
    pub(crate) client_cert: String,
    pub(crate) client_key: String,
}

/// Opens a door in front of the sandbox.
pub(crate) fn open(
    kind: TlsKind,
    shared: &Arc<Shared>,
    inner: SocketAddr,
) -> Result<Door, StartError> {
    let unusable = |reason: String| StartError::InvalidOption { option: "tls", reason };
    let (config, papers) = config(kind).map_err(|error| unusable(error.to_string()))?;
    let bind = |source| StartError::Bind { port: 0, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let config = Arc::new(config);
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("resayil-sandbox-tls".to_owned())
        .spawn(move || {
            while !shared.stop.is_set() {
                let Ok((stream, _)) = listener.accept() else {
                    shared.stop.sleep(ACCEPT_POLL);
                    continue;
                };
                let config = Arc::clone(&config);
                // A connection that fails ends; there is nobody to tell.
                let _ = thread::Builder::new()
                    .name("resayil-sandbox-tls".to_owned())
                    .spawn(move || serve(kind, config, stream, inner));
            }
        })
        .map_err(StartError::Thread)?;
    Ok(Door { address, papers })
}

fn config(kind: TlsKind) -> Result<(ServerConfig, Papers), Box<dyn std::error::Error>> {
    let (ca, ca_key) = authority("The CA of the sandbox")?;
    let (other, other_key) = authority("Another CA")?;
    let mut server = CertificateParams::new(match kind {
        TlsKind::WrongHost => vec!["elsewhere.example".to_owned()],
        _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
    })?;
    match kind {
        TlsKind::Expired => {
            server.not_before = date_time_ymd(2020, 1, 1);
            server.not_after = date_time_ymd(2021, 1, 1);
        }
        TlsKind::NotYetValid => {
            server.not_before = date_time_ymd(2095, 1, 1);
            server.not_after = date_time_ymd(2096, 1, 1);
        }
        _ => {}
    }
    let server_key = KeyPair::generate()?;
    let server = match kind {
        TlsKind::UnknownCa => server.signed_by(&server_key, &other, &other_key)?,
        _ => server.signed_by(&server_key, &ca, &ca_key)?,
    };
    let client_key = KeyPair::generate()?;
    let client = CertificateParams::new(vec!["client.example".to_owned()])?.signed_by(
        &client_key,
        &ca,
        &ca_key,
    )?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match kind {
        TlsKind::ClientCert => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone())?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain: Vec<CertificateDer<'static>> = vec![server.der().clone()];
    let key = PrivateKeyDer::try_from(server_key.serialize_der())?;
    let papers =
        Papers { ca: ca.pem(), client_cert: client.pem(), client_key: client_key.serialize_pem() };
    Ok((builder.with_single_cert(chain, key)?, papers))
}

fn authority(name: &str) -> Result<(Certificate, KeyPair), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?, key))
}

fn serve(
    kind: TlsKind,
    config: Arc<ServerConfig>,
    mut client: TcpStream,
    inner: SocketAddr,
) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    client.set_write_timeout(Some(Duration::from_secs(60)))?;
    match kind {
        TlsKind::OldVersion => {
            let _ = client.read(&mut [0; PIECE])?;
            // An alert, fatal: protocol_version (RFC 8446 section 6.2).
            return client.write_all(&[21, 3, 1, 0, 2, 2, 70]);
        }
        TlsKind::Plain => {
            let _ = client.read(&mut [0; PIECE])?;
            return client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        TlsKind::CutHandshake => {
            let _ = client.read(&mut [0; PIECE])?;
            return client.write_all(&[22, 3, 3, 0, 100, 2]);
        }
        _ => {}
    }
    let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut client)?;
    }
    pass(&mut session, &mut client, &mut TcpStream::connect(inner)?)
}

/// Passes on what either side says, until one is silent for ever.
fn pass(
    session: &mut ServerConnection,
    client: &mut TcpStream,
    inner: &mut TcpStream,
) -> io::Result<()> {
    let mut piece = [0; PIECE];
    loop {
        // What came with the end of the handshake is there already.
        loop {
            match session.reader().read(&mut piece) {
                Ok(0) => {
                    inner.shutdown(Shutdown::Write)?;
                    break;
                }
                Ok(count) => inner.write_all(&piece[..count])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        while session.wants_write() {
            session.write_tls(client)?;
        }
        let (from_client, from_inner) = {
            let mut waited =
                [PollFd::new(&*client, PollFlags::IN), PollFd::new(&*inner, PollFlags::IN)];
            poll(&mut waited, Some(&Timespec { tv_sec: 60, tv_nsec: 0 }))?;
            (!waited[0].revents().is_empty(), !waited[1].revents().is_empty())
        };
        if !from_client && !from_inner {
            return Ok(());
        }
        if from_inner {
            match inner.read(&mut piece) {
                Ok(count) if count > 0 => session.writer().write_all(&piece[..count])?,
                _ => {
                    session.send_close_notify();
                    session.write_tls(client)?;
                    return client.shutdown(Shutdown::Both);
                }
            }
        }
        if from_client {
            if session.read_tls(client)? == 0 {
                return inner.shutdown(Shutdown::Both);
            }
            session.process_new_packets().map_err(io::Error::other)?;
        }
    }
}
