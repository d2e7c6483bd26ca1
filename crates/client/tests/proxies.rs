//! Proxies: how they are asked, what they may answer, and that nothing goes past them.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use common::{hello, quick};
use resayil::error::RequestState;
use resayil::{Client, ClientBuilder, Error, Kind};
use resayil_sandbox::{Sandbox, TlsKind};

/// A proxy that notes what it is asked, and passes on to `inner` what `answer` agrees to.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(serve: impl Fn(&mut TcpStream, &str) -> Option<u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&asked);
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (notes, serve, mut stream) = (notes.clone(), serve.clone(), stream.unwrap());
                std::thread::spawn(move || {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if !matches!(stream.read(&mut byte), Ok(1)) {
                            return;
                        }
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8(head).unwrap();
                    notes.lock().unwrap().push(head.clone());
                    if let Some(port) = serve(&mut stream, &head) {
                        pass(stream, TcpStream::connect(("127.0.0.1", port)).unwrap());
                    }
                });
            }
        });
        Proxy { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Passes on both ways.
fn pass(one: TcpStream, other: TcpStream) {
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let (mut from, mut to) = (other, one);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn port_of(url: &str) -> u16 {
    let rest = url.rsplit_once(':').unwrap().1;
    rest.split('/').next().unwrap().parse().unwrap()
}

fn builder(base: &str, sandbox: &Sandbox, proxy: &str) -> ClientBuilder {
    Client::builder()
        .base_url(base)
        .api_key(sandbox.api_key())
        .proxy(proxy)
        .policy(quick().max_attempts(2).build().unwrap())
}

#[test]
fn https_goes_through_a_tunnel_and_the_proxy_sees_neither_key_nor_prompt() {
    let sandbox = Sandbox::builder().tls(TlsKind::Good).start().unwrap();
    let base = sandbox.tls_base_url().unwrap();
    let port = port_of(&base);
    let proxy = Proxy::start(move |stream, _| {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        Some(port)
    });
    let client = builder(&base, &sandbox, &format!("http://me:pass%20word@{}", proxy.address))
        .ca_pem(sandbox.ca_pem().unwrap())
        .build()
        .unwrap();
    for _ in 0..2 {
        client.chat(&hello()).unwrap();
    }
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{asked:?}");
    assert!(asked[0].contains("Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n"), "{asked:?}");
    assert!(!asked[0].contains(sandbox.api_key()));
}

#[test]
fn plain_http_asks_the_proxy_for_the_whole_address() {
    let sandbox = Sandbox::builder().start().unwrap();
    let proxy = Proxy::start(|stream, _| {
        let body =
            br#"{"choices":[{"message":{"content":"by the proxy"},"finish_reason":"stop"}]}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        None
    });
    let client =
        builder("http://api.test/v1", &sandbox, &proxy.address).allow_http(true).build().unwrap();
    assert_eq!(client.chat(&hello()).unwrap().content(), "by the proxy");
    let asked = proxy.asked();
    let line = "POST http://api.test/v1/chat/completions HTTP/1.1\r\nHost: api.test\r\n";
    assert!(asked[0].starts_with(line), "{asked:?}");
}

#[test]
fn a_proxys_refusal_names_it_and_says_that_nothing_was_sent() {
    let sandbox = Sandbox::builder().tls(TlsKind::Good).start().unwrap();
    let base = sandbox.tls_base_url().unwrap();
    for (status, attempts) in [(407, 1), (403, 1), (502, 2), (503, 2)] {
        let proxy = Proxy::start(move |stream, _| {
            write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").unwrap();
            None
        });
        let url = format!("http://me:secret@{}", proxy.address);
        let error = builder(&base, &sandbox, &url).build().unwrap().chat(&hello()).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (Kind::Network, attempts), "{error:?}");
        assert_eq!((error.request_state(), error.status()), (RequestState::NotSent, None));
        let text = format!("{error} {error:?}");
        for part in [proxy.address.as_str(), &status.to_string(), "nothing was sent"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }
    // A 407 to a request for plain http is the proxy's, too.
    let proxy = Proxy::start(|stream, _| {
        stream.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").unwrap();
        None
    });
    let client =
        builder("http://api.test/v1", &sandbox, &proxy.address).allow_http(true).build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1), "{error:?}");
    assert!(sandbox.log().is_empty());
}

#[test]
fn a_proxy_that_is_not_there_or_none_is_not_passed_by() {
    let sandbox = Sandbox::builder().start().unwrap();
    let base = sandbox.base_url();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fails = |proxy: &str| -> Error {
        builder(&base, &sandbox, proxy).build().unwrap().chat(&hello()).unwrap_err()
    };
    for scheme in ["http", "https", "socks5", "socks5h"] {
        let error = fails(&format!("{scheme}://{gone}"));
        assert_eq!((error.kind(), error.request_state()), (Kind::Network, RequestState::NotSent));
        assert!(error.to_string().contains("proxy"), "{error}");
    }
    let chatter = Proxy::start(|stream, _| {
        let _ = stream.write_all(b"220 smtp.example.com\r\n");
        None
    });
    let client = builder("https://api.test/v1", &sandbox, &chatter.address).build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert!(error.to_string().contains("does not answer as a proxy does"), "{error}");
    for proxy in ["socks4://127.0.0.1:9", "ftp://127.0.0.1:9", "http://", "http://127.0.0.1:x"] {
        let error = builder(&base, &sandbox, proxy).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{proxy}");
    }
    assert!(sandbox.log().is_empty());
}

/// A SOCKS proxy that passes on to this port, and tells what it was asked.
fn socks(
    login: Option<(&'static str, &'static str)>,
    reply: u8,
    port: u16,
) -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = |count: usize| {
                let mut bytes = vec![0; count];
                stream.read_exact(&mut bytes).unwrap();
                bytes
            };
            let methods = usize::from(read(2)[1]);
            let offered = read(methods);
            let mut clone = stream.try_clone().unwrap();
            let mut read = |count: usize| {
                let mut bytes = vec![0; count];
                clone.read_exact(&mut bytes).unwrap();
                bytes
            };
            match login {
                None => stream.write_all(&[5, 0]).unwrap(),
                Some(_) if !offered.contains(&2) => {
                    stream.write_all(&[5, 255]).unwrap();
                    continue;
                }
                Some((name, password)) => {
                    stream.write_all(&[5, 2]).unwrap();
                    let length = usize::from(read(2)[1]);
                    let given = read(length);
                    let length = usize::from(read(1)[0]);
                    let right = given == name.as_bytes() && read(length) == password.as_bytes();
                    stream.write_all(&[1, u8::from(!right)]).unwrap();
                    if !right {
                        continue;
                    }
                }
            }
            let mut request = read(4);
            let rest = match request[3] {
                1 => 4,
                4 => 16,
                _ => {
                    let length = read(1);
                    request.extend_from_slice(&length);
                    usize::from(length[0])
                }
            };
            request.extend(read(rest + 2));
            sender.send(request).unwrap();
            stream.write_all(&[5, reply, 0, 1, 127, 0, 0, 1, 0, 0]).unwrap();
            if reply == 0 {
                let inner = TcpStream::connect(("127.0.0.1", port)).unwrap();
                std::thread::spawn(move || pass(stream, inner));
            }
        }
    });
    (address, asked)
}

#[test]
fn socks_opens_the_way_and_names_are_looked_up_where_the_scheme_says() {
    let sandbox = Sandbox::builder().limit(100).start().unwrap();
    let base = format!("http://localhost:{}/v1", sandbox.port());
    let (address, asked) = socks(None, 0, sandbox.port());
    let chat = |proxy: &str| builder(&base, &sandbox, proxy).build().unwrap().chat(&hello());
    chat(&format!("socks5h://{address}")).unwrap();
    assert_eq!(asked.recv().unwrap()[3..14], *b"\x03\x09localhost");
    chat(&format!("socks5://{address}")).unwrap();
    assert!(matches!(asked.recv().unwrap()[3], 1 | 4));
    let (address, _asked) = socks(Some(("me", "word")), 0, sandbox.port());
    chat(&format!("socks5h://me:word@{address}")).unwrap();
    for (proxy, words) in [
        (format!("socks5h://me:wrong@{address}"), "does not know this user and password"),
        (format!("socks5h://{address}"), "wants a user and a password"),
    ] {
        let error = chat(&proxy).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    }
    for (reply, words, attempts) in [(2, "does not allow", 1), (5, "refuses connections", 2)] {
        let (address, _asked) = socks(None, reply, 0);
        let error = chat(&format!("socks5h://{address}")).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (Kind::Network, attempts), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(sandbox.log().len(), 3);
}
