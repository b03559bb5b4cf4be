//! The ledger on SQLite; see `ledger/`.

use crate::ledger::{Place, audits, bodies, reports, reports_edges, tiers};

fn place() -> Place {
    Place::Sqlite(tempfile::tempdir().unwrap())
}

macro_rules! on_sqlite {
    ($($module:ident :: $name:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            $module::$name(&place()).await;
        }
    )*};
}

on_sqlite!(
    bodies::init_is_idempotent,
    bodies::rows_totals_and_balances,
    bodies::verdicts,
    bodies::overflow,
    bodies::row_20_duplicates,
    bodies::row_47_two_sources_one_id_at_once,
    bodies::row_13_the_compare_and_set_fences,
    bodies::row_19_offsets_again_and_regrouped,
    bodies::row_30_slugs_never_collide_and_never_move,
    bodies::row_16_two_daemons_create_the_same_tables,
    bodies::row_42_ids_are_bytes,
    audits::a_cancelled_audit_convicts_nobody,
    tiers::an_empty_ledger_takes_history_into_months,
    tiers::row_49_a_writer_and_a_compaction_on_the_same_day,
    tiers::row_17_a_lost_day_table_is_made_again,
    tiers::row_16_many_sources_make_tables_at_once,
    tiers::row_49_a_compaction_cut_short_is_finished_at_the_next_start,
    reports_edges::an_empty_ledger_reports_nothing,
    reports_edges::the_last_afternoon_counts,
    reports_edges::what_never_moved_is_shown_when_asked_for,
    reports_edges::every_product_stands_under_its_own_category,
    reports_edges::unusual_days_are_told_by_key,
    reports_edges::entries_counted_without_versions_are_reported_all_the_same,
    reports_edges::a_version_stands_for_what_a_period_holds,
    reports_edges::a_roll_up_is_used_until_its_version_moves,
    reports_edges::what_lies_before_a_day_is_kept_for_some_days,
    reports_edges::what_is_asked_for_again_is_kept,
    reports_edges::reports_beside_a_writer_show_one_state,
);

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_nothing() {
    tiers::compaction_changes_nothing([&place(), &place(), &place()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_the_sum_of_the_rows() {
    reports::every_figure_is_the_sum_of_the_rows([&place(), &place()]).await;
}
