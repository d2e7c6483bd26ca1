//! `resayil completions` and `resayil man`: what packagers install.

mod support;

use std::process::Command;

use support::{bare, ends, run, text};

const SUBCOMMANDS: [&str; 11] = [
    "explain",
    "chat",
    "batch",
    "models",
    "balance",
    "quota",
    "doctor",
    "demo",
    "sandbox",
    "completions",
    "man",
];

#[test]
fn every_shell_has_all_subcommands_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(bare().args(["completions", shell]), "");
        ends(&output, 0, &[]);
        let script = text(&output.stdout);
        for name in SUBCOMMANDS.into_iter().chain(["retry-failed", "max-hint"]) {
            assert!(script.contains(name), "{shell} has no {name}");
        }
    }
    ends(&run(bare().args(["completions", "tcsh"]), ""), 2, &["tcsh"]);
}

#[test]
fn bash_completes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resayil");
    std::fs::write(&path, run(bare().args(["completions", "bash"]), "").stdout).unwrap();
    let complete = |words: &str| {
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _resayil resayil \"${{COMP_WORDS[COMP_CWORD]}}\" resayil; echo \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let output = Command::new("bash").args(["--norc", "-c", &script]).output().ok()?;
        assert!(output.status.success(), "{}", text(&output.stderr));
        Some(text(&output.stdout).trim().to_owned())
    };
    // A machine without bash has nothing to try it with.
    let Some(subcommands) = complete("resayil ba") else { return };
    assert_eq!(subcommands, "batch balance");
    assert_eq!(complete("resayil batch --retry").unwrap(), "--retry-failed");
    assert_eq!(complete("resayil completions z").unwrap(), "zsh");
}

#[test]
fn each_subcommand_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    ends(&run(bare().arg("man").arg("--dir").arg(&pages), ""), 0, &[]);
    let mut names: Vec<_> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<_> = SUBCOMMANDS.map(|name| format!("resayil-{name}.1")).to_vec();
    expected.push("resayil.1".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    for name in names {
        let page = std::fs::read_to_string(pages.join(&name)).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{name}: {page}");
        assert!(!page.contains("sk_llmr_"), "{name}");
    }
    let batch = std::fs::read_to_string(pages.join("resayil-batch.1")).unwrap();
    assert!(batch.contains("retry\\-failed") && batch.contains("Ctrl\\-C"), "{batch}");

    let whole = run(bare().arg("man"), "");
    ends(&whole, 0, &[]);
    assert!(text(&whole.stdout).contains(".TH resayil 1"), "{}", text(&whole.stdout));
}
