//! The script, and how it is named.

/// The script that Redis or Valkey carries out for each [`FleetCall`](super::FleetCall), in Lua 5.1 as Redis
/// has it. One key, whole numbers, the server's clock, and state and work that do not grow.
pub const SCRIPT: &str = include_str!("script.lua");

/// The SHA-1 of [`SCRIPT`] in hexadecimal, by which `EVALSHA` names it.
pub const SCRIPT_SHA1: &str = "d7991853386fe640ebaacc8e01aa43c52d6e5f69";
