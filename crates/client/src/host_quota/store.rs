//! The model that is kept in the file.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resayil_core::quota::QuotaOptions;
use resayil_core::quota::store::{QuotaModel, QuotaOperation, QuotaReply, QuotaStore};
use sha2::{Digest, Sha256};

use super::clock::HostClock;
use super::file::{Problem, SharedFile};
use super::frame::{self, Contents, Header};
use super::warning::Warning;
use super::{HostQuotaOptions, folder};
use crate::clock::wall_now;

/// How long a process that could not use the file goes on alone before it looks again: after a lock
/// that took too long, and after all else.
const AFTER_LOCK: Duration = Duration::from_secs(5);
const AFTER_PROBLEM: Duration = Duration::from_secs(60);

/// How many there were in this process.
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(super) struct FileStore {
    file: SharedFile,
    clock: HostClock,
    options: QuotaOptions,
    warning: Warning,
    /// The last state that was seen or, while `alone_until` is set, that of this process.
    model: QuotaModel,
    /// What the file held then.
    seen: Option<Header>,
    alone_until: Option<Duration>,
    /// The number of the quota in this process.
    number: u32,
    /// As if the disk were full.
    #[cfg(test)]
    is_full: bool,
}

impl FileStore {
    pub(super) fn open(
        origin: &str,
        api_key: &str,
        options: &HostQuotaOptions,
        warning: Warning,
    ) -> Result<Self, String> {
        let clock = HostClock::new()?;
        let folder = options.folder.clone().unwrap_or_else(folder::default_folder);
        let name = file_name(origin, api_key, options.quota.window, clock.boot);
        let now = clock.time(crate::clock::monotonic_now());
        let mut store = FileStore {
            file: SharedFile::new(folder, &name),
            model: QuotaModel::new(options.quota, wall_now(), now),
            clock,
            options: options.quota,
            warning,
            seen: None,
            alone_until: None,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            #[cfg(test)]
            is_full: false,
        };
        // A folder that cannot be used is told at once.
        store.exchange(&[], now);
        Ok(store)
    }

    /// Reads, changes and writes the model under the lock. An error says that nothing was carried out.
    fn exchange_with_file(
        &mut self,
        operations: &[QuotaOperation],
        now: Duration,
    ) -> Result<QuotaReply, Problem> {
        let path = self.file.path().to_owned();
        let member = self.member();
        let locked = self.file.lock()?;
        let epoch = self.clock.epoch();
        let known = self.seen.as_ref().filter(|_| self.alone_until.is_none());
        let contents = frame::read(&locked, known).map_err(|error| Problem::at(&path, error))?;
        let was_alone = self.alone_until.take().is_some();
        let mut is_new = was_alone;
        let sequence = match contents {
            Contents::Nothing => {
                if was_alone {
                    let fresh = QuotaModel::new(self.options, wall_now(), now);
                    rejoin(&mut self.model, fresh, &self.options, was_alone, now);
                }
                // Else what this process knows is better than nothing.
                0
            }
            Contents::State(header, model) => {
                if let Some(model) = model {
                    rejoin(&mut self.model, *model, &self.options, was_alone, now);
                }
                if !epoch.is_same(&header.epoch) {
                    self.model.resume(wall_now(), now);
                    is_new = true;
                }
                self.seen = Some(header);
                header.sequence
            }
        };
        self.model.meet(member, now);
        let (reply, changed) = self.model.apply(operations, now);
        if !changed && !is_new {
            return Ok(reply);
        }
        #[cfg(test)]
        let is_full = self.is_full;
        #[cfg(not(test))]
        let is_full = false;
        let written = match is_full {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => frame::write(&locked, sequence, epoch, &self.model),
        };
        drop(locked);
        match written {
            Ok(header) => {
                self.seen = Some(header);
                self.model.saved();
            }
            // It was decided, and that holds.
            Err(error) => self.go_alone(&Problem::at(&path, error), now),
        }
        Ok(reply)
    }

    /// A name for this process, which after a fork is another one.
    fn member(&self) -> u64 {
        u64::from(std::process::id()) << 32 | u64::from(self.number)
    }

    fn go_alone(&mut self, problem: &Problem, now: Duration) {
        self.warning.set(&problem.text);
        self.model.part(now);
        self.file.close();
        let pause = if problem.is_brief { AFTER_LOCK } else { AFTER_PROBLEM };
        self.alone_until = Some(now + pause);
    }
}

/// Goes on with what the file holds.
fn rejoin(
    model: &mut QuotaModel,
    shared: QuotaModel,
    options: &QuotaOptions,
    was_alone: bool,
    now: Duration,
) {
    let last = std::mem::replace(model, shared);
    if was_alone {
        model.rejoin(&last, now);
    }
    model.set_limits(options);
}

impl QuotaStore for FileStore {
    fn time(&self, now: Duration) -> Duration {
        self.clock.time(now)
    }

    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        if self.alone_until.is_none_or(|until| until <= now) {
            match self.exchange_with_file(operations, now) {
                Ok(reply) => return reply,
                Err(problem) => self.go_alone(&problem, now),
            }
        }
        self.model.apply(operations, now).0
    }
}

/// Another layout of the file has another name, so that two versions of this crate do each other no
/// harm; and so has another start of the host, whose clock is another one, and another host that has the
/// same folder.
fn file_name(origin: &str, api_key: &str, window: Option<Duration>, boot: [u8; 16]) -> String {
    // Each part ends where it cannot go on, so no two lists of parts are alike.
    let mut hash = Sha256::new();
    hash.update(b"resayil quota\n");
    hash.update(origin.trim_end_matches('/').to_ascii_lowercase().as_bytes());
    hash.update(b"\n");
    hash.update(api_key.as_bytes());
    hash.update(b"\n");
    hash.update(window.unwrap_or_default().as_nanos().to_le_bytes());
    hash.update(boot);
    // Where a container has a clock of its own, it shares with its like.
    if let Ok(clock) = std::fs::read_link("/proc/self/ns/time") {
        hash.update(clock.as_os_str().as_encoded_bytes());
    }
    let digest = hash.finalize();
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("quota-v{}-{digits}", QuotaModel::LAYOUT)
}

#[cfg(test)]
mod tests;
