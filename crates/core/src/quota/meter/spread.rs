//! What was admitted in the last stretch of time, in slots of it.

use std::time::Duration;

use crate::quota::bytes::{Record, record};

/// So many slots cover the stretch: more would be more exact, and larger.
const SLOTS: usize = 128;

/// Amounts by the time at which they were admitted. An amount is forgotten when the whole of its slot is
/// older than the stretch: up to a hundredth of it late.
#[derive(Clone)]
pub(super) struct Spread {
    /// Nanoseconds.
    slot: u64,
    /// The number of the newest slot since time zero, and when it ends.
    newest: u64,
    ends: u64,
    amounts: Amounts,
    total: u64,
}

record!(Spread { slot, newest, ends, amounts, total });

#[derive(Clone)]
struct Amounts([u32; SLOTS]);

/// Those that are not zero, each with its place.
impl Record for Amounts {
    fn put(&self, out: &mut Vec<u8>) {
        let used = self.0.iter().enumerate().filter(|(_, amount)| **amount > 0);
        out.push(used.clone().count() as u8);
        for (index, amount) in used {
            out.push(index as u8);
            amount.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut amounts = [0; SLOTS];
        for _ in 0..u8::get(input)? {
            let index = usize::from(u8::get(input)?);
            *amounts.get_mut(index)? = u32::get(input)?;
        }
        Some(Amounts(amounts))
    }
}

impl Spread {
    pub(super) fn new(stretch: Duration) -> Self {
        let nanos = u64::try_from(stretch.as_nanos()).unwrap_or(u64::MAX);
        let slot = nanos.div_ceil(SLOTS as u64 - 1).max(1);
        Spread { slot, newest: 0, ends: slot, amounts: Amounts([0; SLOTS]), total: 0 }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let sum: u64 = self.amounts.0.iter().map(|amount| u64::from(*amount)).sum();
        self.slot >= 1
            && sum == self.total
            && self.newest < 1 << 62
            && self.newest.checked_add(1).and_then(|next| next.checked_mul(self.slot))
                == Some(self.ends)
    }

    /// What was added in this slot and the one before, which are a hundredth of the stretch or more.
    pub(super) fn recent(&self, now: u64) -> u64 {
        let number = now / self.slot;
        let at = |number: u64| {
            let is_known = number <= self.newest && self.newest - number < SLOTS as u64;
            if is_known { u64::from(self.amounts.0[number as usize % SLOTS]) } else { 0 }
        };
        at(number) + number.checked_sub(1).map_or(0, at)
    }

    /// How much there is.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// When the next slot begins, and something may be forgotten.
    pub(super) fn ends(&self) -> u64 {
        self.ends
    }

    #[inline]
    pub(super) fn add(&mut self, amount: u64, now: u64) {
        if now >= self.ends {
            self.roll(now);
        }
        let slot = &mut self.amounts.0[self.newest as usize % SLOTS];
        let before = *slot;
        *slot = slot.saturating_add(u32::try_from(amount).unwrap_or(u32::MAX));
        self.total += u64::from(*slot - before);
    }

    /// Adds to what was added at this time, as far as it is known.
    pub(super) fn add_at(&mut self, amount: u64, at: u64) {
        let number = (at / self.slot).min(self.newest);
        if self.newest - number < SLOTS as u64 {
            let slot = &mut self.amounts.0[number as usize % SLOTS];
            let before = *slot;
            *slot = slot.saturating_add(u32::try_from(amount).unwrap_or(u32::MAX));
            self.total += u64::from(*slot - before);
        }
    }

    /// Takes back what was added at this time, as far as it is known.
    pub(super) fn remove(&mut self, amount: u64, at: u64) {
        let number = (at / self.slot).min(self.newest);
        if self.newest - number < SLOTS as u64 {
            let slot = &mut self.amounts.0[number as usize % SLOTS];
            let less = (*slot).min(u32::try_from(amount).unwrap_or(u32::MAX));
            *slot -= less;
            self.total -= u64::from(less);
        }
    }

    /// Forgets what is too old.
    pub(super) fn roll(&mut self, now: u64) {
        let number = now / self.slot;
        if number <= self.newest {
            return;
        }
        for gone in (self.newest + 1..=number).take(SLOTS) {
            let slot = &mut self.amounts.0[gone as usize % SLOTS];
            self.total -= u64::from(std::mem::take(slot));
        }
        self.newest = number;
        self.ends = (number + 1).saturating_mul(self.slot);
    }

    /// When so much has been forgotten; `None` if there is less.
    pub(super) fn forgotten_at(&self, mut amount: u64) -> Option<u64> {
        let oldest = (self.newest + 1).saturating_sub(SLOTS as u64);
        for number in oldest..=self.newest {
            let slot = u64::from(self.amounts.0[number as usize % SLOTS]);
            if slot >= amount && slot > 0 {
                return Some((number + SLOTS as u64).saturating_mul(self.slot));
            }
            amount = amount.saturating_sub(slot);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn amounts_are_forgotten_in_order_and_not_early() {
        let mut spread = Spread::new(Duration::from_secs(60));
        spread.add(3, SECOND);
        spread.add(4, 30 * SECOND);
        assert_eq!(spread.total(), 7);
        let first = spread.forgotten_at(1).unwrap();
        assert!((61 * SECOND..62 * SECOND).contains(&first), "{first}");
        let second = spread.forgotten_at(4).unwrap();
        assert!((90 * SECOND..91 * SECOND).contains(&second), "{second}");
        assert_eq!(spread.forgotten_at(8), None);
        spread.roll(first - 1);
        assert_eq!(spread.total(), 7);
        spread.roll(first);
        assert_eq!(spread.total(), 4);
        spread.remove(1, 30 * SECOND);
        // Unknown, and already forgotten.
        spread.remove(1, 40 * SECOND);
        spread.remove(1, SECOND);
        assert_eq!(spread.total(), 3);
        spread.roll(1000 * SECOND);
        assert_eq!((spread.total(), spread.is_sound()), (0, true));
    }
}
