//! Who opened which study: noted when it is shown, written a moment later, in groups.
//!
//! A picture waits for none of it. One who goes through a study makes an entry now and then, not one a picture. While the
//! catalog is away entries wait for it, as many as there is room for. What a crash loses is what was noted since the last
//! group was written, about a second; what there is no room for is counted and said.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use chrono::Utc;
use metrics::counter;
use moka::sync::Cache as Memory;
use noctis_shared::{
    auth::{AuditEntry, ShownBy},
    catalog::{AUDIT_GROUP_MAX, Catalog},
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    api::Api,
    caller::{By, Caller},
};

/// One who goes on with a study is noted again after this time.
const OPENED_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);
/// Those who opened something a short while ago; 60 bytes each.
const RECENT_MAX: u64 = 100_000;
/// How long entries wait for others to be written with.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries that wait for the catalog; some 250 bytes each.
const WAITING_MAX: usize = 50_000;
/// How long the end of a process waits for what is to be written.
const FLUSH_TAKES: Duration = Duration::from_secs(5);

/// Entries on their way.
pub(crate) struct Audit {
    recent: Memory<u128, ()>,
    waiting: Mutex<Waiting>,
    waiting_max: usize,
    /// Held by who writes a group: what was written is taken off once.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<AuditEntry>,
    /// Since there was room for all, some were lost.
    loses: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self::that_keeps(WAITING_MAX)
    }
}

impl Audit {
    fn that_keeps(waiting_max: usize) -> Self {
        let recent = Memory::builder().max_capacity(RECENT_MAX).time_to_live(OPENED_AGAIN_AFTER).build();
        Self { recent, waiting: Mutex::default(), waiting_max, writing: tokio::sync::Mutex::default() }
    }

    /// Notes that `caller` was shown something of this study. Where nobody is asked who he is, there is nothing to note.
    pub(crate) fn note(&self, caller: &Caller, study_id: Uuid) {
        let (subject, shown_by, token_id) = match &caller.by {
            By::Nothing => return,
            By::Token { subject, token_id } => (Some(subject), ShownBy::Token, token_id.clone()),
            By::Share(share_id) => (None, ShownBy::Share, Some(share_id.to_string())),
            By::SignedUrl => (None, ShownBy::SignedUrl, None),
        };
        let digest = digest(caller, token_id.as_deref(), study_id);
        if self.recent.contains_key(&digest) {
            return;
        }
        self.recent.insert(digest, ());
        self.push(AuditEntry {
            entry_id: Uuid::new_v4(),
            at: Utc::now(),
            subject: subject.cloned(),
            shown_by,
            token_id,
            address: caller.address.map(|address| address.to_string()),
            study_id,
        });
    }

    fn push(&self, entry: AuditEntry) {
        let mut waiting = self.lock();
        if waiting.entries.len() < self.waiting_max {
            waiting.entries.push(entry);
            return;
        }
        counter!("noctis_audit_lost_total").increment(1);
        if !mem::replace(&mut waiting.loses, true) {
            tracing::error!(
                "who opens what is lost until the catalog takes it: as much waits as there is room for"
            );
        }
    }

    /// Writes what waits, as far as the catalog takes it in some seconds.
    pub(crate) async fn flush(&self, catalog: &Catalog) {
        if timeout(FLUSH_TAKES, async { while self.write_group(catalog).await {} }).await.is_err() {
            tracing::error!("who opened what last was not written: the catalog did not answer in time");
        }
        let left = self.lock().entries.len();
        if left > 0 {
            counter!("noctis_audit_lost_total").increment(left as u64);
            tracing::error!(entries = left, "who opened what last was not written");
        }
    }

    /// Writes one group; whether there is another, and the catalog takes it.
    async fn write_group(&self, catalog: &Catalog) -> bool {
        let _writes = self.writing.lock().await;
        let group: Vec<AuditEntry> = {
            let waiting = self.lock();
            waiting.entries.iter().take(AUDIT_GROUP_MAX).cloned().collect()
        };
        if group.is_empty() {
            return false;
        }
        // Entries keep their names, so that a group whose confirmation is lost is there once.
        if let Err(error) = catalog.add_audit(&group).await {
            tracing::debug!(%error, "who opened what waits for the catalog");
            return false;
        }
        let mut waiting = self.lock();
        waiting.entries.drain(..group.len());
        waiting.loses = false;
        !waiting.entries.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of who sees what, from where, by what.
fn digest(caller: &Caller, token_id: Option<&str>, study_id: Uuid) -> u128 {
    let mut digest = Xxh3Default::new();
    for text in [caller.name.as_str(), token_id.unwrap_or_default()] {
        digest.update(&text.len().to_le_bytes());
        digest.update(text.as_bytes());
    }
    match caller.address {
        Some(std::net::IpAddr::V4(address)) => digest.update(&address.octets()),
        Some(std::net::IpAddr::V6(address)) => digest.update(&address.octets()),
        None => {}
    }
    digest.update(study_id.as_bytes());
    digest.digest128()
}

/// Writes what is noted, group by group, as long as the API lives.
pub(crate) async fn write_behind(api: Weak<Api>) {
    loop {
        sleep(PAUSE).await;
        let Some(api): Option<Arc<Api>> = api.upgrade() else { return };
        while api.audit.write_group(&api.catalog).await {}
    }
}

#[cfg(test)]
mod tests {
    use noctis_shared::{
        auth::{AuditFilter, Scopes},
        catalog::CatalogLimits,
    };

    use super::*;
    use crate::caller::{Sight, Who};

    fn caller(by: By, address: &str) -> Caller {
        let who = Who { name: format!("{by:?}"), sight: Sight::Everything, scopes: Scopes::READ, by };
        Caller::new(Arc::new(who), address.parse().ok())
    }

    fn token(token_id: &str) -> By {
        By::Token { subject: "ada".to_owned(), token_id: Some(token_id.to_owned()) }
    }

    #[tokio::test]
    async fn one_who_goes_through_a_study_is_noted_once_and_every_other_way_anew() {
        let (audit, share_id) = (Audit::default(), Uuid::new_v4());
        let [one, other] = [1, 2].map(Uuid::from_u128);
        for _ in 0..3 {
            audit.note(&caller(token("first"), "192.0.2.1"), one);
        }
        audit.note(&caller(token("first"), "192.0.2.1"), other);
        audit.note(&caller(token("first"), "2001:db8::1"), one);
        audit.note(&caller(token("second"), "192.0.2.1"), one);
        audit.note(&caller(By::Share(share_id), "192.0.2.1"), one);
        audit.note(&caller(By::SignedUrl, "192.0.2.1"), one);
        audit.note(&caller(By::Nothing, "192.0.2.1"), one);
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        audit.flush(&catalog).await;
        let written = catalog.audit(&AuditFilter::default(), None, 100).await.expect("read");
        assert_eq!(written.len(), 6);
        let shared = written.iter().find(|entry| entry.shown_by == ShownBy::Share).expect("the link");
        assert_eq!((&shared.subject, &shared.token_id), (&None, &Some(share_id.to_string())));
        assert_eq!(written.iter().filter(|entry| entry.subject.as_deref() == Some("ada")).count(), 4);
    }

    #[tokio::test]
    async fn entries_wait_for_a_catalog_that_is_away_and_what_there_is_no_room_for_is_lost() {
        let room = AUDIT_GROUP_MAX + 10;
        let audit = Audit::that_keeps(room);
        for number in 0..=room {
            audit.note(&caller(token("one"), "192.0.2.1"), Uuid::from_u128(number as u128));
        }
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        catalog.close().await;
        assert!(!audit.write_group(&catalog).await);
        let state = || {
            let waiting = audit.lock();
            (waiting.entries.len(), waiting.loses)
        };
        assert_eq!(state(), (room, true));
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        assert!(audit.write_group(&catalog).await, "there is more");
        assert_eq!(state(), (10, false));
    }
}
