//! The programs of bindings/examples, each built and run against a sandbox that refuses a request first.

use std::path::Path;
use std::time::Instant;

use resayil_sandbox::{Fault, Sandbox};

use super::Libraries;
use super::programs::{self, Language, Linkage};
use crate::counts::Counts;
use crate::run;

/// Where the examples are.
const FOLDER: &str = "bindings/examples";
/// The wait that the sandbox names in its refusal. Seconds.
const WAIT: u64 = 1;

struct Example {
    language: Language,
    file: &'static str,
    /// How many calls it makes.
    calls: usize,
    /// What it prints somewhere.
    prints: &'static str,
    /// Whether it has to be linked with libcurl.
    with_curl: bool,
}

const EXAMPLES: &[Example] = &[
    Example {
        language: Language::C,
        file: "chat.c",
        calls: 1,
        prints: "echo: Hello",
        with_curl: false,
    },
    Example {
        language: Language::C,
        file: "curl_easy.c",
        calls: 1,
        prints: "echo: Hello",
        with_curl: true,
    },
    Example {
        language: Language::C,
        file: "curl_epoll.c",
        calls: 12,
        prints: "12 of 12 answered",
        with_curl: true,
    },
    Example {
        language: Language::Cpp,
        file: "chat_stream.cpp",
        calls: 1,
        prints: "echo: Hello",
        with_curl: false,
    },
];

/// Runs all of a language; without libcurl only those that do not need it.
pub(super) fn test(
    language: Language,
    libraries: &Libraries,
    has_curl: bool,
) -> Result<Counts, String> {
    let examples = EXAMPLES.iter().filter(|example| example.language == language);
    let mut counts = Counts::default();
    for example in examples {
        if example.with_curl && !has_curl {
            counts.skipped += 1;
            continue;
        }
        example.test(libraries).map_err(|error| format!("{FOLDER}/{}: {error}", example.file))?;
        counts.passed += 1;
    }
    Ok(counts)
}

impl Example {
    fn test(&self, libraries: &Libraries) -> Result<(), String> {
        let object = programs::compile(self.language, &Path::new(FOLDER).join(self.file))?;
        let others: &[&str] = if self.with_curl { &["-lcurl"] } else { &[] };
        let linkage = Linkage::Shared;
        let program = programs::link_with(self.language, &object, linkage, libraries, others)?;
        let sandbox =
            Sandbox::builder().limit(50).start().map_err(|error| format!("no sandbox: {error}"))?;
        sandbox.push_fault(Fault::RateLimited { retry_after: WAIT });
        let begun = Instant::now();
        let printed = run::output(programs::against(&mut run::command(program), &sandbox))?;
        let took = begun.elapsed().as_secs_f64();
        if !printed.contains(self.prints) {
            return Err(format!("it printed\n{printed}without `{}`", self.prints));
        }
        let log = sandbox.log();
        let with = |status| log.iter().filter(|entry| entry.status == Some(status)).count();
        let counts = [with(429), with(200), log.len()];
        if counts != [1, self.calls, self.calls + 1] {
            return Err(format!(
                "429, 200 and all: {counts:?}, not 1, {} and one more",
                self.calls
            ));
        }
        if took < WAIT as f64 {
            return Err(format!("over after {took:.3} s, but the server said {WAIT} s"));
        }
        Ok(())
    }
}
