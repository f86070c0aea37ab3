//! Recording a batch of instances: decide what is new, then write study, series and instances in one transaction.
//!
//! Several workers may index one study at once. The row of the study is the lock between them; counts move by
//! differences under that lock. What slips through (one instance under two studies) is seen in the number of rows
//! written: the transaction is rolled back and decided anew.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use uuid::Uuid;

use super::{
    Catalog, CatalogError, NewInstance, Recorded,
    batch_rows::{InstanceRow, SeriesRow, StudyRow},
    batch_sql::{self, KnownInstance},
    error::lost_to_another_transaction,
    pool::WriteTransaction,
};

/// How often a batch is decided anew when other writers were faster.
const ATTEMPTS_MAX: u32 = 10;

impl Catalog {
    /// Records a batch, all or nothing; the answer is aligned with it. Duplicates inside the batch count too.
    /// Facts of a study or series that an earlier file told stay; with `replace` the newer ones take their place,
    /// and a series follows its newest file to another study.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer or other writers keep changing the same
    /// instances; nothing was recorded then. [`CatalogError::Invalid`] for a location with a NUL in it.
    pub async fn record_instances(
        &self,
        batch: &[NewInstance],
        replace: bool,
    ) -> Result<Vec<Recorded>, CatalogError> {
        if batch.iter().any(|instance| instance.location.contains('\0')) {
            return Err(CatalogError::Invalid("a location with a NUL in it".to_owned()));
        }
        let rows: Vec<InstanceRow<'_>> = batch.iter().map(InstanceRow::new).collect();
        for _ in 0..ATTEMPTS_MAX {
            // A glance without locks: an index run over a known archive writes nothing and waits for nobody.
            let plan = Plan::new(&rows, &batch_sql::known_before(&self.pool, &rows).await?, replace);
            if plan.new.is_empty() {
                return Ok(plan.recorded);
            }
            match self.write_batch(&rows, &plan, replace).await {
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
    ) -> Result<Option<Vec<Recorded>>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let studies = glance.studies(replace);
        batch_sql::upsert_studies(&mut transaction, &studies, replace).await?;
        // Under the lock of the studies, what is known now stays known until the commit.
        let plan = Plan::new(rows, &batch_sql::known(&mut transaction, rows).await?, replace);
        let locked: HashSet<Uuid> = studies.iter().map(|study| study.study_id).collect();
        let complete = plan.new.iter().all(|row| locked.contains(&row.study_id))
            && write_plan(&mut transaction, &plan, locked, replace).await?;
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
    mut touched_studies: HashSet<Uuid>,
    replace: bool,
) -> Result<bool, sqlx::Error> {
    let series = plan.series(replace);
    if replace {
        let ids = series.iter().map(|row| row.series_id).chain(plan.replaced.values().copied()).collect();
        touched_studies.extend(batch_sql::lock_studies_of_series(transaction, ids).await?);
    }
    if !batch_sql::remove_instances(transaction, &plan.replaced).await? {
        return Ok(false);
    }
    batch_sql::upsert_series(transaction, &series, replace).await?;
    if !batch_sql::insert_instances(transaction, &plan.new).await? {
        return Ok(false);
    }
    batch_sql::remove_empty_series(transaction, plan.replaced.values().copied().collect()).await?;
    batch_sql::remove_empty_studies(transaction, touched_studies).await?;
    Ok(true)
}

/// What is to be written for a batch, given what is known.
struct Plan<'a> {
    /// One for each instance of the batch.
    recorded: Vec<Recorded>,
    /// What is inserted.
    new: Vec<&'a InstanceRow<'a>>,
    /// Known instances that make way, and the series they are in.
    replaced: BTreeMap<Uuid, Uuid>,
}

impl<'a> Plan<'a> {
    fn new(rows: &'a [InstanceRow<'a>], known: &[KnownInstance], replace: bool) -> Self {
        let known: HashMap<Uuid, &KnownInstance> =
            known.iter().map(|known| (known.image_id, known)).collect();
        let mut plan =
            Plan { recorded: Vec::with_capacity(rows.len()), new: Vec::new(), replaced: BTreeMap::new() };
        let mut place_in_new: HashMap<Uuid, usize> = HashMap::new();
        for row in rows {
            let recorded = match place_in_new.entry(row.image_id) {
                Entry::Occupied(place) => plan.record_again(*place.get(), row, replace),
                Entry::Vacant(place) => match known.get(&row.image_id) {
                    Some(known) if known.content_digest == row.content_digest() => Recorded::Duplicate,
                    Some(_) if !replace => Recorded::Conflict,
                    other => {
                        place.insert(plan.new.len());
                        plan.new.push(row);
                        match other {
                            Some(known) => {
                                plan.replaced.insert(row.image_id, known.series_id);
                                Recorded::Replaced { image_id: row.image_id }
                            }
                            None => Recorded::Accepted,
                        }
                    }
                },
            };
            plan.recorded.push(recorded);
        }
        plan
    }

    /// The second instance of the batch under one UID.
    fn record_again(&mut self, place: usize, row: &'a InstanceRow<'a>, replace: bool) -> Recorded {
        if self.new[place].content_digest() == row.content_digest() {
            Recorded::Duplicate
        } else if replace {
            self.new[place] = row;
            Recorded::Replaced { image_id: row.image_id }
        } else {
            Recorded::Conflict
        }
    }

    /// The studies of the new instances, by id: every writer locks them in the same order.
    fn studies(&self, replace: bool) -> Vec<StudyRow> {
        let mut studies: BTreeMap<Uuid, StudyRow> = BTreeMap::new();
        for row in self.by_precedence(replace) {
            match studies.get_mut(&row.study_id) {
                Some(study) => study.fill_from(&row.instance.study),
                None => drop(studies.insert(row.study_id, StudyRow::new(row))),
            }
        }
        studies.into_values().collect()
    }

    /// The series of the new instances, by id, with how many of them each gains.
    fn series(&self, replace: bool) -> Vec<SeriesRow> {
        let mut series: BTreeMap<Uuid, SeriesRow> = BTreeMap::new();
        for row in self.by_precedence(replace) {
            series.entry(row.series_id).or_insert_with(|| SeriesRow::new(row)).add(&row.instance.series);
        }
        series.into_values().collect()
    }

    /// The file whose facts count comes first: the oldest, or the newest when files replace others.
    fn by_precedence(&self, newest_first: bool) -> impl Iterator<Item = &'a InstanceRow<'a>> {
        let count = self.new.len();
        (0..count).map(move |place| self.new[if newest_first { count - 1 - place } else { place }])
    }
}
