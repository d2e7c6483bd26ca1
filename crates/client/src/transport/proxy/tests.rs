//! Proxies are read as curl reads them; where there is a curl, it is asked.

use std::ffi::OsString;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use resayil_core::Kind;

use super::{Proxy, from_environment};

/// What is done for a host in an environment: `direct`, or the proxy, or `error`. `{a}` and `{b}` are the
/// addresses of two proxies, `{d}` the port of the service.
struct Row(&'static [(&'static str, &'static str)], &'static str, &'static str);

const ROWS: &[Row] = &[
    // Which variable.
    Row(&[], "http://api.test:{d}", "direct"),
    Row(&[], "https://api.test:{d}", "direct"),
    Row(&[("http_proxy", "http://{a}")], "http://api.test:{d}", "a"),
    Row(&[("http_proxy", "http://{a}")], "https://api.test:{d}", "direct"),
    Row(&[("https_proxy", "http://{a}")], "https://api.test:{d}", "a"),
    Row(&[("https_proxy", "http://{a}")], "http://api.test:{d}", "direct"),
    Row(&[("HTTPS_PROXY", "http://{a}")], "https://api.test:{d}", "a"),
    Row(&[("HTTPS_PROXY", "http://{a}")], "http://api.test:{d}", "direct"),
    Row(
        &[("https_proxy", "http://{a}"), ("HTTPS_PROXY", "http://{b}")],
        "https://api.test:{d}",
        "a",
    ),
    Row(&[("https_proxy", ""), ("HTTPS_PROXY", "http://{b}")], "https://api.test:{d}", "b"),
    Row(
        &[("http_proxy", "http://{a}"), ("https_proxy", "http://{b}")],
        "https://api.test:{d}",
        "b",
    ),
    Row(&[("http_proxy", "http://{a}"), ("https_proxy", "http://{b}")], "http://api.test:{d}", "a"),
    Row(&[("all_proxy", "http://{a}")], "http://api.test:{d}", "a"),
    Row(&[("ALL_PROXY", "http://{a}")], "https://api.test:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("ALL_PROXY", "http://{b}")], "https://api.test:{d}", "a"),
    Row(&[("ALL_PROXY", "http://{a}"), ("https_proxy", "http://{b}")], "https://api.test:{d}", "b"),
    Row(&[("ALL_PROXY", "http://{a}"), ("https_proxy", "http://{b}")], "http://api.test:{d}", "a"),
    Row(&[("http_proxy", "http://{a}"), ("REQUEST_METHOD", "GET")], "http://api.test:{d}", "a"),
    // Its form.
    Row(&[("https_proxy", "{a}")], "https://api.test:{d}", "a"),
    Row(&[("https_proxy", "http://me:word@{a}/path")], "https://api.test:{d}", "a"),
    Row(&[("https_proxy", "socks5://{a}")], "https://api.test:{d}", "a"),
    Row(&[("all_proxy", "socks5h://{a}")], "http://api.test:{d}", "a"),
    Row(&[("https_proxy", "https://{a}")], "https://api.test:{d}", "a"),
    Row(&[("https_proxy", "ftp://{a}")], "https://api.test:{d}", "error"),
    Row(&[("https_proxy", "http://127.0.0.1:99999")], "https://api.test:{d}", "error"),
    // Which hosts need none.
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "api.test")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("NO_PROXY", "api.test")], "http://api.test:{d}", "direct"),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "x"), ("NO_PROXY", "api.test")],
        "http://api.test:{d}",
        "a",
    ),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", ""), ("NO_PROXY", "api.test")],
        "http://api.test:{d}",
        "direct",
    ),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "*")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "x,*")], "http://api.test:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "*.test")], "http://api.test:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "test")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", ".test")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", ".api.test")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "api.test.")], "http://api.test:{d}", "direct"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "pi.test")], "http://api.test:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "API.Test")], "http://api.test:{d}", "direct"),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "x.test, api.test")],
        "http://api.test:{d}",
        "direct",
    ),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "x.test api.test")],
        "http://api.test:{d}",
        "direct",
    ),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "api.test:{d}")], "http://api.test:{d}", "a"),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "https://api.test")],
        "http://api.test:{d}",
        "a",
    ),
    Row(&[("all_proxy", "http://{a}")], "http://127.0.0.1:{d}", "a"),
    Row(&[("all_proxy", "http://{a}")], "http://localhost:{d}", "a"),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "127.0.0.1")],
        "http://127.0.0.1:{d}",
        "direct",
    ),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "127.0.0.0/8")],
        "http://127.1.2.3:{d}",
        "direct",
    ),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "127.0.0.0/16")], "http://127.1.2.3:{d}", "a"),
    Row(
        &[("all_proxy", "http://{a}"), ("no_proxy", "127.1.2.0/23")],
        "http://127.1.3.3:{d}",
        "direct",
    ),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "127.1.2.3/33")], "http://127.1.2.3:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "0.0.1")], "http://127.0.0.1:{d}", "a"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "::1")], "http://[::1]:{d}", "direct"),
];

/// Where curl is of another mind: on purpose, or because curl 7.88 reads no networks of IPv6.
const OURS: &[Row] = &[
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "::/64")], "http://[::1]:{d}", "direct"),
    Row(&[("HTTP_PROXY", "http://{a}")], "http://api.test:{d}", "a"),
    Row(
        &[("HTTP_PROXY", "http://{a}"), ("REQUEST_METHOD", "GET")],
        "http://api.test:{d}",
        "direct",
    ),
    Row(&[("http_proxy", "http://{b}"), ("HTTP_PROXY", "http://{a}")], "http://api.test:{d}", "b"),
    Row(&[("all_proxy", "http://{a}"), ("no_proxy", "[::1]")], "http://[::1]:{d}", "direct"),
];

/// The proxies and the service.
struct Places {
    service: u16,
    proxies: [u16; 2],
}

impl Places {
    fn fill(&self, text: &str) -> String {
        let proxies = self.proxies.map(|port| format!("127.0.0.1:{port}"));
        text.replace("{a}", &proxies[0])
            .replace("{b}", &proxies[1])
            .replace("{d}", &self.service.to_string())
    }
}

fn ours(row: &Row, places: &Places) -> String {
    let Row(variables, url, _) = row;
    let variable = |name: &str| -> Option<OsString> {
        let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
        Some(places.fill(value).into())
    };
    let url = crate::url::BaseUrl::new(&places.fill(url), true).unwrap();
    match from_environment(variable, url.parts().is_https, url.host()) {
        Err(error) => {
            assert_eq!(error.kind(), Kind::Configuration);
            "error".to_owned()
        }
        Ok(None) => "direct".to_owned(),
        Ok(Some(proxy)) if proxy.port == places.proxies[0] => "a".to_owned(),
        Ok(Some(proxy)) if proxy.port == places.proxies[1] => "b".to_owned(),
        Ok(Some(proxy)) => proxy.to_string(),
    }
}

#[test]
fn the_environment_is_read_as_the_table_says() {
    let places = Places { service: 8080, proxies: [3128, 3129] };
    for row in ROWS.iter().chain(OURS) {
        assert_eq!(ours(row, &places), row.2, "{:?} {}", row.0, row.1);
    }
}

#[test]
fn curl_reads_the_environment_in_the_same_way() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("there is no curl here: the table alone was tested");
        return;
    }
    let (sender, visits) = mpsc::channel();
    let listen = |address: &str, name: &'static str| {
        let listener = TcpListener::bind(address).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sender = sender.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.map(|mut stream: TcpStream| stream.read(&mut [0; 64]));
                let _ = sender.send(name);
            }
        });
        port
    };
    let service = listen("0.0.0.0:0", "direct");
    let v6 = TcpListener::bind(("::1", service)).is_ok() && {
        listen(&format!("[::1]:{service}"), "direct");
        true
    };
    let proxies = [listen("127.0.0.1:0", "a"), listen("127.0.0.1:0", "b")];
    let places = Places { service, proxies };
    for row in ROWS.iter().filter(|row| v6 || !row.1.contains("::1")) {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--max-time", "5", "--resolve"])
            .arg(places.fill("api.test:{d}:127.0.0.1"))
            .arg(places.fill(row.1))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(row.0.iter().map(|(name, value)| (name, places.fill(value))))
            .stdout(Stdio::null());
        let status = curl.status().unwrap();
        let came = visits.recv_timeout(Duration::from_millis(if status.code() == Some(5) {
            50
        } else {
            500
        }));
        while visits.try_recv().is_ok() {}
        assert_eq!(came.unwrap_or("error"), row.2, "{:?} {} {status}", row.0, row.1);
    }
}

#[test]
fn proxies_are_read_as_curl_does() {
    for (text, name, user) in [
        ("proxy.test", "http://proxy.test:1080", None),
        ("proxy.test:3128", "http://proxy.test:3128", None),
        ("HTTP://proxy.test:80/path", "http://proxy.test:80", None),
        ("https://proxy.test", "https://proxy.test:443", None),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080", None),
        ("socks5h://[::1]:9", "socks5h://[::1]:9", None),
        ("http://me:se%40cret@proxy.test:1", "http://proxy.test:1", Some(("me", "se@cret"))),
        ("me@proxy.test", "http://proxy.test:1080", Some(("me", ""))),
    ] {
        let proxy = Proxy::parse(text, "proxy").unwrap();
        assert_eq!(proxy.to_string(), name, "{text}");
        let user = user.map(|(name, password)| (name.to_owned(), password.to_owned()));
        assert_eq!(proxy.user, user, "{text}");
        assert!(!format!("{proxy:?}").contains("cret"));
    }
    let proxy = Proxy::parse("http://a:b@p", "proxy").unwrap();
    assert_eq!(proxy.authorization().unwrap(), "Basic YTpi");
}

#[test]
fn what_is_no_proxy_is_refused_without_showing_it() {
    for text in [
        "",
        "http://",
        "socks4://proxy.test",
        "ftp://proxy.test",
        "http://proxy.test:0",
        "http://proxy.test:99999",
        "http://proxy.test:secret",
        "http://pro xy.test",
        "http://[::1",
        "http://me:%0asecret@proxy.test",
        "http://me:%zzsecret@proxy.test",
    ] {
        let error = Proxy::parse(text, "the environment variable X").unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{text}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
