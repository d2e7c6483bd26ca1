//! Naming a duration in a language.

/// How a language names a duration.
#[derive(Clone)]
pub(super) enum Units {
    /// By the rules of a built-in language.
    BuiltIn(fn(u64) -> String),
    /// By a singular and a plural of second, minute, hour and day.
    Named([[String; 2]; 4]),
}

impl Units {
    /// Seconds in words. The unit is the largest that stands for at least two of the next smaller
    /// one, and the number is rounded up.
    pub(super) fn name(&self, seconds: u64) -> String {
        let names = match self {
            Units::BuiltIn(name) => return name(seconds),
            Units::Named(names) => names,
        };
        let (unit, number) = unit(seconds);
        let [singular, plural] = &names[unit];
        format!("{number} {}", if number == 1 { singular } else { plural })
    }
}

/// The unit that suits a duration, from 0 for seconds to 3 for days, and how many of it there are.
pub(super) fn unit(seconds: u64) -> (usize, u64) {
    match seconds {
        0..=119 => (0, seconds),
        120..=7199 => (1, seconds.div_ceil(60)),
        7200..=172_799 => (2, seconds.div_ceil(3600)),
        _ => (3, seconds.div_ceil(86_400)),
    }
}
