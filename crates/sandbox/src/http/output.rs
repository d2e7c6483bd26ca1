//! Writing to a connection, at once or dripping.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::stop::Stop;

/// The way to the client.
pub(crate) struct Output<'a> {
    stream: &'a TcpStream,
    stop: &'a Stop,
    drip: Option<(usize, Duration)>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(stream: &'a TcpStream, stop: &'a Stop) -> Self {
        Self { stream, stop, drip: None }
    }

    /// The connection itself.
    pub(crate) fn stream(&self) -> &'a TcpStream {
        self.stream
    }

    /// From now on bodies go out `bytes` at a time, `interval` apart.
    pub(crate) fn set_drip(&mut self, bytes: usize, interval: Duration) {
        self.drip = Some((bytes.max(1), interval));
    }

    /// Writes bytes of a head, which never drip.
    pub(crate) fn write_head(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes)
    }

    /// Writes bytes of a body.
    pub(crate) fn write_body(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((size, interval)) = self.drip else {
            return self.write(bytes);
        };
        for piece in bytes.chunks(size) {
            self.stop.sleep(interval);
            self.write(piece)?;
        }
        Ok(())
    }

    /// A stopping server says nothing more, also where a sleep that it cut short is over.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.stop.is_set() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.stream.write_all(bytes)
    }

    /// Waits until the client leaves or the server stops, and drops whatever comes meanwhile.
    pub(crate) fn wait_for_end(&self) {
        let mut sink = [0; 4096];
        loop {
            match (&mut &*self.stream).read(&mut sink) {
                Ok(0) => return,
                Ok(_) => {}
                // The read's time limit.
                Err(e) if is_timeout(&e) && !self.stop.is_set() => {}
                Err(_) => return,
            }
        }
    }

    /// Whether nothing drips, so that head and body may go out in one piece.
    pub(crate) fn is_plain(&self) -> bool {
        self.drip.is_none()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Writes a body of undeclared length: chunked, or up to the end of the connection for HTTP/1.0.
pub(crate) struct BodyWriter<'o, 'a> {
    out: &'o mut Output<'a>,
    chunked: bool,
}

impl<'o, 'a> BodyWriter<'o, 'a> {
    pub(crate) fn new(out: &'o mut Output<'a>, chunked: bool) -> Self {
        Self { out, chunked }
    }

    /// Ends the body properly.
    pub(crate) fn finish(self) -> io::Result<()> {
        if self.chunked {
            self.out.write_body(b"0\r\n\r\n")?;
        }
        Ok(())
    }

    /// Writes the last bytes and the end of the body in one piece.
    pub(crate) fn finish_with(self, bytes: &[u8]) -> io::Result<()> {
        let mut wire = self.frame(bytes);
        if self.chunked {
            wire.extend_from_slice(b"0\r\n\r\n");
        }
        self.out.write_body(&wire)
    }

    /// Announces these bytes and more, and writes only these.
    pub(crate) fn break_off(self, bytes: &[u8]) -> io::Result<()> {
        if self.chunked {
            let size = format!("{:x}\r\n", bytes.len() + 100);
            self.out.write_body(size.as_bytes())?;
        }
        self.out.write_body(bytes)
    }

    fn frame(&self, bytes: &[u8]) -> Vec<u8> {
        if !self.chunked {
            return bytes.to_vec();
        }
        let mut wire = format!("{:x}\r\n", bytes.len()).into_bytes();
        wire.extend_from_slice(bytes);
        wire.extend_from_slice(b"\r\n");
        wire
    }
}

impl Write for BodyWriter<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An empty chunk would end the body.
        if !bytes.is_empty() {
            let wire = self.frame(bytes);
            self.out.write_body(&wire)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
