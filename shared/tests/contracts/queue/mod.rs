//! The contract of `noctis_shared::queue`, line by line, on every variant.

mod broker;
mod dead_letters;
mod deliveries;
pub(crate) mod fixture;
mod proxy;
mod publishing;

/// Makes each contract function a test on each variant.
macro_rules! contract {
    ($($module:ident: $($test:ident),+;)+) => {
        mod memory {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::fixture::run(super::fixture::Variant::Memory, super::$module::$test).await;
                }
            )+)+
        }
        mod rabbitmq {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::fixture::run(super::fixture::Variant::RabbitMq, super::$module::$test).await;
                }
            )+)+
        }
    };
}

contract! {
    deliveries:
        deliveries_come_in_order_and_carry_what_was_published,
        an_acked_message_is_gone,
        a_release_counts_no_attempt_and_never_dead_letters,
        a_retry_comes_back_after_its_pause_as_the_next_attempt,
        a_dropped_delivery_is_delivered_again_as_a_crash,
        a_consumer_holds_no_more_than_its_prefetch,
        a_stopped_consumer_gives_back_what_it_had_not_delivered;
    dead_letters:
        a_retry_of_the_last_attempt_is_a_dead_letter_with_its_cause,
        a_dead_letter_keeps_the_reason_it_was_given,
        crashes_past_the_limit_make_a_dead_letter,
        looking_at_dead_letters_removes_none,
        a_redriven_dead_letter_is_as_new,
        dropped_dead_letters_are_gone;
    publishing:
        a_full_lane_refuses_until_it_is_drained,
        a_job_that_old_readers_would_misread_has_another_type,
        a_body_past_its_limit_is_too_large,
        events_about_studies_arrive_on_the_index_lane,
        uploads_wait_in_a_lane_of_their_own,
        the_trace_of_the_publisher_arrives_and_survives_a_retry,
        depths_count_the_messages_that_wait,
        concurrent_publishers_lose_nothing,
        a_closed_queue_ends_consumers_and_refuses_publishers;
}
