//! What a program tells its quota beforehand.

use std::time::Duration;

use crate::error::OptionError;

/// The options of a [`Quota`](super::Quota).
///
/// Limits that are given hold from the first request on; a request has to fit into all of them. Others are
/// learned from headers and refusals.
///
/// ```
/// use resayil_core::quota::QuotaOptions;
///
/// // 60 requests and 40,000 tokens a minute.
/// let options = QuotaOptions::default().with_limit(60).with_token_limit(40_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaOptions {
    /// Requests a window admits. Default: unknown, and learned from headers and refusals. 1 or
    /// more; 0 is taken as 1.
    pub limit: Option<u32>,
    /// The length of the window, which is aligned to the server's clock. Default 60 s; `None` for
    /// a service of which that is not known: then headers hold senders back, and limits that nobody
    /// tells are found out.
    pub window: Option<Duration>,
    /// Tokens of prompts and answers that a window admits; without a window of the server's clock, that
    /// any stretch of 60 s admits. Default: unknown, and learned from headers. 1 or more.
    pub token_limit: Option<u64>,
    /// The same for tokens of prompts alone.
    pub input_token_limit: Option<u64>,
    /// The same for tokens of answers alone.
    pub output_token_limit: Option<u64>,
    /// Requests that a day (UTC) admits. Default: unknown. 1 or more.
    pub daily_limit: Option<u32>,
}

impl Default for QuotaOptions {
    fn default() -> Self {
        QuotaOptions {
            limit: None,
            window: Some(Duration::from_secs(60)),
            token_limit: None,
            input_token_limit: None,
            output_token_limit: None,
            daily_limit: None,
        }
    }
}

impl QuotaOptions {
    /// The same options with the number of requests that a window admits.
    #[must_use]
    pub fn with_limit(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.limit = limit.into();
        self
    }

    /// The same options with another window.
    #[must_use]
    pub fn with_window(mut self, window: impl Into<Option<Duration>>) -> Self {
        self.window = window.into();
        self
    }

    /// The same options with the number of tokens that a window admits.
    #[must_use]
    pub fn with_token_limit(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.token_limit = limit.into();
        self
    }

    /// The same options with the number of tokens of prompts that a window admits.
    #[must_use]
    pub fn with_input_token_limit(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.input_token_limit = limit.into();
        self
    }

    /// The same options with the number of tokens of answers that a window admits.
    #[must_use]
    pub fn with_output_token_limit(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.output_token_limit = limit.into();
        self
    }

    /// The same options with the number of requests that a day admits.
    #[must_use]
    pub fn with_daily_limit(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.daily_limit = limit.into();
        self
    }

    /// Whether all options are within their ranges.
    ///
    /// # Errors
    ///
    /// The first option that is not.
    pub fn check(&self) -> Result<(), OptionError> {
        const DAY: Duration = Duration::from_secs(86_400);
        OptionError::check("limit", &0, self.limit != Some(0), "1 or more requests")?;
        OptionError::check("daily_limit", &0, self.daily_limit != Some(0), "1 or more requests")?;
        for (name, limit) in [
            ("token_limit", self.token_limit),
            ("input_token_limit", self.input_token_limit),
            ("output_token_limit", self.output_token_limit),
        ] {
            let limit = limit.unwrap_or(1);
            let good = (1..=MOST_TOKENS).contains(&limit);
            OptionError::check(name, &limit, good, "1 to 1,000,000,000,000 tokens")?;
        }
        let window = self.window.unwrap_or(DAY);
        let good = window <= DAY && !window.is_zero();
        OptionError::check(
            "window",
            &window.as_secs_f64(),
            good,
            "more than 0 and up to 86400 seconds",
        )
    }
}

/// Sums of it are numbers.
const MOST_TOKENS: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked_at_the_ends_of_their_ranges() {
        let day = Duration::from_secs(86_400);
        let nano = Duration::from_nanos(1);
        let options = QuotaOptions::default();
        let named = |options: QuotaOptions| options.check().err().map(|error| error.option());
        assert_eq!(named(options.with_window(day)), None);
        assert_eq!(named(options.with_window(nano)), None);
        assert_eq!(named(options.with_window(day + nano)), Some("window"));
        assert_eq!(named(options.with_window(Duration::ZERO)), Some("window"));
        assert_eq!(named(options.with_limit(0)), Some("limit"));
        assert_eq!(named(options.with_daily_limit(0)), Some("daily_limit"));
        assert_eq!(named(options.with_limit(1).with_daily_limit(1)), None);
        for limit in [0, MOST_TOKENS + 1] {
            assert_eq!(named(options.with_token_limit(limit)), Some("token_limit"));
            let of_input = options.with_input_token_limit(limit);
            assert_eq!(named(of_input), Some("input_token_limit"));
            assert_eq!(named(options.with_output_token_limit(limit)), Some("output_token_limit"));
        }
        assert_eq!(named(options.with_token_limit(MOST_TOKENS).with_input_token_limit(1)), None);
    }
}
