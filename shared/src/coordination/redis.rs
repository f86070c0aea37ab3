//! The coordination of a cluster, in one Redis.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{Cmd, Pipeline};
use uuid::Uuid;

use super::{
    Asked, Begun, Claimant, Interest, TOLD_LASTS, WORKERS_MAX,
    lease::{self, Leases},
    rate::{RateDecision, RateLimiter, client_digest, micros_of},
    scripts,
};
use crate::{
    announced::Wakeups,
    cache::{CacheError, redis::RedisCache},
    presence::Presence,
    redis_link::{LinkError, RedisLink, millis},
    render::{Outcome, RenderFailure},
    render_key::RenderKey,
    settings::RateLimit,
};

/// All that is coordinated, in Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisCoordination {
    cache: RedisCache,
    link: RedisLink,
    /// Counts while Redis is down.
    limiter: Arc<RateLimiter>,
    /// What was taken of the counts beforehand.
    leases: Arc<Leases>,
}

/// Characters of a job id in a claim.
const ID_CHARS: usize = 36;

impl RedisCoordination {
    pub(super) fn beside(cache: RedisCache) -> Self {
        let link = cache.link().clone();
        Self { cache, link, limiter: Arc::default(), leases: Arc::default() }
    }

    pub(super) async fn ask(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        interest: Option<Interest>,
        lease: Duration,
    ) -> Result<Asked, LinkError> {
        let mut passes_over = false;
        loop {
            let command = self.ask_command(key, claimant, interest, lease, passes_over);
            let (there, value): (bool, Bytes) = self.link.connection().query("ask", &command).await?;
            if !there {
                let by = holder(&value);
                let ours = by == claimant.job_id;
                return Ok(if ours { Asked::Claimed } else { Asked::Held { by } });
            }
            match Outcome::from_record(value) {
                Ok(outcome) => return Ok(Asked::There(outcome)),
                // A record of another release is as good as none.
                Err(_) => passes_over = true,
            }
        }
    }

    fn ask_command(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        interest: Option<Interest>,
        lease: Duration,
        passes_over: bool,
    ) -> Cmd {
        let keys = self.link.keys();
        let mut command =
            scripts::eval(scripts::ASK, &[keys.render(key), keys.interest(key), keys.claim(key)]);
        add_claimant(&mut command, claimant);
        command.arg(millis(lease));
        match interest {
            Some(Interest { waiter_id, lasts }) => {
                command.arg(waiter_id.simple().to_string()).arg(millis(lasts))
            }
            None => command.arg("").arg(0),
        };
        command.arg(u8::from(passes_over));
        command
    }

    pub(super) async fn begin(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        droppable: bool,
        lease: Duration,
    ) -> Result<Begun, LinkError> {
        let keys = self.link.keys();
        let mut command = scripts::eval(scripts::BEGIN, &[keys.interest(key), keys.claim(key)]);
        add_claimant(&mut command, claimant);
        command.arg(millis(lease)).arg(u8::from(droppable));
        let (begun, before): (String, u32) = self.link.connection().query("begin", &command).await?;
        Ok(match begun.as_str() {
            "unwanted" => Begun::Unwanted,
            "ours" => Begun::Ours { before },
            "theirs" => Begun::Theirs,
            _ => Begun::Free,
        })
    }

    pub(super) async fn settle(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) -> Result<(), CacheError> {
        let mut pipeline = Pipeline::with_capacity(6);
        self.cache.add_put(&mut pipeline, image_id, key, outcome);
        let keys = self.link.keys();
        pipeline.cmd("DEL").arg(keys.claim(key)).arg(keys.interest(key)).ignore();
        self.add_announcement(&mut pipeline, key);
        let settled = self.link.connection().query_all("settle", &pipeline).await;
        Ok(self.wake_here_if_failed(key, settled)?)
    }

    pub(super) async fn tell(&self, key: &RenderKey, failure: &RenderFailure) -> Result<(), LinkError> {
        // Numbers, enums and strings: serialisation cannot fail, and an empty value reads as a miss.
        let told = serde_json::to_vec(failure).unwrap_or_default();
        let mut pipeline = Pipeline::with_capacity(3);
        let name = self.link.keys().told(key);
        pipeline.cmd("SET").arg(name).arg(told).arg("PX").arg(millis(TOLD_LASTS)).ignore();
        if let Some(job_id) = failure.job_id {
            pipeline.add_command(self.release_command(key, job_id)).ignore();
        }
        self.add_announcement(&mut pipeline, key);
        let told = self.link.connection().query_all("tell", &pipeline).await;
        self.wake_here_if_failed(key, told)
    }

    fn add_announcement(&self, pipeline: &mut Pipeline, key: &RenderKey) {
        pipeline.cmd("PUBLISH").arg(self.link.keys().wake_channel()).arg(key.to_string()).ignore();
    }

    pub(super) async fn look(&self, key: &RenderKey, job_id: Option<Uuid>) -> Option<Outcome> {
        let keys = self.link.keys();
        let mut command = redis::cmd("MGET");
        command.arg(keys.render(key)).arg(keys.told(key));
        let found = self.link.connection().query("look", &command).await;
        let (record, told): (Option<Bytes>, Option<Bytes>) = found.ok()?;
        let kept = record.and_then(|record| Outcome::from_record(record).ok());
        kept.or_else(|| {
            let told: RenderFailure = serde_json::from_slice(&told?).ok()?;
            Some(Outcome::Failure(told)).filter(|told| told.answers(job_id))
        })
    }

    pub(super) async fn release(&self, key: &RenderKey, job_id: Uuid) -> Result<(), LinkError> {
        self.link.connection().query("release", &self.release_command(key, job_id)).await
    }

    fn release_command(&self, key: &RenderKey, job_id: Uuid) -> Cmd {
        let mut command = scripts::eval(scripts::RELEASE, &[self.link.keys().claim(key)]);
        command.arg(job_id.to_string());
        command
    }

    pub(super) async fn withdraw(
        &self,
        key: &RenderKey,
        job_id: Uuid,
        lease: Duration,
    ) -> Result<(), LinkError> {
        let mut command = scripts::eval(scripts::WITHDRAW, &[self.link.keys().claim(key)]);
        command.arg(job_id.to_string()).arg(millis(lease));
        self.link.connection().query("withdraw", &command).await
    }

    pub(super) async fn hold(&self, thing: Uuid, holder: Uuid, lease: Duration) -> Result<bool, LinkError> {
        let mut command = scripts::eval(scripts::HOLD, &[self.link.keys().hold(thing)]);
        command.arg(holder.to_string()).arg(millis(lease));
        self.link.connection().query("hold", &command).await
    }

    pub(super) async fn seize(&self, thing: Uuid, holder: Uuid, lease: Duration) -> Result<(), LinkError> {
        let mut command = redis::cmd("SET");
        command.arg(self.link.keys().hold(thing)).arg(holder.to_string()).arg("PX").arg(millis(lease));
        self.link.connection().query("seize", &command).await
    }

    pub(super) async fn let_go(&self, thing: Uuid, holder: Uuid) -> Result<(), LinkError> {
        let mut command = scripts::eval(scripts::RELEASE, &[self.link.keys().hold(thing)]);
        command.arg(holder.to_string());
        self.link.connection().query("let_go", &command).await
    }

    pub(super) async fn be_present(
        &self,
        worker_id: Uuid,
        presence: &Presence,
        lasts: Duration,
    ) -> Result<(), LinkError> {
        // Numbers, enums and strings: serialisation cannot fail, and what is empty is left out by who reads it.
        let said = serde_json::to_vec(presence).unwrap_or_default();
        let mut command = scripts::eval(scripts::BE_PRESENT, &[self.link.keys().workers()]);
        command.arg(worker_id.to_string()).arg(said).arg(millis(lasts)).arg(WORKERS_MAX);
        self.link.connection().query("be_present", &command).await
    }

    pub(super) async fn be_gone(&self, worker_id: Uuid) -> Result<(), LinkError> {
        let mut command = redis::cmd("HDEL");
        command.arg(self.link.keys().workers()).arg(worker_id.to_string());
        self.link.connection().query("be_gone", &command).await
    }

    pub(super) async fn present(&self) -> Result<Vec<Presence>, LinkError> {
        let command = scripts::eval(scripts::PRESENT, &[self.link.keys().workers()]);
        let said: Vec<Bytes> = self.link.connection().query("present", &command).await?;
        Ok(said.iter().filter_map(|said| serde_json::from_slice(said).ok()).collect())
    }

    pub(super) async fn leave(&self, key: &RenderKey, waiter_id: Uuid) -> Result<(), LinkError> {
        let mut command = redis::cmd("ZREM");
        command.arg(self.link.keys().interest(key)).arg(waiter_id.simple().to_string());
        self.link.connection().query("leave", &command).await
    }

    pub(super) async fn announce(&self, key: &RenderKey) -> Result<(), LinkError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.link.keys().wake_channel()).arg(key.to_string());
        let announced = self.link.connection().query("announce", &command).await;
        self.wake_here_if_failed(key, announced)
    }

    /// Without Redis, waiters of this process at least need not wait for their next poll.
    fn wake_here_if_failed(&self, key: &RenderKey, result: Result<(), LinkError>) -> Result<(), LinkError> {
        result.inspect_err(|_| self.link.wakeups().wake(key))
    }

    pub(super) fn wakeups(&self) -> &Wakeups {
        self.link.wakeups()
    }

    pub(super) async fn count_request(&self, client: &str, cost: u32, limit: RateLimit) -> RateDecision {
        let digest = client_digest(client);
        let beyond = if cost == 0 { 0 } else { lease::beyond(limit) };
        let mut left = 0;
        if beyond > 0 {
            left = match self.leases.spend(digest, cost, limit) {
                Ok(decision) => return decision,
                Err(left) => left,
            };
            let counted = self.count_in_redis(digest, (cost - left).saturating_add(beyond), limit).await;
            if let Ok(decision) = counted
                && decision.allowed
            {
                return self.leases.keep(digest, limit, beyond, decision);
            }
        }
        // Near its limit a client gets what is left of it, one by one.
        let counted = self.count_in_redis(digest, cost - left, limit).await;
        if left > 0 && !counted.as_ref().is_ok_and(|decision| decision.allowed) {
            self.leases.put_back(digest, left, limit);
        }
        counted.unwrap_or_else(|_| self.limiter.count_request(client, cost, limit))
    }

    pub(super) async fn give_back(&self, client: &str, cost: u32, limit: RateLimit) {
        let digest = client_digest(client);
        if self.leases.put_back(digest, cost, limit) {
            return;
        }
        let mut command = scripts::eval(scripts::GIVE_BACK, &[self.link.keys().rate(digest)]);
        command.arg(micros_of(cost, limit));
        if self.link.connection().query::<()>("give_back", &command).await.is_err() {
            self.limiter.give_back(client, cost, limit);
        }
    }

    async fn count_in_redis(
        &self,
        client: [u8; 16],
        cost: u32,
        limit: RateLimit,
    ) -> Result<RateDecision, LinkError> {
        let RateLimit { requests, window } = limit;
        let mut command = scripts::eval(scripts::COUNT_REQUEST, &[self.link.keys().rate(client)]);
        command.arg(requests).arg(u64::try_from(window.as_micros()).unwrap_or(u64::MAX)).arg(cost);
        let counted = self.link.connection().query::<(u8, u64, u64)>("count_request", &command).await?;
        Ok(match counted {
            (0, _, reset_micros) => RateDecision::refused(reset_micros),
            (_, remaining, reset_micros) => RateDecision::allowed(remaining, reset_micros),
        })
    }
}

fn add_claimant(command: &mut Cmd, claimant: Claimant) {
    let Claimant { job_id, may_be_promoted } = claimant;
    command.arg(job_id.to_string()).arg(if may_be_promoted { "+" } else { "-" });
}

/// The job that a claim names. One that is none of ours is held all the same.
fn holder(claim: &[u8]) -> Uuid {
    let id = claim.get(..ID_CHARS).and_then(|id| std::str::from_utf8(id).ok());
    id.and_then(|id| id.parse().ok()).unwrap_or(Uuid::nil())
}
