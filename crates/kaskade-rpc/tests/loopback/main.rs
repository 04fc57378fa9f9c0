//! Clients and servers of this crate over real loopback sockets.

mod exchange;
mod jobs;

use std::future::Future;
use std::time::Duration;

use kaskade_rpc::security::{ClientSecurity, Gate, ServerSecurity};
use kaskade_rpc::server::{self, Router};
use tokio::task::AbortHandle;

/// A server on a free port, stopped when dropped.
struct Running {
    url: String,
    serve: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serve.abort();
    }
}

fn start(router: Router) -> Running {
    let listener = server::bind(([127, 0, 0, 1], 0).into(), &ServerSecurity::default())
        .expect("loopback is allowed");
    let url = listener.url();
    let serve = tokio::spawn(async move {
        router.serve_with_incoming(listener.incoming).await.expect("the listener stays open");
    });
    Running { url, serve: serve.abort_handle() }
}

/// A server without services, open to everybody.
fn open_server() -> tonic::transport::Server<tower_layer::Stack<Gate, tower_layer::Identity>> {
    server::builder(Gate::default())
}

/// A client that shows nothing.
fn open_client() -> ClientSecurity {
    ClientSecurity::default()
}

/// A test that waits for what never comes fails, and does not hang.
async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("no answer in 20 s")
}
