//! The model that is kept in the file.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use resayil_core::{QuotaModel, QuotaOptions, SharedQuota};
use sha2::{Digest, Sha256};

use super::clock::{Epoch, HostClock};
use super::file::{self, Problem};
use super::frame::{self, Contents, Header};
use super::warning::Warning;
use super::{HostQuotaOptions, folder};
use crate::clock::wall_now;

/// How long a process that could not use the file goes on alone before it looks again: after a lock
/// that took too long, and after all else.
const AFTER_LOCK: Duration = Duration::from_secs(5);
const AFTER_PROBLEM: Duration = Duration::from_secs(60);

pub(super) struct FileStore {
    folder: PathBuf,
    path: PathBuf,
    clock: HostClock,
    options: QuotaOptions,
    warning: Warning,
    /// The last state that was seen or, while `alone_until` is set, that of this process.
    model: QuotaModel,
    /// What the file held then.
    seen: Option<Header>,
    alone_until: Option<Duration>,
    /// The number of the first request that the file does not know of, if it was written since.
    since: u64,
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
        let path = folder.join(file_name(origin, api_key, options.quota.window));
        let now = clock.time(crate::clock::monotonic_now());
        let mut store = FileStore {
            folder,
            path,
            model: QuotaModel::new(options.quota, wall_now(), now),
            clock,
            options: options.quota,
            warning,
            seen: None,
            alone_until: None,
            since: 0,
            #[cfg(test)]
            is_full: false,
        };
        // A folder that cannot be used is told at once.
        store.update(now, &mut |_| false);
        Ok(store)
    }

    /// Reads, changes and writes the model under the lock. An error says that `change` was not
    /// called.
    fn exchange(
        &mut self,
        now: Duration,
        change: &mut dyn FnMut(&mut QuotaModel) -> bool,
    ) -> Result<(), Problem> {
        let file = file::lock(&self.folder, &self.path)?;
        let epoch = self.clock.epoch();
        let contents =
            frame::read(&file, self.seen.as_ref().filter(|_| self.alone_until.is_none()))
                .map_err(|error| Problem::at(&self.path, error))?;
        let fresh = || QuotaModel::new(self.options, wall_now(), now);
        let sequence = match contents {
            Contents::Foreign => {
                let text = format!("{} is no file of a quota: remove it", self.path.display());
                return Err(text.into());
            }
            Contents::Nothing => {
                if self.alone_until.is_some() {
                    self.rejoin(fresh(), now);
                }
                // Else what this process knows is better than nothing.
                0
            }
            Contents::State(header, model) => {
                let model = match model {
                    _ if !epoch.is_same(&header.epoch) => Some(fresh()),
                    Some(model) => Some(*model),
                    None => None,
                };
                if let Some(model) = model {
                    self.rejoin(model, now);
                }
                self.seen = Some(header);
                header.sequence
            }
        };
        let was_alone = self.alone_until.take().is_some();
        self.since = self.model.next_number();
        if !change(&mut self.model) && !was_alone {
            return Ok(());
        }
        match self.write(&file, sequence, epoch) {
            Ok(header) => {
                self.seen = Some(header);
                self.since = self.model.next_number();
            }
            // It was decided, and that holds.
            Err(error) => self.go_alone(&Problem::at(&self.path, error), now),
        }
        Ok(())
    }

    fn write(&self, file: &File, sequence: u64, epoch: Epoch) -> io::Result<Header> {
        #[cfg(test)]
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        frame::write(file, sequence, epoch, &self.model)
    }

    /// Goes on with what the file holds.
    fn rejoin(&mut self, shared: QuotaModel, now: Duration) {
        let last = std::mem::replace(&mut self.model, shared);
        if self.alone_until.is_some() {
            self.model.rejoin(&last, self.since, now);
        }
        self.model.set_limit(self.options.limit);
    }

    fn go_alone(&mut self, problem: &Problem, now: Duration) {
        self.warning.set(&problem.text);
        self.model.part();
        let pause = if problem.is_brief { AFTER_LOCK } else { AFTER_PROBLEM };
        self.alone_until = Some(now + pause);
    }
}

impl SharedQuota for FileStore {
    fn time(&self, now: Duration) -> Duration {
        self.clock.time(now)
    }

    fn update(&mut self, now: Duration, change: &mut dyn FnMut(&mut QuotaModel) -> bool) {
        if self.alone_until.is_none_or(|until| until <= now) {
            match self.exchange(now, change) {
                Ok(()) => return,
                Err(problem) => self.go_alone(&problem, now),
            }
        }
        change(&mut self.model);
    }
}

/// Another layout of the file has another name, so that two versions of this crate do each other no
/// harm.
fn file_name(origin: &str, api_key: &str, window: Option<Duration>) -> String {
    // Each part ends where it cannot go on, so no two lists of parts are alike.
    let mut hash = Sha256::new();
    hash.update(b"resayil quota\n");
    hash.update(origin.trim_end_matches('/').to_ascii_lowercase().as_bytes());
    hash.update(b"\n");
    hash.update(api_key.as_bytes());
    hash.update(b"\n");
    hash.update(window.unwrap_or_default().as_nanos().to_le_bytes());
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
