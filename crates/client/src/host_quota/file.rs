//! The file, open and locked.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

use super::folder;

/// How long another process may hold the lock.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

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
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Problem { text, is_brief: false }
    }
}

/// Opens and locks the file at `path`, and makes it if it is not there. Closing it is unlocking.
///
/// It is opened each time: so a child that was forked holds no lock of its parent, and a file that
/// somebody removed is not written to for ever.
pub(super) fn lock(folder: &Path, path: &PathBuf) -> Result<File, Problem> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        folder::prepare(folder)?;
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
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if start.elapsed() < LONGEST_WAIT => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(4));
                }
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => {
                    let text = format!(
                        "{} is locked for more than {} ms by another process",
                        path.display(),
                        LONGEST_WAIT.as_millis()
                    );
                    return Err(Problem { text, is_brief: true });
                }
                Err(error) => return Err(Problem::at(path, error.into())),
            }
        }
        // Removed between opening and locking: others have a new one.
        let found = file.metadata().map_err(|error| Problem::at(path, error))?;
        if found.nlink() > 0 {
            return Ok(file);
        }
        if start.elapsed() >= LONGEST_WAIT {
            let text = format!("{} is removed again and again", path.display());
            return Err(Problem { text, is_brief: true });
        }
    }
}
