//! The words of a text, and tables of words that are looked up at once.

use super::swar;

/// A word of up to 15 letters and digits in lower case, as two words of the machine: compared at once.
pub(crate) type Key = [u64; 2];

/// Words of more letters have the key of no word.
pub(crate) const MAX_WORD: usize = 15;

/// The key of a word of lower case letters and digits.
pub(crate) const fn key_of(letters: &[u8]) -> Key {
    assert!(letters.len() <= MAX_WORD);
    let mut halves = [[0; 8]; 2];
    let mut at = 0;
    while at < letters.len() {
        halves[at / 8][at % 8] = letters[at];
        at += 1;
    }
    [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])]
}

/// The word of letters and digits that begins at `start`, and where it ends.
#[inline]
pub(crate) fn read(bytes: &[u8], start: usize) -> (Key, usize) {
    // Behind the end are zeros, which end the word.
    let members = |word: u64| {
        let lower = word | swar::each(b'a' - b'A');
        swar::mark_range(lower, b'a', b'z') | swar::mark_range(word, b'0', b'9')
    };
    let first = swar::load_padded(bytes, start);
    let (first, len) = until(first, members(first));
    if len < 8 {
        return ([first, 0], start + len);
    }
    let second = swar::load_padded(bytes, start + 8);
    let (second, len) = until(second, members(second));
    if len < 8 {
        return ([first, second], start + 8 + len);
    }
    (Key::default(), end_of(bytes, start, |byte| byte.is_ascii_alphanumeric()))
}

/// The word of letters that begins at `start`, and where it ends. A capital behind a small letter
/// begins the next word: `PerDay`.
#[inline]
pub(crate) fn read_camel(bytes: &[u8], start: usize) -> (Key, usize) {
    // What of the word belongs to it, and the mark of a small letter at its end.
    let members = |word: u64, small_before: u64| {
        let capitals = swar::mark_range(word, b'A', b'Z');
        let smalls = swar::mark_range(word, b'a', b'z');
        ((capitals | smalls) & !(capitals & (smalls << 8 | small_before)), smalls >> 56)
    };
    let first = swar::load_padded(bytes, start);
    let (marks, small) = members(first, 0);
    let (first, len) = until(first, marks);
    if len < 8 {
        return ([first, 0], start + len);
    }
    let second = swar::load_padded(bytes, start + 8);
    let (marks, _) = members(second, small);
    let (second, len) = until(second, marks);
    if len < 8 {
        return ([first, second], start + 8 + len);
    }
    let mut before = bytes[start + 15];
    let more = bytes[start + 16..].iter().take_while(|byte| {
        let begins_next = before.is_ascii_lowercase() && byte.is_ascii_uppercase();
        before = **byte;
        byte.is_ascii_alphabetic() && !begins_next
    });
    (Key::default(), start + 16 + more.count())
}

/// The first bytes that are marked, in lower case, and how many they are.
#[inline]
fn until(word: u64, marks: u64) -> (u64, usize) {
    let others = !marks & swar::each(0x80);
    // Digits have this bit already.
    let lower = word | swar::each(b'a' - b'A');
    (lower & swar::before_first(others), swar::first(others))
}

/// Where the bytes that are members end.
pub(crate) fn end_of(bytes: &[u8], start: usize, member: impl Fn(u8) -> bool) -> usize {
    bytes[start..].iter().position(|byte| !member(*byte)).map_or(bytes.len(), |len| start + len)
}

/// A hash table of words with open addressing: in each slot the number of a word, from 1.
pub(crate) struct Slots<const COUNT: usize>([u16; COUNT]);

impl<const COUNT: usize> Slots<COUNT> {
    /// The slots of these words, which are to fill no more than a part of them.
    pub(crate) const fn of<T>(words: &[(Key, T)]) -> Self {
        assert!(COUNT.is_power_of_two() && words.len() * 2 < COUNT && COUNT <= 1 << 16);
        let mut slots = [0; COUNT];
        let mut number = 0;
        while number < words.len() {
            let mut slot = Self::slot_of(words[number].0);
            while slots[slot] != 0 {
                slot = (slot + 1) % COUNT;
            }
            number += 1;
            slots[slot] = number as u16;
        }
        Slots(slots)
    }

    const fn slot_of(key: Key) -> usize {
        // Fibonacci hashing: the highest bits of the product depend on all of the key.
        let product = (key[0] ^ key[1].rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (product >> (u64::BITS - COUNT.trailing_zeros())) as usize
    }

    /// What the word of this key stands for, in the words of which these are the slots.
    #[inline]
    pub(crate) fn find<'t, T>(&self, words: &'t [(Key, T)], key: Key) -> Option<&'t T> {
        let mut slot = Self::slot_of(key);
        loop {
            let (known, word) = words.get(usize::from(self.0[slot]).checked_sub(1)?)?;
            if *known == key {
                return Some(word);
            }
            slot = (slot + 1) % COUNT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_length_are_read_to_their_end() {
        let letters = "aB3".repeat(10);
        for len in 1..30 {
            for end in ["", " ", "-", "é"] {
                let word = &letters[..len];
                let text = format!("x{word}{end}");
                let known = len <= MAX_WORD;
                let key =
                    if known { key_of(word.to_lowercase().as_bytes()) } else { Key::default() };
                assert_eq!(read(text.as_bytes(), 1), (key, 1 + len), "{text}");
            }
        }
    }

    #[test]
    fn a_capital_behind_a_small_letter_begins_a_word() {
        let words = |text: &str| {
            let (mut at, mut words) = (0, Vec::new());
            while at < text.len() {
                let (key, end) = read_camel(text.as_bytes(), at);
                let expected = text[at..end].to_lowercase();
                let known = expected.len() <= MAX_WORD;
                assert_eq!(key, if known { key_of(expected.as_bytes()) } else { Key::default() });
                words.push(text[at..end].to_owned());
                at = end;
            }
            words.join(" ")
        };
        assert_eq!(words("GenerateRequestsPerDay"), "Generate Requests Per Day");
        assert_eq!(words("abcdefghIjklmnopQ"), "abcdefgh Ijklmnop Q");
        assert_eq!(words("TPMRate"), "TPMRate");
        assert_eq!(words("abcdefghijklmnopQr"), "abcdefghijklmnop Qr");
        assert_eq!(words("abcdefghijklmnopqrstUv"), "abcdefghijklmnopqrst Uv");
        assert_eq!(read_camel(b"min3", 0).1, 3);
    }

    #[test]
    fn what_is_in_a_table_is_found_and_nothing_else() {
        const WORDS: &[(Key, u8)] = &[(key_of(b"a"), 1), (key_of(b"longerwords"), 2)];
        static SLOTS: Slots<8> = Slots::of(WORDS);
        assert_eq!(SLOTS.find(WORDS, key_of(b"a")), Some(&1));
        assert_eq!(SLOTS.find(WORDS, key_of(b"longerwords")), Some(&2));
        for other in [&b"b"[..], b"longerword", b""] {
            assert_eq!(SLOTS.find(WORDS, key_of(other)), None);
        }
    }
}
