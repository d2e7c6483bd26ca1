//! One quota for the processes of many hosts.

use std::ffi::{c_char, c_void};

use ::client::FleetFailure;
use ::client::quota::fleet::FleetCall;

use super::builder::resayil_client_builder;
use crate::panic::guard;
use crate::status::resayil_status;
use crate::text::some_name_in;
use crate::user::User;

/// How many numbers the server answers to a call of a fleet.
pub const RESAYIL_FLEET_NUMBERS: usize = 29;
/// The most bytes that a problem of a fleet's call is told in.
pub const RESAYIL_FLEET_PROBLEM_SIZE: usize = 256;

/// The server answered with an array of integers.
pub const RESAYIL_FLEET_ANSWERED: u32 = 0;
/// The server answered with an error, whose text was written.
pub const RESAYIL_FLEET_ERROR: u32 = 1;
/// The server was not reached, or did not answer in time; why may have been written.
pub const RESAYIL_FLEET_LOST: u32 = 2;

/// Carries one call of a fleet's quota to its Redis or Valkey: sends the `count` words as one command, each with
/// its length, waits no longer than some 150 ms for the answer, and says what came: `RESAYIL_FLEET_ANSWERED`
/// after having written the `RESAYIL_FLEET_NUMBERS` integers of the answer to `numbers`, or
/// `RESAYIL_FLEET_ERROR` or `RESAYIL_FLEET_LOST` after having written a text that ends in NUL to `problem`, which
/// has room for `RESAYIL_FLEET_PROBLEM_SIZE` bytes. The text must hold no secret.
///
/// It is called by a thread of the client's, one call at a time, and may not use the client.
pub type resayil_fleet_callback = Option<
    unsafe extern "C" fn(
        words: *const *const c_char,
        lengths: *const usize,
        count: usize,
        numbers: *mut i64,
        problem: *mut c_char,
        user: *mut c_void,
    ) -> u32,
>;

/// Is called once when `user` is not used any more, by whatever thread.
pub type resayil_fleet_release_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// Shares the quota of the base URL's origin and the key with all processes that are given the same Redis or
/// Valkey, on whatever hosts and in whatever language: its URL, such as `redis://host:6379` or `rediss://`. A
/// password may be in it, or in the environment variable `RESAYIL_FLEET_PASSWORD`. Where the server cannot be
/// reached, the client goes on with its share of the limit, and its observer is told the warning
/// `quota_not_shared` once. It has no effect together with `resayil_client_builder_quota` or
/// `resayil_client_builder_no_quota`, and excludes `resayil_client_builder_share_quota`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_fleet(
    builder: *mut resayil_client_builder,
    url: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let url = unsafe { some_name_in(url) };
        borrow_mut!(builder).set("fleet", url, |builder, url| builder.fleet(url))
    })
}

/// The same over a connection of the program's own: `callback` carries the calls. `user` is given back to it, and
/// has to be valid until `release`, which may be NULL, is called with it: some time after the client and its
/// streams are gone, or when the builder is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_fleet_with(
    builder: *mut resayil_client_builder,
    callback: resayil_fleet_callback,
    release: resayil_fleet_release_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let carrier = Carrier { callback, release, user: User(user) };
        let usable =
            if callback.is_some() { Ok(carrier) } else { Err(resayil_status::NULL_PARAMETER) };
        borrow_mut!(builder).set("fleet_with", usable, |builder, carrier| {
            builder.fleet_with(move |call| carrier.carry_out(call))
        })
    })
}

/// The program's function.
struct Carrier {
    callback: resayil_fleet_callback,
    release: resayil_fleet_release_callback,
    user: User,
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the header asks for a function of this type that does not unwind.
            unsafe { release(self.user.pointer()) }
        }
    }
}

impl Carrier {
    fn carry_out(&self, call: &FleetCall) -> Result<Vec<i64>, FleetFailure> {
        let Some(callback) = self.callback else { return Err(lost("there is no callback")) };
        // A program may take the words for texts that end in NUL.
        let words: Vec<_> = call.command().into_iter().map(|word| word + "\0").collect();
        let pointers: Vec<_> = words.iter().map(|word| word.as_ptr().cast::<c_char>()).collect();
        let lengths: Vec<_> = words.iter().map(|word| word.len() - 1).collect();
        let mut numbers = vec![0i64; RESAYIL_FLEET_NUMBERS];
        let mut problem = [0u8; RESAYIL_FLEET_PROBLEM_SIZE];
        // SAFETY: the header asks for a function of this type that does not unwind, and that writes no more than
        // there is room for.
        let outcome = unsafe {
            callback(
                pointers.as_ptr(),
                lengths.as_ptr(),
                pointers.len(),
                numbers.as_mut_ptr(),
                problem.as_mut_ptr().cast(),
                self.user.pointer(),
            )
        };
        let end = problem.iter().position(|byte| *byte == 0).unwrap_or(problem.len());
        let text = String::from_utf8_lossy(problem.get(..end).unwrap_or_default());
        match outcome {
            RESAYIL_FLEET_ANSWERED => Ok(numbers),
            RESAYIL_FLEET_ERROR => Err(FleetFailure::Server(text.into_owned())),
            RESAYIL_FLEET_LOST if !text.is_empty() => Err(lost(&text)),
            _ => Err(lost("the server cannot be reached")),
        }
    }
}

fn lost(problem: &str) -> FleetFailure {
    FleetFailure::Lost(problem.to_owned())
}
