//! The contract of the catalog, as `noctis_shared::catalog` states it; run on SQLite in a file, SQLite in memory and
//! Postgres. A missing Postgres is a failure, not a skip.

mod accounts;
mod deletions;
mod earlier_releases;
mod jobs;
mod letting_in;
mod place;
mod reading;
mod recording;
mod renders;
pub(crate) mod sample;
mod searching;
mod shared_uids;
mod starting;
mod studies;
mod uploads;
mod webhooks;

/// One test for each line and variant, in a module named for the variant.
macro_rules! contract {
    ($variant:ident as $module:ident: $($part:ident::$line:ident,)+) => {
        mod $module {
            use super::place::{Place, Variant};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $line() {
                    Place::with(Variant::$variant, super::$part::$line).await;
                }
            )+
        }
    };
}

/// The lines that need a database which outlives a connection.
macro_rules! lasting_contract {
    ($variant:ident as $module:ident) => {
        contract! { $variant as $module:
            starting::what_was_recorded_is_there_after_connecting_again,
            renders::what_was_put_behind_is_written_when_the_catalog_is_closed,
            starting::processes_may_start_at_once_on_an_empty_database,
            recording::two_processes_come_to_the_right_counts,
            earlier_releases::rows_of_an_earlier_release_get_what_they_lack,
            earlier_releases::rows_that_know_of_no_bulk_values_get_them_when_their_files_are_read_again,
            earlier_releases::tables_of_the_first_release_keep_what_is_in_them,
        }
    };
}

/// The other lines.
macro_rules! full_contract {
    ($variant:ident as $module:ident) => {
        contract! { $variant as $module:
            recording::a_batch_is_answered_in_its_order,
            recording::duplicates_inside_a_batch_count,
            recording::a_duplicate_elsewhere_stays_at_its_first_location,
            recording::a_conflict_changes_nothing_and_makes_no_empty_study,
            recording::a_replacement_takes_the_place_and_drops_the_renders,
            recording::writers_at_once_come_to_the_right_counts,
            recording::facts_are_filled_in_and_stay,
            recording::text_without_end_and_with_nul_is_stored_cut_and_cleaned,
            recording::a_batch_of_more_rows_than_a_statement_takes_is_one_batch,
            recording::a_location_with_a_nul_is_refused_whole,
            shared_uids::one_uid_in_two_studies_is_a_series_in_each,
            shared_uids::own_ids_name_one_alone_whatever_comes_and_goes,
            shared_uids::one_instance_uid_in_two_series_is_an_instance_in_each,
            shared_uids::a_replacement_stays_in_its_study_and_series,
            shared_uids::writers_of_one_uid_under_many_studies_lose_nothing,
            shared_uids::ids_that_go_stale_are_told,
            shared_uids::a_file_of_another_patient_is_told_with_its_own,
            shared_uids::a_study_is_of_the_patient_of_all_its_files,
            shared_uids::two_writers_of_two_patients_mix_no_facts,
            shared_uids::an_id_of_two_people_lists_each_with_their_own_name,
            studies::pages_neither_lose_nor_repeat_a_study,
            studies::every_sort_has_pages_that_agree_with_it,
            studies::what_changed_since_is_told,
            studies::filters_narrow_the_list,
            studies::wildcards_of_sql_are_letters,
            studies::a_page_that_nobody_gave_is_refused,
            studies::a_study_tells_its_modalities_and_series_in_order,
            deletions::a_part_that_is_deleted_is_gone_from_lists_and_counts,
            deletions::files_of_ours_are_owed_and_no_others,
            deletions::a_file_of_ours_is_owed_when_another_takes_its_place,
            deletions::an_errand_is_one_process_s_until_its_time_is_over,
            deletions::a_file_that_is_put_again_is_not_removed,
            deletions::what_was_deleted_is_announced_whole_or_by_its_parts,
            uploads::an_upload_reads_back_as_far_as_it_is,
            webhooks::a_webhook_reads_back_and_is_removed_with_its_messages,
            webhooks::an_event_becomes_a_message_to_each_webhook_that_wants_it,
            webhooks::what_happens_to_a_study_at_once_is_told_once_and_to_nobody_who_does_not_ask,
            studies::a_deleted_study_is_gone_with_its_renders_and_others_stay,
            studies::a_study_deleted_while_it_grows_is_whole_or_gone,
            reading::images_come_in_display_order,
            reading::planes_of_several_orientations_do_not_interleave,
            reading::an_image_reads_back_as_recorded,
            reading::every_fact_reads_back_wherever_it_is_told,
            reading::one_frame_is_read_alone,
            reading::frames_one_after_the_other_are_read_at_once,
            reading::long_values_are_told_by_where_they_lie,
            reading::unknown_ids_are_none,
            reading::the_images_of_a_scope_are_listed,
            reading::the_files_of_all_instances_come_in_portions,
            searching::keys_of_every_level_are_matched_at_every_level,
            searching::portions_of_a_search_neither_lose_nor_repeat_a_match,
            searching::a_search_is_of_what_there_is_for_the_caller,
            searching::matches_are_told_with_what_they_belong_to,
            searching::headers_come_in_order_portion_by_portion,
            renders::pictures_and_failures_read_back,
            renders::a_picture_takes_the_place_of_a_failure_and_nothing_else_does,
            renders::a_render_of_an_image_that_is_not_there_is_not_kept,
            renders::renders_of_a_scope_are_cleared_and_counted,
            renders::picture_bytes_stay_within_the_budget_and_the_oldest_go_first,
            renders::a_budget_that_shrank_is_kept_from_the_first_render_on,
            renders::what_is_put_behind_is_there_a_moment_later_and_at_once_after_a_flush,
            renders::what_is_cleared_later_is_what_was_made_before,
            renders::an_event_is_handled_once_it_is_recorded,
            accounts::an_account_reads_back_and_its_name_is_taken_once,
            accounts::another_secret_or_none_ends_the_logins_of_an_account,
            accounts::a_refresh_token_works_once_and_its_second_use_ends_the_login,
            accounts::a_login_that_races_another_secret_does_not_outlive_it,
            accounts::of_two_who_refresh_at_once_one_is_refused,
            accounts::what_is_logged_out_or_over_is_not_believed,
            letting_in::a_link_works_until_it_is_over_revoked_or_its_maker_disabled,
            letting_in::a_subject_with_a_nul_is_written_without_it_and_is_nobody,
            letting_in::who_opened_what_reads_back_in_order_of_time,
            jobs::a_job_reads_back_and_the_same_again_is_the_same_job,
            jobs::a_job_changes_only_from_the_version_that_is_known,
            jobs::one_owner_has_a_bounded_number_under_way_and_old_ones_are_forgotten,
            jobs::jobs_are_listed_newest_first_of_studies_and_for_their_owner,
            jobs::frames_of_a_study_and_what_is_kept_of_them_are_told,
            starting::a_closed_catalog_is_down_and_transient,
        }
    };
}

full_contract!(SqliteFile as sqlite_file);
full_contract!(SqliteMemory as sqlite_memory);
full_contract!(Postgres as postgres);
lasting_contract!(SqliteFile as sqlite_file_lasting);
lasting_contract!(Postgres as postgres_lasting);
