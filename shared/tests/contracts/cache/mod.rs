//! The contract of the cache: the lines at the head of `noctis_shared::cache`, run on memory and on Redis.
//! Redis is at `NOCTIS_TEST_REDIS_URL`, `redis://127.0.0.1:6379` without it.

mod clusterwide;
pub(crate) mod fixture;
mod outage;
mod variants;
