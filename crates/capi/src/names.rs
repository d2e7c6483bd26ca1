//! Names that are static in core, made NUL-terminated once.

use std::ffi::CString;
use std::sync::OnceLock;

use ::client::call::WaitReason;
use ::client::error::{HintSource, Severity};
use ::client::retry::{RetryReason, StopReason};
use ::client::{Kind, Provider};

use crate::status::resayil_status;
use crate::text::resayil_str;

/// All names that a function returns without a handle to hold them.
fn table() -> &'static [CString] {
    static TABLE: OnceLock<Vec<CString>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut names: Vec<&str> = Kind::table().iter().map(|row| row.name).collect();
        names.extend(Severity::ALL.iter().map(|severity| severity.name()));
        names.extend(HintSource::ALL.iter().map(|source| source.name()));
        names.extend(RetryReason::ALL.iter().map(|reason| reason.name()));
        names.extend(StopReason::ALL.iter().map(|reason| reason.name()));
        names.extend(WaitReason::ALL.iter().map(|reason| reason.name()));
        names.extend(Provider::ALL.iter().map(|provider| provider.name()));
        names.into_iter().filter_map(|name| CString::new(name).ok()).collect()
    })
}

/// A name of core as a static C string; absent if it is none of the table.
pub(crate) fn static_name(name: &'static str) -> resayil_str {
    let found = table().iter().find(|known| known.as_bytes() == name.as_bytes());
    found.map_or_else(resayil_str::default, |known| resayil_str::from(known.as_c_str()))
}

/// The provider of this name; `None` for NULL and for `auto`.
pub(crate) fn provider(name: Option<&str>) -> Result<Option<Provider>, resayil_status> {
    match name {
        None | Some("auto") => Ok(None),
        Some(name) => name.parse().map(Some).map_err(|_| resayil_status::UNKNOWN_NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        for row in Kind::table() {
            assert_eq!(static_name(row.name).len, row.name.len());
        }
        assert!(static_name("no such name").data.is_null());
    }

    #[test]
    fn providers_are_found() {
        assert_eq!(provider(Some("resayil")), Ok(Some(Provider::Resayil)));
        assert_eq!(provider(Some("auto")), Ok(None));
        assert_eq!(provider(Some("Resayil")), Err(resayil_status::UNKNOWN_NAME));
    }
}
