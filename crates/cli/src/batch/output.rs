//! The results: appended one whole line at a time, so that a run can be ended at any moment.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs4::TryLockError;

use super::ids::{Ended, Ids, Known};
use super::input::Source;
use super::record;
use crate::exit::{Exit, Failure};

/// Where results go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    File(PathBuf),
    /// Standard output.
    Pipe,
}

impl Target {
    /// Of an argument, in which `-` is standard output.
    pub(crate) fn of(path: &Path) -> Self {
        if path == Path::new("-") { Target::Pipe } else { Target::File(path.to_owned()) }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::File(path) => path.display().fmt(f),
            Target::Pipe => f.write_str("standard output"),
        }
    }
}

/// Where results are appended.
#[derive(Debug)]
pub(super) enum Output {
    File(OutputFile),
    /// So many lines so far.
    Pipe(u64),
}

/// The file of results, held by this run alone.
#[derive(Debug)]
pub(super) struct OutputFile {
    path: PathBuf,
    file: File,
    /// The length up to the last whole line.
    end: u64,
    /// The whole lines.
    lines: u64,
    fsync: bool,
}

/// What earlier runs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) answered: u64,
    pub(super) failed: u64,
}

impl Earlier {
    pub(super) fn add(&mut self, ended: Ended) {
        match ended {
            Ended::Answered => self.answered += 1,
            Ended::Failed => self.failed += 1,
        }
    }
}

/// The name among the ids of a bad line without one: no `custom_id` looks so.
pub(super) fn bad_line_name(result_id: &str) -> String {
    format!("\n{result_id}")
}

impl Output {
    /// Opens the file, locks it, drops a last line that a killed run left unfinished, and marks in
    /// the ids what is done. With `retry_failed`, failures are taken out first.
    pub(super) fn open(
        target: &Target,
        source: &Source,
        ids: &mut Ids,
        retry_failed: bool,
        fsync: bool,
    ) -> Result<(Self, Earlier), Failure> {
        if is_the_same(target, source) {
            return Err(Failure::new(
                Exit::Usage,
                format_args!("{target} is the input and the output"),
            )
            .hint("name another file for the results"));
        }
        let path = match target {
            Target::File(path) => path,
            Target::Pipe => return Ok((Output::Pipe(0), Earlier::default())),
        };
        let mut output =
            OutputFile { path: path.to_owned(), file: open(path)?, end: 0, lines: 0, fsync };
        output.lock()?;
        let (earlier, failures) = output.take_stock(source, ids, retry_failed)?;
        if retry_failed && failures > 0 {
            output.drop_failures()?;
        }
        Ok((Output::File(output), earlier))
    }

    /// Appends one line, which has its line end; says which one of the output it is.
    pub(super) fn append(&mut self, line: &str) -> Result<u64, Failure> {
        debug_assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
        match self {
            Output::File(file) => {
                file.append(line)?;
                Ok(file.lines)
            }
            Output::Pipe(lines) => {
                let mut out = io::stdout().lock();
                out.write_all(line.as_bytes()).and_then(|()| out.flush())?;
                *lines += 1;
                Ok(*lines)
            }
        }
    }
}

/// What is read and written at once would feed itself.
fn is_the_same(target: &Target, source: &Source) -> bool {
    let target = match target {
        Target::File(path) => same_file::Handle::from_path(path),
        Target::Pipe => same_file::Handle::stdout(),
    };
    let source = match source {
        Source::File(path) => same_file::Handle::from_path(path),
        Source::Pipe => same_file::Handle::stdin(),
    };
    let (Ok(target), Ok(source)) = (target, source) else { return false };
    // A terminal and /dev/null are both, and do no harm.
    target == source && target.as_file().metadata().is_ok_and(|data| data.is_file())
}

impl OutputFile {
    fn append(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        let synced = written.and_then(|()| if self.fsync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = synced {
            // Half a line, on a full disk for one, does not stay; the next run would drop it, too.
            let _ = self.file.set_len(self.end);
            return Err(unwritable(&self.path, &error));
        }
        self.end += line.len() as u64;
        self.lines += 1;
        Ok(())
    }

    fn lock(&self) -> Result<(), Failure> {
        match fs4::FileExt::try_lock(&self.file) {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                Exit::System,
                format_args!("another run is writing to {}", self.path.display()),
            )
            .hint("wait for it to end, or name another file")),
            Err(TryLockError::Error(error)) => Err(unwritable(&self.path, &error)),
        }
    }

    /// Reads what is there; says what was done, and how many lines are failures.
    fn take_stock(
        &mut self,
        source: &Source,
        ids: &mut Ids,
        retry_failed: bool,
    ) -> Result<(Earlier, u64), Failure> {
        let mut earlier = Earlier::default();
        let mut failures = 0;
        let mut buffer = Vec::new();
        let mut reader = BufReader::new(&self.file);
        let fail = |error: io::Error| unwritable(&self.path, &error);
        reader.seek(SeekFrom::Start(0)).map_err(fail)?;
        let mut unfinished = false;
        for number in 1u64.. {
            buffer.clear();
            let count = reader.read_until(b'\n', &mut buffer).map_err(fail)?;
            if count == 0 {
                break;
            }
            let whole = buffer.ends_with(b"\n");
            let Some(result) = record::read(&buffer) else {
                if !whole {
                    unfinished = true;
                    break;
                }
                if buffer.trim_ascii().is_empty() {
                    self.end += count as u64;
                    self.lines += 1;
                    continue;
                }
                return Err(self.foreign(number, "is no result of a batch"));
            };
            let ended = if result.answered { Ended::Answered } else { Ended::Failed };
            let (name, is_bad_line) = match (&result.custom_id, &result.id) {
                (Some(custom_id), _) => (custom_id.clone(), false),
                (None, id) => (bad_line_name(id.as_deref().unwrap_or_default()), true),
            };
            let is_file = *source != Source::Pipe;
            match ids.get(&name) {
                None if is_file && !is_bad_line => {
                    let problem = format!("has the custom_id {name:?}, which the input has not");
                    return Err(self.foreign(number, &problem));
                }
                Some(known) if known.result.is_some() => {
                    let problem = format!("repeats the custom_id {name:?}");
                    return Err(self.foreign(number, &problem));
                }
                _ if ended == Ended::Failed && retry_failed => failures += 1,
                // A bad line of a pipe, which the file has not.
                None if is_file => {}
                // What the pipe will bring is not known yet.
                None => {
                    ids.insert(&name, Known { line: 0, result: Some(ended) });
                }
                Some(known) => {
                    ids.insert(&name, Known { result: Some(ended), ..known });
                    earlier.add(ended);
                }
            }
            self.end += count as u64;
            self.lines += 1;
            if !whole {
                // Only its line end is missing: the answer is there, and is not asked for again.
                (&self.file).write_all(b"\n").map_err(fail)?;
                self.end += 1;
            }
        }
        if unfinished {
            self.file.set_len(self.end).map_err(fail)?;
        }
        Ok((earlier, failures))
    }

    fn foreign(&self, number: u64, problem: &str) -> Failure {
        Failure::new(
            Exit::Input,
            format_args!("line {number} of {} {problem}", self.path.display()),
        )
        .hint("it belongs to something else: name another file for the results")
    }

    /// Replaces the file by one without the lines that are failures. Whatever happens, one of the
    /// two is there, whole.
    fn drop_failures(&mut self) -> Result<(), Failure> {
        let fail = |error: io::Error| unwritable(&self.path, &error);
        let path = self.path.canonicalize().map_err(fail)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let kept = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(0)).map_err(fail)?;
        let mut writer = BufWriter::new(kept.as_file());
        let (mut buffer, mut end, mut lines) = (Vec::new(), 0, 0);
        while reader.read_until(b'\n', &mut buffer).map_err(fail)? > 0 {
            if record::read(&buffer).is_some_and(|result| result.answered) {
                writer.write_all(&buffer).map_err(fail)?;
                end += buffer.len() as u64;
                lines += 1;
            }
            buffer.clear();
        }
        writer.flush().map_err(fail)?;
        drop(writer);
        kept.as_file()
            .set_permissions(self.file.metadata().map_err(fail)?.permissions())
            .map_err(fail)?;
        kept.as_file().sync_all().map_err(fail)?;
        kept.persist(&path).map_err(|error| fail(error.error))?;
        self.file = open(&path)?;
        self.end = end;
        self.lines = lines;
        self.lock()
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path);
    let file = file.map_err(|error| unwritable(path, &error))?;
    if !file.metadata().is_ok_and(|data| data.is_file()) {
        return Err(Failure::new(
            Exit::System,
            format_args!("{} is no ordinary file", path.display()),
        )
        .hint("a batch goes on by what its output holds, so that has to be a file"));
    }
    Ok(file)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::System, format_args!("cannot write {}: {error}", path.display()))
        .hint("see that the folder exists, may be written to and has room")
}
