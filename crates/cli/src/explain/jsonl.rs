//! `explain --jsonl`: one case a line in, one record a line out.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use resayil::{Provider, Timestamp};

use super::case::Case;
use super::{ExplainArgs, name, open, unreadable};
use crate::exit::{Exit, Failure};

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Explains all cases. A line that is no case gives a record of that, and is told on standard error.
pub(super) fn run(args: &ExplainArgs, now: Timestamp) -> Result<(), Failure> {
    let mut input = BufReader::new(open(args)?);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut unknown_providers = HashSet::new();
    let mut bad_lines = 0u64;
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let limit = MAX_LINE_BYTES + 1;
        let count = input
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(args, &error))?;
        if count == 0 {
            break;
        }
        if count as u64 == limit {
            out.flush()?;
            return Err(Failure::new(
                Exit::Input,
                format_args!(
                    "line {number} of {} is longer than {MAX_LINE_BYTES} bytes",
                    name(args)
                ),
            ));
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        // Nearly every line is UTF-8, which is quicker to see so.
        let text =
            std::str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed);
        match Case::parse(&text) {
            Ok(case) => {
                let provider = case.provider_name();
                let provider = provider
                    .map_or(args.provider.0, |provider| known(provider, &mut unknown_providers));
                writeln!(out, "{}", case.explain(provider, now, args.language.0))?;
            }
            Err(bad) => {
                writeln!(out, "{}", bad.record(number, args.language.0))?;
                out.flush()?;
                bad_lines += 1;
                eprintln!("resayil: line {number} of {} {}", name(args), bad.problem);
            }
        }
    }
    out.flush()?;
    if bad_lines > 0 {
        eprintln!("hint: see `resayil explain --help` for the form of a case");
        return Err(Failure::told(Exit::Input));
    }
    Ok(())
}

/// The provider of this name. One that is not known is recognised by the answer, as if it had not
/// been named, and told once.
fn known(name: &str, unknown: &mut HashSet<String>) -> Option<Provider> {
    match name.parse() {
        Ok(provider) => Some(provider),
        Err(_) => {
            if unknown.len() < 100 && unknown.insert(name.to_owned()) {
                eprintln!(
                    "resayil: provider {name:?} is not known; its answers are recognised by their form"
                );
            }
            None
        }
    }
}
