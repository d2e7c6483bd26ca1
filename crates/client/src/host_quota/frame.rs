//! The bytes of the file: two slots, of which the newer one counts.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use resayil_core::quota::store::QuotaModel;

use super::clock::Epoch;

const MAGIC: [u8; 8] = *b"rslquota";
const HEADER: usize = 64;
/// Where the second slot begins.
const SLOT: u64 = (HEADER + QuotaModel::MAX_BYTES) as u64;

/// What stands before the bytes of the model, little-endian: magic 8, layout 4, length 4, sequence 8,
/// milliseconds of suspension 8, zeros 28, CRC-32 of all this and of the model 4.
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
        let epoch = Epoch { suspended: u64_at(24)? as i64 };
        let sequence = u64_at(16).filter(|sequence| *sequence < u64::MAX)?;
        Some(Header { sequence, epoch, length, checksum: u32_at(60)? })
    }
}

/// What the file holds.
pub(super) enum Contents {
    /// Nothing that can be used: it is new, or damaged.
    Nothing,
    /// A state, and where it stands. The model is not read if it is that of `known`.
    State(Header, Option<Box<QuotaModel>>),
}

/// So much of a slot is read at once; few states are longer.
const PIECE: usize = 4096;

/// Reads the newest state that is whole.
pub(super) fn read(file: &File, known: Option<&Header>) -> io::Result<Contents> {
    let mut pieces = [[0; PIECE]; 2];
    let mut found = [None; 2];
    for (index, piece) in pieces.iter_mut().enumerate() {
        let offset = SLOT * index as u64;
        let count = read_up_to(file, piece, offset)?;
        let start = piece.first_chunk::<HEADER>().filter(|_| count >= HEADER);
        found[index] = start.and_then(Header::read).map(|header| (header, index, count));
    }
    found.sort_by_key(|slot| std::cmp::Reverse(slot.map(|(header, ..)| header.sequence)));
    for (header, index, count) in found.into_iter().flatten() {
        if known == Some(&header) {
            return Ok(Contents::State(header, None));
        }
        let (length, piece) = (header.length as usize, &pieces[index]);
        let mut more = Vec::new();
        let bytes = match piece.get(HEADER..HEADER + length) {
            Some(bytes) if HEADER + length <= count => bytes,
            Some(_) => continue,
            None => {
                more.resize(length, 0);
                let offset = SLOT * index as u64 + HEADER as u64;
                if read_up_to(file, &mut more, offset)? < length {
                    continue;
                }
                &more
            }
        };
        if checksum(piece, bytes) == header.checksum {
            if let Some(model) = QuotaModel::from_bytes(bytes) {
                return Ok(Contents::State(header, Some(Box::new(model))));
            }
        }
    }
    Ok(Contents::Nothing)
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
