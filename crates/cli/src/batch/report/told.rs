//! What failed, by kind: how often, and what a user would be told.

use std::collections::BTreeMap;

use resayil::Error;
use resayil::messages::Messages;
use serde::Serialize;

/// So many kinds of failure are told apart.
const MAX_GROUPS: usize = 64;

/// Failures of one kind with one status.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(super) kind: String,
    pub(super) status: Option<u16>,
    pub(super) severity: String,
    /// Requests that were sent again after it.
    pub(super) retried: u64,
    /// Requests that it ended.
    pub(super) failed: u64,
    /// What to show to a user, by language.
    pub(super) user_message: BTreeMap<&'static str, String>,
    pub(super) advice: Vec<String>,
}

/// All that failed.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<(Option<u16>, String), Group>);

impl Groups {
    pub(super) fn retried(&mut self, error: &Error) {
        if let Some(group) = self.of(error) {
            group.retried += 1;
        }
    }

    pub(super) fn failed(&mut self, error: &Error) {
        if let Some(group) = self.of(error) {
            group.failed += 1;
        }
    }

    fn of(&mut self, error: &Error) -> Option<&mut Group> {
        let key = (error.status(), error.kind().to_string());
        if !self.0.contains_key(&key) && self.0.len() >= MAX_GROUPS {
            return None;
        }
        Some(self.0.entry(key).or_insert_with(|| group(error)))
    }

    /// Those that ended most requests first.
    pub(super) fn list(&self) -> Vec<Group> {
        let mut list: Vec<_> = self.0.values().cloned().collect();
        list.sort_by_key(|group| std::cmp::Reverse((group.failed, group.retried)));
        list
    }
}

fn group(error: &Error) -> Group {
    let message = |tag: &'static str| {
        let messages = Messages::of_language(tag)?;
        Some((tag, error.user_message_in(messages).to_string()))
    };
    Group {
        kind: error.kind().to_string(),
        status: error.status(),
        severity: error.severity().to_string(),
        retried: 0,
        failed: 0,
        user_message: ["en", "ar"].into_iter().filter_map(message).collect(),
        advice: error.advice().iter().map(|step| step.to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resayil::Kind;

    #[test]
    fn what_failed_is_counted_by_status_and_kind() {
        let mut groups = Groups::default();
        let error = |status| Error::new(Kind::Server, "down").with_status(status);
        groups.retried(&error(500));
        groups.retried(&error(500));
        groups.failed(&error(503));
        let list = groups.list();
        assert_eq!((list[0].status, list[0].failed, list[0].retried), (Some(503), 1, 0));
        assert_eq!((list[1].status, list[1].failed, list[1].retried), (Some(500), 0, 2));
        assert!(list[0].user_message["ar"] != list[0].user_message["en"]);
        for status in 400..600 {
            groups.failed(&error(status));
        }
        assert_eq!(groups.list().len(), MAX_GROUPS);
    }
}
