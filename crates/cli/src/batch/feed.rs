//! What comes of the input: requests that have no result yet, and lines that cannot be sent.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar};
use std::thread;

use super::ids::{Ids, Known};
use super::input::{Lines, twice};
use super::key::Keys;
use super::line::{BadLine, Line, Request};
use super::output::{Earlier, bad_line_name};
use super::queue::{Task, Work};
use crate::exit::{Exit, Failure};

/// So many lines of a pipe are read ahead.
const READ_AHEAD: usize = 16;

/// What the input gives now.
#[derive(Debug)]
pub(super) enum Fed {
    Work(Work),
    /// The pipe has nothing yet.
    NotYet,
    End,
}

/// What is known of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Its lines, of a pipe those that came so far.
    pub(super) total: u64,
    /// Of these, those that earlier runs did.
    pub(super) earlier: Earlier,
    /// Whether no more will come.
    pub(super) is_whole: bool,
}

/// The input and what is known of it.
pub(super) struct Feed {
    lines: Origin,
    ids: Ids,
    extent: Extent,
}

enum Origin {
    File(Lines),
    Pipe(Receiver<Result<Line, Failure>>, Keys),
}

impl Feed {
    /// Of a file that was checked.
    pub(super) fn of_file(lines: Lines, ids: Ids, earlier: Earlier) -> Self {
        let extent = Extent { total: ids.len(), earlier, is_whole: true };
        Feed { lines: Origin::File(lines), ids, extent }
    }

    /// Of a pipe, which is read in a thread of its own, for a read cannot be ended. `changed` is
    /// notified when there is more.
    pub(super) fn of_pipe(mut lines: Lines, ids: Ids, keys: Keys, changed: Arc<Condvar>) -> Self {
        let (sender, receiver) = sync_channel(READ_AHEAD);
        thread::spawn(move || {
            while let Some(line) = lines.next().transpose() {
                let is_last = line.is_err();
                if sender.send(line).is_err() || is_last {
                    break;
                }
                changed.notify_one();
            }
            drop(sender);
            changed.notify_all();
        });
        let extent = Extent { total: 0, earlier: Earlier::default(), is_whole: false };
        Feed { lines: Origin::Pipe(receiver, keys), ids, extent }
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    pub(super) fn next(&mut self) -> Result<Fed, Failure> {
        loop {
            let (line, keys) = match &mut self.lines {
                Origin::File(lines) => match lines.next()? {
                    None => return Ok(Fed::End),
                    Some(line) => match of_file(line, &self.ids)? {
                        None => continue,
                        Some(request) => return Ok(Fed::Work(Work::Call(Task::new(request)))),
                    },
                },
                Origin::Pipe(receiver, keys) => match receiver.try_recv() {
                    Err(TryRecvError::Empty) => return Ok(Fed::NotYet),
                    Err(TryRecvError::Disconnected) => {
                        self.extent.is_whole = true;
                        return Ok(Fed::End);
                    }
                    Ok(line) => (line?, keys.clone()),
                },
            };
            self.extent.total += 1;
            if let Some(work) = self.of_pipe_line(line, &keys) {
                return Ok(Fed::Work(work));
            }
        }
    }

    /// What is to be done for a line of a pipe, if no earlier run did it.
    fn of_pipe_line(&mut self, line: Line, keys: &Keys) -> Option<Work> {
        let bad = match line {
            Line::Bad(bad) => bad,
            Line::Good(request) => match self.see(&request.custom_id, request.line) {
                Seen::First => return Some(Work::Call(Task::new(request))),
                Seen::Earlier => return None,
                Seen::Again(first) => twice(&request.custom_id, first, request.line),
            },
        };
        self.reject(bad, keys)
    }

    fn reject(&mut self, mut bad: BadLine, keys: &Keys) -> Option<Work> {
        let id = Keys::result_id(&keys.key(&bad.problem, &bad.text));
        if let Some(custom_id) = &bad.custom_id {
            match self.see(custom_id, bad.line) {
                Seen::First => return Some(Work::Reject(bad, id)),
                Seen::Earlier => return None,
                // A result of this name is another line's.
                Seen::Again(_) => bad.custom_id = None,
            }
        }
        match self.see(&bad_line_name(&id), bad.line) {
            Seen::Earlier => None,
            Seen::First | Seen::Again(_) => Some(Work::Reject(bad, id)),
        }
    }

    /// Notes that this line has this name.
    fn see(&mut self, name: &str, line: u64) -> Seen {
        let result = match self.ids.get(name) {
            None => None,
            Some(Known { line: 0, result }) => result,
            Some(known) => return Seen::Again(known.line),
        };
        self.ids.insert(name, Known { line, result });
        match result {
            None => Seen::First,
            Some(ended) => {
                self.extent.earlier.add(ended);
                Seen::Earlier
            }
        }
    }
}

/// Whether a name was there before.
enum Seen {
    First,
    /// In the output.
    Earlier,
    /// In this line.
    Again(u64),
}

/// A request of the file that has no result. The file has to be as it was when it was checked.
fn of_file(line: Line, ids: &Ids) -> Result<Option<Request>, Failure> {
    let request = match line {
        Line::Good(request) => request,
        Line::Bad(bad) => return Err(changed(bad.line)),
    };
    match ids.get(&request.custom_id) {
        Some(known) if known.line == request.line => {
            Ok(Some(request).filter(|_| known.result.is_none()))
        }
        _ => Err(changed(request.line)),
    }
}

fn changed(line: u64) -> Failure {
    Failure::new(Exit::Input, format_args!("the input changed while it was in use, at line {line}"))
        .hint("leave it alone until the batch is done, then run the same command again")
}
