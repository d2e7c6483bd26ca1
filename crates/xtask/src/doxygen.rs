//! `cargo xtask doxygen`: the pages of the C and C++ interfaces, without a warning.

use crate::{prerequisites, run};

/// The same, where doxygen is to be had.
pub(crate) fn check() -> Result<(), String> {
    match prerequisites::doxygen() {
        Ok(()) => run(),
        Err(error) => {
            run::say(&format!("not checked: {error}"));
            Ok(())
        }
    }
}

/// Makes the pages below `target/doxygen`; what is not documented is an error.
pub(crate) fn run() -> Result<(), String> {
    prerequisites::doxygen()?;
    let output = run::target_dir().join("doxygen");
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let settings = std::fs::read_to_string(run::root().join("bindings/Doxyfile"));
    let settings = settings.map_err(|error| format!("bindings/Doxyfile: {error}"))?;
    let file = output.join("Doxyfile");
    let settings = format!("{settings}OUTPUT_DIRECTORY = {:?}\n", output.display().to_string());
    std::fs::write(&file, settings).map_err(|error| format!("{}: {error}", file.display()))?;
    run::run(run::command("doxygen").arg(&file))?;
    run::say(&format!("made {}", output.join("html/index.html").display()));
    Ok(())
}
