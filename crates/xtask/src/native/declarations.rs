//! What the C header declares.

use std::fs;

use crate::run;

/// The header, from the root of the repository.
pub(super) const HEADER: &str = "include/resayil.h";

/// A function as the header declares it.
#[derive(Debug, PartialEq)]
pub(super) struct Function<'a> {
    /// The whole declaration, without the semicolon.
    pub(super) declaration: &'a str,
    pub(super) returns: &'a str,
    pub(super) name: &'a str,
    /// How many it has.
    pub(super) parameters: usize,
}

/// The header's text.
pub(super) fn header() -> Result<String, String> {
    fs::read_to_string(run::root().join(HEADER)).map_err(|error| format!("{HEADER}: {error}"))
}

/// The functions that the header declares: what begins a line, up to `);`.
pub(super) fn functions(header: &str) -> Vec<Function<'_>> {
    let declarations = header.split(";\n").filter_map(|text| {
        // Behind the comment, if there is one.
        let declaration = text.rsplit("*/").next()?.trim();
        let (head, parameters) = declaration.strip_suffix(')')?.split_once('(')?;
        let at = head.rfind("resayil_")?;
        let (returns, name) = head.split_at(at);
        let returns = returns.trim();
        let is_function = !head.starts_with("typedef") && !returns.is_empty();
        let parameters = match parameters.trim() {
            "void" | "" => 0,
            some => some.split(',').count(),
        };
        is_function.then_some(Function { declaration, returns, name, parameters })
    });
    declarations.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found() {
        let header = "typedef struct resayil_a resayil_a;\ntypedef struct {\n int b;\n} resayil_b;\n\
            typedef bool (*resayil_callback)(void *user);\n/**\n * Frees; (it).\n */\n\
            void resayil_a_free(resayil_a *a);\n\n/** d */\nresayil_str resayil_c(uint32_t a,\n  int b);\n\
            const resayil_a *resayil_d(void);\n";
        let found = functions(header);
        let function = |declaration, returns, name, parameters| Function {
            declaration,
            returns,
            name,
            parameters,
        };
        assert_eq!(
            found,
            [
                function("void resayil_a_free(resayil_a *a)", "void", "resayil_a_free", 1),
                function(
                    "resayil_str resayil_c(uint32_t a,\n  int b)",
                    "resayil_str",
                    "resayil_c",
                    2
                ),
                function("const resayil_a *resayil_d(void)", "const resayil_a *", "resayil_d", 0),
            ]
        );
    }
}
