//! Coordination: who makes which render, who waits for it, who is woken, who drives which job, how much a client may ask.
//!
//! What belongs here is no copy of anything: claims, interest, wake-ups, what is told for now, request counts. Clearing
//! a cache touches none of it. What must not be here: pictures and answers (`cache`), and what a render is (`submit`
//! asks, a worker makes). Losing all of it loses no truth either: a render is made twice, or asked for again.
//!
//! The contract, one test a line in `tests/contracts/coordination`, run on both variants:
//!
//! - of many who ask for a render at once, one claims it and the others learn who holds it
//! - who asks for what is there gets it, and claims nothing
//! - a claim ends with its lease, or when its holder releases it; nobody else can release or take it
//! - the claim of a job that may be promoted and has not begun goes to the first who asks with one that may not
//! - interest holds as long as its longest waiter, and ends with the last one that leaves
//! - work that may be dropped is not begun when nobody is interested, and its claim goes with it
//! - work begins under the job's own claim, under a free one, or learns that another job has it; under its own it learns
//!   how often it had begun before
//! - settling keeps the outcome, ends claim and interest whoever has them, and wakes its waiters
//! - a job that is taken back and has not begun is no work any more, and the render is free for whoever asks
//! - of many who would hold a thing one does, until it lets go, its lease ends, or another seizes it
//! - what is told for now reaches who waits for that very job, nobody else, and no cache
//! - an announcement wakes all waiters of its key, and only these; a dropped waiter is forgotten
//! - clearing the cache leaves claims, interest and request counts
//! - a client over its limit is refused and told when to come back; others are not affected
//! - a limit is spent whole and not beyond, by however many processes
//! - what is given back may be spent again, and never makes more than the limit
//! - who works is known as it last said, until its word runs out or it leaves, and of more than a thousand no further one
//!
//! and on Redis alone: two processes wake each other; an outage is an error that costs little, and waiters of the gap
//! are woken.
//!
//! | key in Redis | holds | lives |
//! |---|---|---|
//! | `{namespace}:claim:{key}` | id of the job that makes it, whether it may be promoted, how often it was begun | lease |
//! | `{namespace}:interest:{key}` | sorted set of waiters, by the moment until which each waits | as its longest waiter |
//! | `{namespace}:hold:{id}` | who drives the thing of this id | lease |
//! | `{namespace}:told:{key}` | a failure that passes, with its job | 10 s |
//! | `{namespace}:rate:{digest}` | when the client's quota is whole again | until then |
//! | `{namespace}:workers` | by worker, until when its word holds and what it said | as its last word |
//! | `{namespace}:wake` | channel: a render key | – |

mod lease;
mod memory;
mod rate;
mod redis;
mod scripts;

use std::time::Duration;

use uuid::Uuid;

pub use self::{memory::MemoryCoordination, rate::RateDecision, redis::RedisCoordination};
pub use crate::announced::{Waiter, Wakeups};
use crate::{
    cache::{Cache, CacheError},
    presence::Presence,
    redis_link::LinkError,
    render::{Outcome, RenderFailure},
    render_key::RenderKey,
    settings::RateLimit,
};

/// How long a failure that passes lies there for those who wait for its job. They look at the latest a second after
/// it was told.
const TOLD_LASTS: Duration = Duration::from_secs(10);

/// Workers that are known at a time.
const WORKERS_MAX: usize = 1000;

/// The coordination this deployment has. Cheap to clone.
#[derive(Clone)]
pub enum Coordination {
    /// In this process, with nothing installed.
    Memory(MemoryCoordination),
    /// Shared by all processes.
    Redis(RedisCoordination),
}

/// Who has the claim of a job that was taken back: nobody, but its message may lie in the queue still.
const TAKEN_BACK: Claimant = Claimant { job_id: Uuid::nil(), may_be_promoted: true };

/// A job as a claim names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimant {
    /// The job.
    pub job_id: Uuid,
    /// Whether a job that may not be promoted takes its claim over.
    pub may_be_promoted: bool,
}

/// Someone who waits for a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Names the one who waits.
    pub waiter_id: Uuid,
    /// How long from now.
    pub lasts: Duration,
}

/// What came of asking for a render.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// It is there.
    There(Outcome),
    /// The asking job has the claim; also when it had it already.
    Claimed,
    /// Another job has it.
    Held {
        /// That job.
        by: Uuid,
    },
}

/// Under which claim the work on a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Nobody is interested any more; it need not be done.
    Unwanted,
    /// The job's own: whoever makes a picture ends every claim on it, so that it was not made since this job was published.
    Ours {
        /// How often work on it had begun before: each of these ended without a word.
        before: u32,
    },
    /// It was free: the lease ran out, or the work was done before.
    Free,
    /// Another job has it.
    Theirs,
}

impl Coordination {
    /// The coordination of the processes that share `cache`: of this one alone, or of all at that Redis. One a process.
    #[must_use]
    pub fn beside(cache: &Cache) -> Self {
        match cache {
            Cache::Memory(cache) => Coordination::Memory(MemoryCoordination::beside(cache.clone())),
            Cache::Redis(cache) => Coordination::Redis(RedisCoordination::beside(cache.clone())),
        }
    }

    /// Looks for the render; if it is not there, notes the interest and claims the making for `claimant` until `lease`
    /// has passed. One step, so that what another process made just now is not made twice.
    ///
    /// # Errors
    /// A fault of Redis: go on without a claim, at worst the render is made twice.
    pub async fn ask(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        interest: Option<Interest>,
        lease: Duration,
    ) -> Result<Asked, LinkError> {
        match self {
            Coordination::Memory(here) => Ok(here.ask(key, claimant, interest, lease)),
            Coordination::Redis(shared) => shared.ask(key, claimant, interest, lease).await,
        }
    }

    /// Begins the work of `claimant`, whose claim then lasts `lease` from now. Work that is `droppable` does not begin
    /// when nobody is interested.
    ///
    /// # Errors
    /// A fault of Redis: then nobody knows.
    pub async fn begin(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        droppable: bool,
        lease: Duration,
    ) -> Result<Begun, LinkError> {
        match self {
            Coordination::Memory(here) => Ok(here.begin(key, claimant, droppable, lease)),
            Coordination::Redis(shared) => shared.begin(key, claimant, droppable, lease).await,
        }
    }

    /// Keeps `outcome` in the cache, ends claim and interest, whoever has them, since there is nothing to be made any
    /// more, and wakes who waits; in this order and in one round trip.
    ///
    /// # Errors
    /// As [`Cache::put_render`]. Waiters are woken all the same, as far as they can be reached.
    pub async fn settle(&self, image_id: Uuid, key: &RenderKey, outcome: &Outcome) -> Result<(), CacheError> {
        match self {
            Coordination::Memory(here) => here.settle(image_id, key, outcome),
            Coordination::Redis(shared) => shared.settle(image_id, key, outcome).await,
        }
    }

    /// Tells those who wait for the job that `failure` names what it met, gives its claim back, and wakes them. For
    /// failures that pass: nobody else ever sees it.
    ///
    /// # Errors
    /// A fault of Redis; the waiters of this process are woken all the same.
    pub async fn tell(&self, key: &RenderKey, failure: &RenderFailure) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.tell(key, failure);
                Ok(())
            }
            Coordination::Redis(shared) => shared.tell(key, failure).await,
        }
    }

    /// What one who waits for `job_id` finds: the outcome in the cache, or what that job was told for now. A fault is
    /// a miss.
    pub async fn look(&self, key: &RenderKey, job_id: Option<Uuid>) -> Option<Outcome> {
        match self {
            Coordination::Memory(here) => here.look(key, job_id),
            Coordination::Redis(shared) => shared.look(key, job_id).await,
        }
    }

    /// Gives the claim back, if it is the job's.
    ///
    /// # Errors
    /// A fault of Redis: the lease ends the claim then.
    pub async fn release(&self, key: &RenderKey, job_id: Uuid) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.release(key, job_id);
                Ok(())
            }
            Coordination::Redis(shared) => shared.release(key, job_id).await,
        }
    }

    /// Takes back a job that has the claim and was not begun: whoever finds it in the queue until `lease` has passed drops
    /// it as one that another makes, and whoever asks for the render meanwhile has the claim. For jobs that may be promoted.
    ///
    /// # Errors
    /// A fault of Redis: the job is made then.
    pub async fn withdraw(&self, key: &RenderKey, job_id: Uuid, lease: Duration) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.withdraw(key, job_id, lease);
                Ok(())
            }
            Coordination::Redis(shared) => shared.withdraw(key, job_id, lease).await,
        }
    }

    /// Whether `holder` has `thing` to itself for `lease` from now: it was free, or held by the same before.
    ///
    /// # Errors
    /// A fault of Redis: then nobody knows.
    pub async fn hold(&self, thing: Uuid, holder: Uuid, lease: Duration) -> Result<bool, LinkError> {
        match self {
            Coordination::Memory(here) => Ok(here.hold(thing, holder, lease)),
            Coordination::Redis(shared) => shared.hold(thing, holder, lease).await,
        }
    }

    /// Gives `thing` to `holder` for `lease` from now, whoever had it.
    ///
    /// # Errors
    /// A fault of Redis.
    pub async fn seize(&self, thing: Uuid, holder: Uuid, lease: Duration) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.seize(thing, holder, lease);
                Ok(())
            }
            Coordination::Redis(shared) => shared.seize(thing, holder, lease).await,
        }
    }

    /// Gives `thing` back, if `holder` has it.
    ///
    /// # Errors
    /// A fault of Redis: the lease ends it then.
    pub async fn let_go(&self, thing: Uuid, holder: Uuid) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.let_go(thing, holder);
                Ok(())
            }
            Coordination::Redis(shared) => shared.let_go(thing, holder).await,
        }
    }

    /// Says for `lasts` from now what `worker_id` is; not where a thousand others are known.
    ///
    /// # Errors
    /// A fault of Redis: then nobody knows of it, or what it said before.
    pub async fn be_present(
        &self,
        worker_id: Uuid,
        presence: &Presence,
        lasts: Duration,
    ) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.be_present(worker_id, presence, lasts);
                Ok(())
            }
            Coordination::Redis(shared) => shared.be_present(worker_id, presence, lasts).await,
        }
    }

    /// Takes back what `worker_id` said of itself.
    ///
    /// # Errors
    /// A fault of Redis: it runs out then.
    pub async fn be_gone(&self, worker_id: Uuid) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.be_gone(worker_id);
                Ok(())
            }
            Coordination::Redis(shared) => shared.be_gone(worker_id).await,
        }
    }

    /// Who works, by name. One of another release that says it otherwise is left out.
    ///
    /// # Errors
    /// A fault of Redis: then nobody knows.
    pub async fn present(&self) -> Result<Vec<Presence>, LinkError> {
        let mut present = match self {
            Coordination::Memory(here) => here.present(),
            Coordination::Redis(shared) => shared.present().await?,
        };
        present.sort_by(|one, other| one.worker.name.cmp(&other.worker.name));
        Ok(present)
    }

    /// Takes the interest of one waiter back.
    ///
    /// # Errors
    /// A fault of Redis: it ends by itself then.
    pub async fn leave(&self, key: &RenderKey, waiter_id: Uuid) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.leave(key, waiter_id);
                Ok(())
            }
            Coordination::Redis(shared) => shared.leave(key, waiter_id).await,
        }
    }

    /// Wakes who waits for `key`, in every process that listens.
    ///
    /// # Errors
    /// A fault of Redis; the waiters of this process are woken all the same.
    pub async fn announce(&self, key: &RenderKey) -> Result<(), LinkError> {
        match self {
            Coordination::Memory(here) => {
                here.wakeups().wake(key);
                Ok(())
            }
            Coordination::Redis(shared) => shared.announce(key).await,
        }
    }

    /// The waiters of this process. Announcements may be lost while Redis is away, so a waiter also polls.
    #[must_use]
    pub fn wakeups(&self) -> &Wakeups {
        match self {
            Coordination::Memory(here) => here.wakeups(),
            Coordination::Redis(shared) => shared.wakeups(),
        }
    }

    /// Counts a request of `client`, which takes as much as `cost` requests of its `limit`; one that costs nothing is a
    /// look at what is left. Without Redis each process counts alone.
    pub async fn count_request(&self, client: &str, cost: u32, limit: RateLimit) -> RateDecision {
        match self {
            Coordination::Memory(here) => here.count_request(client, cost, limit),
            Coordination::Redis(shared) => shared.count_request(client, cost, limit).await,
        }
    }

    /// Gives back what was counted for a request that came to nothing.
    pub async fn give_back(&self, client: &str, cost: u32, limit: RateLimit) {
        match self {
            Coordination::Memory(here) => here.give_back(client, cost, limit),
            Coordination::Redis(shared) => shared.give_back(client, cost, limit).await,
        }
    }
}
