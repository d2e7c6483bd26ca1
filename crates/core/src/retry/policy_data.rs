//! Policies as data, by the feature `serde`.
//!
//! A map of the options by their names; what is absent has its default. Times are seconds, as
//! numbers with or without a fraction; `deadline` may be null. Unknown names are refused, and so are
//! options out of their range.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Jitter, Policy};
use crate::kind::Kind;

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Data {
    max_attempts: u32,
    deadline: Option<f64>,
    base_delay: f64,
    factor: f64,
    max_delay: f64,
    max_hint: f64,
    jitter: String,
    max_quota_waits: u32,
    /// Null where it follows from the delays.
    patience: Option<f64>,
    retry_ambiguous: bool,
    /// From the name of a kind to whether it is retried.
    retry_kind: BTreeMap<String, bool>,
}

impl Default for Data {
    fn default() -> Self {
        Data::from(&Policy::default())
    }
}

impl From<&Policy> for Data {
    fn from(policy: &Policy) -> Self {
        let verdicts = policy.verdicts().iter();
        Data {
            max_attempts: policy.max_attempts(),
            deadline: policy.deadline().map(|deadline| deadline.as_secs_f64()),
            base_delay: policy.base_delay().as_secs_f64(),
            factor: policy.factor(),
            max_delay: policy.max_delay().as_secs_f64(),
            max_hint: policy.max_hint().as_secs_f64(),
            jitter: policy.jitter().name().to_owned(),
            max_quota_waits: policy.max_quota_waits(),
            patience: policy.patience().map(|patience| patience.as_secs_f64()),
            retry_ambiguous: policy.retry_ambiguous(),
            retry_kind: verdicts.map(|(kind, retry)| (kind.name().to_owned(), *retry)).collect(),
        }
    }
}

/// Seconds as a time; the message names the option.
fn time<E: serde::de::Error>(option: &str, seconds: f64) -> Result<Duration, E> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| E::custom(format!("{option} is out of range: it has to be 0 seconds or more")))
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Data::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let data = Data::deserialize(deserializer)?;
        let deadline = data.deadline.map(|seconds| time("deadline", seconds)).transpose()?;
        let mut builder = Policy::builder()
            .max_attempts(data.max_attempts)
            .deadline(deadline)
            .base_delay(time("base_delay", data.base_delay)?)
            .factor(data.factor)
            .max_delay(time("max_delay", data.max_delay)?)
            .max_hint(time("max_hint", data.max_hint)?)
            .jitter(Jitter::from_str(&data.jitter).map_err(D::Error::custom)?)
            .max_quota_waits(data.max_quota_waits)
            .patience(data.patience.map(|seconds| time("patience", seconds)).transpose()?)
            .retry_ambiguous(data.retry_ambiguous);
        for (name, retry) in data.retry_kind {
            builder = builder.retry_kind(Kind::from_str(&name).map_err(D::Error::custom)?, retry);
        }
        builder.build().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn policies_survive_the_way_through_json() {
        let odd = Policy::builder()
            .deadline(Duration::from_millis(1500))
            .retry_kind(Kind::Server, false)
            .build()
            .unwrap();
        for policy in [odd, Policy::openai(), Policy::patient(), Policy::none()] {
            assert_eq!(read(&serde_json::to_string(&policy).unwrap()), Ok(policy));
        }
        assert_eq!(read("{}"), Ok(Policy::default()));
    }

    #[test]
    fn bad_data_is_refused_by_name() {
        for (text, named) in [
            (r#"{"max_atempts": 3}"#, "max_atempts"),
            (r#"{"max_attempts": 0}"#, "max_attempts"),
            (r#"{"deadline": -1}"#, "deadline"),
            (r#"{"max_hint": 1e300}"#, "max_hint"),
            (r#"{"jitter": "wild"}"#, "wild"),
            (r#"{"retry_kind": {"sever": true}}"#, "sever"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
