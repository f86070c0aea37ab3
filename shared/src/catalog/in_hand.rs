//! Connections kept in hand between statements.
//!
//! The pool of sqlx asks a connection whether it lives before each use and again after: two further round trips to a
//! server, or two further hops to the thread of SQLite, for each look on the way to a picture. A connection in hand is
//! asked only when it has been idle for a while, and goes back to the pool, which looks at it, after whatever did not
//! end well.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection, Database, pool::PoolConnection};
use tokio::time::timeout;

use crate::circuit::Circuit;

/// A connection that was idle for longer may have died with its server.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// A connection that is not used for longer is given back: others may lack it.
const KEPT_MAX: Duration = Duration::from_secs(10);
/// A server that takes longer to a ping is gone.
const PING_MAX: Duration = Duration::from_secs(1);

/// Some connections of a pool; the others are left to it.
#[derive(Debug)]
pub(super) struct InHand<DB: Database> {
    pool: sqlx::Pool<DB>,
    idle: Mutex<Vec<(PoolConnection<DB>, Instant)>>,
    idle_max: usize,
    /// Open while no connection is to be had.
    circuit: Circuit,
}

/// A connection for one statement.
pub(super) struct Held<DB: Database> {
    pub(super) connection: PoolConnection<DB>,
    home: Arc<InHand<DB>>,
}

impl<DB: Database> InHand<DB> {
    /// Keeps half of the connections of `pool`, of which there are `connections_max`.
    pub(super) fn of(pool: &sqlx::Pool<DB>, connections_max: u32) -> Arc<Self> {
        let idle_max = usize::try_from(connections_max / 2).unwrap_or(0);
        let circuit = Circuit::new(pool.options().get_acquire_timeout());
        Arc::new(Self { pool: pool.clone(), idle: Mutex::default(), idle_max, circuit })
    }

    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] at once while the server is left alone: nobody else waits for what one waited for
    /// in vain just now.
    pub(super) fn check(&self) -> Result<(), sqlx::Error> {
        if self.circuit.rests() { Err(sqlx::Error::PoolTimedOut) } else { Ok(()) }
    }

    pub(super) async fn take(self: &Arc<Self>) -> Result<Held<DB>, sqlx::Error> {
        // Alone in a statement, so that the lock is free again before anything is awaited.
        let idle = self.lock().pop();
        let connection = match idle {
            Some((connection, since)) if since.elapsed() < IDLE_MAX => connection,
            Some((mut connection, _)) => match timeout(PING_MAX, connection.ping()).await {
                Ok(Ok(())) => connection,
                Ok(Err(_)) | Err(_) => {
                    // The way back to the pool would ask it again, and may hang on it.
                    connection.close_on_drop();
                    drop(connection);
                    self.acquire().await?
                }
            },
            None => self.acquire().await?,
        };
        Ok(Held { connection, home: Arc::clone(self) })
    }

    /// A connection of the pool. A server that is away costs one caller the wait, and the others nothing.
    async fn acquire(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        if !self.circuit.lets_through() {
            return Err(sqlx::Error::PoolTimedOut);
        }
        let acquired = self.pool.acquire().await;
        match &acquired {
            Ok(_) => {
                if self.circuit.answered() {
                    tracing::info!("the catalog of NOCTIS_CATALOG_URL is to be had again");
                }
            }
            Err(sqlx::Error::PoolClosed) => {}
            Err(_) if is_at_its_limit(&self.pool) => {}
            Err(_) => {
                if self.circuit.failed() {
                    tracing::warn!(
                        "no connection to the catalog of NOCTIS_CATALOG_URL is to be had, going on without it"
                    );
                }
            }
        }
        acquired
    }

    /// Gives all back to the pool, before it is closed.
    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(PoolConnection<DB>, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Held<DB> {
    /// The statement ended well. A connection that is dropped without this goes back to the pool.
    pub(super) fn done(self) {
        let Self { connection, home } = self;
        let mut idle = home.lock();
        if idle.len() < home.idle_max && !home.pool.is_closed() {
            idle.push((connection, Instant::now()));
        }
        idle.retain(|(_, since)| since.elapsed() < KEPT_MAX);
    }
}

/// Whether all connections are busy: then it is this process that is slow, and not the server that is away.
fn is_at_its_limit<DB: Database>(pool: &sqlx::Pool<DB>) -> bool {
    pool.size() >= pool.options().get_max_connections() && pool.num_idle() == 0
}
