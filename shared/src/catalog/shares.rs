//! Links that were made to be shown around.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{in_transaction, on_reader, on_writer},
};
use crate::auth::{Share, SharedThing};

#[derive(sqlx::FromRow)]
struct ShareRow {
    share_id: Uuid,
    study_id: Uuid,
    series_id: Option<Uuid>,
    image_id: Option<Uuid>,
    shared_by: String,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<ShareRow> for Share {
    type Error = CatalogError;

    fn try_from(row: ShareRow) -> Result<Self, Self::Error> {
        let moment = |micros| {
            let does_not_read = || CatalogError::Failed("a share does not read".to_owned());
            DateTime::from_timestamp_micros(micros).ok_or_else(does_not_read)
        };
        let study_id = row.study_id;
        let thing = match (row.image_id, row.series_id) {
            (Some(image_id), _) => SharedThing::Image { study_id, image_id },
            (None, Some(series_id)) => SharedThing::Series { study_id, series_id },
            (None, None) => SharedThing::Study { study_id },
        };
        Ok(Share {
            share_id: row.share_id,
            thing,
            shared_by: row.shared_by,
            created_at: moment(row.created_at)?,
            expires_at: moment(row.expires_at)?,
        })
    }
}

impl Catalog {
    /// Remembers a link, and forgets those that work no more.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn add_share(&self, share: &Share) -> Result<(), CatalogError> {
        let (series_id, image_id) = match share.thing {
            SharedThing::Study { .. } => (None, None),
            SharedThing::Series { series_id, .. } => (Some(series_id), None),
            SharedThing::Image { image_id, .. } => (None, Some(image_id)),
        };
        let mut transaction = self.pool.begin().await?;
        in_transaction!(&mut transaction, Db, connection => {
            sqlx::query::<Db>("DELETE FROM shares WHERE expires_at < $1")
                .bind(Utc::now().timestamp_micros())
                .execute(&mut *connection)
                .await?;
            sqlx::query::<Db>(
                "INSERT INTO shares (share_id, study_id, series_id, image_id, shared_by, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(share.share_id)
            .bind(share.thing.study_id())
            .bind(series_id)
            .bind(image_id)
            .bind(&share.shared_by)
            .bind(share.created_at.timestamp_micros())
            .bind(share.expires_at.timestamp_micros())
            .execute(connection)
            .await?;
        });
        transaction.commit().await?;
        Ok(())
    }

    /// The link of this name, as long as it works: not revoked, not expired, and not made by an account that is disabled.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn share(&self, share_id: Uuid) -> Result<Option<Share>, CatalogError> {
        const SELECT: &str = "SELECT share_id, study_id, series_id, image_id, shared_by, created_at, expires_at \
             FROM shares WHERE share_id = $1 AND NOT revoked AND expires_at > $2 \
             AND NOT EXISTS (SELECT 1 FROM accounts WHERE disabled AND 'sub:' || name = shared_by)";
        let row: Option<ShareRow> = on_reader!(&self.pool, Db, pool => {
            let select = sqlx::query_as::<Db, _>(SELECT).bind(share_id).bind(Utc::now().timestamp_micros());
            select.fetch_optional(pool).await?
        });
        row.map(Share::try_from).transpose()
    }

    /// Ends a link; again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn revoke_share(&self, share_id: Uuid) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            let update = sqlx::query::<Db>("UPDATE shares SET revoked = TRUE WHERE share_id = $1");
            update.bind(share_id).execute(pool).await?;
        });
        Ok(())
    }
}
