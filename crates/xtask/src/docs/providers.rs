//! The page of what is understood of each service, made from the test vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::run;
use crate::site::links::anchor;

/// What one answer shows: the form it came in, what names the error, and what that means.
type Fact = (String, String, String, &'static str);

/// The page.
pub(super) fn page() -> Result<String, String> {
    let mut services: BTreeMap<String, (usize, BTreeSet<Fact>)> = BTreeMap::new();
    let mut rows = 0;
    for name in ["errors.jsonl", "streams.jsonl"] {
        let path = run::root().join("tests/vectors").join(name);
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        for line in text.lines() {
            let row: Value =
                serde_json::from_str(line).map_err(|error| format!("{name}: {error}"))?;
            rows += 1;
            let Some(service) = row["service"].as_str() else { continue };
            let (count, facts) = services.entry(service.to_owned()).or_default();
            *count += 1;
            facts.extend(fact(&row));
        }
    }
    let mut page = format!(
        "<!-- Written by `cargo xtask docs` from tests/vectors. Change those, not this page. -->\n\n\
         # What is understood of each service\n\n\
         Each line stands for answers that are cases of [tests/vectors](../tests/vectors/README.md): {rows} in \
         all, of which those are shown here that are one service's own. Other services, and other errors of \
         these, are read by the same rules: the status first, then codes and types, then words.\n\n\
         The form is the HTTP status of the answer, or `stream` for what came inside a stream. A \
         name is the error's code, or else its type, or `-` where there is only a message.\n\n\
         | service | cases |\n|---|---|\n"
    );
    for (service, (count, _)) in &services {
        let _ = writeln!(page, "| [{service}](#{}) | {count} |", anchor(service));
    }
    for (service, (_, facts)) in &services {
        let _ =
            write!(page, "\n## {service}\n\n| form | name | kind | retried |\n|---|---|---|---|\n");
        for (form, name, kind, retried) in facts {
            let _ = writeln!(page, "| {form} | {name} | {kind} | {retried} |");
        }
    }
    Ok(page)
}

fn fact(row: &Value) -> Option<Fact> {
    let record = &row["record"];
    let is_stream = row["stream"].is_string();
    let form = match is_stream {
        true => "stream".to_owned(),
        false => row["status"].to_string(),
    };
    let Some(kind) = record["kind"].as_str() else {
        return Some((form, "-".to_owned(), "a success".to_owned(), "-"));
    };
    let kind = match row["terminal"].as_str() {
        Some("truncated") => format!("`{kind}` (cut)"),
        _ => format!("`{kind}`"),
    };
    let told = [&record["code"], &record["type"]].into_iter().find_map(Value::as_str);
    let name = told.map_or("-".to_owned(), |name| format!("`{}`", name.replace('|', "\\|")));
    let retried = if record["retryable"] == true { "yes" } else { "no" };
    Some((form, name, kind, retried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_services_are_on_the_page_with_their_codes() {
        let page = page().unwrap();
        for part in [
            "## OpenAI\n",
            "## Anthropic\n",
            "## DashScope\n",
            "`insufficient_quota`",
            "(#gemini-vertex-ai)",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }
}
