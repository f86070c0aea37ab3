//! How many bytes answers hold while they are on their way, and the bound on it.
//!
//! An answer lies in memory until its client has read it, and some clients do not read. So each takes a permit before it
//! leaves, which its last bytes carry: given back when the socket has them, or when the connection is gone. Of one client
//! each answer counts in full. In all, a picture that many read counts once, as it lies in memory once: a lecture room that
//! opens the same mammogram is no reason to refuse anybody.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::sleep;

use crate::problem::{Kind, Problem};

/// What the answers to one client may hold. Four large mammograms are some 50 MB.
const CLIENT_BYTES_MAX: u64 = 128 << 20;
/// What all answers may hold.
const BYTES_MAX: u64 = 512 << 20;
/// Shorter answers are not counted: a connection that reads and writes nothing takes as much.
const COUNTED_BYTES_MIN: usize = 16 << 10;
/// When a client may try again: what somebody reads at all is mostly read by then.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// The bytes on their way out of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outgoing(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    bytes: u64,
    by_client: HashMap<Arc<str>, u64>,
    /// Answers that hold the bytes of an address and a length. They hold them, so that nothing else can lie there.
    readers: HashMap<(usize, usize), usize>,
    /// Since there was room for much, somebody was refused.
    refuses: bool,
}

/// To whom answers go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipient<'a> {
    outgoing: &'a Outgoing,
    client: &'a str,
}

/// The right to hold some bytes until they are read. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    outgoing: Outgoing,
    client: Arc<str>,
    shared: Bytes,
    own_bytes: u64,
}

impl Outgoing {
    pub(crate) fn to<'a>(&'a self, client: &'a str) -> Recipient<'a> {
        Recipient { outgoing: self, client }
    }

    /// What answers hold now.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recipient<'_> {
    /// `body` as an answer that counts until it is read.
    ///
    /// # Errors
    /// 503 when too much is unread.
    pub(crate) fn take(self, body: Bytes) -> Result<Bytes, Problem> {
        let permit = self.admit(&body, 0)?;
        Ok(carried(permit, body))
    }

    /// The same, once its client has read enough of those before it: for the further pieces of an answer that has begun. One that
    /// never reads is cut off by its connection.
    pub(crate) async fn take_in_turn(self, body: Bytes) -> Bytes {
        loop {
            match self.take(body.clone()) {
                Ok(body) => return body,
                Err(problem) => sleep(problem.pause()).await,
            }
        }
    }

    /// A permit for an answer that holds `shared`, which others may hold too, and `own_bytes` of its own. `None` for one
    /// that is too short to count.
    ///
    /// # Errors
    /// 503 when too much is unread. A client that has read all may have any answer, however long, and so may one alone.
    pub(crate) fn admit(self, shared: &Bytes, own_bytes: u64) -> Result<Option<Permit>, Problem> {
        if shared.len() < COUNTED_BYTES_MIN {
            return Ok(None);
        }
        let answer_bytes = byte_count(shared) + own_bytes;
        let mut held = self.outgoing.lock();
        let of_client = held.by_client.get(self.client).copied().unwrap_or(0);
        if of_client > 0 && of_client + answer_bytes > CLIENT_BYTES_MAX {
            return Err(held
                .refuse("client", "The answers that this client has not read yet hold all that they may."));
        }
        let is_held = held.readers.contains_key(&place(shared));
        let more_bytes = if is_held { own_bytes } else { answer_bytes };
        if held.bytes > 0 && held.bytes + more_bytes > BYTES_MAX {
            return Err(held.refuse("all", "The answers that have not been read yet hold all that they may."));
        }
        let client = match held.by_client.get_key_value(self.client) {
            Some((client, _)) => Arc::clone(client),
            None => self.client.into(),
        };
        held.bytes += more_bytes;
        *held.by_client.entry(Arc::clone(&client)).or_default() += answer_bytes;
        *held.readers.entry(place(shared)).or_default() += 1;
        Ok(Some(Permit { outgoing: self.outgoing.clone(), client, shared: shared.clone(), own_bytes }))
    }
}

impl Held {
    /// The problem of one who is past the bound named so. Said in the log when it begins.
    fn refuse(&mut self, bound: &'static str, detail: &'static str) -> Problem {
        metrics::counter!("noctis_answers_refused_total", "bound" => bound).increment(1);
        if !mem::replace(&mut self.refuses, true) {
            tracing::warn!(bound, "answers are refused until earlier ones are read");
        }
        Problem::new(Kind::AnswersUnread, detail).retry_after(RETRY_PAUSE)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = self.outgoing.lock();
        let held = &mut *held;
        let shared_bytes = byte_count(&self.shared);
        if let Some(of_client) = held.by_client.get_mut(&self.client) {
            *of_client -= shared_bytes + self.own_bytes;
            if *of_client == 0 {
                held.by_client.remove(&self.client);
            }
        }
        held.bytes -= self.own_bytes;
        if let Entry::Occupied(mut readers) = held.readers.entry(place(&self.shared)) {
            *readers.get_mut() -= 1;
            if *readers.get() == 0 {
                readers.remove();
                held.bytes -= shared_bytes;
            }
        }
        held.refuses &= held.bytes > CLIENT_BYTES_MAX / 2;
    }
}

/// `bytes`, whose last holder gives `permit` back. A server takes a whole body at once and keeps its bytes until the
/// socket has them: a body that held the permit itself would give it back too early.
pub(crate) fn carried(permit: Option<Permit>, bytes: Bytes) -> Bytes {
    match permit {
        Some(permit) => Bytes::from_owner(Carried { bytes, _permit: permit }),
        None => bytes,
    }
}

struct Carried {
    bytes: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Carried {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where bytes lie, and how many: parts of one allocation count on their own.
fn place(bytes: &Bytes) -> (usize, usize) {
    (bytes.as_ptr().addr(), bytes.len())
}

fn byte_count(bytes: &Bytes) -> u64 {
    bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn picture(bytes: u64) -> Bytes {
        vec![7; usize::try_from(bytes).expect("it fits")].into()
    }

    #[test]
    fn bytes_count_until_their_last_holder_has_let_go_of_them() {
        let outgoing = Outgoing::default();
        let sent = outgoing.to("a").take(picture(MIB)).expect("admitted");
        assert_eq!((outgoing.bytes(), sent.len() as u64), (MIB, MIB));
        let unsent = sent.slice(1000..);
        drop(sent);
        assert_eq!(outgoing.bytes(), MIB, "a part waits for the socket");
        drop(unsent);
        assert_eq!(outgoing.bytes(), 0);
        let held = outgoing.lock();
        assert!(held.by_client.is_empty() && held.readers.is_empty(), "{held:?}");
    }

    #[test]
    fn a_client_is_refused_past_its_bound_and_others_are_not() {
        let outgoing = Outgoing::default();
        let picture = picture(CLIENT_BYTES_MAX / 4);
        let mut unread: Vec<Bytes> =
            (0..4).map(|_| outgoing.to("a").take(picture.clone()).expect("admitted")).collect();
        let refused = outgoing.to("a").take(picture.clone()).expect_err("past the bound");
        assert_eq!(refused.kind(), Kind::AnswersUnread);
        assert!(outgoing.to("b").take(picture.clone()).is_ok());
        unread.pop();
        assert!(outgoing.to("a").take(picture).is_ok(), "one was read");
    }

    #[test]
    fn what_many_read_counts_once_and_different_pictures_count_each() {
        let outgoing = Outgoing::default();
        let to = |client: u32, picture: &Bytes, own_bytes| {
            outgoing.to(&client.to_string()).admit(picture, own_bytes)
        };
        let shared = picture(MIB);
        let readers: Vec<_> = (0..1000).map(|client| to(client, &shared, 1000).expect("admitted")).collect();
        assert_eq!(outgoing.bytes(), MIB + 1000 * 1000);
        drop(readers);
        let other = picture(MIB);
        let most = BYTES_MAX / MIB;
        let mut alone = Vec::new();
        for client in 0..u32::try_from(most).expect("it fits") {
            // As large and elsewhere; own bytes stand for the pictures that a test need not make.
            alone.push(to(client, &other, if client == 0 { 0 } else { MIB }).expect("admitted"));
        }
        assert_eq!(outgoing.bytes(), BYTES_MAX);
        let refused = to(999, &shared, 0).expect_err("past the bound");
        assert_eq!(refused.kind(), Kind::AnswersUnread);
        drop(alone);
        assert!(to(999, &shared, 0).is_ok());
    }

    #[test]
    fn one_answer_goes_however_long_it_is_and_short_ones_do_not_count() {
        let outgoing = Outgoing::default();
        let large = outgoing.to("a").admit(&picture(MIB), 2 * BYTES_MAX).expect("alone");
        assert!(outgoing.to("b").admit(&picture(MIB), 0).is_err());
        assert!(outgoing.to("b").take(Bytes::from_static(b"short")).is_ok());
        drop(large);
        assert_eq!(outgoing.bytes(), 0);
    }
}
