//! The thread that carries the calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use resayil_core::quota::fleet::{FleetLink, FleetOptions, FleetStep};

use super::address::Address;
use super::connection::{Connection, Failure};
use crate::clock::monotonic_now;
use crate::park::Parker;

/// What the thread works with. It is kept by the waker, which finds out that the process was forked: the thread
/// is not in the child.
struct Carrier {
    work: Mutex<(FleetLink, Connection)>,
    /// The process that the thread is in.
    process: AtomicU32,
    parker: Parker,
}

/// Starts the thread.
pub(super) fn start(link: FleetLink, address: Address, options: &FleetOptions) {
    let connection = Connection::new(address, options);
    let carrier = Arc::new(Carrier {
        work: Mutex::new((link, connection)),
        process: AtomicU32::new(std::process::id()),
        parker: Parker::new(),
    });
    run(carrier, false);
}

fn run(carrier: Arc<Carrier>, is_forked: bool) {
    let thread = std::thread::Builder::new().name("resayil-fleet".to_owned());
    // Without a thread nothing is answered, and the quota goes on alone after a while.
    let _ = thread.spawn(move || carry(&carrier, is_forked));
}

impl Wake for Carrier {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let process = std::process::id();
        if self.process.swap(process, Ordering::Relaxed) != process {
            run(Arc::clone(self), true);
        }
        self.parker.waker().wake_by_ref();
    }
}

fn carry(carrier: &Arc<Carrier>, is_forked: bool) {
    let waker = Waker::from(Arc::clone(carrier));
    let lock = || carrier.work.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let (link, connection) = &mut *lock();
        if is_forked {
            // The parent goes on with the connection, and with what it was granted.
            connection.close();
            link.on_fork();
        }
        // So that the first call need not wait for it.
        let _ = connection.prepare();
    }
    loop {
        let until = match step(&mut lock(), &waker) {
            FleetStep::Wait(until) => until,
            FleetStep::Call(_) => continue,
            _ => return,
        };
        // Nothing is locked while it sleeps: a fork finds it so.
        let wait = until.map(|until| until.saturating_sub(monotonic_now()));
        carrier.parker.park(wait.unwrap_or(Duration::MAX));
    }
}

/// Does what is to be done next, if that is a call.
fn step((link, connection): &mut (FleetLink, Connection), waker: &Waker) -> FleetStep {
    let step = link.poll(monotonic_now(), waker);
    let FleetStep::Call(first) = &step else { return step };
    let mut call = Some(first.clone());
    while let Some(next) = call.take() {
        match connection.carry_out(&next) {
            Ok(numbers) => link.on_reply(&numbers, monotonic_now()),
            Err(Failure::Server(error)) => {
                call = link.on_error(&error, monotonic_now());
                if call.is_none() {
                    connection.close();
                }
            }
            Err(Failure::Lost(problem)) => {
                connection.close();
                link.on_lost(&problem, monotonic_now());
            }
        }
    }
    step
}
