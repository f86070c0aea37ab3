//! Servers that a distributed journey needs: shared ones under names of its own, and a Redis of its own to stop.

use std::{
    env,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use super::program::wait_until;

pub(crate) fn amqp_url() -> String {
    env::var("NOCTIS_TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned())
}

/// A database that goes with the value.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    admin_url: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        let admin_url = env::var("NOCTIS_TEST_POSTGRES_URL")
            .unwrap_or_else(|_| "postgres://root@127.0.0.1:5432/test".to_owned());
        let name = format!("noctis_journey_{}", Uuid::new_v4().simple());
        execute(&admin_url, &format!("CREATE DATABASE {name}"));
        let (server, _) = admin_url.rsplit_once('/').expect("a database in the URL");
        Self { url: format!("{server}/{name}"), name, admin_url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.admin_url, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn execute(url: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
        connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("executed");
    });
}

/// A Redis of this test alone.
pub(crate) struct Redis {
    pub(crate) port: u16,
    server: Child,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|spare| spare.local_addr()).expect("a port").port();
        Self { port, server: start_redis(port) }
    }

    /// Everything it held is gone.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.server = start_redis(self.port);
    }

    pub(crate) fn stop(&mut self) {
        let _it_ended_before = self.server.kill();
        self.server.wait().expect("ended");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_redis(port: u16) -> Child {
    let port_text = port.to_string();
    let arguments = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let mut server = Command::new("redis-server");
    let server = server.args(arguments).stdout(Stdio::null()).spawn().expect("redis-server is installed");
    wait_until("Redis answers", || TcpStream::connect(("127.0.0.1", port)).ok());
    server
}
