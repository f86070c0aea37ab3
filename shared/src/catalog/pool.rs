//! Connections to either database, and the macros that write a query once for both.
//!
//! SQLite takes one writer at a time: a pool of one connection queues the writers of this process fairly, instead of
//! letting them time out on the file lock. Readers have connections of their own (WAL: they never wait for the writer).

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use super::{CatalogError, CatalogLimits, in_hand::InHand};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// How long a statement waits for another process that writes to the same SQLite file.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a page of a new SQLite file. Pictures are many pages, and each page is written and read by calls of its own.
const SQLITE_PAGE_BYTES: u32 = 16 << 10;
/// Cuts off a statement that runs away on Postgres.
const POSTGRES_STATEMENT_TIMEOUT: &str = "60s";

#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite { reader: SqlitePool, writer: SqlitePool, in_hand: Arc<InHand<Sqlite>> },
    Postgres { pool: PgPool, in_hand: Arc<InHand<Postgres>> },
}

/// A transaction that may write; dropped without `commit`, it did nothing.
pub(super) enum WriteTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// The same expression on the connections of either database, for reading; `$db` names the database's type in it.
macro_rules! on_reader {
    ($pool:expr, $db:ident, $executor:ident => $body:expr) => {
        match $pool {
            $crate::catalog::pool::Pool::Sqlite { reader: $executor, .. } => {
                type $db = sqlx::Sqlite;
                $body
            }
            $crate::catalog::pool::Pool::Postgres { pool: $executor, in_hand } => {
                type $db = sqlx::Postgres;
                in_hand.check()?;
                $body
            }
        }
    };
}

/// The same expression on the connections of either database, for one statement that writes.
macro_rules! on_writer {
    ($pool:expr, $db:ident, $executor:ident => $body:expr) => {
        match $pool {
            $crate::catalog::pool::Pool::Sqlite { writer: $executor, .. } => {
                type $db = sqlx::Sqlite;
                $body
            }
            $crate::catalog::pool::Pool::Postgres { pool: $executor, in_hand } => {
                type $db = sqlx::Postgres;
                in_hand.check()?;
                $body
            }
        }
    };
}

/// The same expression on a connection in hand, for one statement that reads on the way to a picture. What does not end
/// well leaves by `?`.
macro_rules! on_held {
    ($pool:expr, $db:ident, $executor:ident => $body:expr) => {
        match $pool {
            $crate::catalog::pool::Pool::Sqlite { in_hand, .. } => {
                type $db = sqlx::Sqlite;
                let mut held = in_hand.take().await?;
                let $executor = &mut *held.connection;
                let found = $body;
                held.done();
                found
            }
            $crate::catalog::pool::Pool::Postgres { in_hand, .. } => {
                type $db = sqlx::Postgres;
                let mut held = in_hand.take().await?;
                let $executor = &mut *held.connection;
                let found = $body;
                held.done();
                found
            }
        }
    };
}

/// The same expression inside a transaction of either database.
macro_rules! in_transaction {
    ($transaction:expr, $db:ident, $executor:ident => $body:expr) => {
        match $transaction {
            $crate::catalog::pool::WriteTransaction::Sqlite(transaction) => {
                type $db = sqlx::Sqlite;
                let $executor = &mut **transaction;
                $body
            }
            $crate::catalog::pool::WriteTransaction::Postgres(transaction) => {
                type $db = sqlx::Postgres;
                let $executor = &mut **transaction;
                $body
            }
        }
    };
}

pub(super) use {in_transaction, on_held, on_reader, on_writer};

impl Pool {
    pub(super) async fn connect(url: &str, limits: &CatalogLimits) -> Result<Self, CatalogError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => connect_sqlite(url, limits).await,
            Some("postgres" | "postgresql") => connect_postgres(url, limits).await,
            _ => Err(CatalogError::Invalid("its URL starts with none of sqlite:, postgres://".to_owned())),
        }
    }

    /// On SQLite the write lock is taken at once: a lock taken later can fail half way.
    pub(super) async fn begin(&self) -> Result<WriteTransaction, sqlx::Error> {
        Ok(match self {
            Pool::Sqlite { writer, .. } => {
                WriteTransaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pool::Postgres { pool, in_hand } => {
                in_hand.check()?;
                WriteTransaction::Postgres(pool.begin().await?)
            }
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Pool::Sqlite { reader, writer, in_hand } => {
                // Closed before what is in hand is given back, so that nothing more is kept in hand.
                let closing = reader.close();
                in_hand.close();
                closing.await;
                // The writer last: the last connection folds the write-ahead log back into the file.
                writer.close().await;
            }
            Pool::Postgres { pool, in_hand } => {
                let closing = pool.close();
                in_hand.close();
                closing.await;
            }
        }
    }
}

impl WriteTransaction {
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            WriteTransaction::Sqlite(transaction) => transaction.commit().await,
            WriteTransaction::Postgres(transaction) => transaction.commit().await,
        }
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            WriteTransaction::Sqlite(transaction) => transaction.rollback().await,
            WriteTransaction::Postgres(transaction) => transaction.rollback().await,
        }
    }
}

async fn connect_sqlite(url: &str, limits: &CatalogLimits) -> Result<Pool, CatalogError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        .page_size(SQLITE_PAGE_BYTES)
        // For the first rows of a long list it would read all rows to make one.
        .pragma("automatic_index", "OFF")
        .synchronous(SqliteSynchronous::Normal);
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(limits.acquire_timeout)
            // A file does not go away as a server does.
            .test_before_acquire(false)
    };
    if url.starts_with("sqlite::memory:") {
        // The database lives as long as its one connection.
        let lasting = pool(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        let writer = lasting.connect_with(options).await?;
        migrate_sqlite(&writer).await?;
        return Ok(Pool::Sqlite { reader: writer.clone(), in_hand: InHand::of(&writer, 1), writer });
    }
    create_folder_of(options.get_filename()).await?;
    let writer = open_sqlite_file(&options.clone().journal_mode(SqliteJournalMode::Wal), || pool(1)).await?;
    let connections_max = limits.connections_max.max(1);
    let reader = pool(connections_max).connect_with(options.read_only(true).create_if_missing(false)).await?;
    Ok(Pool::Sqlite { in_hand: InHand::of(&reader, connections_max), reader, writer })
}

/// Tries again while another process starts on the same new file: the switch to WAL does not honour the busy timeout.
async fn open_sqlite_file(
    options: &SqliteConnectOptions,
    pool: impl Fn() -> SqlitePoolOptions,
) -> Result<SqlitePool, CatalogError> {
    let give_up_at = Instant::now() + SQLITE_BUSY_TIMEOUT;
    loop {
        let opened = match pool().connect_with(options.clone()).await {
            Ok(writer) => migrate_sqlite(&writer).await.map(|()| writer),
            Err(error) => Err(error.into()),
        };
        match opened {
            Err(error) if error.is_transient() && Instant::now() < give_up_at => {
                sleep(Duration::from_millis(20)).await;
            }
            settled => return settled,
        }
    }
}

/// All migrations under one write lock: the migrator of sqlx locks on Postgres alone, and two processes that start
/// at once on a new file would both create its tables.
async fn migrate_sqlite(writer: &SqlitePool) -> Result<(), CatalogError> {
    let mut connection = writer.acquire().await?;
    // A table that others refer to is made again without losing their rows (SQLite, "Making Other Kinds Of Table
    // Schema Changes"). The switch does nothing inside a transaction.
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut *connection).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Not `run`: its `Acquire` bound keeps futures around it from being seen as `Send`, for which sqlx has this one.
    SQLITE_MIGRATIONS.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    sqlx::query("PRAGMA foreign_keys = ON").execute(&mut *connection).await?;
    Ok(())
}

async fn create_folder_of(file: &Path) -> Result<(), CatalogError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    tokio::fs::create_dir_all(folder).await.map_err(|error| {
        CatalogError::Invalid(format!("the folder of its file cannot be made: {}", error.kind()))
    })
}

async fn connect_postgres(url: &str, limits: &CatalogLimits) -> Result<Pool, CatalogError> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("noctis")
        .options([("statement_timeout", POSTGRES_STATEMENT_TIMEOUT)]);
    let connections_max = limits.connections_max.max(1);
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(limits.acquire_timeout)
        .connect_with(options)
        .await?;
    POSTGRES_MIGRATIONS.run(&pool).await?;
    Ok(Pool::Postgres { in_hand: InHand::of(&pool, connections_max), pool })
}
