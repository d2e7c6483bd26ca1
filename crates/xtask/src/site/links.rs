//! The links of all pages: each leads to a file of the repository, and to a heading that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::run;

/// Says of each page that is committed which of its links lead nowhere.
pub(super) fn check() -> Result<(), String> {
    let listed = run::output(
        run::command("git")
            .args(["ls-files", "--cached", "--others"])
            .args(["--exclude-standard", "*.md"]),
    )?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in listed.lines().filter(|page| run::root().join(page).is_file()) {
        let text = read(&run::root().join(page))?;
        replace(&text, |_, target| {
            count += 1;
            if let Err(error) = follow(page, target) {
                wrong.push(format!("{page}: ({target}): {error}"));
            }
            None
        });
    }
    if count == 0 {
        return Err("no page has a link".to_owned());
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("links lead nowhere:\n{}", wrong.join("\n")))
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn follow(page: &str, target: &str) -> Result<(), String> {
    if target.contains(':') {
        return Ok(()); // Of others: what they have tomorrow is not ours to check.
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let place = match path {
        "" => PathBuf::from(page),
        path => normal(&folder.join(path)),
    };
    // Made with the site.
    if place.ends_with("reference/command.md") {
        return Ok(());
    }
    let file = run::root().join(&place);
    if !file.exists() {
        return Err("there is no such file".to_owned());
    }
    if anchor.is_empty() || anchors(&read(&file)?).contains(anchor) {
        return Ok(());
    }
    Err(format!("{} has no such heading", place.display()))
}

/// The anchors of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut open = false;
    let headings = text.lines().filter(|line| {
        open ^= line.starts_with("```");
        !open && line.starts_with('#')
    });
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// The anchor that a heading gets.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// A path without `..`, as far as it has folders to leave.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

/// The text with each link, and each picture, for which there is something replaced by that. What is in blocks
/// and in code stays.
pub(super) fn replace(text: &str, mut by: impl FnMut(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open = false;
    for line in text.split_inclusive('\n') {
        let fence = line.starts_with("```");
        open ^= fence;
        if open || fence {
            out += line;
            continue;
        }
        let mut rest = line;
        while let Some((before, label, target, after)) = next(rest) {
            out += before;
            match by(label, target) {
                Some(text) => out += &text,
                None => out += &format!("[{label}]({target})"),
            }
            rest = after;
        }
        out += rest;
    }
    out
}

/// The first link of a line: what is before it, its label, its target, what is behind it.
fn next(line: &str) -> Option<(&str, &str, &str, &str)> {
    let mut from = 0;
    loop {
        let middle = from + line[from..].find("](")?;
        let end = middle + line[middle..].find(')')?;
        let begin = line[..middle].rfind('[');
        from = end;
        let Some(begin) = begin else { continue };
        // Within code it is none.
        if line[..begin].matches('`').count() % 2 == 1 {
            continue;
        }
        let target = &line[middle + 2..end];
        return Some((&line[..begin], &line[begin + 1..middle], target, &line[end + 1..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_of_the_repository_lead_somewhere() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        assert!(follow("docs/fleet.md", "errors.md#rate_limit").is_ok());
        assert!(follow("docs/fleet.md", "errors.md#rate-limits").is_err());
        assert!(follow("docs/fleet.md", "../nothing.md").is_err());
        assert!(follow("README.md", "docs/fleet.md#how-it-works").is_ok());
    }

    #[test]
    fn links_are_found_where_they_are_links() {
        let text = "a [b](c.md) `[d](e)` [`f`](g#h)\n```\n[i](j)\n```\n";
        let mut found = Vec::new();
        let same = replace(text, |label, target| {
            found.push(format!("{label} {target}"));
            None
        });
        assert_eq!(same, text);
        assert_eq!(found, ["b c.md", "`f` g#h"]);
        assert_eq!(replace("[a](b)!", |a, _| Some(a.to_owned())), "a!");
    }
}
