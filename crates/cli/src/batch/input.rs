//! The input: a file, which is read once to be checked and once to be sent, or a pipe.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::ids::{Ids, Known};
use super::line::{BadLine, FORM, Line, MAX_LINE_BYTES};
use crate::exit::{Exit, Failure};

/// How many bad lines of a file are named.
const MAX_NAMED: usize = 20;
/// How much is kept of a line that is too long, in bytes.
const KEPT_BYTES: usize = 1024;

/// Where requests come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    File(PathBuf),
    /// Standard input.
    Pipe,
}

impl Source {
    /// Of an argument, in which `-` is standard input.
    pub(crate) fn of(path: &Path) -> Self {
        if path == Path::new("-") { Source::Pipe } else { Source::File(path.to_owned()) }
    }
}

/// Reads a whole file and checks every line, so that nothing is sent of a file that has a mistake in
/// it.
pub(super) fn check(path: &Path) -> Result<Ids, Failure> {
    let mut ids = Ids::default();
    let mut lines = Lines::open(path)?;
    let (mut named, mut count) = (Vec::new(), 0u64);
    while let Some(line) = lines.next()? {
        let bad = match line {
            Line::Bad(bad) => bad,
            Line::Good(request) => {
                let known = Known { line: request.line, result: None };
                let Some(first) = ids.insert(&request.custom_id, known) else { continue };
                twice(&request.custom_id, first.line, request.line)
            }
        };
        count += 1;
        if named.len() < MAX_NAMED {
            named.push(bad);
        }
    }
    if count > 0 {
        return Err(unusable(path, &named, count));
    }
    if ids.len() == 0 {
        return Err(Failure::new(
            Exit::Input,
            format_args!("{} holds no requests", path.display()),
        )
        .hint(FORM));
    }
    Ok(ids)
}

/// A line whose `custom_id` another one has, too.
pub(super) fn twice(custom_id: &str, first: u64, line: u64) -> BadLine {
    let problem =
        format!("has the custom_id {custom_id:?} twice: in line {first} and in line {line}");
    BadLine { line, custom_id: None, problem, text: Vec::new() }
}

/// The first bad lines of a file, all at once.
fn unusable(path: &Path, named: &[BadLine], count: u64) -> Failure {
    let path = path.display();
    let text = match named {
        [one] => format!("line {} of {path} {}", one.line, one.problem),
        many => {
            let mut text = format!("{count} lines of {path} cannot be sent, so nothing was:");
            for bad in many {
                text += &format!("\n  line {} {}", bad.line, bad.problem);
            }
            match count - many.len() as u64 {
                0 => {}
                more => text += &format!("\n  and {more} more"),
            }
            text
        }
    };
    let only_twice = named.iter().all(|bad| bad.problem.contains(" twice: "));
    Failure::new(Exit::Input, text).hint(if only_twice {
        "give each request its own custom_id: results are found by it"
    } else {
        FORM
    })
}

/// Reads lines, one after the other, none of which it keeps.
pub(super) struct Lines {
    name: String,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// Of a file.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: io::Error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => "name a file that exists",
                _ => "name a file that can be read",
            };
            Failure::new(Exit::Input, format_args!("cannot read {}: {error}", path.display()))
                .hint(hint)
        };
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(Failure::new(
                Exit::Input,
                format_args!("{} is no ordinary file", path.display()),
            )
            .hint("what is no file is read from standard input: write `-`"));
        }
        Ok(Lines::new(path.display().to_string(), Box::new(BufReader::new(file))))
    }

    /// Of standard input.
    pub(super) fn of_pipe() -> Self {
        Lines::new("standard input".to_owned(), Box::new(BufReader::new(io::stdin())))
    }

    fn new(name: String, reader: Box<dyn BufRead + Send>) -> Self {
        Lines { name, reader, line: 0, buffer: Vec::new() }
    }

    /// The next line; empty ones are skipped.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES + 1);
            let count = limited.read_until(b'\n', &mut self.buffer);
            if count.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(None);
            }
            if self.buffer.len() as u64 > MAX_LINE_BYTES && !self.buffer.ends_with(b"\n") {
                return self.too_long().map(Some);
            }
            let bom: &[u8] = if self.line == 1 { b"\xef\xbb\xbf" } else { b"" };
            let text = self.buffer.strip_prefix(bom).unwrap_or(&self.buffer).trim_ascii();
            if !text.is_empty() {
                return Ok(Some(Line::read(text, self.line)));
            }
        }
    }

    /// Skips the rest of a line that is too long.
    fn too_long(&mut self) -> Result<Line, Failure> {
        let mut text = std::mem::take(&mut self.buffer);
        text.truncate(KEPT_BYTES);
        self.reader.skip_until(b'\n').map_err(|error| self.unreadable(&error))?;
        let problem = format!("is longer than {MAX_LINE_BYTES} bytes");
        Ok(Line::Bad(BadLine { line: self.line, custom_id: None, problem, text }))
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Input, format_args!("cannot read {}: {error}", self.name))
    }
}
