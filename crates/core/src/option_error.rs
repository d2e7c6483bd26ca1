//! Options that are out of their range.

use std::fmt::Display;

use crate::error::Error;
use crate::kind::Kind;

/// An option whose value is out of its range. It becomes an [`Error`] of
/// [`Kind::Configuration`] whose parameter is the option's name.
///
/// ```
/// use resayil_core::{Error, Kind, Policy};
///
/// let refused = Policy::builder().max_attempts(0).build().unwrap_err();
/// assert_eq!(refused.option(), "max_attempts");
/// assert_eq!(
///     refused.to_string(),
///     "max_attempts is out of range: it has to be 1 to 1000 attempts, not 0"
/// );
/// assert_eq!(Error::from(refused).kind(), Kind::Configuration);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option} is out of range: it has to be {range}, not {value}")]
pub struct OptionError {
    option: &'static str,
    value: String,
    range: &'static str,
}

impl OptionError {
    /// An error about an option: its name, the value that was given, and what it has to be, with the
    /// unit. None of them may hold a secret.
    pub fn new(option: &'static str, value: impl Display, range: &'static str) -> Self {
        OptionError { option, value: value.to_string(), range }
    }

    /// This error unless the value is good.
    pub(crate) fn check(
        option: &'static str,
        value: &dyn Display,
        good: bool,
        range: &'static str,
    ) -> Result<(), OptionError> {
        if good { Ok(()) } else { Err(OptionError::new(option, value, range)) }
    }

    /// The name of the option.
    pub fn option(&self) -> &'static str {
        self.option
    }

    /// The value that was given. Durations are in seconds.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What the value has to be, such as `1 to 1000 attempts`.
    pub fn range(&self) -> &'static str {
        self.range
    }
}

impl From<OptionError> for Error {
    fn from(refused: OptionError) -> Self {
        Error::new(Kind::Configuration, &refused.to_string()).with_param(refused.option)
    }
}
