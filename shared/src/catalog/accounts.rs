//! People and services of our own.

use chrono::DateTime;

use super::{
    Catalog, CatalogError,
    pool::{in_transaction, on_reader, on_writer},
};
use crate::auth::{Account, AccountKind};

/// Longest name of an account, in bytes.
pub const ACCOUNT_NAME_BYTES_MAX: usize = 128;

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    name: String,
    is_service: bool,
    secret_hash: String,
    scopes: String,
    studies: Option<String>,
    disabled: bool,
    created_at: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = CatalogError;

    fn try_from(row: AccountRow) -> Result<Self, Self::Error> {
        let does_not_read = || CatalogError::Failed("an account does not read".to_owned());
        // Failing to read what an account is held to must not let it see all.
        let studies = row.studies.map(|json| serde_json::from_str(&json)).transpose();
        Ok(Account {
            name: row.name,
            kind: if row.is_service { AccountKind::Service } else { AccountKind::Person },
            secret_hash: row.secret_hash,
            scopes: row.scopes.parse().map_err(|_| does_not_read())?,
            studies: studies.map_err(|_| does_not_read())?,
            disabled: row.disabled,
            created_at: DateTime::from_timestamp_micros(row.created_at).ok_or_else(does_not_read)?,
        })
    }
}

impl Catalog {
    /// Adds an account; whether its name was free.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a name that is none; [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn add_account(&self, account: &Account) -> Result<bool, CatalogError> {
        check_account_name(&account.name)?;
        let studies = account.studies.as_ref().map(serde_json::to_string).transpose();
        let studies =
            studies.map_err(|_| CatalogError::Failed("a list of studies does not serialise".to_owned()))?;
        on_writer!(&self.pool, Db, pool => {
            let added = sqlx::query::<Db>(
                "INSERT INTO accounts (name, is_service, secret_hash, scopes, studies, disabled, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
            )
            .bind(&account.name)
            .bind(account.kind == AccountKind::Service)
            .bind(&account.secret_hash)
            .bind(account.scopes.to_string())
            .bind(studies)
            .bind(account.disabled)
            .bind(account.created_at.timestamp_micros())
            .execute(pool)
            .await?;
            Ok(added.rows_affected() == 1)
        })
    }

    /// The account of this name; `None` for one that is none.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer; [`CatalogError::Failed`] for a row that does not
    /// read.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, CatalogError> {
        if check_account_name(name).is_err() {
            return Ok(None);
        }
        let row: Option<AccountRow> = on_reader!(&self.pool, Db, pool => {
            let select = sqlx::query_as::<Db, _>("SELECT * FROM accounts WHERE name = $1");
            select.bind(name).fetch_optional(pool).await?
        });
        row.map(Account::try_from).transpose()
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// As [`Catalog::account`].
    pub async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        let rows: Vec<AccountRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>("SELECT * FROM accounts ORDER BY name").fetch_all(pool).await?
        });
        rows.into_iter().map(Account::try_from).collect()
    }

    /// Gives an account another secret and revokes its tokens; whether there is one of this name.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn set_secret(&self, name: &str, secret_hash: &str) -> Result<bool, CatalogError> {
        self.change_account(name, "UPDATE accounts SET secret_hash = $2 WHERE name = $1", secret_hash).await
    }

    /// Lets an account log in no more, or again, and revokes its tokens; whether there is one of this name.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<bool, CatalogError> {
        self.change_account(name, "UPDATE accounts SET disabled = $2 WHERE name = $1", disabled).await
    }

    /// `update` with the name and `value`, and what tokens there are goes with it.
    async fn change_account<V>(
        &self,
        name: &str,
        update: &'static str,
        value: V,
    ) -> Result<bool, CatalogError>
    where
        V: Copy
            + Send
            + for<'q> sqlx::Encode<'q, sqlx::Sqlite>
            + sqlx::Type<sqlx::Sqlite>
            + for<'q> sqlx::Encode<'q, sqlx::Postgres>
            + sqlx::Type<sqlx::Postgres>,
    {
        if check_account_name(name).is_err() {
            return Ok(false);
        }
        let mut transaction = self.pool.begin().await?;
        let is_there = in_transaction!(&mut transaction, Db, connection => {
            let updated = sqlx::query::<Db>(update).bind(name).bind(value).execute(&mut *connection).await?;
            sqlx::query::<Db>("UPDATE token_families SET revoked = TRUE WHERE account = $1")
                .bind(name)
                .execute(connection)
                .await?;
            updated.rows_affected() == 1
        });
        transaction.commit().await?;
        Ok(is_there)
    }
}

/// Whether `name` can be the name of an account.
///
/// # Errors
/// [`CatalogError::Invalid`] for one that cannot.
pub fn check_account_name(name: &str) -> Result<(), CatalogError> {
    let fits = !name.is_empty() && name.len() <= ACCOUNT_NAME_BYTES_MAX && name.trim() == name;
    if fits && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(CatalogError::Invalid(format!(
        "the name of an account takes 1 to {ACCOUNT_NAME_BYTES_MAX} bytes without control characters, and no space around them"
    )))
}
