//! The headers of an answer, kept for the caller in one allocation.

/// No more than this many headers of an answer are kept.
pub const MAX_HEADERS: usize = 128;
/// No more than this many bytes of all header names and values are kept.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The headers of an answer, in order. Names are as the server wrote them; values are bytes.
///
/// At most [`MAX_HEADERS`] headers and [`MAX_HEADER_BYTES`] bytes are kept; what comes after is
/// left out.
#[derive(Clone, Default)]
pub struct HeaderList {
    // Each header: the lengths of name and value as two bytes each, then name and value.
    buffer: Vec<u8>,
    count: usize,
}

impl HeaderList {
    /// Copies names and values, up to the limits.
    pub fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(headers: &[(N, V)]) -> Self {
        let size = |(name, value): &(N, V)| 4 + name.as_ref().len() + value.as_ref().len();
        let total: usize = headers.iter().take(MAX_HEADERS).map(size).sum();
        let mut list =
            HeaderList { buffer: Vec::with_capacity(total.min(MAX_HEADER_BYTES)), count: 0 };
        for (name, value) in headers.iter().take(MAX_HEADERS) {
            let (name, value) = (name.as_ref(), value.as_ref());
            if list.buffer.len() + 4 + name.len() + value.len() > MAX_HEADER_BYTES {
                break;
            }
            // Both fit into two bytes, because each is below MAX_HEADER_BYTES.
            list.buffer.extend_from_slice(&(name.len() as u16).to_le_bytes());
            list.buffer.extend_from_slice(&(value.len() as u16).to_le_bytes());
            list.buffer.extend_from_slice(name);
            list.buffer.extend_from_slice(value);
            list.count += 1;
        }
        list
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
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.buffer[..];
        std::iter::from_fn(move || {
            let (lengths, tail) = rest.split_at_checked(4)?;
            let name = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
            let value = usize::from(u16::from_le_bytes([lengths[2], lengths[3]]));
            let (name, tail) = tail.split_at_checked(name)?;
            let (value, tail) = tail.split_at_checked(value)?;
            rest = tail;
            Some((name, value))
        })
    }

    /// The value of the first header of this name, in any case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let same = |found: &[u8]| found.eq_ignore_ascii_case(name.as_bytes());
        self.iter().find(|(found, _)| same(found)).map(|(_, value)| value)
    }
}

impl std::fmt::Debug for HeaderList {
    /// Names only: a value may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_in_order_and_by_name() {
        let list = HeaderList::new(&[("Date", "today"), ("X-A", ""), ("x-a", "2")]);
        assert_eq!(list.len(), 3);
        assert_eq!(list.get("x-A"), Some(&b""[..]));
        assert_eq!(list.iter().last(), Some((&b"x-a"[..], &b"2"[..])));
        assert_eq!(list.get("y"), None);
    }

    #[test]
    fn caps_hold() {
        let many = vec![("a", "b"); 1000];
        assert_eq!(HeaderList::new(&many).len(), MAX_HEADERS);
        let large = vec![0u8; MAX_HEADER_BYTES];
        assert!(HeaderList::new(&[("a", &large)]).is_empty());
    }

    #[test]
    fn values_are_not_printed() {
        let list = HeaderList::new(&[("Set-Cookie", "secret")]);
        assert!(!format!("{list:?}").contains("secret"));
    }
}
