//! The file, open and locked.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

use super::folder;

/// How long another process may hold the lock.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// So often at the least it is tried in that time, and no longer than this: where processes wait for a
/// processor, time says little.
const LEAST_TRIES: u32 = 100;
const LONGEST_OF_ALL: Duration = Duration::from_secs(1);
/// So often another thread is let run, before it is slept.
const YIELDS: u32 = 8;
/// After this time it is looked whether the path still names the file that is open.
const LOOK: Duration = Duration::from_secs(1);

/// Why the file cannot be used.
pub(super) struct Problem {
    pub(super) text: String,
    /// Whether it may pass by itself soon.
    pub(super) is_brief: bool,
}

impl Problem {
    pub(super) fn at(path: &Path, error: io::Error) -> Self {
        format!("{}: {error}", path.display()).into()
    }

    fn brief(text: String) -> Self {
        Problem { text, is_brief: true }
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Problem { text, is_brief: false }
    }
}

/// The file at a path, which is kept open.
///
/// A child that was forked shares the lock of its parent, so it opens the file anew; and so does
/// everybody when the file was removed, lest he writes to it for ever.
pub(super) struct SharedFile {
    folder: PathBuf,
    path: PathBuf,
    opened: Option<Opened>,
}

struct Opened {
    file: File,
    process: u32,
    looked: Instant,
}

/// The file while it is locked.
pub(super) struct Locked<'a>(&'a File);

impl std::ops::Deref for Locked<'_> {
    type Target = File;

    fn deref(&self) -> &File {
        self.0
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // It cannot fail, but for a signal, and the kernel takes it away with the process at the latest.
        while flock(self.0, FlockOperation::Unlock) == Err(Errno::INTR) {}
    }
}

impl SharedFile {
    pub(super) fn new(folder: PathBuf, name: &str) -> Self {
        let path = folder.join(name);
        SharedFile { folder, path, opened: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the file, and makes it if it is not there.
    pub(super) fn lock(&mut self) -> Result<Locked<'_>, Problem> {
        let start = Instant::now();
        loop {
            self.open()?;
            let Some(opened) = &mut self.opened else { continue };
            wait_for_lock(&opened.file, &self.path, start)?;
            let found = opened.file.metadata().map_err(|error| Problem::at(&self.path, error))?;
            if is_at(&self.path, &found, &mut opened.looked) {
                break;
            }
            // Removed between opening and locking: others have a new one.
            self.opened = None;
            if start.elapsed() >= LONGEST_WAIT {
                let text = format!("{} is removed again and again", self.path.display());
                return Err(Problem::brief(text));
            }
        }
        match &self.opened {
            Some(opened) => Ok(Locked(&opened.file)),
            None => Err(Problem::brief(format!("{} is not open", self.path.display()))),
        }
    }

    /// Forgets the file, so that it is opened anew.
    pub(super) fn close(&mut self) {
        self.opened = None;
    }

    fn open(&mut self) -> Result<(), Problem> {
        let process = std::process::id();
        if self.opened.as_ref().is_some_and(|opened| opened.process == process) {
            return Ok(());
        }
        let path = &self.path;
        folder::prepare(&self.folder)?;
        let flags = OFlags::RDWR
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC
            // A pipe in its place would block.
            | OFlags::NONBLOCK;
        let file = match open(path, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP) => return Err(format!("{} is a link", path.display()).into()),
            Err(error) => return Err(Problem::at(path, error.into())),
        };
        let found = file.metadata().map_err(|error| Problem::at(path, error))?;
        if !found.is_file() {
            return Err(format!("{} is not a file", path.display()).into());
        }
        folder::check_owner(path, &found)?;
        self.opened = Some(Opened { file, process, looked: Instant::now() });
        Ok(())
    }
}

fn wait_for_lock(file: &File, path: &Path, start: Instant) -> Result<(), Problem> {
    let mut pause = Duration::from_micros(20);
    for tries in 1.. {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => continue,
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(Problem::at(path, error.into())),
        }
        let waited = start.elapsed();
        if waited >= LONGEST_OF_ALL || (waited >= LONGEST_WAIT && tries >= LEAST_TRIES) {
            break;
        }
        if tries <= YIELDS {
            std::thread::yield_now();
        } else {
            // Others hold it for some microseconds.
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_micros(300));
        }
    }
    Err(Problem::brief(format!(
        "{} is locked for more than {} ms by another process",
        path.display(),
        LONGEST_WAIT.as_millis()
    )))
}

/// Whether this is still the file at the path.
fn is_at(path: &Path, found: &Metadata, looked: &mut Instant) -> bool {
    if found.nlink() == 0 {
        return false;
    }
    if looked.elapsed() < LOOK {
        return true;
    }
    *looked = Instant::now();
    path.symlink_metadata().is_ok_and(|at| (at.dev(), at.ino()) == (found.dev(), found.ino()))
}
