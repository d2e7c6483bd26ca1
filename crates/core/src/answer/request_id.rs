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
/// assert_eq!(resayil_core::answer::request_id(&headers, None), Some("req_7"));
/// ```
pub fn request_id<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: &[(N, V)],
    provider: Option<Provider>,
) -> Option<&str> {
    let mut ids = RequestIds::default();
    let mut buffer = [0; MAX_NAME];
    for (name, value) in headers {
        if let Some(name) = lowercase(name.as_ref(), &mut buffer) {
            match REQUEST_IDS.iter().position(|known| known.as_bytes() == name) {
                Some(rank) => ids.take_common(rank, value.as_ref()),
                None => ids.take_own(name, value.as_ref()),
            }
        }
    }
    ids.of(provider)
}

/// The ids that the headers of one answer hold.
#[derive(Default)]
pub(crate) struct RequestIds<'a> {
    /// Those in headers that anybody may send, by rank.
    common: [Option<&'a str>; REQUEST_IDS.len()],
    /// Those in headers that only one provider sends, with the name of the header.
    own: Vec<(&'static str, &'a str)>,
}

impl<'a> RequestIds<'a> {
    /// Takes the value of a header of [`REQUEST_IDS`].
    pub(crate) fn take_common(&mut self, rank: usize, value: &'a [u8]) {
        let id = text(value);
        if !id.is_empty() {
            self.common[rank] = self.common[rank].or(Some(id));
        }
    }

    /// Takes a header, whose name is in lower case, if it is one in which a provider puts an id.
    pub(crate) fn take_own(&mut self, name: &[u8], value: &'a [u8]) {
        let names = Provider::ALL.iter().flat_map(|provider| provider.request_ids());
        let id = text(value);
        if let Some(name) = names.copied().find(|known| known.as_bytes() == name) {
            if !id.is_empty() {
                self.own.push((name, id));
            }
        }
    }

    /// The id to name to this provider.
    pub(crate) fn of(&self, provider: Option<Provider>) -> Option<&'a str> {
        let own = provider.map_or(&[][..], Provider::request_ids).iter();
        let id_in = |name: &&str| self.own.iter().find(|(known, _)| known == name);
        let ranked = own.filter_map(id_in).map(|(_, id)| *id);
        let others = || self.own.iter().map(|(_, id)| *id);
        ranked.chain(self.common.into_iter().flatten()).chain(others()).next()
    }
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
