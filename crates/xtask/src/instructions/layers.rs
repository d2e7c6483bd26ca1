//! What a call that succeeds costs over layers of tower that retry.

use std::fmt::{self, Write as _};

use super::cost;
use crate::run;

/// Where ours stands beside those of other projects, whose versions it pins.
const WORKSPACE: &str = "tests/layers";

/// What one call over a layer takes.
pub(super) struct Layer {
    name: String,
    instructions: u64,
    allocations: u64,
    /// At best; it depends on the machine, and is not kept.
    nanoseconds: u64,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layer { name, instructions, allocations, nanoseconds } = self;
        write!(
            f,
            "layer {name}: {instructions} instructions, {allocations} allocations, {nanoseconds} ns"
        )
    }
}

/// Builds the program and counts.
pub(super) fn measure() -> Result<Vec<Layer>, String> {
    let target = run::target_dir().join("layers");
    let mut build = run::cargo();
    build.args(["build", "--quiet", "--release", "--locked", "--manifest-path"]);
    build.arg(format!("{WORKSPACE}/Cargo.toml")).arg("--target-dir").arg(&target);
    run::run(&mut build)?;
    let program = target.join("release/resayil-layers");
    let number = |name: &str, what: &str| -> Result<u64, String> {
        let said = run::output(run::command(&program).args([name, what]))?;
        said.trim().parse().map_err(|_| format!("{name}: {said} is no number"))
    };
    let names = run::output(run::command(&program).arg("--layers"))?;
    names
        .lines()
        .map(|name| {
            Ok(Layer {
                name: name.to_owned(),
                instructions: cost(&program, &[name])?,
                allocations: number(name, "--allocations")?,
                nanoseconds: number(name, "--nanoseconds")?,
            })
        })
        .collect()
}

/// The part of the page that tells of it.
pub(super) fn table(layers: &[Layer]) -> String {
    let mut table = "\n## Layers of tower\n\nA call that succeeds at once, with four headers and a prompt of 1 KB: what each layer adds to the \
                     call without one.\nEach keeps a copy of the request, which takes two allocations; ours also reads the \
                     answer's head, keeps a quota and a budget, and\nwatches the body to its end. The versions of the others are \
                     pinned in `tests/layers`.\n\n| layer | instructions | allocations |\n|---|---|---|\n"
        .to_owned();
    let Some((none, others)) = layers.split_first() else { return table };
    for layer in others {
        let instructions = layer.instructions.saturating_sub(none.instructions);
        let allocations = layer.allocations.saturating_sub(none.allocations);
        let _ = writeln!(table, "| {} | {instructions} | {allocations} |", layer.name);
    }
    table
}
