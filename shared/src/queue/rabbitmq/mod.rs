//! The queue on RabbitMQ: quorum queues, confirmed publishes.
//!
//! One rule heals everything: when a connection or the publishing channel is gone, dial again and declare again
//! ([`session`]); consumers subscribe anew on the next session ([`consumer`]). Start with [`topology`] for the
//! exchanges and queues, and [`headers`] for what travels beside a body.

mod consumer;
mod dead_letters;
mod error;
mod headers;
mod link;
mod loan;
mod publish;
mod session;
mod topology;

use std::sync::Arc;

use lapin::uri::AMQPUri;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

pub(super) use self::{consumer::Consumer, loan::Loan};
use self::{headers::Verdict, link::Link, publish::Route, session::Dialer, topology::Names};
use super::{DeadLetter, PublishError, QueueError, QueueLimits, message::Message};
use crate::{
    circuit::Circuit,
    event::{Event, StudyEvent, StudyIndexed},
    health::Health,
    job::RenderJob,
    lane::Lane,
};

/// Seconds between heartbeats, unless the URL says otherwise: a peer that vanished is noticed after two.
const HEARTBEAT_SECONDS: u16 = 10;

/// Bytes of one frame. The client library holds 64 of them for each connection; jobs and events have a few kB, and what is longer
/// goes in several.
const FRAME_BYTES: u32 = 16 << 10;

/// Lanes on a broker. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RabbitMqQueue {
    link: Arc<Link>,
}

impl RabbitMqQueue {
    pub(super) async fn connect(url: &Url, namespace: &str, limits: QueueLimits) -> Result<Self, QueueError> {
        let names = Names::new(namespace);
        let dialer = Dialer { uri: broker_uri(url)?, names: names.clone(), limits: limits.clone() };
        let first = dialer.dial_within(session::CONNECT_TIMEOUT).await?;
        let (sender, session) = watch::channel(Some(first));
        let closed = CancellationToken::new();
        tokio::spawn(session::supervise(dialer, sender, closed.clone()));
        let circuit = Circuit::new(limits.publish_timeout);
        Ok(Self { link: Arc::new(Link { names, limits, session, circuit, closed }) })
    }

    pub(super) async fn publish_job(&self, job: &RenderJob) -> Result<(), PublishError> {
        let message = Message::job(job, self.link.limits.message_bytes_max)?;
        // Jobs alone rest while the broker is silent: who waits for one is told at once. What settles a delivery is tried.
        if !self.link.circuit.lets_through() {
            return Err(publish::silent());
        }
        self.link.publish(self.link.to_lane(job.lane), &message, Verdict::default()).await
    }

    pub(super) async fn publish_event(&self, event: &StudyEvent) -> Result<(), PublishError> {
        let message = Message::event(event, self.link.limits.message_bytes_max)?;
        let route = Route { exchange: self.link.names.events(), key: message.kind.clone(), mandatory: true };
        self.link.publish(route, &message, Verdict::default()).await
    }

    pub(super) async fn publish_indexed(&self, event: &Event<StudyIndexed>) -> Result<(), PublishError> {
        let message = Message::indexed(event, self.link.limits.message_bytes_max)?;
        let route = Route { exchange: self.link.names.events(), key: message.kind.clone(), mandatory: false };
        self.link.publish(route, &message, Verdict::default()).await
    }

    pub(super) async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Consumer, QueueError> {
        Consumer::subscribe(Arc::clone(&self.link), lane, prefetch).await
    }

    pub(super) async fn depths(&self) -> Result<Vec<(Lane, u64)>, QueueError> {
        let channel = self.link.channel().await?;
        let mut depths = Vec::with_capacity(Lane::ALL.len());
        for lane in Lane::ALL {
            depths.push((lane, topology::depth(&channel, &self.link.names.lane_queue(lane)).await?));
        }
        Ok(depths)
    }

    pub(super) async fn dead_letter_count(&self) -> Result<u64, QueueError> {
        topology::depth(&self.link.channel().await?, &self.link.names.dead_letters()).await
    }

    pub(super) fn health(&self) -> Health {
        match self.link.session() {
            Ok(session) if !session.is_blocked() => Health::Up,
            _ => Health::Down,
        }
    }

    pub(super) async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        dead_letters::list(&self.link, limit).await
    }

    pub(super) async fn redrive(&self, select: impl FnMut(&DeadLetter) -> bool) -> Result<u64, QueueError> {
        dead_letters::redrive(&self.link, select).await
    }

    pub(super) async fn drop_dead_letters(
        &self,
        select: impl FnMut(&DeadLetter) -> bool,
    ) -> Result<u64, QueueError> {
        dead_letters::drop_selected(&self.link, select).await
    }

    pub(super) async fn close(&self) {
        self.link.closed.cancel();
        let session = self.link.session.borrow().clone();
        if let Some(session) = session {
            session.close().await;
        }
    }
}

/// The URL as the client library takes it: with a heartbeat, and an empty path as the default virtual host.
fn broker_uri(url: &Url) -> Result<AMQPUri, QueueError> {
    let mut uri: AMQPUri = url.as_str().parse().map_err(QueueError::Url)?;
    if uri.vhost.is_empty() {
        // `amqp://host/` names the virtual host "" by the letter of the URI specification; nobody has one of that name.
        "/".clone_into(&mut uri.vhost);
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    uri.query.frame_max.get_or_insert(FRAME_BYTES);
    Ok(uri)
}
