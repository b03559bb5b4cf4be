//! The ledger on a real MySQL or MariaDB server, named by TWINSTOCK_TEST_MYSQL_URL (`cargo xtask test` sets
//! it; its database part is ignored). Without a server these tests fail. See `ledger/`.

mod ledger;

use ledger::{Place, bodies, tiers};
use sqlx::{Connection, Executor, MySqlConnection};

/// A database of its own for each test, emptied first.
async fn place(name: &str) -> Place {
    let url = std::env::var("TWINSTOCK_TEST_MYSQL_URL")
        .expect("set TWINSTOCK_TEST_MYSQL_URL to a server for tests: mysql://root@127.0.0.1:PORT/");
    let server = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let server = server.split('/').next().unwrap();
    let mut conn = MySqlConnection::connect(&format!("mysql://{server}/")).await.unwrap();
    let database = format!("test_{}", &name[..name.len().min(50)]);
    conn.execute(sqlx::raw_sql(&format!("DROP DATABASE IF EXISTS {database}"))).await.unwrap();
    Place::Mysql(format!("mysql://{server}/{database}"))
}

macro_rules! on_mysql {
    ($($module:ident :: $name:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            $module::$name(&place(stringify!($name)).await).await;
        }
    )*};
}

on_mysql!(
    bodies::init_is_idempotent,
    bodies::rows_totals_and_balances,
    bodies::verdicts,
    bodies::overflow,
    bodies::duplicates,
    bodies::two_sources_one_id_at_once,
    bodies::the_compare_and_set_fences,
    bodies::slugs_never_collide_and_never_move,
    bodies::two_daemons_create_the_same_tables,
    bodies::ids_are_bytes,
    tiers::an_empty_ledger_takes_history_into_months,
    tiers::a_writer_and_a_compaction_on_the_same_day,
    tiers::a_lost_day_table_is_made_again,
    tiers::many_sources_make_tables_at_once,
);

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_nothing() {
    let (many, few, none) = (place("tier_many").await, place("tier_few").await, place("tier_none").await);
    tiers::compaction_changes_nothing([&many, &few, &none]).await;
}
