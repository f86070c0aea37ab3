//! Where the services are that the suites run against.

use std::env;

use uuid::Uuid;

/// URL of a RabbitMQ broker: `NOCTIS_TEST_AMQP_URL`.
pub(crate) fn amqp_url() -> String {
    env::var("NOCTIS_TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned())
}

/// A namespace that no other test has.
pub(crate) fn fresh_namespace() -> String {
    format!("test-{}", Uuid::new_v4().simple())
}
