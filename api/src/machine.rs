//! The state of the machine, looked at for operators: what waits, who works, what lies in the dead letters. One look serves
//! all who ask within a moment, so that many who watch cost as much as one.
//!
//! What must not be here: what of it a caller is told (`routes/machine.rs`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use noctis_shared::{
    health::Health,
    lane::Lane,
    presence::Presence,
    queue::{DeadLetter, Queue},
};
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};
use utoipa::ToSchema;

use crate::api::Api;

/// How long a back end may take to say how it is.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long a look is as good as a new one.
const LOOK_LASTS: Duration = Duration::from_millis(1500);
/// How long the dead letters are as they were, while their number stays: a look takes each from the queue for a moment.
const LETTERS_LAST: Duration = Duration::from_secs(60);
/// Dead letters that are looked at, the oldest.
const LETTERS_MAX: usize = 50;

/// How each back end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct BackEndsHealth {
    /// Where jobs go.
    pub(crate) queue: Health,
    /// Where pictures are kept for a while.
    pub(crate) cache: Health,
    /// Where truth is.
    pub(crate) catalog: Health,
}

impl BackEndsHealth {
    pub(crate) async fn of(api: &Api) -> Self {
        let (queue, cache, catalog) =
            tokio::join!(api.queue.health(), api.cache.health(), api.catalog.health());
        Self { queue, cache, catalog }
    }
}

/// What was seen; `None` of what a back end did not say.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) at: DateTime<Utc>,
    pub(crate) back_ends: BackEndsHealth,
    pub(crate) depths: Option<Vec<(Lane, u64)>>,
    pub(crate) workers: Option<Vec<Presence>>,
    pub(crate) dead_letters: Option<Letters>,
}

/// The dead letters.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    /// How many there are.
    pub(crate) total: u64,
    /// The oldest of them, without their bodies, as they were when they could last be looked at.
    pub(crate) oldest: Arc<[DeadLetter]>,
    looked_at: Instant,
    /// Whether fewer were counted the last time, which may be a look of another process.
    were_fewer: bool,
}

/// The last looks.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    looks: Mutex<Looks>,
    /// Whether dead letters were sent back or dropped since the last look.
    letters_changed: AtomicBool,
}

#[derive(Debug, Default)]
struct Looks {
    last: Option<(Instant, Arc<Look>)>,
    letters: Option<Letters>,
}

impl Machine {
    /// How everything is now, or was a moment ago.
    pub(crate) async fn look(&self, api: &Api) -> Arc<Look> {
        // Held while it is looked: who comes meanwhile gets the same.
        let mut looks = self.looks.lock().await;
        if self.letters_changed.swap(false, Ordering::Relaxed) {
            *looks = Looks::default();
        }
        if let Some((at, look)) = &looks.last
            && at.elapsed() < LOOK_LASTS
        {
            return Arc::clone(look);
        }
        let (back_ends, depths, workers, dead_letters) = tokio::join!(
            BackEndsHealth::of(api),
            depths(&api.queue),
            timeout(ANSWER_MAX, api.coordination.present()),
            letters(&api.queue, looks.letters.clone()),
        );
        if dead_letters.is_some() {
            looks.letters.clone_from(&dead_letters);
        }
        let workers = workers.ok().and_then(Result::ok);
        let look = Arc::new(Look { at: Utc::now(), back_ends, depths, workers, dead_letters });
        looks.last = Some((Instant::now(), Arc::clone(&look)));
        look
    }

    /// Dead letters were sent back or dropped: the next look is a new one.
    pub(crate) fn letters_changed(&self) {
        self.letters_changed.store(true, Ordering::Relaxed);
    }
}

/// How many jobs wait in each lane; `None` when the queue does not answer.
pub(crate) async fn depths(queue: &Queue) -> Option<Vec<(Lane, u64)>> {
    timeout(ANSWER_MAX, queue.depths()).await.ok()?.ok()
}

/// How many dead letters there are; `None` when the queue does not answer.
pub(crate) async fn dead_letter_count(queue: &Queue) -> Option<u64> {
    timeout(ANSWER_MAX, queue.dead_letter_count()).await.ok()?.ok()
}

/// The dead letters, as they were where none came or went. What another process looks at is not counted meanwhile: that they
/// are fewer is believed the second time.
async fn letters(queue: &Queue, before: Option<Letters>) -> Option<Letters> {
    let total = dead_letter_count(queue).await?;
    if let Some(before) = &before {
        if total < before.total && !before.were_fewer {
            return Some(Letters { were_fewer: true, ..before.clone() });
        }
        if total == before.total && before.looked_at.elapsed() < LETTERS_LAST {
            return Some(Letters { were_fewer: false, ..before.clone() });
        }
    }
    let oldest = match total {
        0 => Some(Vec::new()),
        _ => timeout(ANSWER_MAX, queue.dead_letters(LETTERS_MAX)).await.ok().and_then(Result::ok),
    };
    let without_body = |letter| DeadLetter { body: serde_json::Value::Null, ..letter };
    let oldest = match oldest {
        Some(oldest) => oldest.into_iter().map(without_body).collect(),
        // Their number is known.
        None => before.map_or_else(Arc::default, |before| before.oldest),
    };
    Some(Letters { total, oldest, looked_at: Instant::now(), were_fewer: false })
}
