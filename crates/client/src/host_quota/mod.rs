//! The quota of one API key, shared by the processes of this host.

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod file;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod store;
mod warning;

use std::fmt;
use std::path::PathBuf;

use resayil_core::quota::QuotaOptions;
use resayil_core::quota::store::QuotaModel;
use resayil_core::{Error, Kind, Quota};

use warning::Warning;

/// The options of a [`HostQuota`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HostQuotaOptions {
    /// The limit and the window. Processes share a quota if they agree on the window, which may be
    /// a year long at the most. A limit holds for the process that gives it, and for those that
    /// give none.
    pub quota: QuotaOptions,
    /// The folder of the files, which has to be the user's own and writable by nobody else. Default:
    /// `resayil` in `$XDG_RUNTIME_DIR`, else `resayil-` and the user's number in the folder for
    /// temporary files. It is created if it is not there. Processes share a quota if they agree on
    /// the folder: give one where some run in a desktop session and others do not.
    pub folder: Option<PathBuf>,
}

impl HostQuotaOptions {
    /// The same with this limit and window.
    #[must_use]
    pub fn with_quota(mut self, quota: QuotaOptions) -> Self {
        self.quota = quota;
        self
    }

    /// The same with this folder.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<Option<PathBuf>>) -> Self {
        self.folder = folder.into();
        self
    }
}

/// A [`Quota`] that all processes of this host share which use the same origin, key, window and
/// folder, in whatever language.
///
/// What is known of the quota is kept in a small file: what was used of it, how much there is, the
/// clock of the server, and refusals. The file's name has a hash of origin and key (SHA-256); neither
/// is in the file. It is read, decided on and written under an advisory lock (`flock`), which the
/// kernel takes away from whoever dies. That costs some microseconds a request, where a request takes
/// milliseconds at least, and leaves nothing unproven: no memory is shared, so there is no other order
/// of events than that of the lock. What is written goes beside what was there before, with a checksum:
/// who is killed half-way has changed nothing.
///
/// Nothing that happens to the file stops a call. A damaged file is written anew; where it cannot be
/// used (no folder, no space, somebody else's file, a lock that is held for longer than 250 ms) this
/// process goes on alone with what it knows and with its part of what is left, by the number of processes
/// that were seen lately (64 at the most). It looks for the file again after a while, and then counts there
/// what it sent in the meantime. The first such event is told by [`take_warning`](Self::take_warning).
///
/// Those who wait stand in line by process. Between processes there is no order: who asks first when
/// a window opens is admitted. A request whose process died counts as sent.
///
/// Linux only: elsewhere the quota is this process's own, and the warning says so.
///
/// ```
/// use resayil::{HostQuota, HostQuotaOptions, monotonic_now};
/// use resayil::quota::QuotaOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let options = HostQuotaOptions::default()
///     .with_quota(QuotaOptions::default().with_limit(30))
///     .with_folder(folder.path().to_owned());
/// let open = || HostQuota::open("https://llm.resayil.io", "sk_llmr_example", &options);
/// let (one, other) = (open()?, open()?); // In two programs, for example.
/// let (_ticket, _) = one.quota().acquire(monotonic_now());
/// # #[cfg(target_os = "linux")]
/// assert_eq!(other.quota().state(monotonic_now()).remaining, Some(29));
/// # Ok(())
/// # }
/// ```
pub struct HostQuota {
    quota: Quota,
    warning: Warning,
}

impl HostQuota {
    /// The origin for those who share by the name of a group, which stands for the key then: see
    /// [`ClientBuilder::quota_group`](crate::ClientBuilder::quota_group).
    pub const GROUP: &'static str = "group";

    /// Opens the quota of this origin, such as `https://llm.resayil.io`, and key. It has to be used
    /// with [`monotonic_now`](crate::monotonic_now).
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a window that is too long. A file that cannot be used is no error.
    pub fn open(origin: &str, api_key: &str, options: &HostQuotaOptions) -> Result<Self, Error> {
        if options.quota.window.is_some_and(|window| window > QuotaModel::LONGEST_WINDOW) {
            return Err(Error::new(
                Kind::Configuration,
                "a quota with a window of more than a year cannot be shared",
            ));
        }
        let warning = Warning::default();
        Ok(HostQuota { quota: open(origin, api_key, options, warning.clone()), warning })
    }

    /// The quota, for a client or for a loop of one's own.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Why the quota is not shared, or was not for some time; once.
    pub fn take_warning(&self) -> Option<Error> {
        self.warning.take()
    }
}

impl fmt::Debug for HostQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostQuota").field("quota", &self.quota).finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
fn open(origin: &str, api_key: &str, options: &HostQuotaOptions, warning: Warning) -> Quota {
    match store::FileStore::open(origin, api_key, options, warning.clone()) {
        Ok(store) => Quota::shared(store),
        Err(problem) => alone(options, &warning, &problem),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(_: &str, _: &str, options: &HostQuotaOptions, warning: Warning) -> Quota {
    alone(options, &warning, "that exists on Linux only")
}

fn alone(options: &HostQuotaOptions, warning: &Warning, problem: &str) -> Quota {
    warning.set(problem);
    Quota::new(options.quota, crate::clock::wall_now(), crate::clock::monotonic_now())
}
