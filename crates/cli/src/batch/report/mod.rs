//! What happened in a batch, kept in bounded memory, and shown as one page or as JSON.

mod chart;
mod data;
mod human;
mod latency;
mod lines;
mod notable;
mod page;
mod recorder;
mod rows;
mod sections;
mod timeline;
mod tokens;
mod told;
mod write;

pub(crate) use data::Data;
pub(crate) use recorder::Recorder;
pub(crate) use write::{Facts, Links, check, write};
