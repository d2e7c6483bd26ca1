//! The Python package and its tests.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;

/// What the tests need, pinned: the tools, and then the SDKs of others, which one of the tools
/// installs, because it is quicker by minutes where there are many.
const REQUIREMENTS: [&str; 2] = ["tests/python/requirements.txt", "tests/python/sdks.txt"];
/// Where two of them exclude each other.
const OVERRIDES: &str = "tests/python/overrides.txt";
/// The oldest Python that the pinned requirements run on. The package itself runs on 3.9.
const OLDEST: &str = "(3, 10)";

/// A virtual environment.
struct Venv(PathBuf);

impl Venv {
    /// The environment of this name below the target folder; made if it is not there.
    fn open(name: &str) -> Result<Venv, String> {
        let venv = Venv(run::target_dir().join(name));
        if run::exists(&venv.program("python").to_string_lossy(), &["-m", "pip", "--version"]) {
            return Ok(venv);
        }
        let python = find_python()?;
        let made = run::run(run::command(python).args(["-m", "venv", "--clear"]).arg(&venv.0));
        made.map_err(|error| {
            format!("{error}; on Debian and Ubuntu the package python3-venv is needed")
        })?;
        Ok(venv)
    }

    /// An empty environment of this name.
    fn fresh(name: &str) -> Result<Venv, String> {
        let folder = run::target_dir().join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", folder.display()))
            }
            _ => Venv::open(name),
        }
    }

    /// A program of the environment.
    fn program(&self, name: &str) -> PathBuf {
        if cfg!(windows) {
            self.0.join("Scripts").join(name).with_extension("exe")
        } else {
            self.0.join("bin").join(name)
        }
    }

    /// A command in the environment.
    fn command(&self, name: &str) -> Command {
        let mut command = run::command(self.program(name));
        command.env("VIRTUAL_ENV", &self.0).env_remove("PYTHONHOME").env_remove("PYTHONPATH");
        run::as_from_a_shell(&mut command); // maturin and pip start cargo.
        command
    }

    fn pip(&self) -> Command {
        let mut pip = self.command("python");
        pip.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]);
        pip
    }

    /// Installs the requirements, if they changed since the last time.
    fn install_requirements(&self) -> Result<(), String> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let paths = REQUIREMENTS.map(|path| run::root().join(path));
        let wanted = paths.iter().map(|path| read(path)).collect::<Result<String, _>>()?;
        let stamp = self.0.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let [tools, sdks] = &paths;
        run::run(self.pip().args(["install", "--requirement"]).arg(tools))?;
        run::run(
            self.command("uv")
                .args(["pip", "install", "--quiet", "--requirement"])
                .arg(tools)
                .arg("--requirement")
                .arg(sdks)
                .arg("--override")
                .arg(run::root().join(OVERRIDES)),
        )?;
        fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
    }
}

/// A program that comes from the package index, in an environment of its own.
pub(crate) fn program(package: &str, version: &str) -> Result<PathBuf, String> {
    let venv = Venv::open(package)?;
    let program = venv.program(package);
    if !run::exists(&program.to_string_lossy(), &["--version"]) {
        run::run(venv.pip().args(["install", &format!("{package}=={version}")]))?;
    }
    Ok(program)
}

/// A program of an environment of this name, which has just these requirements.
pub(crate) fn tool(environment: &str, name: &str, wanted: &[&str]) -> Result<PathBuf, String> {
    let venv = Venv::open(environment)?;
    let stamp = venv.0.join("requirements.txt");
    let text = wanted.join("\n");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        run::run(venv.pip().arg("install").args(wanted))?;
        fs::write(&stamp, text).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(venv.program(name))
}

/// A Python that is new enough.
fn find_python() -> Result<String, String> {
    let check = format!("import sys, venv; sys.exit(sys.version_info < {OLDEST})");
    let named = env::var("PYTHON").ok();
    let names = named.iter().map(String::as_str).chain(["python3", "python"]);
    let found = names.into_iter().find(|name| run::exists(name, &["-c", &check]));
    found.map(str::to_owned).ok_or_else(|| {
        "the tests need Python 3.10 or newer: install it, or name it in PYTHON".to_owned()
    })
}

/// The environment with the package, built from this tree, and all that the tests need.
fn environment() -> Result<Venv, String> {
    built_as(&[])
}

/// The same with options for the build.
fn built_as(options: &[&str]) -> Result<Venv, String> {
    let venv = Venv::open("venv")?;
    venv.install_requirements()?;
    run::run(venv.command("maturin").args(["develop", "--quiet", "--locked"]).args(options))?;
    Ok(venv)
}

/// Builds the command, whose sandbox the tests talk to, and gives its path; and the C library, which a
/// program of theirs is linked with.
fn command_line() -> Result<PathBuf, String> {
    let packages = ["--package", "resayil-cli", "--package", "resayil-capi"];
    run::run(run::cargo().args(["build", "--quiet"]).args(packages))?;
    let name = format!("resayil{}", env::consts::EXE_SUFFIX);
    Ok(run::target_dir().join("debug").join(name))
}

/// Tests the Python package: its behaviour, its stubs, and the types of what users write.
pub(crate) fn test() -> Result<(), String> {
    let command_line = command_line()?;
    let venv = environment()?;
    let folders = ["python", "tests/python"];
    run::run(
        venv.command("ruff").args(["format", "--no-cache", "--check", "--quiet"]).args(folders),
    )?;
    run::run(venv.command("ruff").args(["check", "--no-cache", "--quiet"]).args(folders))?;
    run::run(venv.command("python").args(["-m", "mypy"]))?;
    // Named, for else a configuration in a folder above would count.
    run::run(
        venv.command("pyright")
            .args(["--project", "pyproject.toml", "--pythonpath"])
            .arg(venv.program("python")),
    )?;
    run::run(
        venv.command("python")
            .args(["-m", "mypy.stubtest", "resayil._native"])
            .args(["--mypy-config-file", "pyproject.toml"]),
    )?;
    run::run(
        venv.command("python")
            .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
            // A machine that stalls for a second is no fault: what fails has two more tries, and they are told.
            .args(["--reruns", "2"])
            .env("RESAYIL_COMMAND", command_line)
            // Nothing is skipped for what is missing.
            .env("RESAYIL_CI", "1"),
    )
}

/// Sixteen processes that share a quota over a real Redis, in windows that are long enough to tell how near the
/// whole comes to a perfect scheduler.
pub(crate) fn fleet() -> Result<(), String> {
    let command_line = command_line()?;
    let venv = environment()?;
    run::run(
        venv.command("python")
            .args(["-m", "pytest", "--quiet", "-s", "-p", "no:cacheprovider"])
            .arg("tests/python/test_fleet_processes.py")
            .env("RESAYIL_COMMAND", command_line)
            .env("RESAYIL_CI", "1")
            .env("RESAYIL_FLEET_LONG", "1"),
    )
}

/// The tests that call the SDKs of others.
const SDK_TESTS: [&str; 6] = [
    "test_foreign.py",
    "test_from_openai.py",
    "test_opentelemetry.py",
    "test_plugs.py",
    "test_sdks.py",
    "test_transport_sdks.py",
];

/// Tries the newest release of each SDK, in an environment of its own: what is pinned says nothing of
/// what users install tomorrow.
pub(crate) fn newest() -> Result<(), String> {
    let command_line = command_line()?;
    let venv = Venv::open("venv-newest")?;
    let mut names = String::new();
    for path in REQUIREMENTS.map(|path| run::root().join(path)) {
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            names.push_str(line.split("==").next().unwrap_or_default());
            names.push('\n');
        }
    }
    let list = venv.0.join("newest.txt");
    fs::write(&list, names).map_err(|error| format!("{}: {error}", list.display()))?;
    run::run(venv.pip().args(["install", "uv"]))?;
    let mut install = venv.command("uv");
    install.args(["pip", "install", "--quiet", "--upgrade", "--requirement"]).arg(&list);
    run::run(install.arg("--override").arg(run::root().join(OVERRIDES)))?;
    run::run(venv.command("maturin").args(["develop", "--quiet", "--locked"]))?;
    run::run(venv.command("uv").args(["pip", "list"]))?;
    let tests = SDK_TESTS.map(|name| format!("tests/python/{name}"));
    run::run(
        venv.command("python")
            .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
            .args(tests)
            .env("RESAYIL_COMMAND", command_line)
            .env("RESAYIL_CI", "1"),
    )
}

/// The example in Python, ready to run.
pub(crate) fn example() -> Result<Command, String> {
    let mut command = environment()?.command("python");
    command.arg("tests/python/example.py");
    Ok(command)
}

/// The benchmarks in Python; `short` with the module as the tests have it.
pub(crate) fn bench(short: bool) -> Result<(), String> {
    let venv = built_as(if short { &[] } else { &["--release"] })?;
    for name in ["classify", "retry", "import", "client"] {
        let mut command = venv.command("python");
        command.arg(format!("tests/python/bench_{name}.py"));
        run::run(command.args(short.then_some("--short")))?;
    }
    Ok(())
}

/// Builds the wheel and the source distribution, and tries each in an environment of its own.
pub(crate) fn wheel() -> Result<(), String> {
    let venv = Venv::open("venv")?;
    venv.install_requirements()?;
    let folder = run::target_dir().join("wheels");
    // Crates of others are built once for all that is built as a user would: the clone of the README, too.
    let kept = run::target_dir().join("readme");
    // What an earlier version left would be found too.
    let _ = fs::remove_dir_all(&folder);
    let mut build = venv.command("maturin");
    build.env(TARGET_DIR, &kept);
    run::run(build.args(["build", "--release", "--quiet", "--locked", "--out"]).arg(&folder))?;
    run::run(venv.command("maturin").args(["sdist", "--out"]).arg(&folder))?;
    try_out(&folder, ".whl", "venv-wheel", &kept)?;
    try_out(&folder, ".tar.gz", "venv-sdist", &kept)
}

/// Where cargo looks for the folder that it builds in.
const TARGET_DIR: &str = "CARGO_TARGET_DIR";

/// Installs the distribution that ends so into a fresh environment, and uses it.
fn try_out(folder: &Path, ending: &str, name: &str, kept: &Path) -> Result<(), String> {
    let files = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    let (Some(file), None) = (files.pop(), files.pop()) else {
        return Err(format!("there is not one file {ending} in {}", folder.display()));
    };
    let venv = Venv::fresh(name)?;
    run::run(venv.pip().env(TARGET_DIR, kept).arg("install").arg(file))?;
    run::run(venv.command("python").arg("tests/python/smoke.py"))
}
