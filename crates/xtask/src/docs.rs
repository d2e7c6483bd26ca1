//! `cargo xtask docs`: the pages that list every kind of error and every metric and the schema of the error
//! record, made from the tables in core, and what is understood of each service, made from the vectors.

mod arabic;
mod observability;
mod peers;
mod providers;
mod schema;

use std::fmt::Write as _;
use std::time::Duration;

use resayil_core::error::{HintSource, KindRow};
use resayil_core::messages::{ARABIC, ENGLISH, Messages};
use resayil_core::{Error, Kind, Policy};

use crate::run;

/// Writes the pages, or with `check` only compares them.
pub(crate) fn generate(check: bool) -> Result<(), String> {
    run::generated("docs/errors.md", &page(), check, "docs")?;
    run::generated("docs/errors-ar.md", &arabic::page(), check, "docs")?;
    run::generated("docs/error-record.schema.json", &schema::page()?, check, "docs")?;
    run::generated("README.md", &peers::readme()?, check, "docs")?;
    run::generated("docs/observability.md", &observability::page(), check, "docs")?;
    run::generated("docs/providers.md", &providers::page()?, check, "docs")
}

fn page() -> String {
    let policy = Policy::default();
    let mut page = String::from(
        "<!-- Written by `cargo xtask docs` from the table of kinds in crates/core/src/kind.rs and the \
         texts in crates/core/src/messages/. Change those, not this page. -->\n\n\
         # The kinds of error\n\n\
         Every failure is of one of these kinds, the same in every language. The status decides first, \
         then the codes in the body; the statuses below are what a kind has when nothing closer is \
         known. Numbers are never reused; take a number that you do not know, from a newer version, \
         for `unknown`.\n\n\
         | number | kind | status | severity | retried | Python class | C constant |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in Kind::table() {
        let _ = writeln!(
            page,
            "| {} | [`{name}`](#{name}) | {} | {} | {} | `{}` | `{}` |",
            row.number,
            statuses(row),
            row.severity,
            if row.retryable { "yes" } else { "no" },
            row.python_class,
            c_constant(row),
            name = row.name,
        );
    }
    let _ = write!(
        page,
        "\n## What is retried\n\n\
         *Retried* above is what holds when the server says nothing else. By default a call is tried \
         {} times; a wait that the server names is kept, however long, up to {} s (a longer one ends \
         the call at once and stands in `retry_after`); without one the wait grows from {} s by the \
         factor {} to no more than {} s. A refusal for quota that names its wait costs no attempt. \
         A header `x-should-retry` outweighs the table.\n\n\
         ## Severity\n\n\
         - `info`: nothing went wrong, or it was asked for.\n\
         - `warning`: the request has to change; the service is well.\n\
         - `error`: somebody has to act: a key, credits, a wait.\n\
         - `critical`: the service itself failed.\n\n\
         ## Each kind\n\n\
         The text for users is safe to show: it holds nothing of the provider's message. An \
         application can replace each text, or add a language. The advice is for developers.\n",
        policy.max_attempts(),
        policy.max_hint().as_secs_f64(),
        policy.base_delay().as_secs_f64(),
        policy.factor(),
        policy.max_delay().as_secs_f64(),
    );
    for row in Kind::table() {
        section(&mut page, row);
    }
    page
}

fn section(page: &mut String, row: &KindRow) {
    let _ = write!(
        page,
        "\n### `{}`\n\n{}\n\n\
         Status: {}. Severity: {}. {}. `Kind::{:?}` in Rust, `resayil.{}` in Python, `{}` ({}) in C.\n",
        row.name,
        row.meaning,
        statuses(row),
        row.severity,
        if row.retryable { "Retried" } else { "Not retried" },
        row.kind,
        row.python_class,
        c_constant(row),
        row.number,
    );
    let (plain, detailed) = (Error::new(row.kind, ""), detailed(row.kind));
    texts(page, &plain, &detailed, &ENGLISH, "Users are told", "or, when more is known,");
    texts(page, &plain, &detailed, &ARABIC, "In Arabic", "or");
}

/// The text for users and the advice in one language.
fn texts(
    page: &mut String,
    plain: &Error,
    detailed: &Error,
    language: &Messages,
    lead: &str,
    or: &str,
) {
    // A page is read from the left; a paragraph in Arabic has to say that it is not.
    let attributes = match language.language() {
        "ar" => " dir=\"rtl\" lang=\"ar\"",
        _ => "",
    };
    let message = plain.user_message_in(language);
    let _ =
        write!(page, "\n{lead}:\n\n<blockquote{attributes}>{}</blockquote>\n", escape(&message));
    let more = detailed.user_message_in(language);
    if more != message {
        let _ = write!(page, "\n{or}\n\n<blockquote{attributes}>{}</blockquote>\n", escape(&more));
    }
    let _ = write!(page, "\n<ul{attributes}>\n");
    for step in plain.advice_in(language) {
        let _ = writeln!(page, "<li>{}</li>", escape(&step));
    }
    page.push_str("</ul>\n");
}

/// An error of this kind of which everything is known that a text may tell.
fn detailed(kind: Kind) -> Error {
    let error = if kind == Kind::Validation {
        let body = br#"{"message":"","errors":{"messages.0.role":["invalid"]}}"#;
        let headers: [(&str, &str); 0] = [];
        let now = resayil_core::Timestamp::UNIX_EPOCH;
        match resayil_core::classify(422, &headers, body, now) {
            Err(error) => error,
            Ok(()) => Error::new(kind, ""),
        }
    } else {
        Error::new(kind, "")
    };
    error.with_retry_after(Duration::from_secs(45), HintSource::Body).with_model("llama3.2:3b")
}

fn statuses(row: &KindRow) -> &'static str {
    if row.statuses.is_empty() { "none of its own" } else { row.statuses }
}

/// The constant in `include/resayil.h`.
fn c_constant(row: &KindRow) -> String {
    format!("RESAYIL_KIND_{}", row.name.to_uppercase())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_on_the_page() {
        let page = page();
        for row in Kind::table() {
            assert!(page.contains(&format!("### `{}`\n", row.name)), "{}", row.name);
            assert!(page.contains(row.python_class));
        }
        assert!(page.contains("try again in 45 seconds"), "an example with the wait");
        assert!(page.contains("messages.0.role"), "an example with the field");
        assert!(!page.contains(['{', '}']), "no placeholder is left");
    }

    #[test]
    fn header_and_python_have_every_kind_of_the_table() {
        let read = |path: &str| std::fs::read_to_string(run::root().join(path)).unwrap();
        let header = read("include/resayil.h");
        let python = read("python/resayil/_exceptions.py") + &read("python/resayil/_api_error.py");
        for row in Kind::table() {
            let constant = format!("#define {} {}\n", c_constant(row), row.number);
            assert!(header.contains(&constant), "{constant}");
            let class = format!("\nclass {}(", row.python_class);
            assert!(python.contains(&class), "{class}");
        }
        let constants = header.matches("#define RESAYIL_KIND_").count();
        assert_eq!(constants, Kind::table().len(), "the header has kinds that the table has not");
    }
}
