//! The README's table of peers, made from the figures of docs/simulation.md.

use std::fmt::Write as _;
use std::fs;

use crate::run;

const BEGIN: &str = "<!-- Written by `cargo xtask docs` from docs/simulation.md. -->\n";
const END: &str = "<!-- End of what is written. -->\n";

/// The policies, by their names there and here.
const POLICIES: [(&str, &str); 8] = [
    ("resayil", "**resayil**"),
    ("openai", "OpenAI's SDK, 2 retries"),
    ("openai-10", "OpenAI's SDK, 10 retries"),
    ("tenacity", "tenacity, random exponential, 6 attempts"),
    ("litellm", "LiteLLM's router"),
    ("aws-standard", "AWS SDKs, standard"),
    ("tower", "tower's retry budget"),
    ("guide", "the loop of the provider's guide"),
];

/// What stands in the columns: a scenario, a column of its table.
const FIGURES: [(&str, &str); 7] = [
    ("gateway-m1", "refused"),
    ("gateway-m1", "failed"),
    ("gateway-m4", "refused"),
    ("gateway-m4", "failed"),
    ("outage-60-300", "sent in it"),
    ("outage-60-300", "failed"),
    ("flaky-20pct", "failed"),
];

/// The README with the table as the figures are today.
pub(super) fn readme() -> Result<String, String> {
    let read = |path: &str| {
        fs::read_to_string(run::root().join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let (readme, figures) = (read("README.md")?, read("docs/simulation.md")?);
    let (before, rest) = readme.split_once(BEGIN).ok_or("README.md has no place for the peers")?;
    let (_, after) = rest.split_once(END).ok_or("README.md has no end of the peers")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(&figures)?))
}

fn table(figures: &str) -> Result<String, String> {
    let mut table = String::from(
        "\n| | one process: refused | failed | four processes: refused | failed | outage: requests a call | failed | 20 % fail by chance: failed |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (policy, title) in POLICIES {
        let _ = write!(table, "| {title} |");
        for (scenario, column) in FIGURES {
            let _ = write!(table, " {} |", figure(figures, scenario, column, policy)?);
        }
        table.push('\n');
    }
    table.push('\n');
    Ok(table)
}

/// One figure of a scenario's table; of columns of the same name the first.
fn figure<'a>(
    text: &'a str,
    scenario: &str,
    column: &str,
    policy: &str,
) -> Result<&'a str, String> {
    let missing = || format!("docs/simulation.md has no `{column}` of `{policy}` in {scenario}");
    let section = text.split("\n## ").find(|section| section.lines().next() == Some(scenario));
    let mut rows = section.ok_or_else(missing)?.lines().filter(|line| line.starts_with('|'));
    let at = cells(rows.next().ok_or_else(missing)?).position(|cell| cell == column);
    let at = at.ok_or_else(missing)?;
    let row = rows.find(|row| cells(row).next() == Some(policy)).ok_or_else(missing)?;
    cells(row).nth(at).ok_or_else(missing)
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.trim_matches('|').split('|').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found() {
        let text = "# A\n\n## a\n\n| policy | x | y |\n|---|--:|--:|\n| p | 1 | 2 |\n\n## b\n\n| policy | y |\n|---|--:|\n| p | 3 |\n";
        assert_eq!(figure(text, "a", "y", "p"), Ok("2"));
        assert_eq!(figure(text, "b", "y", "p"), Ok("3"));
        assert!(figure(text, "b", "x", "p").is_err());
        assert!(figure(text, "a", "y", "q").is_err());
    }
}
