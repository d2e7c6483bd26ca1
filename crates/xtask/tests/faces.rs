//! What core lists once, the kinds and the fields of the error record, every language has, under the
//! same name. Names only: what they mean is held by the vectors, in each language.

use std::fs;
use std::path::Path;

use resayil_core::{Error, Kind};
use serde_json::Value;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fields of the record, as the record itself has them.
fn fields() -> Vec<(String, Value)> {
    let error = Error::new(Kind::Validation, "no").with_field_error("a", &["b"]);
    let record: Value = serde_json::from_str(&error.to_json()).unwrap();
    record.as_object().unwrap().clone().into_iter().collect()
}

/// Whether `text` has one of these parts; else a complaint.
fn missing(path: &str, text: &str, parts: &[String]) -> Option<String> {
    let is_there = parts.iter().any(|part| text.contains(part));
    (!is_there).then(|| format!("{path} has none of {parts:?}"))
}

#[test]
fn every_language_has_each_field_of_the_record() {
    let (c, cpp) = (read("include/resayil.h"), read("bindings/cpp/resayil/error.hpp"));
    let (python, stub) = (read("python/resayil/_api_error.py"), read("python/resayil/_native.pyi"));
    let names: Vec<_> = fields().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() > 20 && names.contains(&"retry_at".to_owned()), "{names:?}");
    let complaints: Vec<_> = names
        .iter()
        .flat_map(|name| {
            // C and C++ say `is_` where the answer is yes or no; C takes lists and objects apart.
            let one = name.strip_suffix('s').unwrap_or(name);
            let in_c = ["", "is_"].map(|prefix| format!("resayil_error_{prefix}{name}(const"));
            let apart = [
                format!("resayil_error_{name}_count("),
                format!("resayil_error_{name}_limit("),
                format!("resayil_{}_count(", "error_".to_owned() + one.trim_end_matches("_error")),
            ];
            let in_cpp = ["", "is_"].map(|prefix| format!(" {prefix}{name}("));
            let in_python = [format!("    def {name}(self"), format!("    {name}: ClassVar")];
            [
                missing("include/resayil.h", &c, &[&in_c[..], &apart[..]].concat()),
                missing("bindings/cpp/resayil/error.hpp", &cpp, &in_cpp),
                missing("python/resayil/_api_error.py", &python, &in_python),
                missing("python/resayil/_native.pyi", &stub, &in_python),
            ]
        })
        .flatten()
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_language_has_each_kind() {
    let (c, cpp) = (read("include/resayil.h"), read("bindings/cpp/resayil/error.hpp"));
    let classes = read("python/resayil/_exceptions.py") + &read("python/resayil/_api_error.py");
    let exports = read("python/resayil/__init__.py");
    let page = read("docs/errors.md");
    let complaints: Vec<_> = Kind::table()
        .iter()
        .flat_map(|row| {
            let (name, upper) = (row.name, row.name.to_uppercase());
            let own = |text: String| [text];
            [
                missing(
                    "the header",
                    &c,
                    &own(format!("#define RESAYIL_KIND_{upper} {}\n", row.number)),
                ),
                missing("error.hpp", &cpp, &own(format!("    {name} = RESAYIL_KIND_{upper},"))),
                missing("the exceptions", &classes, &own(format!("class {}(", row.python_class))),
                missing("__init__.py", &exports, &own(format!("\"{}\"", row.python_class))),
                missing("docs/errors.md", &page, &own(format!("`{name}`"))),
            ]
        })
        .flatten()
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    // And no more than those.
    let kinds = cpp.split("enum class Kind").nth(1).unwrap().split("};").next().unwrap();
    assert_eq!(kinds.matches(" = RESAYIL_KIND_").count(), Kind::table().len());
    assert_eq!(c.matches("#define RESAYIL_KIND_").count(), Kind::table().len());
}

/// The pages for those who work on this name files and folders that exist.
#[test]
fn the_pages_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut complaints = Vec::new();
    for page in ["CONTRIBUTING.md", "docs/design.md", "SECURITY.md"] {
        let text = read(page);
        let mut number = 0;
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path =
                ["crates/", "docs/", "tests/", "include/", "bindings/", "python/", "fuzz/"]
                    .iter()
                    .any(|folder| quoted.starts_with(folder));
            let is_plain =
                quoted.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b));
            if is_path && is_plain {
                number += 1;
                if !root.join(quoted).exists() {
                    complaints.push(format!("{page}: {quoted}"));
                }
            }
        }
        println!("{page}: {number}");
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}
