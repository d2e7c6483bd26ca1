//! Addresses of a fallback's targets.

use reqwest::Url;
use resayil_core::{Error, Kind};

/// The path of chat completions below the base URL.
pub(crate) const CHAT: &str = "chat/completions";

/// Where chat completions are below this base URL.
///
/// # Errors
///
/// [`Kind::Configuration`]: it is not an address over HTTP.
pub(crate) fn chat_at(base_url: &str) -> Result<Url, Error> {
    let bad = || Error::new(Kind::Configuration, "a fallback's base_url is no address over HTTP");
    let url = Url::parse(&format!("{}/{CHAT}", base_url.trim_end_matches('/')));
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(bad)
}
