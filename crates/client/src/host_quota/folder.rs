//! The folder of the files, and who may write there.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Where the files are if the program does not say.
pub(super) fn default_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        Some(folder) => folder.join("resayil"),
        None => std::env::temp_dir().join(format!("resayil-{}", own_user())),
    }
}

/// Makes the folder if it is not there; it has to be safe from other users.
pub(super) fn prepare(folder: &Path) -> Result<(), String> {
    let fail = |error: io::Error| format!("{}: {error}", folder.display());
    let found = match folder.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
            folder.symlink_metadata().map_err(fail)?
        }
        found => found.map_err(fail)?,
    };
    if !found.is_dir() {
        return Err(format!("{} is not a folder, or a link", folder.display()));
    }
    check_owner(folder, &found)
}

/// Nobody else may have made it, nor write to it.
pub(super) fn check_owner(path: &Path, found: &Metadata) -> Result<(), String> {
    if found.uid() != own_user() {
        return Err(format!("{} belongs to another user", path.display()));
    }
    if found.mode() & 0o022 != 0 {
        return Err(format!("{} can be written by other users", path.display()));
    }
    Ok(())
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
