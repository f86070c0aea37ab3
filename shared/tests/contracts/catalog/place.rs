//! A fresh, empty database for one test, and its removal.

use std::{env, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use noctis_shared::catalog::{Catalog, CatalogLimits};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Debug, Clone, Copy)]
pub(super) enum Variant {
    SqliteFile,
    SqliteMemory,
    Postgres,
}

/// Where a test's database is.
pub(super) struct Place {
    pub(super) url: String,
    /// Held for the file in it.
    _folder: Option<TempDir>,
}

impl Place {
    /// Runs `test` on a fresh database of `variant`, and removes it whether the test passes or not.
    pub(super) async fn with<T: Future<Output = ()>>(variant: Variant, test: impl FnOnce(Arc<Place>) -> T) {
        match variant {
            Variant::SqliteFile => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}/state/catalog.sqlite", folder.path().display());
                test(Arc::new(Place { url, _folder: Some(folder) })).await;
            }
            Variant::SqliteMemory => {
                test(Arc::new(Place { url: "sqlite::memory:".to_owned(), _folder: None })).await;
            }
            Variant::Postgres => {
                let database = format!("noctis_test_{}", Uuid::new_v4().simple());
                administer(format!("CREATE DATABASE {database} TEMPLATE template0")).await;
                let place = Place { url: postgres_url(&database), _folder: None };
                let outcome = AssertUnwindSafe(test(Arc::new(place))).catch_unwind().await;
                administer(format!("DROP DATABASE {database} WITH (FORCE)")).await;
                outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        }
    }

    /// A database that something else removes.
    pub(super) fn new(url: String) -> Self {
        Place { url, _folder: None }
    }

    pub(super) async fn connect(&self) -> Catalog {
        self.connect_with(CatalogLimits::default()).await
    }

    pub(super) async fn connect_with(&self, limits: CatalogLimits) -> Catalog {
        // Few connections, since many tests share one server; long waits, since they share few cores.
        let limits = CatalogLimits { connections_max: 4, acquire_timeout: Duration::from_secs(60), ..limits };
        Catalog::connect(&self.url, limits).await.expect("a catalog that starts")
    }
}

fn server_url() -> String {
    env::var("NOCTIS_TEST_POSTGRES_URL").unwrap_or_else(|_| "postgres://root@127.0.0.1:5432/test".to_owned())
}

fn postgres_url(database: &str) -> String {
    let mut url = url::Url::parse(&server_url()).expect("NOCTIS_TEST_POSTGRES_URL is a URL");
    url.set_path(database);
    url.to_string()
}

async fn administer(statement: String) {
    let mut connection =
        PgConnection::connect(&server_url()).await.expect("Postgres answers at NOCTIS_TEST_POSTGRES_URL");
    connection.execute(AssertSqlSafe(statement)).await.expect("a role that may create databases");
    connection.close().await.unwrap();
}
