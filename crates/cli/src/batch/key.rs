//! The idempotency keys of a batch: the same in every run, and from every build.

use std::path::Path;

/// What makes the requests of one output differ from those of any other, also of the same input:
/// its place.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    output: String,
}

impl Keys {
    /// Of a file that exists.
    pub(super) fn of_output(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Keys { output: path.display().to_string() }
    }

    /// The key of a request: what was under way when a run was killed is sent again with the same
    /// one, so that a service that knows such keys does not carry it out twice.
    pub(super) fn key(&self, custom_id: &str, body: &[u8]) -> String {
        let mut hash = Fnv1a128::new();
        for part in [custom_id.as_bytes(), body, self.output.as_bytes()] {
            // The length in front keeps ("a", "bc") and ("ab", "c") apart.
            hash.write(&(part.len() as u64).to_le_bytes());
            hash.write(part);
        }
        format!("{:032x}", hash.0)
    }
}

/// The hash FNV-1a of 128 bits. It has to be even, not secret.
struct Fnv1a128(u128);

impl Fnv1a128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = (1 << 88) + 0x13b;

    fn new() -> Self {
        Fnv1a128(Self::OFFSET_BASIS)
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
        let keys = Keys { output: "/data/out.jsonl".into() };
        let key = keys.key("r1", b"{}");
        assert_eq!(key, "3ed1b725a16547be255e62c0a6e26ca3");
        let other = Keys { output: "/data/other.jsonl".into() };
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
