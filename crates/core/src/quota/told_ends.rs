//! How long windows are of which refusals tell the ends.

/// The lengths of windows that are in use, in seconds.
pub(super) const LENGTHS: [u64; 10] = [1, 2, 5, 10, 30, 60, 300, 600, 3600, 86_400];

pub(super) const SECOND: u64 = 1_000_000_000;

/// The length of windows of which two that follow each other were told to end at these times, in nanoseconds.
pub(super) fn length_between(first: u64, second: u64) -> Option<u64> {
    // Waits are told in whole seconds, and most servers round them up.
    let between = second.checked_sub(first).filter(|between| *between > 0)?;
    let lengths = LENGTHS.map(|length| length * SECOND);
    let usual = lengths.into_iter().filter(|length| length.abs_diff(between) < SECOND);
    let whole = || between.saturating_add(SECOND / 2) / SECOND * SECOND;
    let nearest = usual.min_by_key(|length| length.abs_diff(between));
    Some(nearest.unwrap_or_else(whole).max(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_usual_length_or_one_of_whole_seconds() {
        let length = |millis: u64| length_between(SECOND, SECOND + millis * 1_000_000);
        assert_eq!(length(0), None);
        assert_eq!(length(200), Some(SECOND));
        assert_eq!(length(2100), Some(2 * SECOND));
        assert_eq!(length(3130), Some(3 * SECOND));
        assert_eq!(length(59_100), Some(60 * SECOND));
        assert_eq!(length(45_700), Some(46 * SECOND));
        assert_eq!(length_between(2, 1), None);
    }
}
