//! What a fleet's key holds, to be shown.

use std::collections::HashMap;
use std::time::Duration;

/// What a fleet's key knows, as somebody sees it who reads its fields (`HGETALL`) and the server's `TIME`, and
/// changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetSnapshot {
    /// Requests that a window admits, if a member was told.
    pub limit: Option<u64>,
    /// The same as refusals taught it.
    pub learned_limit: Option<u64>,
    /// Requests of this window that were admitted.
    pub used: u64,
    /// Turns that are promised, of this window and later ones.
    pub reserved: u64,
    /// Tokens that a window admits, if that is known, and those that were used or reserved.
    pub token_limit: Option<u64>,
    /// Tokens of this window that are taken, estimates among them.
    pub tokens_used: u64,
    /// Members of this window or the one before, by weight.
    pub members: u64,
    /// The length of a window.
    pub window: Duration,
    /// The time until the window ends.
    pub reset_after: Duration,
    /// The time until a refusal is over, if there was one.
    pub latched_for: Option<Duration>,
    /// How long the key has been there, and since when it was not used.
    pub age: Duration,
    /// The time since the last call.
    pub idle: Duration,
    /// Milliseconds that the provider's clock is ahead of the server's, at least and at the most, if it was seen.
    pub clock_ahead: Option<(i64, i64)>,
}

impl FleetSnapshot {
    /// Reads names and values of the key's fields. `now` is the server's time in milliseconds since 1970. `None`
    /// if they are not those of a fleet's key.
    pub fn from_fields<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: i64,
    ) -> Option<Self> {
        let number = |(name, value): (&'a str, &'a str)| Some((name, value.parse::<i64>().ok()?));
        let fields: HashMap<_, _> = fields.into_iter().filter_map(number).collect();
        let at = |name: &str| fields.get(name).copied().unwrap_or(0);
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let some = |number: i64| Some(count(number)).filter(|number| *number > 0);
        let millis = |millis: i64| Duration::from_millis(count(millis));
        let length = Some(at("ln")).filter(|length| *length > 0)?;
        let (born, time) = (some(at("b"))?, at("t").max(now));
        let ahead = (at("kc") == 1).then(|| (at("lo"), at("hi")));
        let provider = time.saturating_add(ahead.map_or(-1000, |(lo, _)| lo));
        let window = provider.div_euclid(length);
        let is_now = window == at("w");
        let taken = |name: &str| if is_now { count(at(name)) } else { 0 };
        Some(FleetSnapshot {
            limit: some(at("l1")),
            learned_limit: some(at("ml")),
            used: taken("u1"),
            reserved: count(at("p1").saturating_add(at("q1"))),
            token_limit: some(at("l2")),
            tokens_used: taken("u2"),
            members: count(at("m").max(at("n"))),
            window: millis(length),
            reset_after: millis(length - provider.rem_euclid(length)),
            latched_for: Some(at("la") - time).filter(|left| *left > 0).map(millis),
            age: millis(time.saturating_sub(i64::try_from(born).unwrap_or(time))),
            idle: millis(time.saturating_sub(at("t"))),
            clock_ahead: ahead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_now() {
        let fields = [
            ("b", "1800000000000"),
            ("t", "1800000005000"),
            ("ln", "60000"),
            ("w", "30000000"),
            ("kc", "1"),
            ("lo", "100"),
            ("hi", "200"),
            ("l1", "20"),
            ("u1", "7"),
            ("p1", "2"),
            ("n", "3"),
            ("la", "1800000010000"),
        ];
        let known = FleetSnapshot::from_fields(fields, 1_800_000_006_000).unwrap();
        assert_eq!((known.limit, known.used, known.reserved, known.members), (Some(20), 7, 2, 3));
        assert_eq!(known.reset_after, Duration::from_millis(53_900));
        assert_eq!(known.latched_for, Some(Duration::from_secs(4)));
        assert_eq!((known.age, known.idle), (Duration::from_secs(6), Duration::from_secs(1)));
        // In the next window nothing is used.
        let later = FleetSnapshot::from_fields(fields, 1_800_000_060_000).unwrap();
        assert_eq!((later.used, later.latched_for), (0, None));
        assert_eq!(FleetSnapshot::from_fields([], 0), None);
        assert_eq!(FleetSnapshot::from_fields([("ln", "x"), ("b", "1")], 0), None);
    }
}
