//! Who shares a model.

use super::bytes::record;

/// So many are known; of more the one that was seen longest ago is forgotten.
const MOST: usize = 64;

/// The processes that used the model lately.
#[derive(Clone, Default)]
pub(super) struct Members {
    /// Each one's name, and when it was seen, in nanoseconds: the one seen last at the end.
    seen: Vec<(u64, u64)>,
}

record!(Members { seen });

impl Members {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.seen.len() <= MOST
    }

    /// The one of this name is here.
    pub(super) fn meet(&mut self, name: u64, now: u64) {
        match self.seen.last_mut() {
            Some((last, seen)) if *last == name => {
                *seen = now;
                return;
            }
            _ => {}
        }
        self.seen.retain(|(known, _)| *known != name);
        if self.seen.len() == MOST {
            self.seen.remove(0);
        }
        self.seen.push((name, now));
    }

    /// How many were seen since this time.
    pub(super) fn since(&self, from: u64) -> u32 {
        self.seen.iter().filter(|(_, seen)| *seen >= from).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_each_once() {
        let mut members = Members::default();
        for now in 0..200 {
            members.meet(now % 3, now);
        }
        assert_eq!((members.since(0), members.since(198), members.since(200)), (3, 2, 0));
        for name in 0..100 {
            members.meet(name, 200 + name);
        }
        assert_eq!((members.since(0), members.is_sound()), (MOST as u32, true));
    }
}
