//! Heads as they are written down anew.

use super::{Framing, Head};

/// The words behind the status.
pub(super) fn reason(head: &[u8]) -> Vec<u8> {
    let line = head.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut words = line.trim_ascii_end().splitn(2, |&byte| byte == b' ').skip(1);
    let rest = words.next().unwrap_or_default().trim_ascii_start();
    rest.get(3..).unwrap_or_default().trim_ascii().to_vec()
}

/// What a head says of the end of its answer.
pub(super) enum Ends<'a> {
    /// As it came.
    AsWritten,
    /// There is no body.
    Nothing,
    /// A body of this framing, whether the connection is kept after it, and further codings.
    Body(&'a Framing, bool, &'a [String]),
}

pub(super) fn write_head(out: &mut Vec<u8>, head: &Head, reason: &[u8], ends: Ends<'_>) {
    let minor = head.minor.min(1);
    out.extend_from_slice(format!("HTTP/1.{minor} {:03} ", head.status).as_bytes());
    out.extend(reason.iter().map(printable));
    out.extend_from_slice(b"\r\n");
    let mut line = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend(value.iter().map(printable));
        out.extend_from_slice(b"\r\n");
    };
    for (name, value) in &head.headers {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let is_replaced = match ends {
            Ends::AsWritten => false,
            Ends::Nothing => is("content-length") || is("transfer-encoding"),
            Ends::Body(_, keep, _) => {
                is("content-length") || is("transfer-encoding") || !keep && is("connection")
            }
        };
        if !is_replaced {
            line(name, value);
        }
    }
    if let Ends::Body(framing, keep, codings) = ends {
        match framing {
            Framing::Length(length) if !matches!(head.status, 204 | 304) => {
                line("Content-Length", length.to_string().as_bytes());
            }
            Framing::Chunked(_) => line("Transfer-Encoding", b"chunked"),
            _ => {}
        }
        for coding in codings {
            // It has to be undone as one of the content.
            line("Content-Encoding", coding.as_bytes());
        }
        if !keep {
            line("Connection", b"close");
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A byte as every library takes it.
fn printable(byte: &u8) -> u8 {
    if byte.is_ascii_control() && *byte != b'\t' { b' ' } else { *byte }
}
