//! The options of a client that are about the network.

use std::path::PathBuf;
use std::time::Duration;

use crate::builder::ClientBuilder;
use crate::transport::{Pem, ProxyChoice};

impl ClientBuilder {
    /// How long making a connection may take, and how long looking its name up. Default 10 s; more
    /// than 0.
    ///
    /// The addresses of a name are tried one after the other, the next one when the last has been silent
    /// for 250 ms (RFC 8305).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.network.limits.connect_timeout = timeout;
        self
    }

    /// How long the first byte of an answer may take, from the end of the request on. Default: no limit
    /// but [`attempt_timeout`](Self::attempt_timeout); else more than 0. A model that thinks before it
    /// answers needs time here, unless it streams.
    pub fn first_byte_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.network.limits.first_byte_timeout = timeout.into();
        self
    }

    /// The largest body of a success that is read, in bytes after decompression. Default 16 MiB; at
    /// least 1. For a stream it is the sum of all its bytes.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.network.limits.max_response_bytes = bytes;
        self
    }

    /// The largest answer that is read, in bytes as they come: packed, with what frames them. Default
    /// 32 MiB; at least 1. It ends answers that never yield anything. Raise it with
    /// [`max_response_bytes`](Self::max_response_bytes).
    pub fn max_wire_bytes(mut self, bytes: u64) -> Self {
        self.network.limits.max_wire_bytes = bytes;
        self
    }

    /// The largest head of an answer, in bytes; interim answers (100 to 199) in front of it count.
    /// Default 64 KiB; at least 1.
    pub fn max_head_bytes(mut self, bytes: usize) -> Self {
        self.network.limits.max_head_bytes = bytes;
        self
    }

    /// The most headers that an answer may have. Default 128; at least 1.
    pub fn max_headers(mut self, count: usize) -> Self {
        self.network.limits.max_headers = count;
        self
    }

    /// Announces bodies of more than this many bytes with `Expect: 100-continue`, and sends them when the
    /// server has agreed, or after a second of silence (RFC 9110 section 10.1.1). Default: none; 1 MiB is
    /// a good value. An early refusal is read without it, too.
    pub fn expect_continue_above(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.network.limits.expect_continue_above = bytes.into();
        self
    }

    /// The proxy of all requests: `http://`, `https://`, `socks5://` (names are looked up here) or
    /// `socks5h://` (by the proxy), with `user:password@` before the host if need be. `NO_PROXY` has no
    /// effect on it. Default: the one that the environment names, as curl reads it: `https_proxy` or
    /// `http_proxy` by the scheme of the base URL, else `all_proxy`, each in small letters first, then in
    /// capitals, but for the hosts in `no_proxy`. `HTTP_PROXY` in capitals has no effect where
    /// `REQUEST_METHOD` is set (CGI).
    ///
    /// Nothing is ever sent past a proxy that is named; one that cannot be used is an error of
    /// [`build`](Self::build).
    pub fn proxy(mut self, proxy: &str) -> Self {
        self.network.proxy = ProxyChoice::Given(proxy.to_owned());
        self
    }

    /// No proxy at all, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.network.proxy = ProxyChoice::None;
        self
    }

    /// A PEM file of the certificates that may sign a server's: they alone are trusted. Default: the
    /// platform's roots, or those in the file that the environment variable `SSL_CERT_FILE` names.
    /// The last of this and [`ca_pem`](Self::ca_pem) counts.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.network.ca = Some(Pem::File(path.into()));
        self
    }

    /// The same as [`ca_file`](Self::ca_file), given as PEM text.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network.ca = Some(Pem::Text(pem.into()));
        self
    }

    /// PEM files of the certificate that the client shows where a server asks for one, with those that
    /// sign it, and of its private key. Default: none. Services of a [`fallback`](Self::fallback) that
    /// ask are shown the same.
    pub fn client_cert_file(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.network.client_cert = Some((Pem::File(certificate.into()), Pem::File(key.into())));
        self
    }

    /// The same as [`client_cert_file`](Self::client_cert_file), given as PEM text.
    pub fn client_cert_pem(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.network.client_cert = Some((Pem::Text(certificate.into()), Pem::Text(key.into())));
        self
    }

    /// Answers of connections that lead nowhere, one for each, in place of the network.
    #[cfg(feature = "in-memory")]
    #[doc(hidden)]
    pub fn in_memory(mut self, answers: Vec<Vec<u8>>) -> Self {
        self.network.memory = Some(std::sync::Arc::new(crate::transport::Memory::new(answers)));
        self
    }
}
