//! What can go wrong with the catalog, in words that hold no value of any row.

use sqlx::error::DatabaseError;

/// Why the catalog did not do it. Messages of a database can quote values, patient names among them:
/// only its codes are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// It does not answer now; the same call may work later.
    #[error("the catalog does not answer: {0}")]
    Unavailable(String),
    /// The call, the URL or the cursor is wrong; the same call fails again.
    #[error("the catalog cannot take this: {0}")]
    Invalid(String),
    /// The database refused, or a row does not read: a fault of this program or of its migrations.
    #[error("the catalog failed: {0}")]
    Failed(String),
}

impl CatalogError {
    /// Whether the same call may work later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, CatalogError::Unavailable(_))
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::Database(error) => from_database(error.as_ref()),
            Error::Io(error) => Self::Unavailable(format!("connection: {}", error.kind())),
            Error::PoolTimedOut => Self::Unavailable("no connection became free in time".to_owned()),
            Error::PoolClosed => Self::Unavailable("it is closed".to_owned()),
            Error::Tls(_) => Self::Unavailable("TLS".to_owned()),
            Error::Protocol(_) => Self::Unavailable("a broken connection".to_owned()),
            Error::WorkerCrashed => Self::Unavailable("its worker thread ended".to_owned()),
            Error::Configuration(_) => Self::Invalid("the URL does not read".to_owned()),
            Error::ColumnDecode { index, .. } => Self::Failed(format!("column {index} does not read")),
            Error::Migrate(error) => Self::from(*error),
            _ => Self::Failed("a query and its rows do not fit".to_owned()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for CatalogError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::from(error),
            // Versions and checksums alone.
            other => Self::Failed(format!("migrations: {other}")),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> CatalogError {
    let code = error.code().unwrap_or_default().into_owned();
    if is_transient_code(&code) {
        CatalogError::Unavailable(format!("database code {code}"))
    } else {
        CatalogError::Failed(format!("database code {code}"))
    }
}

/// SQLSTATE classes of Postgres (its manual, appendix A) and primary result codes of SQLite that pass with time.
fn is_transient_code(code: &str) -> bool {
    /// Connection, rollback of a transaction, resources, lock, intervention of an operator, system.
    const SQLSTATE_CLASSES: [&str; 6] = ["08", "40", "53", "55", "57", "58"];
    /// BUSY, LOCKED, IOERR, FULL, CANTOPEN.
    const SQLITE_RESULTS: [u32; 5] = [5, 6, 10, 13, 14];
    if code.len() == 5 && !code.starts_with(' ') {
        return SQLSTATE_CLASSES.iter().any(|class| code.starts_with(class));
    }
    // The low byte is the primary code, the rest says which kind.
    code.parse::<u32>().is_ok_and(|code| SQLITE_RESULTS.contains(&(code & 0xff)))
}

/// Whether Postgres ended this transaction for the sake of another one (40001, 40P01): it may be run again at once.
pub(super) fn lost_to_another_transaction(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_pass_with_time_are_told_from_those_that_stay() {
        let cases = [
            ("57P01", true),  // admin_shutdown
            ("08006", true),  // connection_failure
            ("40P01", true),  // deadlock_detected
            ("5", true),      // SQLITE_BUSY
            ("261", true),    // SQLITE_BUSY_RECOVERY
            ("23505", false), // unique_violation
            ("42P01", false), // undefined_table
            ("2067", false),  // SQLITE_CONSTRAINT_UNIQUE
        ];
        for (code, transient) in cases {
            assert_eq!(is_transient_code(code), transient, "{code}");
        }
    }
}
