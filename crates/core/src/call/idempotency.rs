//! The idempotency key: the same for all attempts of one request.

use crate::error::Error;
use crate::kind::Kind;

/// The longest key, in characters.
const MAX_LENGTH: usize = 255;

/// The `Idempotency-Key` of an operation, which changes when the operation becomes another request.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyKey {
    /// That of the first request.
    first: String,
    /// Which request this is, from 0.
    number: u32,
    /// `None` as long as it is the first.
    current: Option<String>,
}

impl IdempotencyKey {
    /// # Errors
    ///
    /// [`Kind::Configuration`] for a key of bad form.
    pub(super) fn new(first: String) -> Result<Self, Error> {
        let good =
            (1..=MAX_LENGTH).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_graphic());
        if !good {
            let problem = "the idempotency key has to be 1 to 255 visible ASCII characters";
            return Err(Error::new(Kind::Configuration, problem));
        }
        Ok(IdempotencyKey { first, number: 0, current: None })
    }

    pub(super) fn as_str(&self) -> &str {
        self.current.as_deref().unwrap_or(&self.first)
    }

    /// Goes on to the key of the next request: made of the first, so that an operation that is
    /// repeated as a whole with a key of its own has the same ones again.
    pub(super) fn renew(&mut self) {
        self.number = self.number.saturating_add(1);
        let number = self.number;
        let next = format!("{}-{number}", self.first);
        self.current = Some(if next.len() <= MAX_LENGTH {
            next
        } else {
            format!("resayil-{:032x}-{number}", fnv1a(self.first.as_bytes()))
        });
    }
}

/// The hash FNV-1a of 128 bits (RFC 9923).
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_keys_are_refused() {
        let key = |given: &str| IdempotencyKey::new(given.to_owned());
        assert_eq!(key("order-1").unwrap().as_str(), "order-1");
        assert!(key(&"k".repeat(255)).is_ok());
        for bad in ["", "a b", "a\r\nX: y", "é", &"k".repeat(256)] {
            assert_eq!(key(bad).unwrap_err().kind(), Kind::Configuration, "{bad:?}");
        }
    }

    #[test]
    fn another_request_has_another_key_that_can_be_told_beforehand() {
        let keys = |first: &str| {
            let mut key = IdempotencyKey::new(first.to_owned()).unwrap();
            [(); 2].map(|()| {
                key.renew();
                key.as_str().to_owned()
            })
        };
        assert_eq!(keys("order-1"), ["order-1-1", "order-1-2"]);
        let long = "k".repeat(254);
        assert_eq!(keys(&long), keys(&long));
        assert_ne!(keys(&long), keys(&"l".repeat(254)));
        assert!(keys(&long).iter().all(|key| key.starts_with("resayil-") && key.len() <= 255));
    }

    #[test]
    fn the_hash_is_that_of_the_standard() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
