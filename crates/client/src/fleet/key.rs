//! How the key of a fleet is called.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// The version of what the key holds: another one has another name, so that two versions do each other no harm.
const LAYOUT: u32 = 1;

/// The name of the key of this origin, API key and window, for those who carry a
/// [fleet's](resayil_core::quota::fleet) calls by themselves: `{resayil:fleet-v1-` and 32 hexadecimal digits of a
/// SHA-256. It is the same in every language. `window` is that of the quota's options.
pub fn fleet_key(origin: &str, api_key: &str, window: Option<Duration>) -> String {
    // Each part ends where it cannot go on, so no two lists of parts are alike.
    let mut hash = Sha256::new();
    hash.update(b"resayil fleet\n");
    hash.update(origin.trim_end_matches('/').to_ascii_lowercase().as_bytes());
    hash.update(b"\n");
    hash.update(api_key.as_bytes());
    hash.update(b"\n");
    hash.update(window.unwrap_or_default().as_nanos().to_le_bytes());
    let digest = hash.finalize();
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{{resayil:fleet-v{LAYOUT}-{digits}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_what_differs_and_hold_no_secret() {
        let minute = Some(Duration::from_secs(60));
        let name = fleet_key("https://llm.resayil.io", "sk_llmr_secret", minute);
        assert_eq!(name, fleet_key("HTTPS://llm.resayil.io/", "sk_llmr_secret", minute));
        assert!(name.starts_with("{resayil:fleet-v1-") && name.ends_with('}'), "{name}");
        assert!(!name.contains("secret"));
        for (origin, key, window) in [
            ("https://llm.resayil.io", "sk_llmr_secret", None),
            ("https://llm.resayil.io", "sk_llmr_other", minute),
            ("https://api.example.com", "sk_llmr_secret", minute),
        ] {
            assert_ne!(name, fleet_key(origin, key, window));
        }
    }
}
