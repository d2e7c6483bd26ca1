//! Who waits for a budget, by numbers: all that those who share it have to know of each other.

use std::time::Duration;

use crate::quota::bytes::record;

/// So many are known to have left before their turn. Of more a turn may be given to one who left.
const MOST_GONE: usize = 64;
/// No success releases more.
const MOST_RELEASED: u64 = 1 << 16;
/// Numbers are below this.
const LARGEST: u64 = 1 << 62;

/// Numbers are given in the order of arrival, and released in that order.
#[derive(Clone, Default)]
pub(super) struct Numbers {
    /// The last number that was given.
    joined: u64,
    /// The last that was released; all before it were, too.
    released: u64,
    /// Those behind it that have left, in order.
    gone: Vec<u64>,
    /// How many the last success released.
    burst: u64,
    /// When somebody was sent to try last.
    pub(super) probed: Duration,
}

record!(Numbers { joined, released, gone, burst, probed });

impl Numbers {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let behind = self.gone.iter().all(|gone| (self.released + 1..=self.joined).contains(gone));
        self.joined < LARGEST
            && self.released <= self.joined
            && self.burst <= MOST_RELEASED
            && self.gone.len() <= MOST_GONE
            && behind
            && self.gone.is_sorted_by(|one, next| one < next)
    }

    pub(super) fn join(&mut self) -> u64 {
        self.joined += 1;
        self.joined
    }

    fn waiting(&self) -> u64 {
        (self.joined - self.released).saturating_sub(self.gone.len() as u64)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    pub(super) fn is_released(&self, number: u64) -> bool {
        number <= self.released
    }

    pub(super) fn released(&self) -> u64 {
        self.released
    }

    /// Takes notice of a number that was given before all was lost. Says whether it was one.
    pub(super) fn knows(&mut self, number: u64) -> bool {
        let is_later = number > self.joined && number < LARGEST;
        if is_later {
            self.joined = number;
        }
        is_later
    }

    /// A success shows life: the first may go, twice as many as last time.
    pub(super) fn release(&mut self) {
        let waiting = self.waiting();
        if waiting == 0 {
            return;
        }
        self.burst = (self.burst * 2).clamp(1, waiting.min(MOST_RELEASED));
        for _ in 0..self.burst {
            self.released += 1;
            self.pass_gone();
        }
    }

    /// A failure: the next success begins with one again.
    pub(super) fn close(&mut self) {
        self.burst = 0;
    }

    pub(super) fn leave(&mut self, number: u64) {
        if !(self.released + 1..=self.joined).contains(&number) {
            return;
        }
        if let Err(index) = self.gone.binary_search(&number) {
            if number == self.released + 1 || self.gone.len() < MOST_GONE {
                self.gone.insert(index, number);
            }
        }
        self.pass_gone();
    }

    /// It is nobody's turn who has left.
    fn pass_gone(&mut self) {
        let mut count = 0;
        while self.gone.get(count) == Some(&(self.released + 1)) {
            self.released += 1;
            count += 1;
        }
        self.gone.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_gets_no_turn() {
        let mut line = Numbers::default();
        let numbers: Vec<u64> = (0..8).map(|_| line.join()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
        for gone in [4, 2, 4, 9] {
            line.leave(gone);
        }
        line.release();
        // The second had left.
        assert_eq!((line.released(), line.waiting()), (2, 5));
        line.release();
        assert_eq!((line.released(), line.waiting()), (5, 3));
        line.close();
        line.leave(6);
        assert_eq!((line.released(), line.is_released(6)), (6, true));
        line.release();
        assert_eq!((line.released(), line.waiting()), (7, 1));
        assert!(line.is_sound());
    }

    #[test]
    fn of_many_that_leave_some_are_forgotten() {
        let mut line = Numbers::default();
        let numbers: Vec<u64> = (0..200).map(|_| line.join()).collect();
        numbers[1..].iter().for_each(|number| line.leave(*number));
        assert!(line.is_sound() && !line.is_empty());
        line.leave(1);
        assert_eq!(line.released(), 1 + MOST_GONE as u64);
        (0..20).for_each(|_| line.release());
        assert!(line.is_empty() && line.is_released(200) && line.is_sound());
    }

    #[test]
    fn a_number_of_before_is_known_again() {
        let mut line = Numbers::default();
        assert!(line.knows(5) && !line.knows(5) && !line.knows(LARGEST));
        assert_eq!((line.waiting(), line.join()), (5, 6));
    }
}
