//! What to tell people: a friendly sentence for users, and what to do about it.

mod arabic;
mod data;
mod english;
mod people;
mod units;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Error;
use crate::kind::Kind;

pub use data::MessagesError;
use units::Units;

/// The built-in texts in English.
pub static ENGLISH: Messages = Messages {
    language: Cow::Borrowed("en"),
    table: english::ENTRIES,
    duration: Units::BuiltIn(english::duration),
    own: BTreeMap::new(),
};
/// The built-in texts in Arabic. They hold no marks of direction: a display knows how to set them.
pub static ARABIC: Messages = Messages {
    language: Cow::Borrowed("ar"),
    table: arabic::ENTRIES,
    duration: Units::BuiltIn(arabic::duration),
    own: BTreeMap::new(),
};

/// The names that texts may hold in braces.
const PLACEHOLDERS: [&str; 3] = ["wait", "field", "model"];

/// The built-in texts about one kind of error.
struct Entry {
    kind: Kind,
    user_message: &'static str,
    advice: &'static [&'static str],
}

/// The texts of one language, which an application may replace one by one.
///
/// A text may hold `{wait}`, `{field}` and `{model}`. `{wait|a moment}` names what stands in for a
/// missing value. A part in square brackets is left out when a placeholder in it has no value:
/// `The limit is reached.[ It resets in {wait}.]` Where one outside brackets has none, the built-in
/// message is used in place of the whole, and a step of advice is left out.
///
/// ```
/// use resayil_core::{Error, Kind};
/// use resayil_core::messages::Messages;
///
/// let mine = Messages::english().with_user_message(Kind::NotFound, "We lost[ {model}].");
/// let error = Error::new(Kind::NotFound, "404").with_model("llama3.2");
/// assert_eq!(error.user_message_in(&mine), "We lost llama3.2.");
/// ```
#[derive(Clone)]
pub struct Messages {
    language: Cow<'static, str>,
    table: &'static [Entry],
    duration: Units,
    own: BTreeMap<Kind, Own>,
}

#[derive(Clone, Default)]
struct Own {
    user_message: Option<String>,
    advice: Option<Vec<String>>,
}

impl Messages {
    /// The built-in English texts, to be changed.
    pub fn english() -> Self {
        ENGLISH.clone()
    }

    /// The built-in Arabic texts, to be changed.
    pub fn arabic() -> Self {
        ARABIC.clone()
    }

    /// The built-in texts of a language by its tag: `en`, `ar`, also with a region (`ar-KW`).
    pub fn of_language(tag: &str) -> Option<&'static Messages> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        [&ENGLISH, &ARABIC]
            .into_iter()
            .find(|messages| messages.language.eq_ignore_ascii_case(primary))
    }

    /// The same texts with those that JSON data replaces, or a whole language of its own.
    ///
    /// All members are optional: `language` (a tag), `units` (`second`, `minute`, `hour` and `day`,
    /// each a list of the singular and the plural), and `kinds`, an object with a member for each
    /// kind whose `user_message` (text) or `advice` (a list of texts) is replaced.
    ///
    /// ```
    /// use resayil_core::{Error, Kind};
    /// use resayil_core::messages::Messages;
    ///
    /// let data = r#"{"language": "fr", "kinds": {"server": {"user_message": "Un instant, svp."}}}"#;
    /// let french = Messages::english().with_json(data)?;
    /// assert_eq!(Error::new(Kind::Server, "500").user_message_in(&french), "Un instant, svp.");
    /// # Ok::<(), resayil_core::messages::MessagesError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Data that is not JSON, an unknown member, kind or placeholder, and a member of the wrong type.
    pub fn with_json(self, data: &str) -> Result<Self, MessagesError> {
        data::read(self, data)
    }

    /// The tag of the language of these texts.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The same texts with another message to users for this kind.
    #[must_use]
    pub fn with_user_message(mut self, kind: Kind, text: &str) -> Self {
        self.own.entry(kind).or_default().user_message = Some(text.to_owned());
        self
    }

    /// The same texts with other advice for this kind, one step an entry.
    #[must_use]
    pub fn with_advice(mut self, kind: Kind, steps: &[&str]) -> Self {
        let steps = steps.iter().map(|step| (*step).to_owned()).collect();
        self.own.entry(kind).or_default().advice = Some(steps);
        self
    }

    fn entry(&self, kind: Kind) -> &'static Entry {
        // The first entry is the one for unknown errors.
        self.table.iter().find(|entry| entry.kind == kind).unwrap_or(&self.table[0])
    }

    pub(crate) fn user_message(&self, error: &Error) -> String {
        let own = self.own.get(&error.kind()).and_then(|own| own.user_message.as_deref());
        let value = |name: &str| self.value(error, name);
        let filled = own.and_then(|own| fill(own, value));
        // Every placeholder of the built-in texts has something to stand in for it.
        filled.or_else(|| fill(self.entry(error.kind()).user_message, value)).unwrap_or_default()
    }

    pub(crate) fn advice<'a>(&'a self, error: &Error) -> Vec<Cow<'a, str>> {
        let own = self.own.get(&error.kind()).and_then(|own| own.advice.as_deref());
        let fill = |step: &'a str| {
            if step.contains('{') {
                Cow::Owned(fill(step, |name| self.value(error, name)).unwrap_or_default())
            } else {
                Cow::Borrowed(step)
            }
        };
        let steps = match own {
            Some(own) => own.iter().map(|step| fill(step)).collect::<Vec<_>>(),
            None => self.entry(error.kind()).advice.iter().map(|step| fill(step)).collect(),
        };
        steps.into_iter().filter(|step| !step.is_empty()).collect()
    }

    /// The value of one of the [`PLACEHOLDERS`].
    fn value(&self, error: &Error, name: &str) -> Option<String> {
        match name {
            "wait" => error
                .retry_after()
                .filter(|wait| !wait.is_zero())
                .map(|wait| self.duration.name(whole_seconds(wait))),
            "field" => error
                .field_errors()
                .first()
                .map(|field| field.field.to_owned())
                .or(error.param().map(str::to_owned)),
            "model" => error.model().map(str::to_owned),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages")
            .field("language", &self.language)
            .field("replaced", &self.own.len())
            .finish()
    }
}

/// Rounded up: who returns a moment early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

/// Puts values into a text, and leaves out bracketed parts whose values are missing; `None` if a
/// value outside brackets is.
fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let Some(close) = rest[open..].find(']') else { break };
        out.push_str(&substitute(&rest[..open], &value)?);
        if let Some(optional) = substitute(&rest[open + 1..open + close], &value) {
            out.push_str(&optional);
        }
        rest = &rest[open + close + 1..];
    }
    out.push_str(&substitute(rest, &value)?);
    Some(out)
}

/// The first placeholder of a text whose name no value can have.
fn unknown_placeholder(text: &str) -> Option<&str> {
    let names = text.split('{').skip(1).filter_map(|after| after.split_once('}'));
    names
        .map(|(placeholder, _)| placeholder.split('|').next().unwrap_or_default())
        .find(|name| !PLACEHOLDERS.contains(name))
}

/// A text with its placeholders replaced; `None` if one of them has no value.
fn substitute(text: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        out.push_str(&rest[..open]);
        let placeholder = &rest[open + 1..open + close];
        let (name, fallback) = match placeholder.split_once('|') {
            Some((name, fallback)) => (name, Some(fallback.to_owned())),
            None => (placeholder, None),
        };
        out.push_str(&value(name).or(fallback)?);
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HintSource;

    #[test]
    fn every_kind_has_texts_in_every_language() {
        for messages in [&ENGLISH, &ARABIC] {
            assert_eq!(messages.table[0].kind, Kind::Unknown);
            for row in Kind::table() {
                assert_eq!(messages.entry(row.kind).kind, row.kind, "{}", row.name);
                let error = Error::new(row.kind, "");
                let text = error.user_message_in(messages);
                assert!(!text.is_empty() && !text.contains(['{', '[', ']']), "{text}");
                assert!(!error.advice_in(messages).is_empty(), "{}", row.name);
            }
        }
    }

    #[test]
    fn arabic_is_arabic_without_marks_of_direction() {
        for entry in ARABIC.table {
            for text in std::iter::once(&entry.user_message).chain(entry.advice) {
                assert!(text.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{text}");
                let mark = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                assert!(!text.contains(mark), "{text}");
            }
        }
    }

    #[test]
    fn the_wait_is_told_if_it_is_known() {
        let error = Error::new(Kind::RateLimit, "");
        assert_eq!(
            error.user_message(),
            "Too many requests right now. Please try again in a moment."
        );
        let error = error.with_retry_after(Duration::from_millis(44_100), HintSource::Body);
        assert_eq!(
            error.user_message(),
            "Too many requests right now. Please try again in 45 seconds."
        );
        assert!(error.user_message_in(&ARABIC).contains("45"));
    }

    #[test]
    fn own_texts_replace_built_in_ones() {
        let mine = Messages::arabic()
            .with_user_message(Kind::Server, "حسنا")
            .with_advice(Kind::Server, &["one", "{model}"]);
        let error = Error::new(Kind::Server, "").with_model("m");
        assert_eq!(error.user_message_in(&mine), "حسنا");
        assert_eq!(error.advice_in(&mine), ["one", "m"]);
        assert_eq!(Messages::of_language("ar-KW").unwrap().language(), "ar");
        assert!(Messages::of_language("fr").is_none());
    }

    #[test]
    fn unfinished_placeholders_do_no_harm() {
        let none = |_: &str| None;
        assert_eq!(fill("a [b", none).unwrap(), "a [b");
        assert_eq!(fill("a {b", none).unwrap(), "a {b");
        assert_eq!(fill("a] [x {b}] c", none).unwrap(), "a]  c");
        assert_eq!(fill("a {b} c", none), None);
    }

    #[test]
    fn a_message_without_its_value_is_the_built_in_one() {
        let built_in = Error::new(Kind::NotFound, "").user_message();
        assert!(!built_in.is_empty());
        for text in ["{model} is lost.", "[It is {model}.] Or {model}? [Who knows.]"] {
            let mine = Messages::english()
                .with_user_message(Kind::NotFound, text)
                .with_advice(Kind::NotFound, &["Look for {model}.", "Wait."]);
            let error = Error::new(Kind::NotFound, "");
            assert_eq!(error.user_message_in(&mine), built_in);
            assert_eq!(error.advice_in(&mine), ["Wait."]);
            let error = error.with_model("m");
            assert!(error.user_message_in(&mine).contains('m'));
            assert_ne!(error.user_message_in(&mine), built_in);
        }
    }
}
