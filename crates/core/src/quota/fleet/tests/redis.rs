//! A Redis of a test's own: redis-server on a free port, without persistence, and a plain connection to it.
#![allow(dead_code, unreachable_pub)] // No test needs all of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that ends with the test.
pub struct RedisServer {
    port: u16,
    child: Child,
    options: Vec<String>,
    environment: Vec<(String, String)>,
}

impl RedisServer {
    /// # Panics
    ///
    /// If there is no redis-server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of the command line.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_in(options, &[])
    }

    /// The same with variables of the environment.
    pub fn start_in(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for _ in 0..10 {
            // Somebody else may take the port in between.
            let port = free_port();
            if let Some(child) = run(port, &options, &environment) {
                return RedisServer { port, child, options, environment };
            }
        }
        panic!("redis-server does not start");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn connect(&self) -> Redis {
        Redis::connect(self.port).unwrap()
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Comes back empty on the same port.
    pub fn restart(&mut self) {
        self.kill();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if let Some(child) = run(self.port, &self.options, &self.environment) {
                self.child = child;
                return;
            }
        }
        panic!("redis-server does not come back");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run(port: u16, options: &[String], environment: &[(String, String)]) -> Option<Child> {
    let port_text = port.to_string();
    let started = Command::new("redis-server")
        .args(["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--dir", &std::env::temp_dir().display().to_string()])
        .args(["--enable-debug-command", "local"])
        .args(options)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.unwrap_or_else(|error| {
        panic!("redis-server: {error}. Install it (Debian: `apt-get install redis-server`)")
    });
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if let Ok(mut redis) = Redis::connect(port) {
            match redis.command(&["PING"]) {
                Answer::Text(_) => return Some(child),
                Answer::Error(error) if error.starts_with("NOAUTH") => return Some(child),
                _ => {}
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Text(String),
    Error(String),
    Number(i64),
    Nothing,
    List(Vec<Answer>),
}

impl Answer {
    pub fn numbers(&self) -> Vec<i64> {
        let Answer::List(list) = self else { panic!("{self:?}") };
        let number = |answer: &Answer| match answer {
            Answer::Number(number) => *number,
            other => panic!("{other:?}"),
        };
        list.iter().map(number).collect()
    }
}

/// A connection.
pub struct Redis(BufReader<TcpStream>);

impl Redis {
    pub fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Redis(BufReader::new(stream)))
    }

    pub fn command<S: AsRef<str>>(&mut self, words: &[S]) -> Answer {
        let mut out = format!("*{}\r\n", words.len());
        for word in words.iter().map(AsRef::as_ref) {
            out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        let sent = self.0.get_mut().write_all(out.as_bytes());
        match sent.and_then(|()| self.read()) {
            Ok(answer) => answer,
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    fn read(&mut self) -> std::io::Result<Answer> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().unwrap();
        Ok(match kind {
            "+" => Answer::Text(rest.to_owned()),
            "-" => Answer::Error(rest.to_owned()),
            ":" => Answer::Number(number()),
            "$" if number() < 0 => Answer::Nothing,
            "$" => {
                let mut text = vec![0; number() as usize + 2];
                self.0.read_exact(&mut text)?;
                text.truncate(text.len() - 2);
                Answer::Text(String::from_utf8_lossy(&text).into_owned())
            }
            "*" => {
                let list: Result<_, _> = (0..number()).map(|_| self.read()).collect();
                Answer::List(list?)
            }
            other => panic!("{other}"),
        })
    }
}
