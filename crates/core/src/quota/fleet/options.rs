//! What a program tells its fleet's quota.

use std::time::Duration;

use crate::error::OptionError;
use crate::named::named;
use crate::quota::QuotaOptions;

named! {
    /// What a process does while the fleet's server cannot be reached.
    FleetLoss, "choice for a lost fleet" {
        /// It goes on with its share: what is left of the window, then the limit, each divided by the
        /// members of the last window.
        Share = "share",
        /// It goes on as if it had the limit for itself.
        Open = "open",
        /// It sends nothing until the server is back.
        Closed = "closed",
    }
}

/// The options of a quota that a fleet shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetOptions {
    /// The limits and the window. All members have to agree on the window; a limit that one of them is given, or
    /// is told by the provider, holds for all.
    pub quota: QuotaOptions,
    /// What to do while the server cannot be reached. Default: share.
    pub loss: FleetLoss,
    /// How many turns this process gets for each of a process of weight 1: 1 to 1000. Default 1.
    pub weight: u32,
    /// How many processes of weight 1 there are at least, for a process that has never reached the server: its
    /// share is no larger than the limit divided by this. 1 or more; default 1.
    pub expected_members: u32,
    /// How long connecting to the server may take. Default 500 ms; more than 0.
    pub connect_timeout: Duration,
    /// How long the server may take to answer. After that the connection is given up, and what was asked counts
    /// as sent. Default 150 ms; more than 0.
    pub reply_timeout: Duration,
}

impl Default for FleetOptions {
    fn default() -> Self {
        FleetOptions {
            quota: QuotaOptions::default(),
            loss: FleetLoss::Share,
            weight: 1,
            expected_members: 1,
            connect_timeout: Duration::from_millis(500),
            reply_timeout: Duration::from_millis(150),
        }
    }
}

impl FleetOptions {
    /// The same with these limits and this window.
    #[must_use]
    pub fn with_quota(mut self, quota: QuotaOptions) -> Self {
        self.quota = quota;
        self
    }

    /// The same with this to do while the server cannot be reached.
    #[must_use]
    pub fn with_loss(mut self, loss: FleetLoss) -> Self {
        self.loss = loss;
        self
    }

    /// The same with this weight.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// The same with so many expected members.
    #[must_use]
    pub fn with_expected_members(mut self, members: u32) -> Self {
        self.expected_members = members;
        self
    }

    /// The same with this time to connect.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The same with this time for an answer.
    #[must_use]
    pub fn with_reply_timeout(mut self, timeout: Duration) -> Self {
        self.reply_timeout = timeout;
        self
    }

    /// Whether all options are within their ranges.
    ///
    /// # Errors
    ///
    /// The first option that is not.
    pub fn check(&self) -> Result<(), OptionError> {
        self.quota.check()?;
        let good = (1..=1000).contains(&self.weight);
        OptionError::check("weight", &self.weight, good, "1 to 1000")?;
        let members = self.expected_members;
        OptionError::check("expected_members", &members, members > 0, "1 or more")?;
        for (name, timeout) in
            [("connect_timeout", self.connect_timeout), ("reply_timeout", self.reply_timeout)]
        {
            let (seconds, good) = (timeout.as_secs_f64(), !timeout.is_zero());
            OptionError::check(name, &seconds, good, "more than 0 seconds")?;
        }
        Ok(())
    }
}
