//! What is told of a match (PS3.18 tables 10.6.3-3 to 10.6.3-5): what an answer must have, from the columns of its row,
//! and what is asked for beside that, from a header.

use noctis_shared::{
    bulk,
    catalog::{Hit, SearchLevel, ToldInstance, ToldOf, ToldSeries},
    facts::{PatientFacts, StudyFacts},
    header_json::HeaderJson,
};

use super::{
    address::{self, Uids},
    asked::Fields,
    data_set::DataSet,
    levels,
};

/// Headers are in Unicode, whatever their files are in.
const UNICODE: &str = "ISO_IR 192";
/// Attributes of a study that only its rows know, and no header does.
const COUNTED: [u32; 3] = [0x0008_0061, 0x0020_1206, 0x0020_1208];

/// How matches are told.
pub(super) struct Telling<'a> {
    pub(super) level: SearchLevel,
    /// Whether the study is told of, though it is not what is looked for.
    pub(super) with_study: bool,
    /// Whether the series is.
    pub(super) with_series: bool,
    pub(super) fields: &'a Fields,
    pub(super) origin: &'a str,
}

impl<'a> Telling<'a> {
    /// Of what stands above in the address nothing is told, unless it is asked for (10.6.3.3).
    pub(super) fn new(
        level: SearchLevel,
        in_study: bool,
        in_series: bool,
        fields: &'a Fields,
        origin: &'a str,
    ) -> Self {
        let asks_for_counts = fields.all || COUNTED.iter().any(|tag| fields.tags.contains(tag));
        Self {
            level,
            with_study: level == SearchLevel::Study || !in_study || asks_for_counts,
            with_series: level == SearchLevel::Series || (level == SearchLevel::Instance && !in_series),
            fields,
            origin,
        }
    }

    /// Writes what is told of a match; whether it is still there.
    pub(super) fn write(&self, told: &ToldOf, hit: &Hit, out: &mut String) -> bool {
        let mut row = DataSet::default();
        let instance = told.instances.get(&hit.image_key);
        if let Some(header) = told.headers.get(&hit.key(self.level)) {
            self.add_from_header(HeaderJson::new(header), instance, &mut row);
        }
        row.text(0x0008_0005, "CS", Some(UNICODE));
        row.text(0x0008_0056, "CS", Some("ONLINE"));
        if self.with_study {
            let Some(study) = told.studies.get(&hit.study_id) else { return false };
            let facts = instance.and_then(|it| it.other_facts.as_ref()).unwrap_or(&study.facts);
            study_facts(facts, &mut row);
            if !study.modalities.is_empty() {
                // Never without a value: OHIF looks into it once it is there.
                row.values(0x0008_0061, "CS", study.modalities.iter().map(String::as_str));
            }
            row.text(0x0020_000D, "UI", Some(&study.study_instance_uid));
            row.number(0x0020_1206, "IS", Some(study.series_count));
            row.number(0x0020_1208, "IS", Some(study.image_count));
        }
        let address = match self.level {
            SearchLevel::Study => {
                let Some(study) = told.studies.get(&hit.study_id) else { return false };
                address::of(self.origin, Uids::study(&study.study_instance_uid))
            }
            SearchLevel::Series => {
                let Some(series) = told.series.get(&hit.series_key) else { return false };
                series_facts(series, &mut row);
                address::of(
                    self.origin,
                    Uids::series(&series.study_instance_uid, &series.series_instance_uid),
                )
            }
            SearchLevel::Instance => {
                let Some(instance) = instance else { return false };
                if let Some(series) = told.series.get(&hit.series_key) {
                    series_facts(series, &mut row);
                }
                instance_facts(instance, &mut row);
                self.address_of(instance)
            }
        };
        row.text(0x0008_1190, "UR", Some(&address));
        row.write(out);
        true
    }

    fn address_of(&self, instance: &ToldInstance) -> String {
        let ToldInstance { study_instance_uid, series_instance_uid, sop_instance_uid, .. } = instance;
        address::of(self.origin, Uids::instance(study_instance_uid, series_instance_uid, sop_instance_uid))
    }

    /// Adds what must be told and has no column, and what is asked for, of this level and those above.
    fn add_from_header(&self, header: HeaderJson<'_>, instance: Option<&ToldInstance>, row: &mut DataSet) {
        let mut wanted: Vec<u32> = vec![0x0008_0201];
        if self.with_study {
            wanted.extend([0x0008_0090, 0x0020_0010]);
        }
        if self.with_series {
            wanted.extend([0x0040_0244, 0x0040_0245, 0x0040_0275]);
        }
        let is_told = |tag: u32| {
            wanted.contains(&tag)
                || (levels::of(tag) <= self.level && (self.fields.all || self.fields.tags.contains(&tag)))
        };
        for element in header.elements().filter(|element| is_told(element.tag)) {
            if !bulk::is_in(element.json) {
                row.put(element.tag, element.json);
            } else if let Some(instance) = instance.filter(|_| self.level == SearchLevel::Instance) {
                // Only an instance has it, and the place of it.
                let mut located = String::new();
                bulk::push_located(element.json, &self.address_of(instance), &mut located);
                row.put(element.tag, &located);
            }
        }
    }
}

/// Table 10.6.3-3; what no file tells is there without a value.
fn study_facts(facts: &StudyFacts, row: &mut DataSet) {
    let StudyFacts { patient, study_date, study_time, study_description, accession_number } = facts;
    let PatientFacts { patient_id, patient_name, patient_birth_date, patient_sex } = patient;
    row.moment(0x0008_0020, "DA", study_date.as_deref());
    row.moment(0x0008_0030, "TM", study_time.as_deref());
    row.text(0x0008_0050, "SH", accession_number.as_deref());
    row.put_absent(0x0008_0090, "PN");
    row.text(0x0008_1030, "LO", study_description.as_deref());
    row.name(0x0010_0010, patient_name.as_deref());
    row.text(0x0010_0020, "LO", patient_id.as_deref());
    row.moment(0x0010_0030, "DA", patient_birth_date.as_deref());
    row.text(0x0010_0040, "CS", patient_sex.as_deref());
    row.put_absent(0x0020_0010, "SH");
}

/// Table 10.6.3-4.
fn series_facts(series: &ToldSeries, row: &mut DataSet) {
    let facts = &series.facts;
    row.text(0x0008_0060, "CS", facts.modality.as_deref());
    row.text(0x0008_103E, "LO", facts.series_description.as_deref());
    if let Some(body_part) = &facts.body_part {
        row.text(0x0018_0015, "CS", Some(body_part));
    }
    row.text(0x0020_000D, "UI", Some(&series.study_instance_uid));
    row.text(0x0020_000E, "UI", Some(&series.series_instance_uid));
    row.number(0x0020_0011, "IS", facts.series_number);
    row.number(0x0020_1209, "IS", Some(series.image_count));
}

/// Table 10.6.3-5; of pixels nothing is told where there are none.
fn instance_facts(instance: &ToldInstance, row: &mut DataSet) {
    row.text(0x0008_0016, "UI", instance.sop_class_uid.as_deref());
    row.text(0x0008_0018, "UI", Some(&instance.sop_instance_uid));
    row.text(0x0020_000D, "UI", Some(&instance.study_instance_uid));
    row.text(0x0020_000E, "UI", Some(&instance.series_instance_uid));
    row.number(0x0020_0013, "IS", instance.instance_number);
    if let Some(transfer_syntax_uid) = &instance.transfer_syntax_uid {
        row.text(0x0008_3002, "UI", Some(transfer_syntax_uid));
    }
    if instance.frame_count > 0 {
        row.number(0x0028_0010, "US", instance.rows);
        row.number(0x0028_0011, "US", instance.columns);
        row.number(0x0028_0100, "US", Some(instance.bits_allocated).filter(|bits| *bits > 0));
    }
    if instance.frame_count > 1 {
        row.number(0x0028_0008, "IS", Some(instance.frame_count));
    }
}
