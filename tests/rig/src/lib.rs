//! Agents of rig made robust: see `tests`.
