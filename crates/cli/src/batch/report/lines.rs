//! Links from a report to the lines of the input and of the output.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The relative address of a file, as seen from a folder; None if there is none.
pub(super) fn address(folder: &Path, file: &Path) -> Option<String> {
    let (folder, file) = (folder.canonicalize().ok()?, file.canonicalize().ok()?);
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    if common == 0 {
        // On another disk.
        return None;
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - common);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    let parts: Option<Vec<_>> =
        path.components().map(|it| it.as_os_str().to_str().map(encoded)).collect();
    // Else a name with a colon would begin with a scheme.
    Some(format!("./{}", parts?.join("/")))
}

/// A link to the place in a text file where this stands, in browsers that find it.
pub(super) fn link(address: &str, text: &str) -> String {
    format!("{address}#:~:text={}", encoded(text))
}

/// In a URL, all that may mean something there is encoded.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_from_the_reports_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("a/b")).unwrap();
        for name in ["a/in put.jsonl", "a:x.jsonl"] {
            std::fs::write(path(name), "").unwrap();
        }
        let from = |folder: &str, file: &str| address(&path(folder), &path(file)).unwrap();
        assert_eq!(from("a", "a/in put.jsonl"), "./in%20put.jsonl");
        assert_eq!(from("a/b", "a/in put.jsonl"), "./../in%20put.jsonl");
        assert_eq!(from("", "a/in put.jsonl"), "./a/in%20put.jsonl");
        assert_eq!(from("", "a:x.jsonl"), "./a%3Ax.jsonl");
        assert_eq!(address(&path("a"), &path("none")), None);
        assert_eq!(link("./x", "\"a-b\""), "./x#:~:text=%22a%2Db%22");
    }
}
