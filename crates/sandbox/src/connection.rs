//! One connection, from its first request to its last.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::behaviour::front_page;
use crate::chat;
use crate::exchange::{After, Exchange, Quota, arrival};
use crate::http::{BodyError, Framing, Head, HeadError, Inbox, Output, Response};
use crate::route;
use crate::server::Shared;

/// After a refusal that leaves a body unread: how long and how much of it is read, so that closing does
/// not destroy the answer on its way.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// Serves the connection until either side ends it.
pub(crate) fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let options = &shared.options;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(options.idle_timeout))?;
    stream.set_write_timeout(Some(options.idle_timeout))?;
    let mut inbox = Inbox::new(stream);
    while !shared.stop.is_set() {
        let head = match inbox.read_head(options.max_head_bytes, options.max_headers) {
            Ok(Some(head)) => head,
            Ok(None) | Err(HeadError::Io) => return Ok(()),
            Err(HeadError::Malformed) => return reject(stream, shared, &mut inbox, 400),
            Err(HeadError::TooLarge) => return reject(stream, shared, &mut inbox, 431),
        };
        if serve_one(stream, shared, &mut inbox, &head)? == After::Close {
            return Ok(());
        }
    }
    Ok(())
}

fn serve_one(
    stream: &TcpStream,
    shared: &Shared,
    inbox: &mut Inbox<&TcpStream>,
    head: &Head,
) -> io::Result<After> {
    let entry = (!route::is_control(&head.path)).then(|| shared.log.begin(arrival(shared, head)));
    let mut ex = Exchange {
        shared,
        head,
        entry,
        out: Output::new(stream, &shared.stop),
        quota: Quota::Unknown,
        keep_alive: head.keep_alive(),
    };
    if let Some(fault) = route::early_fault(shared, head) {
        ex.keep_alive = false;
        let result = chat::fail(&mut ex, b"{}", &fault);
        ex.note(|entry| entry.finished = true);
        return result.map(|_| After::Close);
    }
    let result = match read_body(&mut ex, inbox) {
        Ok(body) => route::dispatch(&mut ex, &body),
        Err(BodyError::Io) => Ok(After::Close),
        Err(error) => {
            ex.keep_alive = false;
            let response = match error {
                BodyError::TooLarge => too_large(shared),
                _ => front_page(400),
            };
            let sent = ex.send(&response);
            linger(stream, inbox);
            sent
        }
    };
    ex.note(|entry| entry.finished = true);
    result
}

fn read_body(ex: &mut Exchange<'_>, inbox: &mut Inbox<&TcpStream>) -> Result<Vec<u8>, BodyError> {
    let max = ex.shared.options.max_body_bytes;
    let framing = ex.head.framing().ok_or(BodyError::Malformed)?;
    let too_large = matches!(framing, Framing::Length(length) if length > max as u64);
    if too_large {
        return Err(BodyError::TooLarge);
    }
    if framing != Framing::Length(0) && ex.head.expects_continue() {
        ex.out.write_head(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    inbox.read_body(framing, max)
}

fn too_large(shared: &Shared) -> Response {
    let body = serde_json::json!({"message": "The POST data is too large."});
    shared.options.behaviour.json(413, &body)
}

/// Answers what is no request.
fn reject(
    stream: &TcpStream,
    shared: &Shared,
    inbox: &mut Inbox<&TcpStream>,
    status: u16,
) -> io::Result<()> {
    let page = front_page(status);
    let mut text = format!(
        "HTTP/1.1 {status} {}\r\nDate: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
        crate::http::reason(status),
        shared.clock.http_date(),
        page.body.len()
    );
    for (name, value) in &page.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut out = Output::new(stream, &shared.stop);
    out.write_head(text.as_bytes())?;
    out.write_head(&page.body)?;
    linger(stream, inbox);
    Ok(())
}

/// Ends our side and reads on for a while.
fn linger(stream: &TcpStream, inbox: &mut Inbox<&TcpStream>) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(LINGER));
    let end = Instant::now() + LINGER;
    let mut total = 0;
    inbox.discard(|read| match read {
        Ok(count) if count > 0 => {
            total += count;
            total < LINGER_BYTES && Instant::now() < end
        }
        _ => false,
    });
}
