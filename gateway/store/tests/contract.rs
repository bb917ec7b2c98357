//! The contract of the store: one list of promises, each over an empty store of its own, kept by both
//! databases. SQLite always runs; PostgreSQL runs where `KAKEHASHI_TEST_POSTGRES` names a server, such as
//! `postgres://postgres@127.0.0.1:5432/postgres`. In these builds every statement that is reached is also
//! prepared and its parameters are counted.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod contract {
    pub(crate) mod conversation;
    pub(crate) mod desk;
    pub(crate) mod facts;
    pub(crate) mod hospital;
    pub(crate) mod intake;
    pub(crate) mod links;
    pub(crate) mod outbox;
    pub(crate) mod paper;
    pub(crate) mod pauses;
    pub(crate) mod schema;
    pub(crate) mod views;
    pub(crate) mod world;
}

use contract::world::World;

macro_rules! contract {
    ($($module:ident :: $promise:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let world = super::World::on_sqlite().await;
                super::contract::$module::$promise(&world).await;
                world.end().await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let Some(world) = super::World::on_postgres(stringify!($promise)).await else { return };
                super::contract::$module::$promise(&world).await;
                world.end().await;
            })+
        }
    };
}

contract! {
    schema::a_second_start_finds_its_schema,
    schema::reading_beside_sees_everything_and_changes_nothing,
    schema::two_programs_start_together,
    schema::a_commit_wakes_the_other_programs,
    schema::lost_connections_are_made_again,
    intake::an_intake_is_durable_and_comes_back,
    intake::the_same_key_is_the_same_intake,
    intake::many_at_once_are_all_there,
    intake::a_large_message_is_a_blob,
    intake::two_claimers_never_get_the_same,
    intake::what_was_found_of_a_sender_is_kept,
    intake::a_lapsed_lease_is_taken_over_and_settled_once,
    intake::a_released_intake_waits,
    intake::what_may_have_killed_a_worker_is_claimed_alone,
    intake::a_bad_row_does_not_stop_the_others,
    conversation::liaison_deadlines_stay_as_posted,
    conversation::a_commit_is_all_or_nothing,
    conversation::effects_repeat_without_harm,
    conversation::one_event_opens_one_topic,
    conversation::nothing_is_posted_in_a_frozen_group,
    conversation::concurrent_commits_all_count,
    conversation::the_audit_is_a_chain_that_only_grows,
    conversation::triage_is_closed_once,
    conversation::attachments_move_to_their_post,
    facts::paper_is_trusted_after_enough_sheets,
    outbox::posts_share_a_digest_and_nobody_is_paged_twice,
    outbox::posts_committed_at_once_share_a_digest,
    outbox::a_job_holds_everything,
    outbox::two_workers_never_send_the_same,
    outbox::only_the_holder_ends_an_attempt,
    outbox::a_dead_worker_leaves_unknown,
    outbox::silence_becomes_unknown,
    outbox::a_report_moves_its_delivery,
    outbox::a_wrong_recipient_ends_everything_at_that_endpoint,
    outbox::what_may_not_leave_is_withheld,
    outbox::a_person_retries_recalls_and_calls,
    outbox::notices_carry_no_post,
    outbox::bounces_count_for_their_endpoint,
    outbox::recipients_are_ours_or_not,
    paper::a_number_is_verified_before_anything_else_goes_there,
    paper::pages_wait_for_their_cover,
    paper::a_number_is_changed_by_two,
    paper::settings_are_told_and_undone,
    paper::settings_of_a_mail_address_can_be_undone,
    paper::a_status_sheet_keeps_delivered_and_acknowledged_apart,
    paper::a_document_by_fax_gets_its_evidence,
    paper::providers_and_pages_are_remembered,
    paper::a_silent_number_goes_stale,
    paper::of_a_large_roster_those_who_answer_have_the_boxes,
    desk::a_result_may_come_before_its_job,
    desk::pages_of_a_day_count_by_facility,
    desk::the_desk_is_newer_than_the_file,
    desk::a_page_is_turned_once_while_it_waits,
    desk::fax_of_one_number_can_be_joined,
    desk::confirmed_sheets_are_read_in_order,
    desk::numbers_of_a_digest_that_moved_are_told,
    pauses::a_pause_gathers_what_waits_and_gives_it_back,
    pauses::a_pause_is_seen_until_its_time_is_over,
    pauses::a_receipt_says_what_holds_when_it_leaves,
    pauses::leaving_is_taken_back_within_a_day,
    pauses::whoever_left_stays_away_from_an_older_file,
    facts::a_hospital_number_leads_to_its_patient,
    facts::codes_and_threads_lead_to_their_post,
    facts::near_identical_names_are_both_candidates,
    facts::an_earlier_event_is_found,
    facts::a_stay_is_found_with_all_that_was_told_of_it,
    hospital::it_is_reached_without_being_a_member,
    hospital::answers_to_its_topics_leave_and_nothing_else,
    hospital::an_acknowledgement_is_told_once_and_while_it_stands,
    hospital::an_interface_is_served_in_order,
    hospital::a_call_is_asked_for_where_a_machine_has_taken_what_is_withdrawn,
    hospital::what_an_inbox_refuses_goes_by_fax_once,
    hospital::an_item_that_nobody_touched_keeps_its_place_when_read_anew,
    hospital::a_draft_waits_until_its_sender_makes_it_final,
    links::what_a_link_expects_is_remembered,
    links::answers_are_owed_in_order_until_they_are_taken,
    links::two_programs_never_deliver_the_same_answer,
    views::messages_are_found_by_what_they_name,
    views::a_facility_sees_its_groups_only,
    views::a_timeline_keeps_delivered_and_acknowledged_apart,
    views::pages_of_a_timeline_go_by_key,
    views::another_network_sees_nothing,
    views::the_office_sees_triage_and_outbox,
    views::a_locked_file_finds_its_password_mail,
    views::a_code_opens_its_item_only,
    views::sessions_end,
    views::an_import_repeats_without_change,
}
