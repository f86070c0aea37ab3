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

/// A connection that was idle for longer may have died with its server.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Some connections of a pool; the others are left to it.
#[derive(Debug)]
pub(super) struct InHand<DB: Database> {
    pool: sqlx::Pool<DB>,
    idle: Mutex<Vec<(PoolConnection<DB>, Instant)>>,
    idle_max: usize,
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
        Arc::new(Self { pool: pool.clone(), idle: Mutex::default(), idle_max })
    }

    pub(super) async fn take(self: &Arc<Self>) -> Result<Held<DB>, sqlx::Error> {
        // Alone in a statement, so that the lock is free again before anything is awaited.
        let idle = self.lock().pop();
        let connection = match idle {
            Some((connection, since)) if since.elapsed() < IDLE_MAX => connection,
            Some((mut connection, _)) => match connection.ping().await {
                Ok(()) => connection,
                Err(_) => {
                    drop(connection);
                    self.pool.acquire().await?
                }
            },
            None => self.pool.acquire().await?,
        };
        Ok(Held { connection, home: Arc::clone(self) })
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
    }
}
