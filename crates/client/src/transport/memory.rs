//! Connections to nowhere, whose answers are given: for fuzzing the way of an answer through the client.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::channel::{Channel, Written};
use super::failure::Failure;
use super::patience::Patience;

/// The answers of the connections that are to be made, one each.
#[derive(Default)]
pub(crate) struct Memory(Mutex<VecDeque<Vec<u8>>>);

impl Memory {
    pub(crate) fn new(answers: Vec<Vec<u8>>) -> Self {
        Memory(Mutex::new(answers.into()))
    }

    /// The next connection; none is an end at once.
    pub(super) fn connect(&self) -> MemoryChannel {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MemoryChannel { answer: answers.pop_front().unwrap_or_default(), read: 0, pieces: 0 }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

/// Gives an answer in pieces of changing size, and takes whatever is sent.
pub(super) struct MemoryChannel {
    answer: Vec<u8>,
    read: usize,
    pieces: usize,
}

/// The sizes of pieces, by turns.
const SIZES: [usize; 5] = [1, 7, 64, 3, 1000];

impl Channel for MemoryChannel {
    fn read(&mut self, buffer: &mut [u8], patience: Patience<'_>) -> Result<usize, Failure> {
        patience.left()?;
        let left = &self.answer[self.read..];
        let count = left.len().min(buffer.len()).min(SIZES[self.pieces % SIZES.len()]);
        buffer[..count].copy_from_slice(&left[..count]);
        self.read += count;
        self.pieces += 1;
        Ok(count)
    }

    fn read_now(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.read < self.answer.len() {
            true => Ok(1),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn write(&mut self, bytes: &[u8], patience: Patience<'_>) -> Result<Written, Failure> {
        patience.left()?;
        Ok(Written { count: bytes.len(), has_input: false })
    }
}
