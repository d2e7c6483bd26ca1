//! The headers of an answer, kept for the caller.

use crate::swar;

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

/// Writes headers as [`HeaderList`] reads them, up to the limits; says how many.
pub(super) fn write<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: impl Iterator<Item = (N, V)>,
    out: &mut Vec<u8>,
) -> usize {
    // Names and values are short and many, so they are put together here before they are appended.
    let mut block = [0; 256];
    let mut filled = 0;
    let mut size = 0;
    let mut count = 0;
    for (name, value) in headers.take(MAX_HEADERS) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let more = header_size(name, value);
        size += more;
        if size > MAX_HEADER_BYTES {
            break;
        }
        count += 1;
        // Both fit into two bytes, because each is below MAX_HEADER_BYTES.
        let [n0, n1] = (name.len() as u16).to_le_bytes();
        let [v0, v1] = (value.len() as u16).to_le_bytes();
        if filled + more > block.len() {
            out.extend_from_slice(&block[..filled]);
            filled = 0;
        }
        if let Some(place) = block.get_mut(filled..filled + more) {
            let (lengths, place) = place.split_at_mut(LENGTHS);
            let (place_of_name, place_of_value) = place.split_at_mut(name.len());
            lengths.copy_from_slice(&[n0, n1, v0, v1]);
            swar::copy(place_of_name, name);
            swar::copy(place_of_value, value);
            filled += more;
        } else {
            out.extend_from_slice(&[n0, n1, v0, v1]);
            out.extend_from_slice(name);
            out.extend_from_slice(value);
        }
    }
    out.extend_from_slice(&block[..filled]);
    count
}

/// The bytes in which the lengths of a name and its value stand.
const LENGTHS: usize = 4;

/// How many bytes a header takes.
pub(crate) fn header_size(name: &[u8], value: &[u8]) -> usize {
    LENGTHS + name.len() + value.len()
}

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
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
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
        let count = write(headers.iter().map(|(name, value)| (name, value)), &mut bytes);
        (bytes, count)
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
