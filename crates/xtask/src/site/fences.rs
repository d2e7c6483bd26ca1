//! The fenced blocks of a page in Markdown.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block.
#[derive(Debug, PartialEq)]
pub(crate) struct Fence<'a> {
    /// What stands behind the opening fence.
    pub(crate) info: &'a str,
    /// The number of its first line of text.
    pub(crate) line: usize,
    /// The file that has these lines, by a comment `<!-- from FILE -->` in the line before.
    pub(crate) from: Option<&'a str>,
    lines: Vec<&'a str>,
}

impl Fence<'_> {
    /// Its lines, each with its end.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [*line, "\n"]).collect()
    }

    /// The first word of the info string without what follows a comma: the language.
    pub(crate) fn language(&self) -> &str {
        self.info.split([' ', ',']).next().unwrap_or_default()
    }

    /// The file that the block is, by `title="..."` in the info string.
    pub(crate) fn title(&self) -> Option<&str> {
        self.info.split_once("title=\"")?.1.split('"').next()
    }
}

/// All blocks of a page, in their order. One that is not closed counts to the end.
pub(crate) fn all(text: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut open: Option<Fence<'_>> = None;
    let mut before = "";
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => fences.extend(open.take()),
            Some(fence) => fence.lines.push(line),
            None => {
                open = line.strip_prefix("```").map(|info| Fence {
                    info: info.trim(),
                    line: at + 2,
                    from: before
                        .strip_prefix("<!-- from ")
                        .and_then(|rest| rest.strip_suffix(" -->")),
                    lines: Vec::new(),
                });
            }
        }
        before = line;
    }
    fences.extend(open);
    fences
}

/// The pages in Markdown directly in a folder, by name.
pub(crate) fn markdown(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_what_their_fences_say() {
        let text =
            "a\n```sh ci\nls\n\n```\n```rust title=\"src/a.rs\"\nfn a() {}\n```\n```text\nopen\n";
        let found = all(text);
        assert_eq!(found.len(), 3);
        assert_eq!(
            (found[0].info, found[0].line, found[0].text().as_str()),
            ("sh ci", 3, "ls\n\n")
        );
        assert_eq!((found[1].language(), found[1].title()), ("rust", Some("src/a.rs")));
        assert_eq!(all("<!-- from a/b.rs -->\n```rust\n```\n")[0].from, Some("a/b.rs"));
        assert_eq!((found[2].title(), found[2].text().as_str()), (None, "open\n"));
    }
}
