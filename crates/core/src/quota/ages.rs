//! Amounts by age, in slots of a power of two of nanoseconds.

use super::bytes::Record;

/// How much began when, for the last `SLOTS` slots of `1 << SHIFT` nanoseconds.
#[derive(Clone)]
pub(super) struct Ages<const SLOTS: usize, const SHIFT: u32> {
    /// The number of the newest slot since time zero.
    newest: u64,
    amounts: [u32; SLOTS],
    total: u64,
}

impl<const SLOTS: usize, const SHIFT: u32> Default for Ages<SLOTS, SHIFT> {
    fn default() -> Self {
        Ages { newest: 0, amounts: [0; SLOTS], total: 0 }
    }
}

/// The slots that are not empty, each by its age.
impl<const SLOTS: usize, const SHIFT: u32> Record for Ages<SLOTS, SHIFT> {
    fn put(&self, out: &mut Vec<u8>) {
        self.newest.put(out);
        let used = (0..SLOTS as u64).filter(|age| self.at(*age) > 0);
        (used.clone().count() as u32).put(out);
        for age in used {
            out.push(age as u8);
            self.at(age).put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut ages = Ages { newest: u64::get(input)?, ..Ages::default() };
        if ages.newest >> (63 - SHIFT) != 0 {
            return None;
        }
        for _ in 0..u32::get(input).filter(|count| *count as usize <= SLOTS)? {
            let age = u64::from(u8::get(input)?);
            let number = ages.newest.checked_sub(age).filter(|_| age < SLOTS as u64)?;
            let amount = u32::get(input).filter(|amount| *amount > 0)?;
            let slot = &mut ages.amounts[number as usize % SLOTS];
            if std::mem::replace(slot, amount) != 0 {
                return None;
            }
            ages.total += u64::from(amount);
        }
        Some(ages)
    }
}

impl<const SLOTS: usize, const SHIFT: u32> Ages<SLOTS, SHIFT> {
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// How much is so many slots older than the newest.
    pub(super) fn at(&self, age: u64) -> u32 {
        self.newest.checked_sub(age).map_or(0, |number| self.amounts[number as usize % SLOTS])
    }

    /// When the slot that is so much older ends.
    pub(super) fn end_of(&self, age: u64) -> u64 {
        (self.newest.saturating_sub(age) + 1) << SHIFT
    }

    /// Whether this time is in the newest slot.
    #[inline]
    pub(super) fn is_newest(&self, at: u64) -> bool {
        at >> SHIFT == self.newest
    }

    /// Goes on to this time, and gives away what becomes too old: its time and the amount.
    pub(super) fn roll(&mut self, now: u64, mut gone: impl FnMut(u64, u32)) {
        let number = now >> SHIFT;
        if number <= self.newest {
            return;
        }
        if self.total > 0 {
            for next in (self.newest + 1..=number).take(SLOTS) {
                let amount = std::mem::take(&mut self.amounts[next as usize % SLOTS]);
                if amount > 0 {
                    self.total -= u64::from(amount);
                    gone(next.saturating_sub(SLOTS as u64) << SHIFT, amount);
                }
            }
        }
        self.newest = number;
    }

    /// Adds what began then; what is too old is not kept.
    #[inline]
    pub(super) fn add(&mut self, amount: u32, at: u64) {
        let number = (at >> SHIFT).min(self.newest);
        if self.newest - number < SLOTS as u64 {
            let slot = &mut self.amounts[number as usize % SLOTS];
            let before = *slot;
            *slot = slot.saturating_add(amount);
            self.total += u64::from(*slot - before);
        }
    }

    /// Takes out what began then; says whether there was so much.
    pub(super) fn remove(&mut self, amount: u32, at: u64) -> bool {
        let number = (at >> SHIFT).min(self.newest);
        let is_known = self.newest - number < SLOTS as u64;
        let slot = &mut self.amounts[number as usize % SLOTS];
        if !is_known || *slot < amount {
            return false;
        }
        *slot -= amount;
        self.total -= u64::from(amount);
        true
    }

    /// When the slot of this time begins.
    pub(super) fn start_of(at: u64) -> u64 {
        at >> SHIFT << SHIFT
    }

    /// How much began from the slot of this time on to the end of that of the other.
    pub(super) fn between(&self, from: u64, to: u64) -> u64 {
        let first = (from >> SHIFT).max((self.newest + 1).saturating_sub(SLOTS as u64));
        let last = (to >> SHIFT).min(self.newest);
        (first..=last).map(|number| u64::from(self.amounts[number as usize % SLOTS])).sum()
    }

    /// How much began since this time, or in the same slot.
    pub(super) fn since(&self, from: u64) -> u64 {
        let first = from >> SHIFT;
        let count = (self.newest + 1).saturating_sub(first).min(SLOTS as u64);
        (0..count).map(|age| u64::from(self.at(age))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_grow_old() {
        let mut ages = Ages::<4, 2>::default();
        ages.roll(9, |_, _| panic!("nothing is there"));
        ages.add(5, 9);
        ages.add(2, 3);
        assert_eq!((ages.total(), ages.at(0), ages.at(2), ages.since(4)), (7, 5, 2, 5));
        let mut gone = Vec::new();
        ages.roll(18, |at, amount| gone.push((at, amount)));
        assert_eq!((gone, ages.total()), (vec![(0, 2)], 5));
        assert!(!ages.remove(6, 9) && ages.remove(5, 8) && !ages.remove(1, 9));
        assert!(!ages.remove(1, 0));
    }

    #[test]
    fn they_go_through_bytes() {
        let mut ages = Ages::<64, 25>::default();
        ages.roll(90 << 25, |_, _| {});
        ages.add(3, 88 << 25);
        ages.add(u32::MAX, 90 << 25);
        let mut bytes = Vec::new();
        ages.put(&mut bytes);
        let copy = Ages::<64, 25>::get(&mut &bytes[..]).unwrap();
        assert_eq!(
            (copy.newest, copy.amounts, copy.total),
            (ages.newest, ages.amounts, ages.total)
        );
        assert!(Ages::<64, 25>::get(&mut &bytes[..bytes.len() - 1]).is_none());
    }
}
