//! What has to be on the machine before the tests of other languages can be built.

use crate::run;

/// A program that is needed, how to see that it is there, and the Debian package that has it.
struct Need {
    what: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
}

const C: &[Need] = &[
    Need { what: "a C compiler", program: "cc", arguments: &["--version"], package: "gcc" },
    Need { what: "a C++ compiler", program: "c++", arguments: &["--version"], package: "g++" },
    Need { what: "make", program: "make", arguments: &["--version"], package: "make" },
];

/// For the examples.
const LIBCURL: &[Need] = &[Need {
    what: "libcurl's headers",
    program: "cc",
    arguments: &["-E", "-include", "curl/curl.h", "-x", "c", "/dev/null"],
    package: "libcurl4-openssl-dev",
}];

const DOXYGEN: &[Need] =
    &[Need { what: "doxygen", program: "doxygen", arguments: &["--version"], package: "doxygen" }];

const ABIGAIL: &[Need] = &[Need {
    what: "abidiff",
    program: "abidiff",
    arguments: &["--version"],
    package: "abigail-tools",
}];

const PYTHON: &[Need] = &[
    Need {
        what: "Python 3.10 or newer",
        program: "python3",
        arguments: &["-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
        package: "python3",
    },
    Need {
        what: "Python's venv and pip",
        program: "python3",
        arguments: &["-c", "import venv, ensurepip"],
        package: "python3-venv",
    },
];

const REDIS: &[Need] = &[Need {
    what: "redis-server",
    program: "redis-server",
    arguments: &["--version"],
    package: "redis-server",
}];

const HIREDIS: &[Need] = &[Need {
    what: "hiredis for C",
    program: "cc",
    arguments: &["-E", "-x", "c", "-include", "hiredis/hiredis.h", "/dev/null"],
    package: "libhiredis-dev",
}];

/// Makes sure that a C program can speak to a Redis.
pub(crate) fn hiredis() -> Result<(), String> {
    ensure(HIREDIS)
}

/// Makes sure that tests can start a Redis of their own.
pub(crate) fn redis() -> Result<(), String> {
    ensure(REDIS)
}

/// Makes sure that C and C++ programs can be built.
pub(crate) fn c() -> Result<(), String> {
    ensure(C)
}

/// Makes sure that programs which use libcurl can be built.
pub(crate) fn libcurl() -> Result<(), String> {
    ensure(LIBCURL)
}

/// Makes sure that the pages of the C interface can be made.
pub(crate) fn doxygen() -> Result<(), String> {
    ensure(DOXYGEN)
}

/// Makes sure that two ABIs can be compared.
pub(crate) fn abigail() -> Result<(), String> {
    ensure(ABIGAIL)
}

/// Makes sure that a virtual environment can be made.
pub(crate) fn python() -> Result<(), String> {
    // Whoever names a Python has one.
    if std::env::var_os("PYTHON").is_some() { Ok(()) } else { ensure(PYTHON) }
}

fn missing(needs: &'static [Need]) -> Vec<&'static Need> {
    needs.iter().filter(|need| !run::exists(need.program, need.arguments)).collect()
}

/// Installs what is missing if this machine has apt-get and we may use it; says what to do if not.
fn ensure(needs: &'static [Need]) -> Result<(), String> {
    let absent = missing(needs);
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = absent.iter().map(|need| need.package).collect();
    if is_root() && run::exists("apt-get", &["--version"]) {
        let apt = || {
            let mut apt = run::command("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        run::run(apt().args(["update", "-qq"]))?;
        run::run(apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages))?;
    }
    let absent: Vec<_> = missing(needs).iter().map(|need| need.what).collect();
    if absent.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} not found: install it (on Debian and Ubuntu: `sudo apt-get install {}`)",
        absent.join(" and "),
        packages.join(" ")
    ))
}

fn is_root() -> bool {
    run::output(run::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
