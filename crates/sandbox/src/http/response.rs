//! A response that is known as a whole.

/// Status, headers and body; `Date` and the framing are added when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: u16, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with("Content-Type", "application/json")
    }

    pub(crate) fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }
            .with("Content-Type", "text/html; charset=UTF-8")
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
