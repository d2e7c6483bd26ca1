//! The account's subscription and credits.

use resayil_core::{Error, Kind};
use serde::Deserialize;

/// What LLM Resayil says of the account.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Balance {
    /// The tier, such as `basic`, `starter`, `pro` or `enterprise`.
    #[serde(default)]
    pub tier: Option<String>,
    /// The state of the subscription, such as `active`.
    #[serde(default)]
    pub status: Option<String>,
    /// When the subscription ends, as the server writes it.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// The credits left.
    #[serde(default)]
    pub credits: Option<f64>,
}

pub(crate) fn read(body: &[u8]) -> Result<Balance, Error> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::Protocol, "the answer is no subscription").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_read_and_gaps_are_borne() {
        let balance =
            read(br#"{"tier":"pro","status":"active","expires_at":null,"credits":5}"#).unwrap();
        assert_eq!((balance.tier.as_deref(), balance.credits), (Some("pro"), Some(5.0)));
        assert_eq!(read(b"{}").unwrap(), Balance::default());
        assert_eq!(read(b"3").unwrap_err().kind(), Kind::Protocol);
    }
}
