//! What the changelog says of a version.

use super::read;

/// What has to be written before the version is released.
pub(super) fn missing(version: &str) -> Result<Option<String>, String> {
    judge(&read("CHANGELOG.md")?, version)
}

fn judge(text: &str, version: &str) -> Result<Option<String>, String> {
    let section = |heading: &str| {
        let begin = text.find(&format!("\n## [{heading}]"))? + 1;
        let rest = &text[begin..];
        Some(rest.find("\n## [").map_or(rest, |end| &rest[..end]))
    };
    if let Some(section) = section(version) {
        let has_date = section.lines().next().is_some_and(|line| {
            let date = line.rsplit(' ').next().unwrap_or_default();
            date.len() == 10 && date.bytes().all(|it| it.is_ascii_digit() || it == b'-')
        });
        if !has_date {
            return Err(format!("CHANGELOG.md: the heading of {version} has no date"));
        }
        return Ok(None);
    }
    match section("Unreleased") {
        Some(section) if section.contains("\n- ") => Ok(Some(format!(
            "in CHANGELOG.md the heading `## [{version}] - YYYY-MM-DD` in place of `## [Unreleased]`"
        ))),
        _ => Err(format!("CHANGELOG.md says nothing of {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_section_with_a_date() {
        let dated = "# Changelog\n\n## [0.1.0] - 2026-11-28\n\n- a\n";
        assert_eq!(judge(dated, "0.1.0"), Ok(None));
        assert!(judge(dated, "0.2.0").is_err());
        assert!(judge("\n## [0.1.0]\n\n- a\n", "0.1.0").is_err());
        let unreleased = "\n## [Unreleased]\n\n- a\n\n## [0.1.0] - 2026-11-28\n- b\n";
        assert!(judge(unreleased, "0.2.0").unwrap().unwrap().contains("[0.2.0]"));
        assert!(judge("\n## [Unreleased]\n\n## [0.1.0] - 2026-11-28\n- b\n", "0.2.0").is_err());
        assert!(missing(env!("CARGO_PKG_VERSION")).is_ok());
    }
}
