//! The options of a client that are about the network.

use std::ffi::c_char;

use ::client::ClientBuilder;

use super::builder::resayil_client_builder;
use crate::panic::guard;
use crate::status::resayil_status;
use crate::text::{bytes_in, name_in, some_name_in};
use crate::time;

/// How long the first byte of an answer may take, in seconds, from the end of the request on; 0 for no limit
/// but that of the attempt, which is the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_first_byte_timeout(
    builder: *mut resayil_client_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let timeout =
            time::seconds(seconds).map(|timeout| Some(timeout).filter(|it| !it.is_zero()));
        let set = |builder: ClientBuilder, timeout| builder.first_byte_timeout(timeout);
        borrow_mut!(builder).set("first_byte_timeout", timeout, set)
    })
}

/// The largest answer that is read, in bytes as they come, packed, with what frames them: at least 1; 32 MiB by
/// default. Raise it with `resayil_client_builder_max_response_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_max_wire_bytes(
    builder: *mut resayil_client_builder,
    bytes: u64,
) -> resayil_status {
    guard(|| borrow_mut!(builder).set("max_wire_bytes", Ok(bytes), ClientBuilder::max_wire_bytes))
}

/// The largest head of an answer, in bytes, with those of interim answers in front of it: at least 1; 64 KiB by
/// default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_max_head_bytes(
    builder: *mut resayil_client_builder,
    bytes: usize,
) -> resayil_status {
    guard(|| borrow_mut!(builder).set("max_head_bytes", Ok(bytes), ClientBuilder::max_head_bytes))
}

/// The most headers that an answer may have: at least 1; 128 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_max_headers(
    builder: *mut resayil_client_builder,
    count: usize,
) -> resayil_status {
    guard(|| borrow_mut!(builder).set("max_headers", Ok(count), ClientBuilder::max_headers))
}

/// Announces bodies of more than this many bytes with `Expect: 100-continue`, and sends them when the server has
/// agreed, or after a second of silence; SIZE_MAX for none, which is the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_expect_continue_above(
    builder: *mut resayil_client_builder,
    bytes: usize,
) -> resayil_status {
    guard(|| {
        let above = (bytes != usize::MAX).then_some(bytes);
        let set = |builder: ClientBuilder, above| builder.expect_continue_above(above);
        borrow_mut!(builder).set("expect_continue_above", Ok(above), set)
    })
}

/// The proxy of all requests: `http://`, `https://`, `socks5://` (names are looked up here) or `socks5h://` (by the
/// proxy), with `user:password@` before the host if need be; an empty text for no proxy at all. By default the one
/// that the environment names, as curl reads it: `https_proxy` or `http_proxy` by the scheme of the base URL, else
/// `all_proxy`, each in small letters first, then in capitals, but for the hosts in `no_proxy`. Nothing is ever
/// sent past a proxy that is named.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_proxy(
    builder: *mut resayil_client_builder,
    proxy: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let proxy = unsafe { some_name_in(proxy) };
        borrow_mut!(builder).set("proxy", proxy, |builder, proxy| match proxy {
            "" => builder.no_proxy(),
            proxy => builder.proxy(proxy),
        })
    })
}

/// A PEM file of the certificates that may sign a server's: they alone are trusted; NULL for the platform's, or those
/// in the file that the environment variable `SSL_CERT_FILE` names, which is the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_ca_file(
    builder: *mut resayil_client_builder,
    path: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let path = unsafe { name_in(path) };
        borrow_mut!(builder).set("ca_file", path, |builder, path| match path {
            Some(path) => builder.ca_file(path),
            None => builder,
        })
    })
}

/// The same as `resayil_client_builder_ca_file`, given as PEM text. The last of the two counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_ca_pem(
    builder: *mut resayil_client_builder,
    pem: *const c_char,
    pem_len: usize,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for this many bytes, or NULL.
        let pem = unsafe { bytes_in(pem.cast::<u8>(), pem_len) };
        borrow_mut!(builder).set("ca_pem", pem, |builder, pem| builder.ca_pem(pem))
    })
}

/// PEM files of the certificate that the client shows where a server asks for one, with those that sign it, and of
/// its private key. By default none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_client_cert_file(
    builder: *mut resayil_client_builder,
    certificate: *const c_char,
    key: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or NUL-terminated names.
        let paths =
            unsafe { some_name_in(certificate).and_then(|it| Ok((it, some_name_in(key)?))) };
        borrow_mut!(builder).set("client_cert_file", paths, |builder, (certificate, key)| {
            builder.client_cert_file(certificate, key)
        })
    })
}

/// The same as `resayil_client_builder_client_cert_file`, given as PEM text. The last of the two counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_client_cert_pem(
    builder: *mut resayil_client_builder,
    certificate: *const c_char,
    certificate_len: usize,
    key: *const c_char,
    key_len: usize,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for this many bytes each, or NULL.
        let pair = unsafe {
            bytes_in(certificate.cast::<u8>(), certificate_len)
                .and_then(|it| Ok((it, bytes_in(key.cast::<u8>(), key_len)?)))
        };
        borrow_mut!(builder).set("client_cert_pem", pair, |builder, (certificate, key)| {
            builder.client_cert_pem(certificate, key)
        })
    })
}
