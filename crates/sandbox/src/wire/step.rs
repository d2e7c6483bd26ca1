//! Sending a fault, step by step.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::exchange::{After, Exchange};

/// A step of a fault.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// The same piece again, until so many bytes are sent or the client leaves.
    Flood(Vec<u8>, u64),
    /// Byte by byte, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Nothing more, until the client leaves or the server stops.
    Hang,
    /// Nothing for so long, not even reading.
    Wait(Duration),
    /// A reset of the connection.
    Reset,
    /// Waits for the next request on the connection, and resets it.
    ResetNext,
    Close,
    Keep,
}

/// How much is written at once when a lot is.
const PIECE: usize = 64 * 1024;

pub(crate) fn carry_out(ex: &mut Exchange<'_>, steps: Vec<Step>) -> io::Result<After> {
    let stream = ex.out.stream();
    for step in steps {
        match step {
            Step::Send(bytes) => ex.out.write_head(&bytes)?,
            Step::Flood(piece, bytes) => {
                let many = piece.repeat((PIECE / piece.len().max(1)).max(1));
                let mut sent = 0;
                while sent < bytes {
                    ex.out.write_head(&many)?;
                    sent += many.len() as u64;
                }
            }
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    ex.shared.stop.sleep(pause);
                    ex.out.write_head(&[byte])?;
                }
            }
            Step::Hang => {
                ex.out.wait_for_end();
                return Ok(After::Close);
            }
            Step::Wait(time) => ex.shared.stop.sleep(time),
            Step::Reset => return reset(stream),
            Step::ResetNext => {
                // The beginning of the next request, or the client's end.
                let _ = stream.peek(&mut [0; 1]);
                return reset(stream);
            }
            Step::Close => return Ok(After::Close),
            Step::Keep => return Ok(After::KeepAlive),
        }
    }
    Ok(After::Close)
}

/// Makes the end of the connection a reset.
fn reset(stream: &TcpStream) -> io::Result<After> {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(After::Close)
}
