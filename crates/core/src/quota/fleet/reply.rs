//! What the script answers.

/// How many numbers the script answers.
pub(super) const NUMBERS: usize = 29;

/// The answer to a [`FleetCall`](super::FleetCall): whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetReply([i64; NUMBERS]);

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $index:literal;)*) => {
        $($(#[$doc])* pub(super) fn $name(&self) -> i64 {
            self.0[$index]
        })*
    };
}

impl FleetReply {
    pub(super) fn new(numbers: [i64; NUMBERS]) -> Self {
        FleetReply(numbers)
    }

    /// Reads the array of integers that the server answers; `None` if it is something else.
    pub fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let numbers = <[i64; NUMBERS]>::try_from(numbers).ok()?;
        let reply = FleetReply(numbers);
        // What is reckoned with has to be within its range, whoever answers.
        const MOST: i64 = 1 << 52;
        let is_small = numbers.iter().all(|number| number.abs() <= MOST);
        let sound = is_small
            && (1..=1 << 42).contains(&reply.len())
            && reply.granted() >= 0
            && reply.promised() >= 0
            && reply.members() >= 1
            && reply.lo() <= reply.hi();
        sound.then_some(reply)
    }

    /// The numbers as they came.
    pub fn numbers(&self) -> &[i64] {
        &self.0
    }

    numbers! {
        /// The store's time.
        now = 0;
        /// The window that has certainly begun.
        window = 1;
        /// When the key was made.
        birth = 2;
        mode = 3;
        /// The length of a window.
        len = 4;
        /// Whether any member knows the provider's clock.
        knows_clock = 5;
        lo = 6;
        hi = 7;
        granted = 8;
        promised = 9;
        /// The window of the promised turns, and when it begins.
        turn = 10;
        turn_at = 11;
        /// When the others ask again.
        again = 12;
        members = 13;
        /// Which member this is in its window; 0 if it was counted before.
        rank = 14;
        /// The limit that refusals taught.
        soft = 23;
        latch = 24;
        is_unsure = 25;
    }

    pub(super) fn limits(&self) -> [i64; 4] {
        std::array::from_fn(|d| self.0[15 + d])
    }

    pub(super) fn used(&self) -> [i64; 4] {
        std::array::from_fn(|d| self.0[19 + d])
    }
}
