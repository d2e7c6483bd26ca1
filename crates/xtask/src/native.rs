//! The C library and its tests.

use std::path::PathBuf;
use std::process::Command;

/// The libraries that cargo built.
pub(crate) struct Libraries {
    /// `libresayil.so`.
    pub(crate) shared: PathBuf,
    /// `libresayil.a`.
    pub(crate) r#static: PathBuf,
}

/// Builds the shared and the static library.
///
/// # Errors
///
/// cargo fails.
pub(crate) fn build() -> Result<Libraries, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--package", "resayil-capi", "--message-format=json"])
        .current_dir(crate::header::root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err("the C library does not build".to_owned());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let files: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message["reason"] == "compiler-artifact"
                && message["target"]["crate_types"]
                    .as_array()
                    .is_some_and(|types| types.iter().any(|it| it == "staticlib"))
        })
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .collect();
    let find = |extension: &str| {
        files
            .iter()
            .find(|file| file.extension().is_some_and(|it| it == extension))
            .cloned()
            .ok_or_else(|| format!("cargo made no .{extension} of the C library"))
    };
    Ok(Libraries { shared: find("so")?, r#static: find("a")? })
}

pub(crate) fn test() -> Result<(), String> {
    Ok(())
}
