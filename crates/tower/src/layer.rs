//! The layer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::call::{Fallback, OperationOptions, Service};
use resayil_retry::{Timer, TokioTimer};
use tower_layer::Layer;

use crate::{AsIs, Retry, RetryLayerBuilder};

/// Makes a service that calls LLM APIs robust; see [the crate](crate) for what it does.
///
/// All services that one layer makes share its quota, its budget and its limit of concurrency: it stands
/// for one API and one key. A clone is the same layer.
pub struct RetryLayer<T = TokioTimer, P = AsIs> {
    pub(crate) shared: Arc<Shared<T, P>>,
}

/// What all calls share.
pub(crate) struct Shared<T, P> {
    /// Of each call; what is particular to it is added.
    pub(crate) call: OperationOptions,
    pub(crate) service: Arc<Service>,
    pub(crate) fallback: Option<(Fallback, Arc<[Arc<Service>]>)>,
    pub(crate) error_body_timeout: Duration,
    pub(crate) max_answer_bytes: usize,
    pub(crate) watch_streams: bool,
    pub(crate) check_answers: bool,
    pub(crate) error_for_status: bool,
    pub(crate) timer: T,
    pub(crate) prepare: P,
}

#[cfg(feature = "tokio")]
impl RetryLayer {
    /// A layer with all options at their defaults: see [`RetryLayerBuilder`].
    pub fn new() -> Self {
        match Self::builder().build() {
            Ok(layer) => layer,
            Err(error) => unreachable!("the defaults are good: {error}"),
        }
    }
}

impl RetryLayer {
    /// A layer with options.
    pub fn builder() -> RetryLayerBuilder {
        RetryLayerBuilder::new(TokioTimer::new())
    }
}

#[cfg(feature = "tokio")]
impl Default for RetryLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, P> RetryLayer<T, P> {
    /// What the calls share: quota, budget and places. Targets of a fallback that are at the same API with
    /// the same key take it, too.
    pub fn service(&self) -> &Arc<Service> {
        &self.shared.service
    }
}

impl<T, P> Clone for RetryLayer<T, P> {
    fn clone(&self) -> Self {
        RetryLayer { shared: Arc::clone(&self.shared) }
    }
}

impl<S, T: Timer, P> Layer<S> for RetryLayer<T, P> {
    type Service = Retry<S, T, P>;

    fn layer(&self, inner: S) -> Retry<S, T, P> {
        Retry { inner, shared: Arc::clone(&self.shared) }
    }
}

impl<T, P> fmt::Debug for RetryLayer<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("call", &self.shared.call).finish_non_exhaustive()
    }
}
