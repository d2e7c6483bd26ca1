//! The workflows name each action by a whole commit, which nobody can move.

use std::fs;

use crate::run;

/// Says which actions are named by less.
pub(super) fn check() -> Result<(), String> {
    let folder = run::root().join(".github/workflows");
    let failed = |error| format!("{}: {error}", folder.display());
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let text = fs::read_to_string(&path).map_err(failed)?;
        wrong.extend(loose(&text).map(|line| format!("{}: {line}", path.display())));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not pinned:\n{}", wrong.join("\n"))) }
}

fn loose(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| {
        let Some((_, action)) = line.split_once("uses: ") else { return false };
        let commit = action.split_once('@').map_or("", |(_, rest)| rest);
        let is_whole = commit.split(' ').next().is_some_and(|commit| {
            commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit())
        });
        !(action.starts_with("./") || is_whole && commit.contains(" # v"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_pinned() {
        assert_eq!(check(), Ok(()));
        let text = "- uses: ./a.yml\n- uses: a/b@v1\n- uses: a/b@0123456789012345678901234567890123456789 # v1\n";
        assert_eq!(loose(text).collect::<Vec<_>>(), ["- uses: a/b@v1"]);
    }
}
