#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod for_request;
mod middleware;
mod next;
mod url;

pub use for_request::ForRequest;
pub use middleware::RetryMiddleware;
pub use resayil_tower::{RetryLayer, RetryLayerBuilder};
