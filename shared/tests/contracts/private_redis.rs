//! A Redis that a test may kill, stop and start again.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

/// A Redis of one test alone; dropping it kills it.
pub(crate) struct PrivateRedis {
    port: u16,
    server: Child,
}

impl PrivateRedis {
    pub(crate) fn spare_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a spare port");
        listener.local_addr().expect("an address").port()
    }

    pub(crate) fn start(port: u16) -> Self {
        let settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
        let mut command = Command::new("redis-server");
        command.args(settings).arg(port.to_string()).stdout(Stdio::null());
        Self { port, server: command.spawn().expect("redis-server on PATH") }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(mut self) -> u16 {
        self.server.kill().expect("killed");
        self.server.wait().expect("gone");
        self.port
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.server.id().to_string()]).status();
        assert!(status.expect("kill on PATH").success());
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        // Already gone when the test killed it.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
