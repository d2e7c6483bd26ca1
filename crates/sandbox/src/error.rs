//! What can go wrong before the sandbox runs.

use std::io;

/// The sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens on the port.
    #[error(
        "port {port} is in use: stop the program that holds it, or choose another port (0 takes any free one)"
    )]
    PortInUse {
        /// The port that was asked for.
        port: u16,
    },
    /// The system refused the port for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread to run on.
    #[error("cannot start the sandbox's thread: {0}")]
    Thread(io::Error),
    /// An option has a value that makes no sense.
    #[error("option {option}: {reason}")]
    InvalidOption {
        /// The builder method's name.
        option: &'static str,
        /// What is wrong, and what is allowed.
        reason: String,
    },
}

/// A text that names none of the choices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {given:?}: choose one of {choices}")]
pub struct UnknownName {
    pub(crate) what: &'static str,
    pub(crate) given: String,
    pub(crate) choices: &'static str,
}
