//! Logins: families of refresh tokens, and tokens that are no longer to be believed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    accounts::AccountRow,
    pool::{WriteTransaction, in_transaction, on_held, on_writer},
};
use crate::auth::{Account, Scopes, TokenFamily};

/// What became of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The next one is in its place. The account as it is now, and the scopes of the login.
    Rotated(Box<Account>, Scopes),
    /// It was used before, so that one of the two who have it is not who it was made for: all its family is revoked.
    Reused,
    /// It is none, or no longer.
    Unknown,
}

impl Catalog {
    /// Remembers a login of an account whose secret was found right, and forgets logins that have expired. Whether it is
    /// one: not for an account that was given another secret, or disabled, since the secret was looked at.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn start_family(
        &self,
        family: &TokenFamily,
        checked_secret_hash: &str,
    ) -> Result<bool, CatalogError> {
        const START: &str = "INSERT INTO token_families (family_id, account, scopes, refresh_digest, expires_at) \
             SELECT $1, name, $3, $4, $5 FROM accounts WHERE name = $2 AND NOT disabled AND secret_hash = $6";
        // The account must not change until the login is there to be revoked with it. SQLite has one writer.
        const START_ON_POSTGRES: &str = "INSERT INTO token_families \
             (family_id, account, scopes, refresh_digest, expires_at) \
             SELECT $1, name, $3, $4, $5 FROM accounts WHERE name = $2 AND NOT disabled AND secret_hash = $6 FOR UPDATE";
        let now = Utc::now().timestamp_micros();
        let mut transaction = self.pool.begin().await?;
        let start = match transaction {
            WriteTransaction::Sqlite(_) => START,
            WriteTransaction::Postgres(_) => START_ON_POSTGRES,
        };
        let started = in_transaction!(&mut transaction, Db, connection => {
            for delete in
                ["DELETE FROM token_families WHERE expires_at < $1", "DELETE FROM revoked_tokens WHERE expires_at < $1"]
            {
                sqlx::query::<Db>(delete).bind(now).execute(&mut *connection).await?;
            }
            sqlx::query::<Db>(start)
                .bind(family.family_id)
                .bind(&family.account)
                .bind(family.scopes.to_string())
                .bind(&family.refresh_digest[..])
                .bind(family.expires_at.timestamp_micros())
                .bind(checked_secret_hash)
                .execute(connection)
                .await?
                .rows_affected()
        });
        transaction.commit().await?;
        Ok(started == 1)
    }

    /// Puts the refresh token of the digest `next` in the place of that of the digest `used`, in one step: of two who use
    /// it at once one is refused. A family whose account is disabled has no next token. The caller sees to it that `used`
    /// was a token of this family once.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn rotate(
        &self,
        family_id: Uuid,
        used: &[u8; 32],
        next: &[u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<Rotation, CatalogError> {
        const ROTATE: &str = "UPDATE token_families SET refresh_digest = $3, expires_at = $4 \
             WHERE family_id = $1 AND refresh_digest = $2 AND NOT revoked AND expires_at > $5 \
             AND account IN (SELECT name FROM accounts WHERE NOT disabled) RETURNING account, scopes";
        const REVOKE: &str = "UPDATE token_families SET revoked = TRUE \
             WHERE family_id = $1 AND refresh_digest <> $2 AND NOT revoked";
        let now = Utc::now().timestamp_micros();
        let mut transaction = self.pool.begin().await?;
        let rotation: Result<Option<(AccountRow, String)>, u64> = in_transaction!(&mut transaction, Db, connection => {
            let rotated: Option<(String, String)> = sqlx::query_as::<Db, _>(ROTATE)
                .bind(family_id)
                .bind(&used[..])
                .bind(&next[..])
                .bind(expires_at.timestamp_micros())
                .bind(now)
                .fetch_optional(&mut *connection)
                .await?;
            match rotated {
                Some((name, scopes)) => {
                    let account = sqlx::query_as::<Db, AccountRow>("SELECT * FROM accounts WHERE name = $1")
                        .bind(name)
                        .fetch_optional(connection)
                        .await?;
                    Ok(account.map(|account| (account, scopes)))
                }
                None => {
                    let revoked = sqlx::query::<Db>(REVOKE).bind(family_id).bind(&used[..]).execute(connection);
                    Err(revoked.await?.rows_affected())
                }
            }
        });
        transaction.commit().await?;
        Ok(match rotation {
            Ok(Some((account, scopes))) => {
                Rotation::Rotated(Box::new(account.try_into()?), Scopes::known_in(&scopes))
            }
            Err(1..) => Rotation::Reused,
            Ok(None) | Err(0) => Rotation::Unknown,
        })
    }

    /// Revokes all tokens of a login; again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn revoke_family(&self, family_id: Uuid) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("UPDATE token_families SET revoked = TRUE WHERE family_id = $1")
                .bind(family_id)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Revokes a token of no family until it expires by itself; again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn revoke_token(&self, token_id: &str, expires_at: DateTime<Utc>) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(
                "INSERT INTO revoked_tokens (token_id, expires_at) VALUES ($1, $2) ON CONFLICT (token_id) DO NOTHING",
            )
            .bind(token_id)
            .bind(expires_at.timestamp_micros())
            .execute(pool)
            .await?;
        });
        Ok(())
    }

    /// Whether a token is still to be believed, as far as we issued it: of a login that is there and not revoked, whose
    /// account is not disabled, and not logged out by itself.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn believes(
        &self,
        family_id: Option<Uuid>,
        token_id: Option<&str>,
    ) -> Result<bool, CatalogError> {
        const SELECT: &str = "SELECT \
             ($1 IS NULL OR EXISTS (SELECT 1 FROM token_families JOIN accounts ON name = account \
             WHERE family_id = $1 AND NOT revoked AND NOT disabled)) \
             AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE token_id = $2)";
        let believed: bool = on_held!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>(SELECT).bind(family_id).bind(token_id).fetch_one(pool).await?
        });
        Ok(believed)
    }
}
