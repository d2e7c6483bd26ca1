//! `cargo xtask site`: the documentation as a web site below `target/site`, from `docs/` and the READMEs.
//!
//! MkDocs with the theme Material, from the package index: it is there in seconds, where mdBook would have to be
//! compiled for minutes; it reads right-to-left text and has a search without a server. The pages are the ones that are read in the
//! repository: what they link to outside of `docs/` is named in the site without a link, as the repository has no
//! address yet, unless one is given.

mod blocks;
pub(crate) mod fences;
pub(crate) mod links;
mod pages;

use std::fs;
use std::path::Path;

use clap::Args;

use crate::{doxygen, python, run};

#[derive(Args)]
pub(crate) struct Options {
    /// The repository's address, for links to its files
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// Leave out the reference of Rust, C and C++, which cargo doc and doxygen make
    #[arg(long)]
    short: bool,
}

/// What makes the pages, pinned.
const REQUIREMENTS: &[&str] = &[
    "mkdocs==1.6.1",
    "mkdocs-material==9.8.2",
    "mkdocstrings==1.0.8",
    "mkdocstrings-python==2.0.11",
];

/// Makes the site without what the check makes anyway, and fails at the first link that leads nowhere.
pub(crate) fn check() -> Result<(), String> {
    links::check()?;
    blocks::check()?;
    build(&Options { repository: None, short: true })
}

/// Makes the site.
pub(crate) fn build(options: &Options) -> Result<(), String> {
    let folder = run::target_dir().join("site");
    let sources = folder.join("pages");
    for old in [&sources, &folder.join("html")] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|error| format!("{}: {error}", old.display()))?;
        }
    }
    pages::prepare(&sources, options.repository.as_deref())?;
    write(&folder.join("mkdocs.yml"), &settings(options)?)?;
    let mkdocs = python::tool("venv-site", "mkdocs", REQUIREMENTS)?;
    run::run(
        run::command(mkdocs)
            .args(["build", "--strict", "--quiet", "--config-file"])
            .arg(folder.join("mkdocs.yml"))
            // It is kept until May 2027; its successor, Zensical, reads the same settings.
            .env("NO_MKDOCS_2_WARNING", "1"),
    )?;
    if !options.short {
        references(&folder.join("html"))?;
    }
    run::say(&format!("made {}", folder.join("html/index.html").display()));
    Ok(())
}

/// The settings, with the address if there is one.
fn settings(options: &Options) -> Result<String, String> {
    let path = run::root().join("docs/mkdocs.yml");
    let mut text =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if let Some(url) = &options.repository {
        text += &format!("repo_url: {url:?}\n");
    }
    let python = run::root().join("python");
    Ok(text.replace("PYTHON_SOURCES", &python.display().to_string()))
}

/// The pages that the languages' own tools make, below `api/`.
fn references(site: &Path) -> Result<(), String> {
    let doc = ["doc", "--workspace", "--no-deps", "--quiet", "--exclude", "xtask"];
    run::run(run::cargo().args(doc).args(run::FEATURES))?;
    doxygen::run()?;
    let target = run::target_dir();
    pages::copy(&target.join("doc"), &site.join("api/rust"))?;
    pages::copy(&target.join("doxygen/html"), &site.join("api/c"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
