//! `cargo xtask instructions`: what the main paths of core cost, in instructions, which a machine's noise does
//! not change.

mod layers;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use serde_json::Value;

use crate::run;
use layers::Layer;

/// Where the counts are kept.
const PAGE: &str = "docs/performance.md";
/// A path that takes so much more than is kept is named. Percent.
const GROWTH: u64 = 5;
/// The first run warms up, and the difference to the second is counted.
const TIMES: [u64; 2] = [20, 220];

#[derive(Args)]
pub(crate) struct Options {
    /// Only say which paths take more than 5 % above what the page says
    #[arg(long)]
    check: bool,
}

/// Counts, and writes the page or compares with it.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !run::exists("valgrind", &["--version"]) {
        return Err("valgrind not found: install it (on Debian: `apt-get install valgrind`)".into());
    }
    let program = build()?;
    let paths = run::output(run::command(&program).arg("--paths"))?;
    let (mut rows, mut layer_rows) = (Vec::new(), Vec::new());
    for path in paths.lines() {
        let (ours, peer) = (cost(&program, &[path, "--ours"])?, cost(&program, &[path, "--peer"])?);
        run::say(&format!("{path}: {ours}, its body as a Value {peer}"));
        rows.push((path, ours, peer));
    }
    for layer in layers::measure()? {
        run::say(&layer.to_string());
        layer_rows.push(layer);
    }
    let page = run::root().join(PAGE);
    if options.check {
        let kept = fs::read_to_string(&page).map_err(|error| format!("{PAGE}: {error}"))?;
        return compare(&kept, &rows);
    }
    fs::write(&page, write(&rows, &layer_rows)?).map_err(|error| format!("{PAGE}: {error}"))?;
    run::say(&format!("{PAGE} written"));
    Ok(())
}

fn build() -> Result<PathBuf, String> {
    let mut cargo = run::cargo();
    cargo.args(["bench", "--quiet", "--package", "resayil-core", "--bench", "instructions"]);
    let messages = run::output(cargo.args(["--no-run", "--message-format=json"]))?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = artifacts
        .filter(|message| message["target"]["name"] == "instructions")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.ok_or_else(|| "cargo made no program".to_owned())
}

/// What one more costs: the last argument says how many.
fn cost(program: &Path, arguments: &[&str]) -> Result<u64, String> {
    let count = |times: u64| -> Result<u64, String> {
        let mut valgrind = run::command("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
        let output = valgrind.args(arguments).arg(times.to_string()).output();
        let output = output.map_err(|error: io::Error| format!("valgrind: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let count = said.split("Collected : ").nth(1).and_then(|rest| rest.lines().next());
        count
            .and_then(|count| count.trim().parse().ok())
            .ok_or_else(|| format!("valgrind counts nothing\n{said}"))
    };
    let [few, many] = [count(TIMES[0])?, count(TIMES[1])?];
    Ok(many.saturating_sub(few) / (TIMES[1] - TIMES[0]))
}

fn write(rows: &[(&str, u64, u64)], layer_rows: &[Layer]) -> Result<String, String> {
    let rust = run::output(run::command("rustc").arg("--version"))?;
    let mut page = format!(
        "# Performance\n\nInstructions that one call of a path takes, counted by callgrind, which a machine's noise does not \
         change.\nBeside them what `serde_json` takes to parse the same body into a `Value` that keeps its order. Made by \
         `cargo xtask\ninstructions` with {}, optimised as a release is;\n`cargo xtask instructions --check` names what \
         has grown by more than {GROWTH} %.\n\n| path | instructions | as a `Value` | ratio |\n|---|---|---|---|\n",
        rust.trim()
    );
    for (path, ours, peer) in rows {
        let (peer, ratio) = match *peer {
            // A loop around nothing.
            0..=50 => ("".to_owned(), "".to_owned()),
            peer => (peer.to_string(), format!("{:.2}", *ours as f64 / peer as f64)),
        };
        let _ = writeln!(page, "| {path} | {ours} | {peer} | {ratio} |");
    }
    page += "\nEach error is read with eight headers. Times, beside other libraries, are what `cargo xtask bench` prints.\n";
    page += &layers::table(layer_rows);
    Ok(page)
}

/// Names the paths that take more than the page says.
fn compare(page: &str, rows: &[(&str, u64, u64)]) -> Result<(), String> {
    let kept = |path: &str| {
        let row = page.lines().find(|line| line.starts_with(&format!("| {path} |")))?;
        row.split('|').nth(2)?.trim().parse::<u64>().ok()
    };
    let mut grown = Vec::new();
    for (path, ours, _) in rows {
        match kept(path) {
            Some(kept) if *ours * 100 <= kept * (100 + GROWTH) => {}
            Some(kept) => grown.push(format!("{path}: {ours}, was {kept}")),
            None => grown.push(format!("{path} is not in {PAGE}")),
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(grown.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_named() {
        let page = "| a | 100 | | |\n| b c | 1000 | 10 | 100.00 |\n";
        assert_eq!(compare(page, &[("a", 105, 0), ("b c", 900, 10)]), Ok(()));
        assert_eq!(compare(page, &[("a", 106, 0)]), Err("a: 106, was 100".to_owned()));
        assert!(compare(page, &[("b", 1, 0)]).is_err());
    }
}
