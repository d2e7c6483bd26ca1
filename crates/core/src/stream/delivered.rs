//! What of an answer was delivered: its text, in which nothing may stand twice.

use super::MAX_PARTIAL_BYTES;
use super::event::{Place, Telling};
use crate::text::clip::clip;

/// The text so far, and what is needed to tell a repetition from a new piece.
#[derive(Default)]
pub(super) struct Delivered {
    text: String,
    /// Whether anything was delivered: text, a tool call, reasoning.
    pub(super) any: bool,
    /// Where the last text belongs.
    place: Option<Place>,
    /// Whether each event has all of the text so far, once that is known.
    accumulates: Option<bool>,
}

impl Delivered {
    /// The text so far, cut to [`MAX_PARTIAL_BYTES`].
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds the text of an event; gives what of it is new. `is_end` says that the event names a
    /// reason for the end.
    pub(super) fn add<'t>(&mut self, text: &'t str, telling: Telling, is_end: bool) -> &'t str {
        let new = self.new_part(text, telling, is_end);
        if !new.is_empty() {
            self.any = true;
            let room = MAX_PARTIAL_BYTES - self.text.len();
            self.text.push_str(clip(new, room));
        }
        new
    }

    fn new_part<'t>(&mut self, text: &'t str, telling: Telling, is_end: bool) -> &'t str {
        let unless = |repeated: bool| if repeated { "" } else { text };
        if text.is_empty() {
            return text;
        }
        match telling {
            Telling::Piece => text,
            Telling::PieceOf(place) => {
                self.place = Some(place);
                text
            }
            Telling::PartAt(place) => unless(self.place.replace(place) == Some(place)),
            Telling::ItemAt(item) => {
                let known = self.place.is_some_and(|place| place.item == item);
                self.place = Some(Place { item, part: 0 });
                unless(known)
            }
            Telling::Answer => unless(!self.text.is_empty()),
            Telling::SoFar => self.behind_text(text, is_end),
        }
    }

    /// What a text adds that may begin with all of the text so far.
    fn behind_text<'t>(&mut self, text: &'t str, is_end: bool) -> &'t str {
        let rest = text.strip_prefix(self.text.as_str()).filter(|_| !self.text.is_empty());
        // The same text twice is a piece like the one before, unless it is the end that repeats it.
        let repeats = rest.filter(|rest| !rest.is_empty() || is_end);
        match (self.accumulates, repeats) {
            (Some(true), _) => rest.unwrap_or(text),
            // At the end some repeat the whole answer behind its pieces.
            (Some(false), Some("")) => "",
            (Some(false), _) => text,
            (None, _) if self.text.is_empty() => text,
            (None, repeats) => {
                self.accumulates = Some(repeats.is_some());
                repeats.unwrap_or(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn so_far(texts: &[&str]) -> String {
        let mut delivered = Delivered::default();
        for (at, text) in texts.iter().enumerate() {
            delivered.add(text, Telling::SoFar, at + 1 == texts.len());
        }
        delivered.text
    }

    #[test]
    fn pieces_are_told_from_all_so_far() {
        for texts in [
            &["Hel", "lo"][..],
            &["Hel", "Hello"],
            &["Hel", "Hello", "Hello"],
            &["Hello", "Hello"],
            &["Hel", "lo", "Hello"],
            &["Hel", "", "lo"],
        ] {
            assert_eq!(so_far(texts), "Hello", "{texts:?}");
        }
        assert_eq!(so_far(&["ha", "ha", "ha"]), "hahaha");
    }

    #[test]
    fn a_summary_counts_where_nothing_came() {
        let mut delivered = Delivered::default();
        let [first, second] = [0, 1].map(|item| Place { item, part: 0 });
        assert_eq!(delivered.add("a", Telling::PieceOf(first), false), "a");
        assert_eq!(delivered.add("a", Telling::PartAt(first), false), "");
        assert_eq!(delivered.add("a", Telling::ItemAt(0), false), "");
        assert_eq!(delivered.add("b", Telling::PartAt(second), false), "b");
        assert_eq!(delivered.add("b", Telling::PartAt(second), false), "");
        assert_eq!(delivered.add("b", Telling::ItemAt(1), false), "");
        assert_eq!(delivered.add("c", Telling::ItemAt(2), false), "c");
        assert_eq!(delivered.add("abc", Telling::Answer, true), "");
        assert_eq!(delivered.text(), "abc");
    }
}
