-- Where the values of a header lie that it does not keep (`shared/src/bulk.rs`), JSON. NULL in rows of releases before this one
-- until their files are read again: what is not kept is nowhere else.
ALTER TABLE instances ADD COLUMN bulk_values TEXT;
