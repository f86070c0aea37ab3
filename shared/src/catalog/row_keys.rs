//! Which row stands for which series or instance, where one UID may name several.
//!
//! The key of a row is UUID version 5 of its UID as long as no other row has it, else its own id
//! ([`own_id`](crate::own_id)). Keys are a matter of the catalog: what the outside sees of a row whose UID is shared
//! is its own id, whichever came first.

use std::{collections::HashMap, hash::Hash};

use uuid::Uuid;

/// A row that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownRow {
    pub(super) key: Uuid,
    /// UUID version 5 of its UID.
    pub(super) uid_id: Uuid,
    /// Whether its `uid_id` is in its column: another row has, or had, this UID.
    pub(super) is_marked: bool,
}

/// The rows of one table that share UIDs with a batch, and those that the batch adds.
pub(super) struct RowKeys<Identity> {
    rows: HashMap<Identity, KnownRow>,
    keys_of_uid: HashMap<Uuid, Vec<Uuid>>,
    known: Vec<KnownRow>,
}

impl<Identity: Eq + Hash> RowKeys<Identity> {
    /// `known` are all rows that have one of the UIDs of the batch.
    pub(super) fn new(known: impl IntoIterator<Item = (Identity, KnownRow)>) -> Self {
        let mut keys = Self { rows: HashMap::new(), keys_of_uid: HashMap::new(), known: Vec::new() };
        for (identity, row) in known {
            keys.known.push(row);
            keys.add(identity, row);
        }
        keys
    }

    fn add(&mut self, identity: Identity, row: KnownRow) {
        self.keys_of_uid.entry(row.uid_id).or_default().push(row.key);
        self.rows.insert(identity, row);
    }

    /// The key of the row for `identity`: the one it has, or a new one.
    pub(super) fn key(&mut self, identity: Identity, uid_id: Uuid, own_id: Uuid) -> Uuid {
        if let Some(row) = self.rows.get(&identity) {
            return row.key;
        }
        let is_free = !self.keys_of_uid.get(&uid_id).is_some_and(|keys| keys.contains(&uid_id));
        let key = if is_free { uid_id } else { own_id };
        self.add(identity, KnownRow { key, uid_id, is_marked: false });
        key
    }

    /// The key of a row that is written, and what stands in its column `uid_id`: the id, where the UID is or was
    /// another row's too.
    pub(super) fn columns(&self, identity: &Identity) -> Option<(Uuid, Option<Uuid>)> {
        let row = self.rows.get(identity)?;
        Some((row.key, (row.is_marked || self.is_shared(row.uid_id)).then_some(row.uid_id)))
    }

    /// Keys of rows that were alone with their UID so far.
    pub(super) fn to_be_marked(&self) -> Vec<Uuid> {
        let unmarked = self.known.iter().filter(|row| !row.is_marked && self.is_shared(row.uid_id));
        unmarked.map(|row| row.key).collect()
    }

    fn is_shared(&self, uid_id: Uuid) -> bool {
        self.keys_of_uid.get(&uid_id).is_some_and(|keys| keys.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: Uuid = Uuid::from_u128(1);

    fn own(study: u128) -> Uuid {
        Uuid::from_u128(100 + study)
    }

    #[test]
    fn the_first_row_of_a_uid_has_its_id_and_later_ones_their_own() {
        let mut keys: RowKeys<u128> = RowKeys::new([]);
        assert_eq!(keys.key(1, UID, own(1)), UID);
        assert_eq!(keys.columns(&1), Some((UID, None)));
        assert_eq!(keys.key(2, UID, own(2)), own(2));
        assert_eq!(keys.key(1, UID, own(1)), UID, "asked again");
        assert_eq!(keys.columns(&1), Some((UID, Some(UID))));
        assert_eq!(keys.columns(&2), Some((own(2), Some(UID))));
        assert!(keys.to_be_marked().is_empty(), "both are written now");
    }

    #[test]
    fn a_row_that_was_alone_is_marked_when_another_comes() {
        let alone = KnownRow { key: UID, uid_id: UID, is_marked: false };
        let mut keys = RowKeys::new([(1, alone)]);
        assert!(keys.to_be_marked().is_empty());
        assert_eq!(keys.key(2, UID, own(2)), own(2));
        assert_eq!(keys.to_be_marked(), [UID]);
    }

    #[test]
    fn a_key_that_became_free_is_taken_and_the_row_still_marked() {
        let left = KnownRow { key: own(2), uid_id: UID, is_marked: true };
        let mut keys = RowKeys::new([(2, left)]);
        assert_eq!(keys.key(1, UID, own(1)), UID);
        assert_eq!(keys.columns(&1), Some((UID, Some(UID))));
    }
}
