//! The idempotency key: the same for all attempts of one request.

use resayil_core::{Error, Kind};

use crate::options::no_randomness;

/// The longest key, in characters.
const MAX_LENGTH: usize = 255;

/// The `Idempotency-Key` of a call, which changes when the call becomes another request.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyKey {
    /// That of the first request.
    first: String,
    /// Which request this is, from 0.
    number: u32,
    current: String,
}

impl IdempotencyKey {
    /// The given key, or a random one.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] for a key of bad form.
    pub(crate) fn new(given: Option<&str>) -> Result<Self, Error> {
        let first = match given {
            None => random_key()?,
            Some(key) if is_good(key) => key.to_owned(),
            Some(_) => {
                return Err(Error::new(
                    Kind::Configuration,
                    "the idempotency key has to be 1 to 255 visible ASCII characters",
                ));
            }
        };
        Ok(IdempotencyKey { current: first.clone(), first, number: 0 })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.current
    }

    /// The key of the next request of this call: made of the first, so that a call that is repeated
    /// as a whole with a key of its own has the same ones again.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if the key is too long for that and the system gives no random one.
    pub(crate) fn renew(&mut self) -> Result<(), Error> {
        self.number += 1;
        let next = format!("{}-{}", self.first, self.number);
        self.current = if next.len() <= MAX_LENGTH { next } else { random_key()? };
        Ok(())
    }
}

fn is_good(key: &str) -> bool {
    (1..=MAX_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// 128 random bits. Taken from the system each time, so that a forked process does not repeat them.
fn random_key() -> Result<String, Error> {
    let bits = getrandom::u64().and_then(|high| Ok((high, getrandom::u64()?)));
    bits.map(|(high, low)| format!("resayil-{high:016x}{low:016x}"))
        .map_err(|error| no_randomness().with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_bad_ones_are_refused() {
        let key = |given| IdempotencyKey::new(given).map(|key| key.as_str().to_owned());
        assert_ne!(key(None).unwrap(), key(None).unwrap());
        assert_eq!(key(Some("order-1")).unwrap(), "order-1");
        for bad in ["", "a b", "a\r\nX: y", "é", &"k".repeat(256)] {
            assert_eq!(key(Some(bad)).unwrap_err().kind(), Kind::Configuration, "{bad:?}");
        }
    }

    #[test]
    fn another_request_has_another_key_that_can_be_told_beforehand() {
        let mut key = IdempotencyKey::new(Some("order-1")).unwrap();
        let mut next = || key.renew().map(|()| key.as_str().to_owned()).unwrap();
        assert_eq!([next(), next()], ["order-1-1", "order-1-2"]);
        let mut long = IdempotencyKey::new(Some(&"k".repeat(254))).unwrap();
        long.renew().unwrap();
        assert!(long.as_str().starts_with("resayil-"));
    }
}
