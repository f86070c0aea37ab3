//! Recording a batch of instances: decide what is new, then write study, series and instances in one transaction.
//!
//! Several workers may index one study at once. The row of the study is the lock between them; counts move by
//! differences under that lock. What slips through (one UID under two studies, which both would give the same key) is
//! seen in the number of rows written: the transaction is rolled back and decided anew.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use uuid::Uuid;

use super::{
    Catalog, CatalogError, IsOurs, NewInstance, Recorded,
    batch_rows::{ImageIdentity, InstanceRow, KeyedInstance, SeriesIdentity, SeriesRow, StudyRow},
    batch_sql::{self, GoneFile, Known, KnownInstance},
    bulk_values, errands,
    error::lost_to_another_transaction,
    patient::Patient,
    pool::WriteTransaction,
    row_keys::{KnownRow, RowKeys},
};
use crate::{render_key::ContentDigest, storage::Stored};

/// How often a batch is decided anew when other writers were faster.
const ATTEMPTS_MAX: u32 = 10;

impl Catalog {
    /// Records a batch, all or nothing; the answer is aligned with it. Duplicates inside the batch count too.
    /// Facts of a study or series that an earlier file told stay; with `replace` those of the newer files are right. A file
    /// of another patient than its study's is told with its own facts, and the study keeps its patient as long as any of
    /// its files is of that one; once all of them are replaced by those of one other patient, it is that patient's.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer or other writers keep changing the same
    /// instances, also while somebody removes a file of the batch, which was owed; nothing was recorded then.
    /// [`CatalogError::Invalid`] for a location with a NUL in it.
    pub async fn record_instances(
        &self,
        batch: &[NewInstance],
        replace: bool,
    ) -> Result<Vec<Recorded>, CatalogError> {
        self.record_instances_owing(batch, replace, &|_, _| false).await
    }

    /// The same; of what others took the place of, the files that `is_ours` names are owed from now on
    /// ([`Catalog::take_owed_objects`]).
    ///
    /// # Errors
    /// As [`Catalog::record_instances`].
    pub async fn record_instances_owing(
        &self,
        batch: &[NewInstance],
        replace: bool,
        is_ours: IsOurs<'_>,
    ) -> Result<Vec<Recorded>, CatalogError> {
        if batch.iter().any(|instance| instance.location.contains('\0')) {
            return Err(CatalogError::Invalid("a location with a NUL in it".to_owned()));
        }
        let rows: Vec<InstanceRow<'_>> = batch.iter().map(InstanceRow::new).collect();
        for _ in 0..ATTEMPTS_MAX {
            // A glance without locks: an index run over a known archive writes nothing and waits for nobody.
            let plan = Plan::new(&rows, &batch_sql::known_before(&self.pool, &rows).await?, replace);
            bulk_values::complete(&self.pool, &plan.lacking).await?;
            if plan.new.is_empty() {
                return Ok(plan.recorded);
            }
            match self.write_batch(&rows, &plan, replace, is_ours).await {
                Ok(Some(recorded)) => return Ok(recorded),
                Ok(None) => {}
                Err(error) if lost_to_another_transaction(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CatalogError::Unavailable("other writers keep changing the same instances".to_owned()))
    }

    /// `None` when another writer got in between: nothing was written, the batch is to be decided anew.
    async fn write_batch(
        &self,
        rows: &[InstanceRow<'_>],
        glance: &Plan<'_>,
        replace: bool,
        is_ours: IsOurs<'_>,
    ) -> Result<Option<Vec<Recorded>>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let studies = glance.studies(replace);
        batch_sql::upsert_studies(&mut transaction, &studies, replace).await?;
        // Under the lock of the studies, what is known now stays known until the commit.
        let plan = Plan::new(rows, &batch_sql::known(&mut transaction, rows).await?, replace);
        let locked: HashSet<Uuid> = studies.iter().map(|study| study.study_id).collect();
        let complete = !plan.sees_a_stranger_that(glance)
            && plan.new.iter().all(|row| locked.contains(&row.study_id))
            && write_plan(&mut transaction, &plan, locked, replace, is_ours).await?;
        if complete {
            transaction.commit().await?;
            Ok(Some(plan.recorded))
        } else {
            transaction.rollback().await?;
            Ok(None)
        }
    }
}

/// Whether every row was written as planned.
async fn write_plan(
    transaction: &mut WriteTransaction,
    plan: &Plan<'_>,
    touched_studies: HashSet<Uuid>,
    replace: bool,
    is_ours: IsOurs<'_>,
) -> Result<bool, sqlx::Error> {
    let series_uid_ids = plan.new.iter().map(|row| row.series_uid_id).collect();
    let known_series = batch_sql::known_series(transaction, series_uid_ids).await?;
    let series_keys = plan.series_keys(known_series);
    let Some(gone) = batch_sql::remove_instances(transaction, &plan.replaced).await? else {
        return Ok(false);
    };
    errands::owe_objects(transaction, &plan.left_behind(&gone, is_ours)).await?;
    let locations: Vec<&str> = plan.new.iter().map(|row| row.instance.location.as_str()).collect();
    if !errands::forgive_objects(transaction, &locations).await?
        || !batch_sql::upsert_series(transaction, &plan.series(&series_keys, replace), replace).await?
        || !batch_sql::insert_instances(transaction, &plan.instances(&series_keys)).await?
    {
        return Ok(false);
    }
    batch_sql::mark_shared(transaction, ["series", "series_id"], &series_keys.to_be_marked()).await?;
    batch_sql::mark_shared(transaction, ["instances", "image_id"], &plan.keys.to_be_marked()).await?;
    if replace && !plan.strangers.is_empty() {
        batch_sql::follow_corrections(transaction, &touched_studies).await?;
    }
    batch_sql::remove_empty_studies(transaction, touched_studies).await?;
    Ok(true)
}

/// What is to be written for a batch, given what is known.
struct Plan<'a> {
    /// One for each instance of the batch.
    recorded: Vec<Recorded>,
    /// What is inserted.
    new: Vec<&'a InstanceRow<'a>>,
    keys: RowKeys<ImageIdentity>,
    /// What is not inserted, since a later file of the batch took its place.
    superseded: Vec<&'a InstanceRow<'a>>,
    /// Keys of known instances that make way, and of the series they are in.
    replaced: BTreeMap<Uuid, Uuid>,
    /// Of each study, as far as the catalog and the files so far tell.
    patients: HashMap<Uuid, Patient>,
    /// New instances whose study is another patient's.
    strangers: HashSet<ImageIdentity>,
    /// Known instances whose rows are of a release that kept less of them.
    lacking: Vec<(Uuid, &'a NewInstance)>,
}

impl<'a> Plan<'a> {
    fn new(rows: &'a [InstanceRow<'a>], known: &Known, replace: bool) -> Self {
        let mut plan = Plan {
            recorded: Vec::with_capacity(rows.len()),
            new: Vec::new(),
            superseded: Vec::new(),
            keys: RowKeys::new(known.instances.iter().map(|known| (known.identity(), known.row()))),
            replaced: BTreeMap::new(),
            patients: known.patients.iter().map(|of| (of.study_id, of.patient.clone())).collect(),
            strangers: HashSet::new(),
            lacking: Vec::new(),
        };
        let known: HashMap<ImageIdentity, &KnownInstance> =
            known.instances.iter().map(|known| (known.identity(), known)).collect();
        let mut place_in_new: HashMap<ImageIdentity, usize> = HashMap::new();
        for row in rows {
            let recorded = match place_in_new.entry(row.identity()) {
                Entry::Occupied(place) => plan.record_again(*place.get(), row, replace),
                Entry::Vacant(place) => {
                    let recorded = plan.record(row, known.get(&row.identity()).copied(), replace);
                    if !matches!(recorded, Recorded::Duplicate | Recorded::Conflict) {
                        place.insert(plan.new.len());
                        plan.new.push(row);
                    }
                    recorded
                }
            };
            plan.recorded.push(recorded);
        }
        plan
    }

    /// An instance that no file before it in the batch is.
    fn record(&mut self, row: &InstanceRow<'a>, known: Option<&KnownInstance>, replace: bool) -> Recorded {
        match known {
            Some(known) if known.content_digest == row.content_digest() => {
                if known.lacks_bulk_values {
                    self.lacking.push((known.row().key, row.instance));
                }
                Recorded::Duplicate
            }
            Some(_) if !replace => Recorded::Conflict,
            Some(known) => {
                let image_id = self.key(row);
                self.replaced.insert(image_id, known.series_key);
                self.note_patient(row);
                Recorded::Replaced { image_id }
            }
            None => {
                self.key(row);
                if self.note_patient(row) { Recorded::Accepted } else { Recorded::OtherPatient }
            }
        }
    }

    /// The second instance of the batch under one UID.
    fn record_again(&mut self, place: usize, row: &'a InstanceRow<'a>, replace: bool) -> Recorded {
        if self.new[place].content_digest() == row.content_digest() {
            Recorded::Duplicate
        } else if replace {
            self.superseded.push(std::mem::replace(&mut self.new[place], row));
            self.note_patient(row);
            Recorded::Replaced { image_id: self.key(row) }
        } else {
            Recorded::Conflict
        }
    }

    /// Whether the file can be of the patient of its study, who is known better with each file.
    fn note_patient(&mut self, row: &InstanceRow<'_>) -> bool {
        let is_of_the_patient =
            self.patients.entry(row.study_id).or_default().takes(Patient::of(&row.instance.study.patient));
        if is_of_the_patient {
            self.strangers.remove(&row.identity());
        } else {
            self.strangers.insert(row.identity());
        }
        is_of_the_patient
    }

    /// Whether a file is another patient's that was not so at the glance: its facts are in the row of the study now.
    fn sees_a_stranger_that(&self, glance: &Plan<'_>) -> bool {
        !self.strangers.is_subset(&glance.strangers)
    }

    /// The key of the row for an instance that is new.
    fn key(&mut self, row: &InstanceRow<'_>) -> Uuid {
        self.keys.key(row.identity(), row.image_uid_id, row.own_id())
    }

    /// The studies of the new instances, by id: every writer locks them in the same order. A file of another patient
    /// tells nothing of its study.
    fn studies(&self, replace: bool) -> Vec<StudyRow> {
        let mut studies: BTreeMap<Uuid, StudyRow> = BTreeMap::new();
        for row in self.by_precedence(replace) {
            let study = studies.entry(row.study_id).or_insert_with(|| StudyRow::new(row));
            if !self.strangers.contains(&row.identity()) {
                study.add(row.instance);
            }
        }
        studies.into_values().collect()
    }

    /// Keys for the series of the new instances.
    fn series_keys(&self, known: Vec<(SeriesIdentity, KnownRow)>) -> RowKeys<SeriesIdentity> {
        let mut keys = RowKeys::new(known);
        for row in &self.new {
            keys.key(row.series_identity(), row.series_uid_id, row.series_own_id());
        }
        keys
    }

    /// The series of the new instances, by key, with how many of them each gains.
    fn series(&self, keys: &RowKeys<SeriesIdentity>, replace: bool) -> Vec<SeriesRow> {
        let mut series: BTreeMap<Uuid, SeriesRow> = BTreeMap::new();
        for row in self.by_precedence(replace) {
            let Some((key, uid_id)) = keys.columns(&row.series_identity()) else { continue };
            series.entry(key).or_insert_with(|| SeriesRow::new(row, key, uid_id)).add(&row.instance.series);
        }
        series.into_values().collect()
    }

    /// The new instances with their keys.
    fn instances(&self, series_keys: &RowKeys<SeriesIdentity>) -> Vec<KeyedInstance<'a>> {
        let keyed = |row: &&'a InstanceRow<'a>| {
            let (key, uid_id) = self.keys.columns(&row.identity())?;
            let (series_key, _) = series_keys.columns(&row.series_identity())?;
            let is_of_other_patient = self.strangers.contains(&row.identity());
            Some(KeyedInstance { key, uid_id, series_key, is_of_other_patient, row })
        };
        self.new.iter().filter_map(keyed).collect()
    }

    /// Locations of files of ours whose instances `gone` are, now that others take their place; also of those that others of the
    /// batch took.
    fn left_behind<'g>(&'g self, gone: &'g [GoneFile], is_ours: IsOurs<'_>) -> Vec<&'g str> {
        let by_key: HashMap<Uuid, &InstanceRow<'_>> =
            self.new.iter().filter_map(|row| Some((self.keys.columns(&row.identity())?.0, *row))).collect();
        let is_left = |file: &&GoneFile| {
            let (Some(row), Ok(digest)) =
                (by_key.get(&file.image_id), <[u8; 32]>::try_from(file.content_digest.as_slice()))
            else {
                return false;
            };
            let stored = Stored { content_digest: &ContentDigest(digest), ..row.instance.stored() };
            // A file that was written to where it lies is the new one.
            file.location != row.instance.location && is_ours(&file.location, &stored)
        };
        let superseded = self.superseded.iter().filter(|row| {
            let InstanceRow { instance, .. } = row;
            let is_in_place = self.new.iter().any(|row| row.instance.location == instance.location);
            !is_in_place && is_ours(&instance.location, &instance.stored())
        });
        let gone = gone.iter().filter(is_left).map(|file| file.location.as_str());
        gone.chain(superseded.map(|row| row.instance.location.as_str())).collect()
    }

    /// The file whose facts count comes first: the oldest, or the newest when files replace others.
    fn by_precedence(&self, newest_first: bool) -> impl Iterator<Item = &'a InstanceRow<'a>> {
        let count = self.new.len();
        (0..count).map(move |place| self.new[if newest_first { count - 1 - place } else { place }])
    }
}
