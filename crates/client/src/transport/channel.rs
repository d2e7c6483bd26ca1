//! A way for bytes to the other side, whatever it is made of.

use std::io;

use super::failure::Failure;
use super::patience::Patience;

/// A connection as bytes. It never waits longer than it is told.
pub(crate) trait Channel: Send {
    /// Reads some bytes into a buffer that is not empty; 0 at the end.
    ///
    /// # Errors
    ///
    /// The time is over, the call was cancelled, or the connection broke.
    fn read(&mut self, buffer: &mut [u8], patience: Patience<'_>) -> Result<usize, Failure>;

    /// Reads what is there already.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] where nothing is there.
    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some bytes, or finds that the other side said something meanwhile.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn write(&mut self, bytes: &[u8], patience: Patience<'_>) -> Result<Written, Failure>;

    /// Whether the connection is open and nothing came on it.
    fn is_quiet(&mut self) -> bool {
        matches!(self.read_now(&mut [0; 1]), Err(e) if e.kind() == io::ErrorKind::WouldBlock)
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// So many bytes are on their way.
    pub(crate) count: usize,
    /// There is something to read, or the other side has ended the connection.
    pub(crate) has_input: bool,
}

/// Writes all of it, whatever is said meanwhile.
///
/// # Errors
///
/// As [`Channel::write`].
pub(crate) fn write_all(
    channel: &mut dyn Channel,
    mut bytes: &[u8],
    patience: Patience<'_>,
) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let written = channel.write(bytes, patience)?;
        if written.count == 0 && written.has_input {
            return Err(Failure::Protocol("it came before the request was sent"));
        }
        bytes = &bytes[written.count..];
    }
    Ok(())
}
