//! The caller's word on an answer that came well.

use std::fmt;
use std::sync::Arc;

use resayil_core::Error;

use crate::response::Response;

/// Says of an answer whether it is to be treated as a failure.
#[derive(Clone)]
pub(crate) struct ResultPredicate(Arc<dyn Fn(&Response) -> bool + Send + Sync>);

impl ResultPredicate {
    pub(crate) fn new(predicate: impl Fn(&Response) -> bool + Send + Sync + 'static) -> Self {
        ResultPredicate(Arc::new(predicate))
    }

    /// Lets an answer pass, or makes an error of it that still has the answer.
    pub(crate) fn check(&self, response: &Response) -> Result<(), Error> {
        if !(self.0)(response) {
            return Ok(());
        }
        let headers: Vec<_> = response.headers().collect();
        let error = Error::rejected()
            .with_status(response.status())
            .with_headers(&headers)
            .with_body(response.body());
        Err(match response.request_id() {
            Some(id) => error.with_request_id(id),
            None => error,
        })
    }
}

impl fmt::Debug for ResultPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResultPredicate")
    }
}
