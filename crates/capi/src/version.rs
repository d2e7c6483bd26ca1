//! The version of the library.

use std::ffi::{CStr, c_char};

/// The major version of this header.
pub const RESAYIL_VERSION_MAJOR: u32 = 0;
/// The minor version of this header.
pub const RESAYIL_VERSION_MINOR: u32 = 1;
/// The patch version of this header.
pub const RESAYIL_VERSION_PATCH: u32 = 0;

/// The version of the library that runs, such as `0.1.0`; it may be newer than the header. A static
/// text, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    match CStr::from_bytes_until_nul(VERSION.as_bytes()) {
        Ok(version) => version.as_ptr(),
        Err(_) => c"".as_ptr(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_crate() {
        let version =
            format!("{RESAYIL_VERSION_MAJOR}.{RESAYIL_VERSION_MINOR}.{RESAYIL_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        // SAFETY: a static text.
        assert_eq!(unsafe { CStr::from_ptr(resayil_version()) }.to_str(), Ok(&*version));
    }
}
