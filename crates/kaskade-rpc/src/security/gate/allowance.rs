//! What the requests of a user may hold of the server's memory while they are read.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;

use crate::error::{ErrorCode, RpcError};
use crate::limits;
use crate::security::role::{self, Carries};

/// The allowance of every user who has called.
#[derive(Debug, Default)]
pub(super) struct Allowances(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Allowances {
    /// `body`, the request of `user` to `path`, which ends with an error once it is more than
    /// such a request can be, or than the user's requests may hold together.
    pub(super) fn measure(&self, user: &str, path: &str, body: Body) -> Body {
        let left = match role::carries(path) {
            Carries::Names => limits::SMALL_REQUEST_BYTES,
            // The decoder refuses what is larger, by its length.
            Carries::Document => limits::USER_REQUEST_BYTES,
            // Its messages come and go: the decoder bounds each.
            Carries::Stream => return body,
        };
        let mut allowances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(limits::USER_REQUEST_BYTES));
        let allowance = Arc::clone(allowances.entry(user.to_owned()).or_insert_with(new));
        Body::new(Measured { body, left, allowance, held: None })
    }
}

/// A request that takes from its user's allowance what it brings, and gives it back with its
/// end.
struct Measured {
    body: Body,
    left: usize,
    allowance: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Measured {
    fn take(&mut self, n_bytes: usize) -> Result<(), Status> {
        let refused = |text: &str| Status::from(RpcError::new(ErrorCode::ResourceExhausted, text));
        let too_large = "the request is larger than any of its kind";
        self.left = self.left.checked_sub(n_bytes).ok_or_else(|| refused(too_large))?;
        let n_permits = u32::try_from(n_bytes).map_err(|_| refused(too_large))?;
        let taken = Arc::clone(&self.allowance).try_acquire_many_owned(n_permits);
        let taken = taken.map_err(|_| {
            refused("your requests bring more than the server holds of one user: try again later")
        })?;
        match &mut self.held {
            Some(held) => held.merge(taken),
            None => self.held = Some(taken),
        }
        Ok(())
    }
}

impl http_body::Body for Measured {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(status) = self.take(data.len())
        {
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    /// Reads one piece of `body`.
    fn read(body: &mut Body) -> Result<usize, tonic::Code> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_frame(&mut context) {
            Poll::Ready(Some(Ok(frame))) => Ok(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(Some(Err(status))) => Err(status.code()),
            Poll::Ready(None) | Poll::Pending => Ok(0),
        }
    }

    fn text(n_bytes: usize) -> Body {
        Body::new(" ".repeat(n_bytes))
    }

    const STATUS: &str = "/kaskade.v1.Jobs/Status";
    const SUBMIT: &str = "/kaskade.v1.Jobs/Submit";

    #[test]
    fn a_request_is_no_larger_than_its_kind() {
        let allowances = Allowances::default();
        let limit = limits::SMALL_REQUEST_BYTES;
        let mut small = allowances.measure("ann", STATUS, text(limit));
        assert_eq!(read(&mut small), Ok(limit));
        let mut large = allowances.measure("ann", STATUS, text(limit + 1));
        assert_eq!(read(&mut large), Err(tonic::Code::ResourceExhausted));
        let mut document = allowances.measure("ann", SUBMIT, text(limit + 1));
        assert_eq!(read(&mut document), Ok(limit + 1));
    }

    #[test]
    fn requests_that_do_not_end_are_bounded_together() {
        let allowances = Allowances::default();
        let n_bytes = limits::USER_REQUEST_BYTES / 4;
        let document = |user| allowances.measure(user, SUBMIT, text(n_bytes));
        let mut open: Vec<Body> = (0..4).map(|_| document("ann")).collect();
        for body in &mut open {
            assert_eq!(read(body), Ok(n_bytes));
        }
        assert_eq!(read(&mut document("ann")), Err(tonic::Code::ResourceExhausted));
        assert_eq!(read(&mut document("bob")), Ok(n_bytes), "another user's are not hers");
        open.pop();
        assert_eq!(read(&mut document("ann")), Ok(n_bytes), "what has ended is given back");
    }
}
