//! The headers of an answer, kept for the caller.

use crate::text::swar;

/// No more than this many headers of an answer are kept.
pub const MAX_HEADERS: usize = 128;
/// No more than this many bytes of all header names and values are kept.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The headers of an answer, in order. Names are as the server wrote them; values are bytes.
///
/// At most [`MAX_HEADERS`] headers and [`MAX_HEADER_BYTES`] bytes are kept; what comes after is
/// left out.
#[derive(Clone, Copy, Default)]
pub struct HeaderList<'a> {
    // Each header: the lengths of name and value as two bytes each, then name and value.
    bytes: &'a [u8],
    count: usize,
}

/// How many headers of an answer are kept, and in how many bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeaderSize {
    pub(super) count: usize,
    pub(crate) bytes: usize,
    /// There was one that did not fit, so that none of those behind it is kept either.
    is_full: bool,
}

impl HeaderSize {
    /// Counts headers up to the limits.
    #[inline]
    pub(crate) fn of<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: impl Iterator<Item = (N, V)>,
    ) -> Self {
        let mut size = HeaderSize::default();
        headers.for_each(|(name, value)| size.add(name.as_ref(), value.as_ref()));
        size
    }

    /// Counts one more.
    #[inline]
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let bytes = self.bytes + LENGTHS + name.len() + value.len();
        self.is_full |= self.count == MAX_HEADERS || bytes > MAX_HEADER_BYTES;
        if !self.is_full {
            (self.count, self.bytes) = (self.count + 1, bytes);
        }
    }
}

/// Writes headers of this size as [`HeaderList`] reads them.
#[inline]
pub(super) fn write<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: impl Iterator<Item = (N, V)>,
    size: HeaderSize,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.resize(start + size.bytes, 0);
    let mut rest = &mut out[start..];
    for (name, value) in headers.take(size.count) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let Some((lengths, texts)) = rest.split_first_chunk_mut() else { return };
        // Each fits into two bytes, because each is below MAX_HEADER_BYTES.
        *lengths = (name.len() as u32 | (value.len() as u32) << 16).to_le_bytes();
        rest = put(put(texts, name), value);
    }
}

/// Writes at the beginning of a place; what is left of it.
#[inline]
fn put<'a>(place: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (here, rest) = place.split_at_mut(bytes.len());
    swar::copy(here, bytes);
    rest
}

/// The bytes in which the lengths of a name and its value stand.
const LENGTHS: usize = 4;

impl<'a> HeaderList<'a> {
    pub(super) fn new(bytes: &'a [u8], count: usize) -> Self {
        HeaderList { bytes, count }
    }

    /// How many headers are kept.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no header is kept.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each header's name and value, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (lengths, tail) = rest.split_at_checked(LENGTHS)?;
            let name = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
            let value = usize::from(u16::from_le_bytes([lengths[2], lengths[3]]));
            let (name, tail) = tail.split_at_checked(name)?;
            let (value, tail) = tail.split_at_checked(value)?;
            rest = tail;
            Some((name, value))
        })
    }

    /// The value of the first header of this name, in any case.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        let same = |found: &[u8]| found.eq_ignore_ascii_case(name.as_bytes());
        self.iter().find(|(found, _)| same(found)).map(|(_, value)| value)
    }
}

impl std::fmt::Debug for HeaderList<'_> {
    /// Names only: a value may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        let headers = headers.iter().map(|(name, value)| (name, value));
        let size = HeaderSize::of(headers.clone());
        write(headers, size, &mut bytes);
        (bytes, size.count)
    }

    #[test]
    fn headers_come_back_in_order_and_by_name() {
        let (bytes, count) = written(&[("Date", "today"), ("X-A", ""), ("x-a", "2")]);
        let list = HeaderList::new(&bytes, count);
        assert_eq!(list.len(), 3);
        assert_eq!(list.get("x-A"), Some(&b""[..]));
        assert_eq!(list.iter().last(), Some((&b"x-a"[..], &b"2"[..])));
        assert_eq!(list.get("y"), None);
    }

    #[test]
    fn caps_hold() {
        assert_eq!(written(&vec![("a", "b"); 1000]).1, MAX_HEADERS);
        let large = vec![0u8; MAX_HEADER_BYTES];
        assert_eq!(written(&[("a", &large)]), (Vec::new(), 0));
    }

    #[test]
    fn values_are_not_printed() {
        let (bytes, count) = written(&[("Set-Cookie", "secret")]);
        assert_eq!(format!("{:?}", HeaderList::new(&bytes, count)), r#"["Set-Cookie"]"#);
    }
}
