//! What is known of a fleet, to be shown.

/// What a process knows of the fleet that it shares a quota with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetState {
    /// Whether the quota is shared now; else the process goes on alone, or has not reached the server yet.
    pub is_shared: bool,
    /// The members of this window or the one before, by weight; 0 if that was never told.
    pub members: u32,
    /// The server's answers so far.
    pub round_trips: u64,
    /// How often the server was lost.
    pub losses: u64,
}
