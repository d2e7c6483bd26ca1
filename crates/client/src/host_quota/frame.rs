//! The bytes of the file: two slots, of which the newer one counts.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use resayil_core::QuotaModel;

use super::clock::Epoch;

const MAGIC: [u8; 8] = *b"rslquota";
const HEADER: usize = 64;
/// Where the second slot begins.
const SLOT: u64 = (HEADER + QuotaModel::MAX_BYTES) as u64;

/// What stands before the bytes of the model, little-endian: magic 8, layout 4, length 4, sequence 8,
/// boot id 16, milliseconds of suspension 8, zeros 12, CRC-32 of all this and of the model 4.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sequence: u64,
    pub(super) epoch: Epoch,
    length: u32,
    checksum: u32,
}

impl Header {
    fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        if bytes[..8] != MAGIC || u32_at(8)? != QuotaModel::LAYOUT {
            return None;
        }
        let length = u32_at(12).filter(|length| *length as usize <= QuotaModel::MAX_BYTES)?;
        let boot = bytes[24..40].try_into().ok()?;
        let epoch = Epoch { boot, suspended: u64_at(40)? as i64 };
        let sequence = u64_at(16).filter(|sequence| *sequence < u64::MAX)?;
        Some(Header { sequence, epoch, length, checksum: u32_at(60)? })
    }
}

/// What the file holds.
pub(super) enum Contents {
    /// Nothing that can be used: it is new, or damaged.
    Nothing,
    /// Something else, which is not to be overwritten.
    Foreign,
    /// A state, and where it stands. The model is not read if it is that of `known`.
    State(Header, Option<Box<QuotaModel>>),
}

/// Reads the newest state that is whole.
pub(super) fn read(file: &File, known: Option<&Header>) -> io::Result<Contents> {
    let mut start = [0; HEADER];
    let mut headers = [None; 2];
    for (header, offset) in headers.iter_mut().zip([SLOT, 0]) {
        start = [0; HEADER];
        read_up_to(file, &mut start, offset)?;
        *header = Header::read(&start).map(|header| (header, start, offset));
    }
    headers.sort_by_key(|header| std::cmp::Reverse(header.map(|(header, ..)| header.sequence)));
    for (header, start, offset) in headers.into_iter().flatten() {
        if known == Some(&header) {
            return Ok(Contents::State(header, None));
        }
        let mut bytes = vec![0; header.length as usize];
        let count = read_up_to(file, &mut bytes, offset + HEADER as u64)?;
        if count == bytes.len() && checksum(&start, &bytes) == header.checksum {
            if let Some(model) = QuotaModel::from_bytes(&bytes) {
                return Ok(Contents::State(header, Some(Box::new(model))));
            }
        }
    }
    // What is at the beginning of the file. A new one, or one that was cut short, has zeros there.
    let ours = start[..8] == MAGIC || start[..8].contains(&0);
    Ok(if ours { Contents::Nothing } else { Contents::Foreign })
}

/// Writes the state that follows on `sequence`, beside that one.
pub(super) fn write(
    file: &File,
    sequence: u64,
    epoch: Epoch,
    model: &QuotaModel,
) -> io::Result<Header> {
    let bytes = model.to_bytes();
    let mut header =
        Header { sequence: sequence + 1, epoch, length: bytes.len() as u32, checksum: 0 };
    let mut frame = Vec::with_capacity(HEADER + bytes.len());
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&QuotaModel::LAYOUT.to_le_bytes());
    frame.extend_from_slice(&header.length.to_le_bytes());
    frame.extend_from_slice(&header.sequence.to_le_bytes());
    frame.extend_from_slice(&epoch.boot);
    frame.extend_from_slice(&epoch.suspended.to_le_bytes());
    frame.resize(HEADER - 4, 0);
    header.checksum = checksum(&frame, &bytes);
    frame.extend_from_slice(&header.checksum.to_le_bytes());
    frame.extend_from_slice(&bytes);
    file.write_all_at(&frame, (sequence % 2) * SLOT)?;
    Ok(header)
}

fn checksum(header: &[u8], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..HEADER - 4]);
    hasher.update(bytes);
    hasher.finalize()
}

/// As much as there is, which may be less.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read_at(&mut buffer[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
