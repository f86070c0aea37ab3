-- What searches match beside the facts that are told (`shared/src/catalog/search_facts.rs`), folded; '' where no file tells
-- it. NULL in rows of releases before this one until the program fills it in when it starts.
ALTER TABLE studies ADD COLUMN referring_physician_plain TEXT;
ALTER TABLE studies ADD COLUMN study_number_folded TEXT;
CREATE INDEX studies_without_search_facts ON studies (study_id) WHERE referring_physician_plain IS NULL;
ALTER TABLE series ADD COLUMN performed_date TEXT;
ALTER TABLE series ADD COLUMN performed_time TEXT;
-- Each value between line ends: a series answers to several requests.
ALTER TABLE series ADD COLUMN scheduled_steps TEXT;
ALTER TABLE series ADD COLUMN requested_procedures TEXT;
CREATE INDEX series_without_search_facts ON series (series_id) WHERE performed_date IS NULL;
-- Keys that name few of many.
CREATE INDEX studies_of_patient ON studies (patient_id_folded);
CREATE INDEX studies_by_accession_number ON studies (accession_number_folded);
CREATE INDEX series_by_modality ON series (lower(modality));
