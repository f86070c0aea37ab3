//! Pictures that a client is likely to ask for soon: made in the background, the nearest first, until it moves on.
//!
//! Of one client the newest prefetch alone goes on, whichever process took it. Nobody is told what came of one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, stream};
use noctis_shared::{
    coordination::Coordination,
    purpose::Purpose,
    submit::{Background, Submit, Wanted},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Positions of one prefetch.
pub(crate) const POSITIONS_MAX: usize = 200;
/// How long a client is believed to come for them.
const LASTS: Duration = Duration::from_secs(30);
/// Pictures in the queue at a time, of one client.
const IN_HAND_MAX: usize = 8;
/// Clients whose pictures are fetched at a time.
const CLIENTS_MAX: usize = 256;
/// How often it is asked whether the client has moved on at another process.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The prefetches of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Prefetches {
    submit: Submit,
    coordination: Coordination,
    /// By client; each with the id of its prefetch.
    running: Arc<Mutex<HashMap<String, (Uuid, CancellationToken)>>>,
}

impl Prefetches {
    pub(crate) fn new(submit: Submit, coordination: Coordination) -> Self {
        Self { submit, coordination, running: Arc::default() }
    }

    /// Begins to have `wanted` made, in this order, in place of what the client wanted before. `false` when too many
    /// clients have pictures fetched; those in the queue already are not worth more to them.
    pub(crate) fn begin(&self, client: &str, wanted: Vec<Wanted>) -> bool {
        let (id, moves_on) = (Uuid::new_v4(), CancellationToken::new());
        {
            let mut running = self.lock();
            if running.len() >= CLIENTS_MAX && !running.contains_key(client) {
                return false;
            }
            if let Some((_, before)) = running.insert(client.to_owned(), (id, moves_on.clone())) {
                before.cancel();
            }
        }
        tokio::spawn(self.clone().run(client.to_owned(), id, wanted, moves_on));
        true
    }

    async fn run(self, client: String, id: Uuid, wanted: Vec<Wanted>, moves_on: CancellationToken) {
        let until = Utc::now() + TimeDelta::from_std(LASTS).unwrap_or_default();
        let purpose = Purpose::Prefetch { client: client.clone(), until };
        let background = Background::new(self.submit.clone(), purpose);
        let making = stream::iter(wanted).for_each_concurrent(IN_HAND_MAX, |wanted| {
            let background = &background;
            async move {
                if let Err(error) = background.make(&wanted).await {
                    tracing::debug!(%error, "a picture was not made ahead");
                }
            }
        });
        tokio::select! {
            () = making => {}
            () = moves_on.cancelled() => {}
            () = self.moved_on_elsewhere(&client, id) => {}
            () = sleep(LASTS) => {}
        }
        background.withdraw().await;
        let mut running = self.lock();
        if running.get(&client).is_some_and(|(newest, _)| *newest == id) {
            running.remove(&client);
        }
    }

    /// Ends when a newer prefetch of the client was begun by another process.
    async fn moved_on_elsewhere(&self, client: &str, id: Uuid) {
        let thing = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:noctis:prefetch:{client}").as_bytes());
        if self.coordination.seize(thing, id, LASTS).await.is_err() {
            // Nobody else knows of it; it ends by its time.
            return std::future::pending().await;
        }
        loop {
            sleep(LOOK_PAUSE).await;
            if let Ok(false) = self.coordination.hold(thing, id, LASTS).await {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Uuid, CancellationToken)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
