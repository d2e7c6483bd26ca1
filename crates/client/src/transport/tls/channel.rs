//! A connection in TLS over another one.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::TlsFailure;
use crate::transport::channel::{Channel, Written};
use crate::transport::failure::Failure;
use crate::transport::patience::Patience;

/// So much is encrypted before it is sent: a few records.
const BUFFER: usize = 64 * 1024;

pub(crate) struct TlsChannel {
    session: ClientConnection,
    under: Box<dyn Channel>,
    host: String,
}

impl TlsChannel {
    /// Shakes hands.
    pub(super) fn connect(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        host: &str,
        under: Box<dyn Channel>,
        patience: Patience<'_>,
    ) -> Result<Self, Failure> {
        let host = host.to_owned();
        let mut session = ClientConnection::new(config, name)
            .map_err(|error| Failure::Tls(TlsFailure::new(error, &host)))?;
        session.set_buffer_limit(Some(BUFFER));
        let mut channel = TlsChannel { session, under, host };
        while channel.session.is_handshaking() {
            channel.flush(patience)?;
            if channel.session.is_handshaking() && channel.take_in(patience)? == 0 {
                return Err(Failure::closed());
            }
        }
        channel.flush(patience)?;
        Ok(channel)
    }

    /// Sends what is encrypted; says whether the other side said something meanwhile.
    fn flush(&mut self, patience: Patience<'_>) -> Result<bool, Failure> {
        while self.session.wants_write() {
            let mut link = Link::new(&mut *self.under, Some(patience));
            let result = self.session.write_tls(&mut link);
            if link.has_input {
                if self.take_in_now()? {
                    return Ok(true);
                }
                continue;
            }
            link_result(result, link.failure)?;
        }
        Ok(false)
    }

    /// Waits for a record and reads it; 0 at the end of the connection.
    fn take_in(&mut self, patience: Patience<'_>) -> Result<usize, Failure> {
        let mut link = Link::new(&mut *self.under, Some(patience));
        let result = self.session.read_tls(&mut link);
        let count = link_result(result, link.failure)?;
        self.process(Some(patience))?;
        Ok(count)
    }

    /// Reads what is there. Says whether there is something to read then, or the end.
    fn take_in_now(&mut self) -> Result<bool, Failure> {
        loop {
            let mut link = Link::new(&mut *self.under, None);
            match self.session.read_tls(&mut link) {
                Ok(0) => return Ok(true),
                Ok(_) => {
                    if self.process(None)? {
                        return Ok(true);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Decrypts what was read. Says whether there is something for the reader.
    fn process(&mut self, patience: Option<Patience<'_>>) -> Result<bool, Failure> {
        match self.session.process_new_packets() {
            Ok(state) => Ok(state.plaintext_bytes_to_read() > 0 || state.peer_has_closed()),
            Err(error) => {
                // The other side is told why, if it listens.
                let mut link = Link::new(&mut *self.under, patience);
                let _ = self.session.write_tls(&mut link);
                Err(Failure::Tls(TlsFailure::new(error, &self.host)))
            }
        }
    }
}

impl Channel for TlsChannel {
    fn read(&mut self, buffer: &mut [u8], patience: Patience<'_>) -> Result<usize, Failure> {
        loop {
            patience.left()?;
            match self.session.reader().read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // An end without the word that it is the end comes as `UnexpectedEof`.
                result => return Ok(result?),
            }
            self.flush(patience)?;
            self.take_in(patience)?;
        }
    }

    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.session.reader().read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
        match self.take_in_now() {
            Ok(true) => self.session.reader().read(buffer),
            Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
            Err(Failure::Network(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn write(&mut self, bytes: &[u8], patience: Patience<'_>) -> Result<Written, Failure> {
        patience.left()?;
        // While a long request goes out, the answer may come.
        if bytes.len() > BUFFER && self.take_in_now()? {
            return Ok(Written { count: 0, has_input: true });
        }
        let count = self.session.writer().write(bytes)?;
        let has_input = self.flush(patience)?;
        Ok(Written { count, has_input })
    }
}

/// The connection below, as rustls reads and writes it.
struct Link<'a> {
    under: &'a mut dyn Channel,
    /// `None`: only what is there already.
    patience: Option<Patience<'a>>,
    failure: Option<Failure>,
    has_input: bool,
}

impl<'a> Link<'a> {
    fn new(under: &'a mut dyn Channel, patience: Option<Patience<'a>>) -> Self {
        Link { under, patience, failure: None, has_input: false }
    }

    fn keep(&mut self, failure: Failure) -> io::Error {
        self.failure = Some(failure);
        io::ErrorKind::Other.into()
    }
}

/// The failure of the connection below is what counts.
fn link_result<T>(result: io::Result<T>, failure: Option<Failure>) -> Result<T, Failure> {
    match (result, failure) {
        (_, Some(failure)) => Err(failure),
        (result, None) => Ok(result?),
    }
}

impl Read for Link<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.patience {
            None => self.under.read_now(buffer),
            Some(patience) => self.under.read(buffer, patience).map_err(|e| self.keep(e)),
        }
    }
}

impl Write for Link<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(patience) = self.patience else { return Err(io::ErrorKind::WouldBlock.into()) };
        match self.under.write(bytes, patience) {
            Ok(Written { count: 0, has_input: true }) => {
                self.has_input = true;
                Err(io::ErrorKind::WouldBlock.into())
            }
            Ok(written) => Ok(written.count),
            Err(failure) => Err(self.keep(failure)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
