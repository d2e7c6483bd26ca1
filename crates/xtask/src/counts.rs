//! How many tests ran, read from the closing lines of the runners.

use std::fmt;
use std::ops::AddAssign;

/// Tests that passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// Reads a closing line of nextest, cargo test or pytest, or the plain `12 passed, 0 failed`
    /// (also with a name before it, `C: 12 passed, 0 failed`). Any other line is `None`.
    pub(crate) fn read(line: &str) -> Option<Counts> {
        let line = without_colours(line);
        // Indented, it is what nextest shows of a test that failed, and has counted itself.
        if line.starts_with(' ') && line.trim_start().starts_with("test result: ") {
            return None;
        }
        let line = line.trim().trim_matches('=').trim();
        let list = if let Some(rest) = line.strip_prefix("test result: ") {
            rest.split_once(". ")?.1
        } else if line.starts_with("Summary [") {
            line.split_once(" run: ")?.1
        } else {
            let list = match line.split_once(": ") {
                Some((name, list)) if name.chars().all(|c| c.is_alphanumeric() || c == '+') => list,
                Some(_) => return None,
                None => line,
            };
            list.starts_with(|c: char| c.is_ascii_digit()).then_some(list)?
        };
        let mut counts = Counts::default();
        let mut known = false;
        for item in list.split([',', ';']) {
            let mut words = item.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match word {
                "passed" => counts.passed += number,
                "failed" | "error" | "errors" | "timed" => counts.failed += number,
                "skipped" | "ignored" | "deselected" | "xfailed" => counts.skipped += number,
                _ => continue,
            }
            known = true;
        }
        known.then_some(counts)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The line without the terminal's colour codes.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        for (line, passed, failed, skipped) in [
            ("     Summary [   1.204s] 312 tests run: 312 passed (2 slow), 1 skipped", 312, 0, 1),
            (
                "     Summary [  61.0s] 3/4 tests run: 1 passed, 1 failed, 1 timed out, 0 skipped",
                1,
                2,
                0,
            ),
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.01s",
                3,
                0,
                1,
            ),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored", 3, 2, 0),
            ("======= 4 failed, 120 passed, 2 skipped, 1 warning in 3.21s =======", 120, 4, 2),
            ("\u{1b}[32m\u{1b}[1m12 passed\u{1b}[0m, 1 error in 0.5s", 12, 1, 0),
            ("C: 12 passed, 0 failed", 12, 0, 0),
            ("C++: 7 passed, 1 failed, 2 skipped", 7, 1, 2),
        ] {
            assert_eq!(Counts::read(line), Some(Counts { passed, failed, skipped }), "{line}");
        }
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "test counts::tests::closing_lines_are_read ... ok",
            "running 3 tests",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored",
            "warning: 2 warnings",
            "what is passed on: 3 passed",
            "3 bottles",
        ] {
            assert_eq!(Counts::read(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let counts = Counts { passed: 1, failed: 2, skipped: 3 };
        assert_eq!(Counts::read(&format!("Rust: {counts}")), Some(counts));
    }
}
