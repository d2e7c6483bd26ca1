//! Eight bytes at a time in one word. The texts of an answer are short, and for them this is
//! quicker than a loop over bytes or a call (Warren, Hacker's Delight, chapter 6).
//!
//! What is found is marked by the highest bit of its byte; the first byte is the lowest.

const HIGH: u64 = each(0x80);

/// The word in which each byte is this one.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The eight bytes from `at` on, if so many follow.
#[inline]
pub(crate) fn load(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

/// The eight bytes from `at` on; behind the end there are zeros.
#[inline]
pub(crate) fn load_padded(bytes: &[u8], at: usize) -> u64 {
    load(bytes, at).unwrap_or_else(|| load_rest(bytes.get(at..).unwrap_or_default()))
}

/// Fewer than eight bytes, with zeros behind them.
#[inline(never)]
fn load_rest(rest: &[u8]) -> u64 {
    let wide = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        // The two halves overlap where there are fewer than eight.
        (Some(first), Some(last)) => wide(first) | wide(last) << (8 * (rest.len() - 4)),
        _ => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Copies a text to a place of the same length.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        1 => to[0] = from[0],
        4..8 => copy_ends::<4>(to, from),
        8..16 => copy_ends::<8>(to, from),
        16..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last bytes, which meet or overlap in the middle.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(place), Some(bytes)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *place = *bytes;
    }
    if let (Some(place), Some(bytes)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *place = *bytes;
    }
}

/// Marks this byte. Only the first mark is sure: those behind it may be wrong.
#[inline]
pub(crate) const fn mark(word: u64, byte: u8) -> u64 {
    let zero = word ^ each(byte);
    zero.wrapping_sub(each(1)) & !zero & HIGH
}

/// Marks the bytes of this range, which has to lie within ASCII.
#[inline]
pub(crate) const fn mark_range(word: u64, first: u8, last: u8) -> u64 {
    let low = word & !HIGH;
    let not_before = low + each(0x80 - first);
    let behind = low + each(0x7f - last);
    not_before & !behind & !word & HIGH
}

/// The position of the first mark, 8 if there is none.
#[inline]
pub(crate) const fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Where the byte is first. It is looked for as if it were near.
#[inline]
pub(crate) fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    const FAR: usize = 64;
    let mut at = 0;
    while let Some(word) = load(bytes, at) {
        let found = mark(word, byte);
        if found != 0 {
            return Some(at + first(found));
        }
        at += 8;
        if at == FAR {
            return memchr::memchr(byte, &bytes[FAR..]).map(|found| FAR + found);
        }
    }
    bytes.get(at..)?.iter().position(|found| *found == byte).map(|found| at + found)
}

/// All bits of the bytes before the first mark.
#[inline]
pub(crate) const fn before_first(marks: u64) -> u64 {
    ((marks & marks.wrapping_neg()) >> 7).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_loaded_and_copied_whole() {
        let text: Vec<u8> = (1..=64).collect();
        for end in 0..=text.len() {
            let text = &text[..end];
            let mut copied = vec![0; end];
            copy(&mut copied, text);
            assert_eq!(copied, text);
            for at in 0..=end {
                let eight: Vec<u8> =
                    text[at..].iter().copied().chain(std::iter::repeat(0)).take(8).collect();
                assert_eq!(load_padded(text, at).to_le_bytes(), eight[..]);
            }
        }
    }

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=255u8 {
            for at in 0..8 {
                let mut bytes = *b"mMz0 \x80\xff\0";
                bytes[at] = byte;
                let word = u64::from_le_bytes(bytes);
                let marked = |marks: u64, at: usize| marks.to_le_bytes()[at] == 0x80;
                let range = mark_range(word, b'A', b'Z');
                for (at, byte) in bytes.iter().enumerate() {
                    assert_eq!(marked(range, at), byte.is_ascii_uppercase());
                }
                let place = bytes.iter().position(|found| *found == byte).unwrap();
                assert_eq!(first(mark(word, byte)), place);
            }
        }
        for length in 0..200 {
            let mut bytes = vec![b'a'; length];
            assert_eq!(position(&bytes, b'\\'), None);
            for at in 0..length {
                bytes[at..].fill(b'\\');
                assert_eq!(position(&bytes, b'\\'), Some(at));
                bytes[at] = b'a';
            }
        }
        assert_eq!(first(mark(0, 1)), 8);
        assert_eq!(load(b"12345678", 0), Some(u64::from_le_bytes(*b"12345678")));
        assert_eq!(load_padded(b"12345678", 6), u64::from(b'7') | u64::from(b'8') << 8);
        assert_eq!(load_padded(b"1", 2), 0);
        assert_eq!((load(b"12345678", 1), load(b"", usize::MAX)), (None, None));
    }
}
