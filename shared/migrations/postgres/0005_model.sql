-- facts: what viewers measure and show with (`shared/src/image_facts.rs`), as JSON. NULL in rows of releases before this
-- one until the program fills it in when it starts.
ALTER TABLE instances ADD COLUMN facts TEXT;
CREATE INDEX instances_without_facts ON instances (image_id) WHERE facts IS NULL;

-- The folded names without accents, for searches. Filled in as above.
ALTER TABLE studies ADD COLUMN patient_name_plain TEXT;
ALTER TABLE studies ADD COLUMN study_description_plain TEXT;
CREATE INDEX studies_without_plain_text ON studies (study_id)
    WHERE (patient_name IS NOT NULL AND patient_name_plain IS NULL)
       OR (study_description IS NOT NULL AND study_description_plain IS NULL);
-- When something of the study last changed, in ms since 1970; 0 where that was before this release.
ALTER TABLE studies ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX studies_by_change ON studies (changed_at);
