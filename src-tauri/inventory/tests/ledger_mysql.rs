//! The ledger on a real MySQL or MariaDB server, named by TWINSTOCK_TEST_MYSQL_URL (`cargo xtask test` sets
//! it; its database part is ignored). Without a server these tests fail. See `ledger/`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

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
    bodies::row_20_duplicates,
    bodies::row_47_two_sources_one_id_at_once,
    bodies::row_13_the_compare_and_set_fences,
    bodies::row_19_offsets_again_and_regrouped,
    bodies::row_30_slugs_never_collide_and_never_move,
    bodies::row_16_two_daemons_create_the_same_tables,
    bodies::row_42_ids_are_bytes,
    tiers::an_empty_ledger_takes_history_into_months,
    tiers::row_49_a_writer_and_a_compaction_on_the_same_day,
    tiers::row_17_a_lost_day_table_is_made_again,
    tiers::row_16_many_sources_make_tables_at_once,
    tiers::row_49_a_compaction_cut_short_is_finished_at_the_next_start,
);

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_nothing() {
    let (many, few, none) = (place("tier_many").await, place("tier_few").await, place("tier_none").await);
    tiers::compaction_changes_nothing([&many, &few, &none]).await;
}

/// Connections that die at any moment, in the middle of a COMMIT too: the next compare-and-set decides.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_killed_connections_lose_and_double_nothing() {
    let place = place("killed_connections").await;
    let ledger = place.ready(20).await;
    let mut source = ledger.register_source(&ledger::identity(1 << 96, 0), 0).await.unwrap();
    let writer = tokio::spawn(async move {
        let mut cache = inventory::ledger::SourceCache::default();
        let mut failures = 0;
        while source.next_offset < 3000 {
            let messages = ledger::batches::mixture(source.next_offset, 10, 3, 3);
            let batch = ledger::batch(&source, messages);
            match ledger.commit(&source, &batch, &mut cache).await {
                Ok(done) => source = done.source,
                Err(failed) => {
                    let code = failed.code.name();
                    assert!(["unreachable", "retry", "fenced"].contains(&code), "{code}: {failed}");
                    failures += 1;
                    while let Err(failed) = ledger.reread(source.id).await.map(|row| source = row) {
                        assert_eq!(failed.code.name(), "unreachable", "{failed}");
                    }
                }
            }
        }
        failures
    });
    while !writer.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        let list = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() \
                    AND db = 'test_killed_connections'";
        for row in place.rows(list).await {
            place.try_run(&format!("KILL {}", row[0])).await;
        }
    }
    assert!(writer.await.unwrap() > 3);
    assert_eq!(place.counted().await.len(), 3000);
    assert_eq!(place.one("SELECT SUM(entries) FROM balances").await, "3000");
    assert_eq!(place.one("SELECT entries FROM sources").await, "3000");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_server_is_said() {
    let limits = inventory::ledger::Limits { day_tables: 1, oldest_days: 1, newest_days: 1 };
    let failed = |url: String, password: Option<&str>| {
        let opened = inventory::ledger::Ledger::open_mysql(&url, password.map(str::to_owned), limits);
        async move {
            match opened {
                Ok(ledger) => ledger.require_ready().await.unwrap_err(),
                Err(failed) => failed,
            }
        }
    };
    let Place::Mysql(url) = place("nowhere").await else { return };
    let absent = failed(url.clone(), None).await;
    assert_eq!(absent.code.name(), "refused", "{absent}");
    assert!(absent.message.contains("inv-daemon init"), "{absent}");
    let denied = failed(url.replace("root", "nobody"), Some("secret")).await;
    assert_eq!(denied.code.name(), "refused", "{denied}");
    assert!(!denied.message.contains("secret"), "{denied}");
    let silent = failed("mysql://root@127.0.0.1:1/x".into(), None).await;
    assert_eq!(silent.code.name(), "unreachable", "{silent}");
    assert_eq!(failed("mysql://root@127.0.0.1".into(), None).await.code.name(), "config");
}
