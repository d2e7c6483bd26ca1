//! Durations as seconds in decimal.

use std::fmt;
use std::time::Duration;

/// A duration as seconds, with as many decimals as it needs.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let nanos = self.0.subsec_nanos();
        if nanos > 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_the_decimals_they_need() {
        assert_eq!(Seconds(Duration::from_millis(56_185)).to_string(), "56.185");
        assert_eq!(Seconds(Duration::from_nanos(1)).to_string(), "0.000000001");
        assert_eq!(Seconds(Duration::from_secs(u64::MAX)).to_string(), "18446744073709551615");
    }
}
