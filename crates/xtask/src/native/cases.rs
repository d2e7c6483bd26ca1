//! The vectors of tests/vectors, run by C and C++ programs.
//!
//! The programs have no JSON parser: they are given each case as netstrings (tests/c/cases.h has the
//! format), and print error records, which are compared here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Libraries;
use super::programs::{self, Language, Linkage};
use crate::run;

/// Runs all cases; gives their number.
pub(super) fn test(
    language: Language,
    source: &Path,
    libraries: &Libraries,
) -> Result<u64, String> {
    let object = programs::compile(language, source)?;
    let program = programs::link(language, &object, Linkage::Shared, libraries)?;
    test_program(&program, &|program, arguments| {
        let output = programs::output(program, arguments)?;
        programs::check_memory(program, arguments)?;
        Ok(output)
    })
}

/// Runs a program with some arguments, and gives what it prints.
type Runner = dyn Fn(&Path, &[&str]) -> Result<String, String>;

/// Runs all cases through a program; gives their number.
pub(super) fn test_program(program: &Path, run: &Runner) -> Result<u64, String> {
    let errors = run_file(program, run, "errors", |case, line| {
        let record = parse(line)?;
        differ(&[("record", &record, &case["record"])])
    })?;
    let streams = run_file(program, run, "streams", |case, line| {
        let [terminal, replay, text, record] =
            line.splitn(4, '\t').collect::<Vec<_>>().try_into().map_err(|_| line.to_owned())?;
        let text = String::from_utf8(from_hex(text)?).map_err(|error| error.to_string())?;
        differ(&[
            ("record", &parse(record)?, &case["record"]),
            ("terminal", &terminal.into(), &case["terminal"]),
            ("safe_to_replay", &(replay == "1").into(), &case["safe_to_replay"]),
            ("partial_text", &text.into(), &case["partial_text"]),
        ])
    })?;
    Ok(errors + streams)
}

/// Runs one file of cases, and compares each line that the program prints.
fn run_file(
    program: &Path,
    run: &Runner,
    name: &str,
    compare: impl Fn(&Value, &str) -> Result<(), String>,
) -> Result<u64, String> {
    let path = run::root().join("tests/vectors").join(format!("{name}.jsonl"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases = text
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{name}: {error}")))
        .collect::<Result<Vec<Value>, _>>()?;
    let mut digest = Vec::new();
    for case in &cases {
        write_case(&mut digest, case, if name == "streams" { "stream" } else { "body" })?;
    }
    let file = program.with_extension(name);
    fs::write(&file, digest).map_err(|error| format!("{}: {error}", file.display()))?;
    let arguments = [name, &file.to_string_lossy()];
    let output = run(program, &arguments)?;
    let lines: Vec<_> = output.lines().collect();
    if lines.len() != cases.len() {
        return Err(format!("{name}: {} lines for {} cases", lines.len(), cases.len()));
    }
    let wrong: Vec<String> = cases
        .iter()
        .zip(lines)
        .filter_map(|(case, line)| {
            compare(case, line).err().map(|why| format!("{}: {why}", case["id"]))
        })
        .collect();
    if wrong.is_empty() {
        return Ok(cases.len() as u64);
    }
    Err(format!("{} of {} {name} are wrong\n{}", wrong.len(), cases.len(), wrong.join("\n")))
}

/// Appends one case; see tests/c/cases.h.
fn write_case(out: &mut Vec<u8>, case: &Value, body: &str) -> Result<(), String> {
    let id = case["id"].as_str().ok_or("a case has no id")?;
    let bad = |what: &str| format!("{id}: {what}");
    let mut put = |text: &str| {
        out.extend_from_slice(text.len().to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(text.as_bytes());
        out.push(b',');
    };
    put(id);
    put(&case["status"].as_u64().ok_or_else(|| bad("no status"))?.to_string());
    put(&case["now"].as_f64().ok_or_else(|| bad("no time"))?.to_string());
    put(case["provider"].as_str().unwrap_or_default());
    let headers = case["headers"].as_array().ok_or_else(|| bad("no headers"))?;
    put(&headers.len().to_string());
    for header in headers {
        put(header[0].as_str().ok_or_else(|| bad("a header has no name"))?);
        put(header[1].as_str().ok_or_else(|| bad("a header has no value"))?);
    }
    match &case[body] {
        Value::String(text) => put(text),
        Value::Null if body == "body" => put(""),
        _ => return Err(bad("no body")),
    }
    Ok(())
}

fn parse(record: &str) -> Result<Value, String> {
    serde_json::from_str(record).map_err(|error| format!("not JSON ({error}): {record}"))
}

fn differ(members: &[(&str, &Value, &Value)]) -> Result<(), String> {
    match members.iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((name, found, expected)) => {
            Err(format!("{name}\n  found    {found}\n  expected {expected}"))
        }
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    text.as_bytes()
        .chunks(2)
        .map(|chunk| pair(chunk).ok_or_else(|| "no hexadecimal".to_owned()))
        .collect()
}
