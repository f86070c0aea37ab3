//! Deleting a study, a series or an instance: rows and renders at once; and in the same transaction what is owed for it,
//! the stored files to remove (`objects_owed`) and the word to the others (`outbox`).

use std::collections::HashMap;

use chrono::Utc;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError, Scope,
    errands::owe_objects,
    error::lost_to_another_transaction,
    pool::{in_transaction, on_reader},
};
use crate::{
    event::{Event, SOURCE, STUDY_DELETED, StudyDeleted},
    render_key::ContentDigest,
    storage::Stored,
};

/// What went with a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Keys of its instances; none when it was not there.
    pub image_ids: Vec<Uuid>,
    /// Renders of the catalog.
    pub renders: u64,
    /// Stored files of ours that are owed to be removed.
    pub objects: u64,
}

/// Tells whether the file at a location is one of ours that is named so.
pub type IsOurs<'a> = &'a (dyn Fn(&str, &Stored<'_>) -> bool + Sync);

/// An instance that went.
#[derive(sqlx::FromRow)]
struct GoneRow {
    image_id: Uuid,
    series_id: Uuid,
    sop_instance_uid: String,
    location: String,
    content_digest: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct SeriesRow {
    series_id: Uuid,
    series_instance_uid: String,
}

/// The UIDs above what is deleted.
struct Above {
    study_instance_uid: String,
    series: HashMap<Uuid, String>,
}

impl Catalog {
    /// The study that `scope` belongs to; `None` for everything and for what is not there.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn study_of(&self, scope: &Scope) -> Result<Option<Uuid>, CatalogError> {
        let Some((select, id)) = study_of(scope) else { return Ok(None) };
        on_reader!(&self.pool, Db, pool => {
            Ok(sqlx::query_scalar::<Db, Uuid>(select).bind(id).fetch_optional(pool).await?)
        })
    }

    /// Removes what is in `scope` with its renders; series and studies that have nothing left go, too. Files that
    /// `is_ours` names are owed from now on ([`Catalog::take_owed_objects`]), and it is announced
    /// ([`Catalog::take_announcements`]).
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for everything; [`CatalogError::Unavailable`] when the database does not answer or
    /// writers keep adding to the study; nothing was removed then.
    pub async fn delete(&self, scope: &Scope, is_ours: IsOurs<'_>) -> Result<Deleted, CatalogError> {
        let Some((select, id)) = study_of(scope) else {
            return Err(CatalogError::Invalid("what is deleted has a name".to_owned()));
        };
        // Renders of ours that are not written yet count, too.
        self.flush_renders().await;
        match self.delete_once(scope, select, id, is_ours).await {
            Err(error) if lost_to_another_transaction(&error) => {
                Ok(self.delete_once(scope, select, id, is_ours).await?)
            }
            settled => Ok(settled?),
        }
    }

    async fn delete_once(
        &self,
        scope: &Scope,
        study_of: &'static str,
        id: Uuid,
        is_ours: IsOurs<'_>,
    ) -> Result<Deleted, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let (deleted, owed) = in_transaction!(&mut transaction, Db, connection => {
            let study_id = sqlx::query_scalar::<Db, Uuid>(study_of).bind(id).fetch_optional(&mut *connection).await?;
            let Some(study_id) = study_id else { return Ok(Deleted::default()) };
            // Locks the study against writers that add to it. One that another transaction is about to make is not
            // there yet: none of its rows may be touched then.
            let study_instance_uid: Option<String> = sqlx::query_scalar::<Db, String>(
                "UPDATE studies SET changed_at = $2 WHERE study_id = $1 RETURNING study_instance_uid",
            )
            .bind(study_id)
            .bind(Utc::now().timestamp_millis())
            .fetch_optional(&mut *connection)
            .await?;
            let Some(study_instance_uid) = study_instance_uid else { return Ok(Deleted::default()) };
            let series = sqlx::query_as::<Db, SeriesRow>(
                "SELECT series_id, series_instance_uid FROM series WHERE study_id = $1",
            );
            let series = series.bind(study_id).fetch_all(&mut *connection).await?;
            let series = series.into_iter().map(|row| (row.series_id, row.series_instance_uid)).collect();
            let above = Above { study_instance_uid, series };

            let mut renders: QueryBuilder<Db> = scope.statement("DELETE FROM renders");
            let renders = renders.build().execute(&mut *connection).await?.rows_affected();
            let mut instances: QueryBuilder<Db> = scope.statement("DELETE FROM instances");
            instances.push(" RETURNING image_id, series_id, sop_instance_uid, location, content_digest");
            let gone: Vec<GoneRow> = instances.build_query_as().fetch_all(&mut *connection).await?;
            let emptied = [
                "UPDATE series SET image_count = (SELECT count(*) FROM instances \
                 WHERE instances.series_id = series.series_id) WHERE study_id = $1",
                "DELETE FROM series WHERE study_id = $1 AND image_count = 0",
                "DELETE FROM studies WHERE study_id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM series WHERE series.study_id = studies.study_id)",
            ];
            let mut study_is_gone = false;
            for statement in emptied {
                let done = sqlx::query::<Db>(statement).bind(study_id).execute(&mut *connection).await?;
                study_is_gone = done.rows_affected() > 0;
            }

            let now = Utc::now().timestamp_micros();
            if study_is_gone {
                // Nobody is to hear of its coming after its end.
                sqlx::query::<Db>("DELETE FROM outbox WHERE study_id = $1")
                    .bind(study_id)
                    .execute(&mut *connection)
                    .await?;
            }
            if let Some(event) = above.event(scope, &gone, study_is_gone) {
                let (event_id, body) = event;
                sqlx::query::<Db>(
                    "INSERT INTO outbox (event_id, event_type, body, made_at, due_at) VALUES ($1, $2, $3, $4, $4)",
                )
                .bind(event_id)
                .bind(STUDY_DELETED)
                .bind(body)
                .bind(now)
                .execute(&mut *connection)
                .await?;
            }
            let owed: Vec<String> = above.ours(&gone, is_ours).into_iter().map(str::to_owned).collect();
            let objects = owed.len() as u64;
            (Deleted { image_ids: gone.iter().map(|row| row.image_id).collect(), renders, objects }, owed)
        });
        let owed: Vec<&str> = owed.iter().map(String::as_str).collect();
        owe_objects(&mut transaction, &owed).await?;
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// What finds the study of `scope`, and by which id; `None` for everything.
fn study_of(scope: &Scope) -> Option<(&'static str, Uuid)> {
    match scope {
        Scope::Everything => None,
        Scope::Study(id) => Some(("SELECT study_id FROM studies WHERE study_id = $1", *id)),
        Scope::Series(id) => Some(("SELECT study_id FROM series WHERE series_id = $1", *id)),
        Scope::Image(id) => {
            Some(("SELECT study_id FROM series JOIN instances USING (series_id) WHERE image_id = $1", *id))
        }
    }
}

impl Above {
    /// Locations of the files of ours, each once.
    fn ours<'a>(&self, gone: &'a [GoneRow], is_ours: IsOurs<'_>) -> Vec<&'a str> {
        let is_ours = |row: &&GoneRow| {
            let digest = <[u8; 32]>::try_from(row.content_digest.as_slice()).map(ContentDigest);
            let (Ok(content_digest), Some(series_instance_uid)) = (digest, self.series.get(&row.series_id))
            else {
                return false;
            };
            is_ours(
                &row.location,
                &Stored {
                    study_instance_uid: &self.study_instance_uid,
                    series_instance_uid,
                    sop_instance_uid: &row.sop_instance_uid,
                    content_digest: &content_digest,
                },
            )
        };
        let mut ours: Vec<&str> = gone.iter().filter(is_ours).map(|row| row.location.as_str()).collect();
        ours.sort_unstable();
        ours.dedup();
        ours
    }

    /// What the others are told, and its id; `None` when nothing went.
    fn event(&self, scope: &Scope, gone: &[GoneRow], study_is_gone: bool) -> Option<(Uuid, String)> {
        let first = gone.first()?;
        let series = || self.series.get(&first.series_id).cloned();
        let data = match scope {
            _ if study_is_gone => StudyDeleted::default(),
            Scope::Everything | Scope::Study(_) => StudyDeleted::default(),
            Scope::Series(_) => StudyDeleted { series_instance_uid: series(), sop_instance_uid: None },
            Scope::Image(_) => StudyDeleted {
                series_instance_uid: series(),
                sop_instance_uid: Some(first.sop_instance_uid.clone()),
            },
        };
        let mut event = Event::new(STUDY_DELETED, SOURCE, Some(self.study_instance_uid.clone()), data);
        let event_id = Uuid::new_v4();
        event.id = event_id.to_string();
        // Texts alone: they always serialise.
        serde_json::to_string(&event).ok().map(|body| (event_id, body))
    }
}
