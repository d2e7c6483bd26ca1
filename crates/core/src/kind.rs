//! The kinds of error: one table from which every language takes its names and numbers.

use std::fmt;
use std::str::FromStr;

use crate::severity::Severity;
use crate::unknown_name::UnknownName;

/// One row of the table of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindRow {
    /// The kind itself.
    pub kind: Kind,
    /// Its number in C and in the Python class attribute `number`. Never reused.
    pub number: u16,
    /// Its name in the error record, in snake case.
    pub name: &'static str,
    /// The statuses that mean this kind when nothing else is known.
    pub statuses: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Whether another try of the same request may succeed.
    pub retryable: bool,
    /// The class that stands for it in Python.
    pub python_class: &'static str,
    /// What it means, in Markdown.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $statuses:literal,
        $severity:ident, $retryable:literal, $class:literal;)*) => {
        /// What went wrong. Each kind has a number, a name, a severity and a default verdict on
        /// retrying, the same in every language; see [`Kind::table`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Kind {
            $($(#[doc = $doc])+ $variant = $number,)*
        }

        const TABLE: &[KindRow] = &[
            $(KindRow {
                kind: Kind::$variant,
                number: $number,
                name: $name,
                statuses: $statuses,
                severity: Severity::$severity,
                retryable: $retryable,
                python_class: $class,
                meaning: concat!($($doc),+).trim_ascii(),
            },)*
        ];

        impl Kind {
            /// The row of the table that describes this kind.
            pub fn row(self) -> &'static KindRow {
                // The order of the rows is the order of the variants, so the compiler folds this.
                let mut index = 0;
                $(if let Kind::$variant = self { return &TABLE[index]; } index += 1;)*
                let _ = index;
                &TABLE[0]
            }
        }
    };
}

kinds! {
    /// Nothing is known about the failure.
    Unknown = 0, "unknown", "", Error, false, "APIError";
    /// The request is malformed, and no closer kind fits. 400 and other 4xx.
    BadRequest = 100, "bad_request", "400, other 4xx", Warning, false, "BadRequestError";
    /// Fields of the request are missing or invalid; see `Error::field_errors`.
    Validation = 101, "validation", "422", Warning, false, "UnprocessableEntityError";
    /// The model or the path does not exist.
    NotFound = 102, "not_found", "404", Warning, false, "NotFoundError";
    /// The request collided with another one.
    Conflict = 103, "conflict", "409", Warning, true, "ConflictError";
    /// The request is larger than the service accepts.
    PayloadTooLarge = 104, "payload_too_large", "413", Warning, false, "PayloadTooLargeError";
    /// The prompt and the answer do not fit into the model's context window.
    ContextLength = 105, "context_length", "400 by code", Warning, false, "ContextLengthError";
    /// A content filter refused the prompt or the answer.
    ContentFilter = 106, "content_filter", "400/403 by code", Warning, false, "ContentFilterError";
    /// The key is missing, malformed, revoked or unknown.
    Authentication = 200, "authentication", "401", Error, false, "AuthenticationError";
    /// The key is good, but may not do this.
    Permission = 201, "permission", "403", Warning, false, "PermissionDeniedError";
    /// The account has no credits left.
    PaymentRequired = 202, "payment_required", "402", Error, false, "PaymentRequiredError";
    /// A quota that no short wait refills is used up: a spend limit, a daily or monthly cap.
    QuotaExhausted = 203, "quota_exhausted", "429 by code", Error, false, "QuotaExhaustedError";
    /// Too many requests in the current window; the next window admits more.
    RateLimit = 300, "rate_limit", "429", Error, true, "RateLimitError";
    /// The service or the model has no capacity right now.
    Overloaded = 301, "overloaded", "503, 529", Critical, true, "OverloadedError";
    /// The service failed.
    Server = 400, "server", "500, other 5xx", Critical, true, "InternalServerError";
    /// No answer came in time, from the service or within a local limit.
    Timeout = 401, "timeout", "408, 504, 524, local", Error, true, "APITimeoutError";
    /// The connection could not be made or broke.
    Network = 402, "network", "522, local", Error, true, "APIConnectionError";
    /// A success that cannot be read. May be repeated if nothing of it was delivered.
    Protocol = 403, "protocol", "2xx that cannot be read", Error, true, "ResponseError";
    /// The caller cancelled the call.
    Cancelled = 500, "cancelled", "local", Info, false, "CancelledError";
    /// The wait that is needed would pass the caller's deadline.
    Deadline = 501, "deadline", "local", Error, false, "DeadlineExceededError";
    /// An option or the key has no usable form; nothing was sent.
    Configuration = 502, "configuration", "local", Error, false, "ConfigurationError";
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const fn table() -> &'static [KindRow] {
        TABLE
    }

    /// The number that stands for this kind in C and in Python.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name in the error record, in snake case.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// How grave this kind is.
    pub fn severity(self) -> Severity {
        self.row().severity
    }

    /// Whether another try of the same request may succeed, if nothing more is known.
    pub fn is_retryable(self) -> bool {
        self.row().retryable
    }

    /// The kind of this number, or `None` for a number that this version does not know.
    pub fn from_number(number: u16) -> Option<Kind> {
        TABLE.iter().find(|row| row.number == number).map(|row| row.kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.kind).ok_or_else(|| {
            let known: Vec<_> = TABLE.iter().map(|row| row.name).collect();
            UnknownName::new("kind", name, &known)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_kind_number_and_name() {
        for row in Kind::table() {
            assert_eq!(row.kind.row(), row);
            assert_eq!(row.kind.number(), row.number);
            assert_eq!(Kind::from_number(row.number), Some(row.kind));
            assert_eq!(row.name.parse(), Ok(row.kind));
        }
    }

    #[test]
    fn numbers_rise_and_names_differ() {
        for pair in Kind::table().windows(2) {
            assert!(pair[0].number < pair[1].number);
        }
        let names: std::collections::HashSet<_> =
            Kind::table().iter().map(|row| row.name).collect();
        assert_eq!(names.len(), Kind::table().len());
    }

    #[test]
    fn an_unknown_name_says_which_are_known() {
        let error = "rate_limits".parse::<Kind>().unwrap_err().to_string();
        assert!(error.contains("rate_limits") && error.contains("rate_limit,"), "{error}");
        assert_eq!(Kind::from_number(9999), None);
    }
}
