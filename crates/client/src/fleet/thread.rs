//! The thread that carries the calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use resayil_core::quota::fleet::{FleetLink, FleetStep};

use super::carrier::{Carry, FleetFailure};
use crate::clock::monotonic_now;
use crate::park::Parker;

/// Makes a connection, which is opened when it is used.
pub(super) type Connect = dyn Fn() -> Box<dyn Carry> + Send + Sync;

/// What the thread works with. It is kept by the waker, which finds out that the process was forked: the thread
/// is not in the child. Nothing here is locked while a call is under way, so a fork may come at any time.
struct Carrier {
    link: FleetLink,
    connect: Box<Connect>,
    /// The process that the thread is in.
    process: AtomicU32,
    parker: Parker,
}

/// Starts the thread.
pub(super) fn start(link: FleetLink, connect: Box<Connect>) {
    let process = AtomicU32::new(std::process::id());
    run(Arc::new(Carrier { link, connect, process, parker: Parker::new() }));
}

fn run(carrier: Arc<Carrier>) {
    let thread = std::thread::Builder::new().name("resayil-fleet".to_owned());
    // Without a thread nothing is answered, and the quota goes on alone after a while.
    let _ = thread.spawn(move || carry(&carrier));
}

impl Wake for Carrier {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let process = std::process::id();
        if self.process.swap(process, Ordering::Relaxed) != process {
            // The parent goes on with its connection, and with what it was granted. The quota is locked now, so
            // the link is told by the thread.
            let carrier = Arc::clone(self);
            let thread = std::thread::Builder::new().name("resayil-fleet".to_owned());
            let _ = thread.spawn(move || {
                carrier.link.on_fork();
                carry(&carrier);
            });
        }
        self.parker.waker().wake_by_ref();
    }
}

fn carry(carrier: &Arc<Carrier>) {
    let waker = Waker::from(Arc::clone(carrier));
    let mut connection = (carrier.connect)();
    // So that the first call need not wait for it.
    connection.prepare();
    loop {
        let now = monotonic_now();
        match carrier.link.poll(now, &waker) {
            FleetStep::Call(call) => {
                let mut call = Some(call);
                while let Some(next) = call.take() {
                    let outcome = connection.carry_out(&next);
                    let now = monotonic_now();
                    match outcome {
                        Ok(numbers) => carrier.link.on_reply(&numbers, now),
                        Err(FleetFailure::Server(error)) => {
                            call = carrier.link.on_error(&error, now);
                            if call.is_none() {
                                connection.close();
                            }
                        }
                        Err(FleetFailure::Lost(problem)) => {
                            connection.close();
                            carrier.link.on_lost(&problem, now);
                        }
                    }
                }
            }
            FleetStep::Wait(until) => {
                let wait = until.map(|until| until.saturating_sub(now));
                carrier.parker.park(wait.unwrap_or(Duration::MAX));
            }
            _ => return,
        }
    }
}
