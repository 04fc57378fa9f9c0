//! The threads that compute, apart from those that move bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::WorkerError;

/// A pool of named threads. Work may use rayon inside; a panic becomes an error.
#[derive(Clone, Debug)]
pub(crate) struct ComputePool {
    pool: Arc<rayon::ThreadPool>,
}

impl ComputePool {
    pub(crate) fn start(n_threads: usize) -> Result<Self, WorkerError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|idx| format!("kaskade-compute-{idx}"))
            .build()
            .map_err(|source| WorkerError::Threads { n_threads, source })?;
        Ok(Self { pool: Arc::new(pool) })
    }

    /// Runs `work` on the pool and hands its outcome to `done`, still there. The span of the
    /// caller goes along.
    pub(crate) fn spawn<T>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(Result<T, WorkerError>) + Send + 'static,
    ) {
        let span = tracing::Span::current();
        self.pool.spawn(move || {
            let _entered = span.entered();
            done(guard(work));
        });
    }

    /// Runs `work` on the pool and gives its outcome.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkerError> {
        let (sender, receiver) = oneshot::channel();
        // A caller that is gone does not wait for the outcome.
        self.spawn(work, |outcome| drop(sender.send(outcome)));
        let gone = |_| WorkerError::Panicked { message: "the pool dropped the work".to_owned() };
        receiver.await.map_err(gone)?
    }
}

/// Runs `work` here; a panic becomes an error.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, WorkerError> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    outcome.map_err(|panic| WorkerError::Panicked { message: message_of(&*panic) })
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn outcomes_return_and_panics_become_errors() {
        let pool = ComputePool::start(2).unwrap();
        assert_eq!(pool.run(rayon::current_num_threads).await.unwrap(), 2);
        let error = pool.run(|| panic!("lane {}", 7)).await.map(|()| 0).unwrap_err();
        assert_eq!(error.to_string(), "a computation panicked: lane 7");
        assert_eq!(pool.run(|| 5).await.unwrap(), 5, "the pool lives on");
    }
}
