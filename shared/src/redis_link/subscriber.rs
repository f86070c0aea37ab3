//! The one pub/sub connection of a process: wakes waiters, passes on what to forget, and comes back for ever.

use std::time::Duration;

use futures::StreamExt;
use redis::{
    Client, Msg,
    aio::{PubSubSink, PubSubStream},
};
use tokio::{
    sync::{broadcast, watch},
    time::timeout,
};

use super::{connection::Connection, error::LinkError, keys::Keys};
use crate::{
    announced::{Forget, Wakeups},
    health::Health,
};

pub(super) struct Subscriber {
    pub(super) client: Client,
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    pub(super) wakeups: Wakeups,
    pub(super) forgets: broadcast::Sender<Forget>,
    pub(super) response_timeout: Duration,
    /// Whether messages arrive now.
    pub(super) subscribed: watch::Sender<bool>,
}

const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// How often a silent connection is asked whether it is alive.
const SILENCE_MAX: Duration = Duration::from_secs(5);

impl Subscriber {
    /// Runs until its task is dropped.
    pub(super) async fn run(self) {
        let mut backoff = BACKOFF_MIN;
        let mut had_gap = false;
        loop {
            if let Ok((sink, stream)) = self.subscribe().await {
                backoff = BACKOFF_MIN;
                self.resume(had_gap).await;
                self.listen(sink, stream).await;
                self.subscribed.send_replace(false);
            }
            had_gap = true;
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), LinkError> {
        let attempt = async {
            let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
            sink.subscribe(&[self.keys.wake_channel(), self.keys.forget_channel()]).await?;
            Ok((sink, stream))
        };
        timeout(self.response_timeout, attempt).await.unwrap_or(Err(LinkError::Timeout))
    }

    /// Messages sent during a gap are lost: everybody looks again, and process memory starts anew.
    async fn resume(&self, had_gap: bool) {
        self.subscribed.send_replace(true);
        if !had_gap {
            return;
        }
        // The command connection learns of the return from here, before the first request needs it. Its first
        // answer may still be the failure of its last attempt.
        for _ in 0..3 {
            if self.connection.health().await == Health::Up {
                break;
            }
        }
        self.wakeups.wake_all();
        // An error says that nobody listens.
        let _ = self.forgets.send(Forget::Everything);
    }

    /// Returns when the connection is gone.
    async fn listen(&self, mut sink: PubSubSink, mut stream: PubSubStream) {
        loop {
            match timeout(SILENCE_MAX, stream.next()).await {
                Ok(Some(message)) => self.handle(&message),
                Ok(None) => return,
                Err(_) => {
                    let ping = timeout(self.response_timeout, sink.ping::<redis::Value>()).await;
                    if !matches!(ping, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }

    /// Messages of other releases or other programs are passed over.
    fn handle(&self, message: &Msg) {
        let payload = message.get_payload_bytes();
        if message.get_channel_name() == self.keys.wake_channel() {
            if let Some(Ok(key)) = std::str::from_utf8(payload).ok().map(str::parse) {
                self.wakeups.wake(&key);
            }
        } else if let Ok(forget) = serde_json::from_slice(payload) {
            let _ = self.forgets.send(forget);
        }
    }
}
