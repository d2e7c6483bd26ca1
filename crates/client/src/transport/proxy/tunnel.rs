//! Asking an HTTP proxy for a way: RFC 9110 section 9.3.6, CONNECT.

use super::{Proxy, ProxyFailure};
use crate::transport::channel::{Channel, write_all};
use crate::transport::failure::Failure;
use crate::transport::head;
use crate::transport::patience::Patience;

/// The largest answer of a proxy that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// More headers than any proxy sends.
const MAX_HEADERS: usize = 100;

/// Makes `channel` one to `host` and `port`.
///
/// # Errors
///
/// The proxy refuses, does not answer as a proxy does, or the time is over.
pub(in crate::transport) fn open(
    channel: &mut dyn Channel,
    proxy: &Proxy,
    host: &str,
    port: u16,
    user_agent: &str,
    patience: Patience<'_>,
) -> Result<(), Failure> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request += &format!("Proxy-Authorization: {authorization}\r\n");
    }
    request += &format!("User-Agent: {user_agent}\r\n\r\n");
    write_all(channel, request.as_bytes(), patience)?;
    let mut answer = Vec::new();
    loop {
        if let Some(end) = head::length(&answer) {
            let head = head::parse(&answer[..end], MAX_HEADERS)
                .map_err(|_| Failure::Protocol("the proxy's answer"))?;
            answer.drain(..end);
            match head.status {
                100..=199 => continue,
                // The other end of a tunnel waits for us to speak first.
                200..=299 if answer.is_empty() => return Ok(()),
                200..=299 => return Err(Failure::Protocol("the proxy's answer")),
                status => return Err(ProxyFailure::status(proxy, status)),
            }
        }
        if head::is_no_beginning(&answer).is_some() || answer.len() > MAX_ANSWER {
            return Err(Failure::Protocol("the proxy's answer"));
        }
        let mut piece = [0; 1024];
        let count = channel.read(&mut piece, patience)?;
        if count == 0 {
            return Err(Failure::closed());
        }
        answer.extend_from_slice(&piece[..count]);
    }
}
