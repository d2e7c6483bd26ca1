//! What to tell people of an error.

use std::borrow::Cow;

use super::{ENGLISH, Messages};
use crate::error::Error;

/// What to tell people.
impl Error {
    /// A friendly sentence that is safe to show to an end user, in English.
    pub fn user_message(&self) -> String {
        self.user_message_in(&ENGLISH)
    }

    /// A friendly sentence in the language, or with the texts, of `messages`.
    pub fn user_message_in(&self, messages: &Messages) -> String {
        messages.user_message(self)
    }

    /// What to do about it, one step an entry, in English.
    pub fn advice(&self) -> Vec<Cow<'_, str>> {
        self.advice_in(&ENGLISH)
    }

    /// What to do about it, one step an entry, in the language of `messages`.
    pub fn advice_in<'a>(&'a self, messages: &'a Messages) -> Vec<Cow<'a, str>> {
        messages.advice(self)
    }
}
