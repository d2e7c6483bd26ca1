//! The idempotency keys of a batch: the same in every run, and from every build.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;

/// What makes the requests of one batch differ from those of any other, also of the same input.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    batch: String,
}

impl Keys {
    /// Of a batch whose name the user gave, so that another machine can go on with it.
    pub(super) fn of_batch(id: &str) -> Self {
        Keys { batch: format!("batch {id}") }
    }

    /// Of the place of an output that exists.
    pub(super) fn of_output(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Keys { batch: path.display().to_string() }
    }

    /// Of a run that nobody can go on with.
    pub(super) fn of_this_run() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Keys { batch: format!("run {random:x}") }
    }

    /// The key of a request: what was under way when a run was killed is sent again with the same
    /// one, so that a service that knows such keys does not carry it out twice.
    pub(super) fn key(&self, custom_id: &str, body: &[u8]) -> String {
        let hash = Fnv1a128::of(&[custom_id.as_bytes(), body, self.batch.as_bytes()]);
        format!("{hash:032x}")
    }

    /// The id of the result that a request with this key has.
    pub(super) fn result_id(key: &str) -> String {
        format!("batch_req_{key}")
    }
}

/// The hash FNV-1a of 128 bits. It has to be even, not secret.
pub(super) struct Fnv1a128(u128);

impl Fnv1a128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = (1 << 88) + 0x13b;

    fn new() -> Self {
        Fnv1a128(Self::OFFSET_BASIS)
    }

    /// Of some parts.
    pub(super) fn of(parts: &[&[u8]]) -> u128 {
        let mut hash = Fnv1a128::new();
        for part in parts {
            // The length in front keeps ("a", "bc") and ("ab", "c") apart.
            hash.write(&(part.len() as u64).to_le_bytes());
            hash.write(part);
        }
        hash.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_standard_one() {
        // The value that the authors of FNV publish for "a".
        let mut hash = Fnv1a128::new();
        hash.write(b"a");
        assert_eq!(hash.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn each_part_counts_and_keys_never_change() {
        let keys = Keys { batch: "/data/out.jsonl".into() };
        let key = keys.key("r1", b"{}");
        assert_eq!(key, "3ed1b725a16547be255e62c0a6e26ca3");
        let other = Keys { batch: "/data/other.jsonl".into() };
        for different in [
            keys.key("r2", b"{}"),
            keys.key("r1", b"{ }"),
            keys.key("r1{", b"}"),
            other.key("r1", b"{}"),
        ] {
            assert_ne!(key, different);
        }
    }
}
