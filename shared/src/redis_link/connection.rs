//! One multiplexed connection that comes back by itself, and the one place where faults of Redis are counted.

use std::{sync::Arc, time::Duration};

use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use tokio::time::timeout;

use super::error::LinkError;
use crate::{circuit::Circuit, health::Health};

/// Commands to one Redis. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connection {
    manager: ConnectionManager,
    circuit: Arc<Circuit>,
    response_timeout: Duration,
}

/// A client for `url` whose sockets send at once and notice a dead peer.
///
/// # Errors
/// [`LinkError::Url`] for anything but a Redis URL; never repeats the URL, since it may hold a password.
pub(super) fn client(url: &str, response_timeout: Duration) -> Result<Client, LinkError> {
    // Two TLS libraries are linked, ring and aws-lc, and rustls panics rather than choose. An error says that the
    // process has chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wrong = |error: redis::RedisError| LinkError::Url(error.to_string());
    let tcp = TcpSettings::default().set_nodelay(true);
    // A peer that vanished without a word otherwise holds the connection for the kernel's quarter of an hour.
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(response_timeout * 2);
    Client::open(url.into_connection_info().map_err(wrong)?.set_tcp_settings(tcp)).map_err(wrong)
}

impl Connection {
    /// Connects with the first call, so that a Redis that is down now fails nothing here.
    pub(super) fn new(client: Client, response_timeout: Duration) -> Result<Self, LinkError> {
        // No retries of its own: calls queue behind them. The circuit paces the attempts.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(response_timeout))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(1024);
        let manager = ConnectionManager::new_lazy_with_config(client, config)?;
        Ok(Self { manager, circuit: Arc::new(Circuit::new(response_timeout)), response_timeout })
    }

    /// Sends one command; `operation` names it in the count of faults.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        operation: &'static str,
        command: &Cmd,
    ) -> Result<T, LinkError> {
        let mut manager = self.manager.clone();
        self.guarded(operation, command.query_async(&mut manager)).await
    }

    /// Sends a pipeline: one round trip, commands in order.
    pub(crate) async fn query_all<T: FromRedisValue>(
        &self,
        operation: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, LinkError> {
        let mut manager = self.manager.clone();
        self.guarded(operation, pipeline.query_async(&mut manager)).await
    }

    /// Asks even while the circuit is open; an answer closes it.
    pub(crate) async fn health(&self) -> Health {
        let mut manager = self.manager.clone();
        let ping = redis::cmd("PING");
        match self.watched("health", ping.query_async::<()>(&mut manager)).await {
            Ok(()) => Health::Up,
            Err(_) => Health::Down,
        }
    }

    async fn guarded<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, LinkError> {
        if !self.circuit.lets_through() {
            count_fault(operation);
            return Err(LinkError::Resting);
        }
        self.watched(operation, call).await
    }

    async fn watched<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, LinkError> {
        // The outer timeout bounds connecting and answering together.
        let result = match timeout(self.response_timeout, call).await {
            Ok(answer) => answer.map_err(LinkError::from),
            Err(_) => Err(LinkError::Timeout),
        };
        match &result {
            Err(error) if error.is_outage() => {
                count_fault(operation);
                if self.circuit.failed() {
                    tracing::warn!(operation, %error, "the redis of NOCTIS_CACHE_URL is out of reach, going on without it");
                }
            }
            Err(error) => {
                count_fault(operation);
                // Writers hand the error on to who logs it; a full Redis would otherwise fill the log as well.
                tracing::debug!(operation, %error, "redis refused a command");
            }
            Ok(_) => {
                if self.circuit.answered() {
                    tracing::info!("the redis of NOCTIS_CACHE_URL answers again");
                }
            }
        }
        result
    }
}

fn count_fault(operation: &'static str) {
    metrics::counter!(crate::telemetry::metrics::CACHE_FAULTS_TOTAL, "operation" => operation).increment(1);
}
