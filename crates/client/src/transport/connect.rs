//! Making a TCP connection to the first address that answers.
//!
//! RFC 8305, Happy Eyeballs: addresses of both families are tried by turns, the next one as soon as
//! the last has failed or has been silent for a moment, while the earlier ones are still waited for.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::failure::Failure;
use super::patience::Patience;
use super::socket::timespec;
use crate::clock::monotonic_now;

/// How long one address may be silent before the next one is tried, too (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// How often it is seen whether the call was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(20);

/// Connects, and sets the socket not to block.
///
/// # Errors
///
/// No address answered, the time is over, or the call was cancelled.
pub(super) fn connect(
    addresses: &[SocketAddr],
    patience: Patience<'_>,
) -> Result<TcpStream, Failure> {
    let mut untried = by_turns(addresses).into_iter();
    let mut pending: Vec<Socket> = Vec::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut next_at = monotonic_now();
    loop {
        let left = patience.left()?;
        let now = monotonic_now();
        if pending.is_empty() || next_at <= now {
            match untried.next().map(start) {
                Some(Ok(socket)) => {
                    pending.push(socket);
                    next_at = now + NEXT_ADDRESS;
                }
                Some(Err(error)) => {
                    last_error = error;
                    continue;
                }
                None if pending.is_empty() => return Err(last_error.into()),
                None => next_at = Duration::MAX,
            }
        }
        let mut wait = left.min(next_at.saturating_sub(now));
        if patience.cancel_token().is_some() {
            wait = wait.min(CANCEL_POLL);
        }
        let ready: Vec<bool> = {
            let mut waited: Vec<PollFd<'_>> =
                pending.iter().map(|socket| PollFd::new(socket, PollFlags::OUT)).collect();
            match poll(&mut waited, Some(&timespec(wait))) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Failure::Network(error.into())),
            }
            waited.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        for index in (0..pending.len()).rev().filter(|&index| ready[index]) {
            let socket = pending.swap_remove(index);
            match finish(socket) {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    last_error = error;
                    // Another one may begin at once.
                    next_at = now;
                }
            }
        }
    }
}

/// Begins to connect.
fn start(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok(socket),
        Err(error) if is_under_way(&error) => Ok(socket),
        Err(error) => Err(error),
    }
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        let errno = rustix::io::Errno::from_io_error(error);
        if errno == Some(rustix::io::Errno::INPROGRESS) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::WouldBlock
}

fn finish(socket: Socket) -> io::Result<TcpStream> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => {
            let stream = TcpStream::from(socket);
            stream.peer_addr()?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
    }
}

/// The addresses in their order, but the families by turns, the first one's first.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (ours, others): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|it| it.is_ipv4() == first.is_ipv4());
    let mut others = others.into_iter();
    let mut mixed = Vec::with_capacity(addresses.len());
    for address in ours {
        mixed.push(address);
        mixed.extend(others.next());
    }
    mixed.extend(others);
    mixed
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::cancel::CancelToken;
    use crate::transport::Progress;

    fn attempt(
        addresses: &[SocketAddr],
        cancel: Option<CancelToken>,
    ) -> Result<SocketAddr, Failure> {
        let progress = Progress::new(cancel, monotonic_now() + Duration::from_secs(20));
        let stream = connect(addresses, Patience::of(&progress))?;
        Ok(stream.peer_addr().unwrap())
    }

    /// A listener whose queue is full, so that it is silent to whoever comes.
    fn silent() -> (TcpListener, Vec<Socket>, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let fillers = (0..4).map(|_| start(address).unwrap()).collect();
        std::thread::sleep(Duration::from_millis(50));
        (socket.into(), fillers, address)
    }

    #[test]
    fn families_take_turns() {
        let v6 = |port| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
        let v4 = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mixed = by_turns(&[v6(1), v6(2), v6(3), v4(1), v4(2)]);
        assert_eq!(mixed, [v6(1), v4(1), v6(2), v4(2), v6(3)]);
        assert!(by_turns(&[]).is_empty());
    }

    #[test]
    fn a_refused_or_silent_first_address_costs_little() {
        let live = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = TcpListener::bind(live).unwrap();
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let start = monotonic_now();
        assert_eq!(attempt(&[refused, live], None).unwrap(), live);
        assert!(monotonic_now() - start < Duration::from_millis(200));
        let (_listener, _fillers, silent) = silent();
        let start = monotonic_now();
        assert_eq!(attempt(&[silent, live], None).unwrap(), live);
        assert!(monotonic_now() - start < Duration::from_millis(900));
        drop(listener);
        assert!(matches!(attempt(&[refused], None), Err(Failure::Network(_))));
        assert!(matches!(attempt(&[], None), Err(Failure::Network(_))));
    }

    #[test]
    fn cancelling_ends_a_connect_at_once() {
        let (_listener, _fillers, silent) = silent();
        let token = CancelToken::new();
        let other = token.clone();
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            other.cancel();
            monotonic_now()
        });
        assert!(matches!(attempt(&[silent], Some(token)), Err(Failure::Cancelled)));
        let cancelled = canceller.join().unwrap();
        assert!(monotonic_now() - cancelled < Duration::from_millis(100));
    }
}
