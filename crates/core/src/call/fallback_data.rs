//! Fallbacks as data, by the feature `serde`.
//!
//! A map of the options by their names; what is absent has its default. A target is a map of `model`,
//! `base_url` and `api_key`, or a text that names a model. Keys are read, but never written. Unknown
//! names are refused, and so are options out of their range.

use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fallback, FallbackTarget};
use crate::kind::Kind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    targets: Vec<Target>,
    #[serde(default = "on")]
    on: Vec<String>,
    #[serde(default = "overloaded_attempts")]
    overloaded_attempts: u32,
    /// In seconds.
    #[serde(default = "max_wait")]
    max_wait: f64,
}

fn on() -> Vec<String> {
    let builder = Fallback::builder();
    names(builder.defaults().0)
}

fn overloaded_attempts() -> u32 {
    Fallback::builder().defaults().1
}

fn max_wait() -> f64 {
    Fallback::builder().defaults().2.as_secs_f64()
}

fn names(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.name().to_owned()).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Target {
    Model(String),
    Whole(Whole),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(default, skip_serializing)]
    api_key: Option<String>,
}

impl From<Target> for FallbackTarget {
    fn from(target: Target) -> Self {
        match target {
            Target::Model(model) => FallbackTarget::from(&*model),
            Target::Whole(Whole { model, base_url, api_key }) => {
                FallbackTarget { model, base_url, api_key }
            }
        }
    }
}

impl Serialize for Fallback {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let target = |target: &FallbackTarget| match target.model() {
            Some(model) if target.base_url().is_none() => Target::Model(model.to_owned()),
            _ => Target::Whole(Whole {
                model: target.model().map(str::to_owned),
                base_url: target.base_url().map(str::to_owned),
                api_key: None,
            }),
        };
        Data {
            targets: self.targets().iter().map(target).collect(),
            on: names(self.on()),
            overloaded_attempts: self.overloaded_attempts(),
            max_wait: self.max_wait().as_secs_f64(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fallback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let data = Data::deserialize(deserializer)?;
        let kinds: Result<Vec<_>, _> = data.on.iter().map(|name| Kind::from_str(name)).collect();
        let max_wait = Duration::try_from_secs_f64(data.max_wait);
        let max_wait =
            max_wait.map_err(|_| D::Error::custom("max_wait has to be 0 to 86400 seconds"))?;
        let builder = Fallback::builder()
            .max_wait(max_wait)
            .on(kinds.map_err(D::Error::custom)?)
            .overloaded_attempts(data.overloaded_attempts);
        let builder = data.targets.into_iter().fold(builder, |builder, it| builder.target(it));
        builder.build().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Fallback, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn fallbacks_survive_the_way_through_json_but_for_their_keys() {
        let there = FallbackTarget::new().with_base_url("https://b.example/v1").with_model("m");
        let builder = Fallback::builder().target("a").on([Kind::Server]).overloaded_attempts(3);
        let builder = builder.max_wait(Duration::from_millis(1500));
        let written = builder.clone().target(there.clone().with_api_key("secret")).build().unwrap();
        let text = serde_json::to_string(&written).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(read(&text), Ok(builder.target(there).build().unwrap()));
        assert_eq!(read(r#"{"targets": ["b"]}"#), Ok(Fallback::models(["b"]).unwrap()));
        let keyed = read(r#"{"targets": [{"base_url": "https://b", "api_key": "k"}]}"#).unwrap();
        assert_eq!(keyed.targets()[0].api_key(), Some("k"));
    }

    #[test]
    fn bad_data_is_refused() {
        for (text, named) in [
            ("{}", "targets"),
            (r#"{"targets": []}"#, "targets"),
            (r#"{"targets": ["b"], "on": ["sever"]}"#, "sever"),
            (r#"{"targets": ["b"], "overloaded_attempts": 0}"#, "overloaded_attempts"),
            (r#"{"targets": ["b"], "max_wait": -1}"#, "max_wait"),
            (r#"{"targets": ["b"], "retries": 0}"#, "retries"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
        assert!(read(r#"{"targets": [{"modle": "b"}]}"#).is_err());
    }
}
