//! Options of a builder, set one by one.

use ::client::Error;
use ::client::error::OptionError;

use crate::policy::configuration;
use crate::status::{ended, resayil_status};

/// A builder, and the first option whose value it could not take: building fails with its name.
pub(crate) struct Building<B> {
    builder: B,
    refused: Option<&'static str>,
}

impl<B: Clone> Building<B> {
    pub(crate) fn new(builder: B) -> Self {
        Building { builder, refused: None }
    }

    /// Sets an option. If its value cannot be taken, the builder stays as it is.
    pub(crate) fn set(
        &mut self,
        option: &'static str,
        change: impl FnOnce(B) -> Result<B, resayil_status>,
    ) -> resayil_status {
        let changed = change(self.builder.clone());
        ended(changed.map(|builder| self.builder = builder).inspect_err(|_| {
            self.refused.get_or_insert(option);
        }))
    }

    /// Builds; the error names the option that is to blame.
    pub(crate) fn build<T>(
        &self,
        build: impl FnOnce(B) -> Result<T, OptionError>,
    ) -> Result<T, Error> {
        match self.refused {
            Some(option) => Err(configuration(option, "the value cannot be taken")),
            None => build(self.builder.clone()).map_err(Error::from),
        }
    }
}
