#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod builder;
mod future;
mod headers;
mod layer;
mod prepare;
mod reading;
mod replay;
mod response;
mod service;
mod tell;
mod watch;

pub use body::AnswerBody;
pub use builder::RetryLayerBuilder;
pub use future::ResponseFuture;
pub use layer::RetryLayer;
pub use prepare::{AsIs, Prepare, Sending};
pub use replay::Replay;
pub use resayil_retry::{Timer, TokioTimer};
pub use response::HttpResponse;
pub use service::Retry;

/// Any error, as tower has it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
