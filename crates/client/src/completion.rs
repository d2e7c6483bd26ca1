//! What is read of a chat completion: nothing is built that nobody asks for, however much there is of it.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What an answer cost, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Of the request.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
    /// Of both.
    pub total_tokens: u64,
}

/// A chat completion, as far as it is read.
#[derive(Deserialize)]
pub(crate) struct Completion {
    /// The first.
    #[serde(rename = "choices", deserialize_with = "first")]
    pub(crate) choice: Option<Choice>,
    pub(crate) model: Option<String>,
    #[serde(default, deserialize_with = "usage")]
    pub(crate) usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    pub(crate) message: Message,
    pub(crate) finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) content: Option<String>,
}

/// The first of a list; the others are only checked to be JSON.
fn first<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Choice>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Option<Choice>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of choices")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let first = list.next_element()?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    from.deserialize_seq(First)
}

/// What an answer cost is no reason to lose it: what cannot be read is absent.
pub(crate) fn usage<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Usage>, D::Error> {
    from.deserialize_any(UsageOrNot)
}

struct UsageOrNot;

impl<'de> Visitor<'de> for UsageOrNot {
    type Value = Option<Usage>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut usage = Usage::default();
        let mut is_good = true;
        while let Some(name) = map.next_key::<Name>()? {
            let field = match name {
                Name::Prompt => &mut usage.prompt_tokens,
                Name::Completion => &mut usage.completion_tokens,
                Name::Total => &mut usage.total_tokens,
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            match map.next_value::<Count>()?.0 {
                Some(count) => *field = count,
                None => is_good = false,
            }
        }
        Ok(is_good.then_some(usage))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[derive(Deserialize)]
enum Name {
    #[serde(rename = "prompt_tokens")]
    Prompt,
    #[serde(rename = "completion_tokens")]
    Completion,
    #[serde(rename = "total_tokens")]
    Total,
    #[serde(other)]
    Other,
}

/// A number of tokens, or what is none.
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Number;

        impl<'de> Visitor<'de> for Number {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
                Ok(Count(Some(count)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Count(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Count(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Count(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Count(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Count(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
        }

        from.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_of(json: &str) -> Option<Usage> {
        let text = format!(r#"{{"choices":[],"usage":{json}}}"#);
        serde_json::from_str::<Completion>(&text).unwrap().usage
    }

    #[test]
    fn what_is_no_usage_is_absent() {
        let usage = usage_of(r#"{"prompt_tokens":1,"more":{"a":[1]},"total_tokens":3}"#).unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (1, 0, 3));
        for none in [
            "null",
            "7",
            "-7",
            "1.5",
            "true",
            "\"free\"",
            "[1,[2]]",
            r#"{"prompt_tokens":"1"}"#,
            r#"{"prompt_tokens":-1}"#,
            r#"{"prompt_tokens":[{}],"total_tokens":3}"#,
            r#"{"prompt_tokens":{"a":1}}"#,
        ] {
            assert_eq!(usage_of(none), None, "{none}");
        }
    }
}
