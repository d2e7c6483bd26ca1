//! What is known of each request without keeping it: 24 bytes, however long its id and its body are.

use std::collections::HashMap;

use super::key::Fnv1a128;

/// What stands for a `custom_id`: with 128 bits no two of a batch are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct IdHash([u64; 2]);

impl IdHash {
    fn of(id: &str) -> Self {
        let hash = Fnv1a128::of(&[id.as_bytes()]);
        IdHash([(hash >> 64) as u64, hash as u64])
    }
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Of the input; 0 if only the output was seen to have it.
    pub(super) line: u64,
    /// How it ended, if the output holds its result.
    pub(super) result: Option<Ended>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    Failed,
}

/// The requests of a batch, by `custom_id`.
#[derive(Debug, Default)]
pub(super) struct Ids(HashMap<IdHash, Packed>);

/// The line, and in the two lowest bits the result.
#[derive(Clone, Copy, Debug)]
struct Packed(u64);

impl From<Known> for Packed {
    fn from(known: Known) -> Self {
        let result = match known.result {
            None => 0,
            Some(Ended::Answered) => 1,
            Some(Ended::Failed) => 2,
        };
        Packed(known.line << 2 | result)
    }
}

impl From<Packed> for Known {
    fn from(Packed(bits): Packed) -> Self {
        let result = match bits & 3 {
            0 => None,
            1 => Some(Ended::Answered),
            _ => Some(Ended::Failed),
        };
        Known { line: bits >> 2, result }
    }
}

impl Ids {
    pub(super) fn get(&self, id: &str) -> Option<Known> {
        self.0.get(&IdHash::of(id)).copied().map(Known::from)
    }

    /// Puts in what is known now; gives what was before.
    pub(super) fn insert(&mut self, id: &str, known: Known) -> Option<Known> {
        self.0.insert(IdHash::of(id), known.into()).map(Known::from)
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut ids = Ids::default();
        for line in [0, 1, 1 << 40] {
            for result in [None, Some(Ended::Answered), Some(Ended::Failed)] {
                let known = Known { line, result };
                ids.insert("a", known);
                assert_eq!(ids.get("a"), Some(known));
            }
        }
        assert_eq!((ids.get("b"), ids.len()), (None, 1));
        assert_eq!(size_of::<(IdHash, Packed)>(), 24);
    }
}
