//! Service `grpc.health.v1.Health`: whether a server does its work, for probes and balancers.
//!
//! The one call that needs no token is its `Check`: it tells one of three words, of a service
//! whose name the caller knows already.

use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::pb::{HealthCheckRequest, health_check_response};
use tonic_health::server::{HealthReporter, HealthService};
use tonic_health::{ServingStatus, pb};

use crate::channel::Connection;
use crate::error::RpcError;
use crate::limits;

/// The name of the service `Jobs`, which a coordinator reports of.
pub const JOBS: &str = "kaskade.v1.Jobs";

/// The name of the service `Exchange`, which a worker reports of.
pub const EXCHANGE: &str = "kaskade.v1.Exchange";

/// The descriptors of the service, for [`crate::reflection`].
pub(crate) const DESCRIPTORS: &[u8] = pb::FILE_DESCRIPTOR_SET;

/// What a server serves.
pub type Server = HealthServer<HealthService>;

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    service: &'static str,
}

impl Health {
    /// Of a server whose work is `service`, which it does not do yet.
    pub async fn of(service: &'static str) -> Self {
        let health = Self { reporter: HealthReporter::new(), service };
        health.set(false).await;
        health
    }

    /// Says whether the work is done now.
    pub async fn set(&self, is_serving: bool) {
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(self.service, status).await;
    }

    /// The service, for a server.
    #[must_use]
    pub fn server(&self) -> Server {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
            .max_decoding_message_size(limits::SMALL_REQUEST_BYTES)
    }
}

/// Whether the server at the other end of `connection` says that it does the work of `service`;
/// of an empty one, that it lives.
///
/// # Errors
/// [`RpcError`] of the call; [`crate::ErrorCode::NotFound`] where no such service is.
pub async fn check(connection: Connection, service: &str) -> Result<bool, RpcError> {
    let mut client = HealthClient::new(connection);
    let request = limits::request(HealthCheckRequest { service: service.to_owned() });
    let status = client.check(request).await.map_err(RpcError::from)?.into_inner().status();
    Ok(status == health_check_response::ServingStatus::Serving)
}
