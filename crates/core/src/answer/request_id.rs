//! The provider's id of a request, which stands in a header.

use super::headers::{MAX_NAME, lowercase, text};
use crate::provider::{Provider, REQUEST_IDS};

/// The provider's id of a request, from the headers of its answer; to name when asking for support.
///
/// For a known provider its own headers come first. The others that are known to hold such an id
/// follow: `x-request-id`, `request-id`, and those of single providers.
///
/// ```
/// let headers = [("Content-Type", "application/json"), ("X-Request-Id", "req_7")];
/// assert_eq!(resayil_core::request_id(&headers, None), Some("req_7"));
/// ```
pub fn request_id<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: &[(N, V)],
    provider: Option<Provider>,
) -> Option<&str> {
    let mut ids = RequestIds::default();
    let mut buffer = [0; MAX_NAME];
    for (name, value) in headers {
        if let Some(name) = lowercase(name.as_ref(), &mut buffer) {
            ids.take(name, value.as_ref());
        }
    }
    ids.of(provider)
}

/// The ids that the headers of one answer hold, by the place of the header's name in [`NAMES`].
#[derive(Default)]
pub(crate) struct RequestIds<'a>([Option<&'a str>; NAMES.len()]);

impl<'a> RequestIds<'a> {
    /// Takes a header, whose name is in lower case; says whether its name is that of an id.
    pub(crate) fn take(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        let Some(index) = NAMES.iter().position(|known| known.as_bytes() == name) else {
            return false;
        };
        let id = text(value);
        if !id.is_empty() {
            self.0[index] = self.0[index].or(Some(id));
        }
        true
    }

    /// The id to name to this provider.
    pub(crate) fn of(&self, provider: Option<Provider>) -> Option<&'a str> {
        let own = provider.map_or(&[][..], Provider::request_ids).iter();
        let named = |name: &&str| NAMES.iter().position(|known| known == name);
        let mut ids = own.filter_map(named).map(|index| self.0[index]).chain(self.0);
        ids.find_map(|id| id)
    }
}

/// The names of all headers that hold an id, those first that anybody may send.
const NAMES: [&str; count()] = {
    let mut names = [""; count()];
    let mut at = 0;
    while at < REQUEST_IDS.len() {
        names[at] = REQUEST_IDS[at];
        at += 1;
    }
    let mut row = 0;
    while row < Provider::ALL.len() {
        let own = Provider::ALL[row].request_ids();
        let mut index = 0;
        while index < own.len() {
            names[at] = own[index];
            (at, index) = (at + 1, index + 1);
        }
        row += 1;
    }
    names
};

const fn count() -> usize {
    let (mut count, mut row) = (REQUEST_IDS.len(), 0);
    while row < Provider::ALL.len() {
        count += Provider::ALL[row].request_ids().len();
        row += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(headers: &[(&str, &'static str)], provider: Option<Provider>) -> Option<String> {
        request_id(headers, provider).map(str::to_owned)
    }

    #[test]
    fn the_provider_s_own_headers_come_first() {
        let headers = [
            ("apim-request-id", "apim"),
            ("X-Amzn-RequestId", "amzn"),
            ("Request-Id", " second "),
            ("X-REQUEST-ID", "first"),
        ];
        let of = |provider| id(&headers, provider).unwrap();
        assert_eq!(of(None), "first");
        assert_eq!(of(Some(Provider::OpenAi)), "first");
        assert_eq!(of(Some(Provider::Bedrock)), "amzn");
        assert_eq!(of(Some(Provider::Azure)), "apim");
        assert_eq!(id(&headers[..3], None).unwrap(), "second");
        assert_eq!(id(&headers[..1], None).unwrap(), "apim");
    }

    #[test]
    fn an_empty_id_is_none_and_the_first_of_several_counts() {
        let headers = [("x-request-id", " "), ("x-request-id", "a"), ("x-request-id", "b")];
        assert_eq!(id(&headers, None).as_deref(), Some("a"));
        assert_eq!(id(&headers[..1], None), None);
    }
}
