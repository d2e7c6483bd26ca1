//! A TCP connection that keeps time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::channel::{Channel, Written};
use super::failure::Failure;
use super::patience::Patience;
use crate::cancel::Interrupt;

/// No more is given to the system at once, so that an answer that comes early is seen.
const WRITE_AT_ONCE: usize = 64 * 1024;

/// A connected socket, never blocking by itself.
pub(crate) struct Socket(Arc<TcpStream>);

impl Socket {
    /// `stream` is set not to block.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Socket(Arc::new(stream))
    }

    /// Waits for one of these events, and says which came. Cancelling wakes it.
    fn wait(&self, events: PollFlags, patience: Patience<'_>) -> Result<PollFlags, Failure> {
        let mut left = patience.left()?;
        let token = patience.cancel_token();
        let _watch = match token {
            Some(token) => {
                left = left.min(token.longest_wait());
                let socket: Weak<TcpStream> = Arc::downgrade(&self.0);
                Some(token.watch(socket).ok_or(Failure::Cancelled)?)
            }
            None => None,
        };
        let mut waited = [PollFd::new(&*self.0, events)];
        match poll(&mut waited, Some(&timespec(left))) {
            Ok(_) => {}
            // The caller looks at the time and tries again.
            Err(rustix::io::Errno::INTR) => {
                if let Some(token) = token {
                    token.ask_now();
                }
            }
            Err(error) => return Err(Failure::Network(error.into())),
        }
        let came = waited[0].revents();
        patience.left()?;
        Ok(came)
    }
}

impl Interrupt for TcpStream {
    fn interrupt(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Channel for Socket {
    fn read(&mut self, buffer: &mut [u8], patience: Patience<'_>) -> Result<usize, Failure> {
        loop {
            patience.left()?;
            match self.read_now(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::IN, patience)?;
                }
                result => return Ok(result?),
            }
        }
    }

    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&*self.0).read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write(&mut self, bytes: &[u8], patience: Patience<'_>) -> Result<Written, Failure> {
        // A short request goes out at once; while a long one does, the answer may come.
        let mut may_write = bytes.len() <= WRITE_AT_ONCE;
        loop {
            patience.left()?;
            if may_write {
                match (&*self.0).write(&bytes[..bytes.len().min(WRITE_AT_ONCE)]) {
                    Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                    Ok(count) => return Ok(Written { count, has_input: false }),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let came = self.wait(PollFlags::IN | PollFlags::OUT, patience)?;
            if came.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                return Ok(Written { count: 0, has_input: true });
            }
            may_write = came.contains(PollFlags::OUT);
        }
    }
}

/// As the system counts time; at least 1 ms, and not more than it can count.
pub(super) fn timespec(time: Duration) -> Timespec {
    let time = time.clamp(Duration::from_millis(1), Duration::from_secs(24 * 3600));
    Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos() as i32) as _ }
}
