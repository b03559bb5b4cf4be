//! The ledger on a real MySQL or MariaDB server, named by TWINSTOCK_TEST_MYSQL_URL (`cargo xtask test` sets
//! it; its database part is ignored). Without a server these tests fail. See `ledger/`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ledger::{self, Place, audits, bodies, reports, reports_edges, tiers};
use inventory::ledger::{SourceCache, SourceRow};
use sqlx::{Connection, Executor, MySqlConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

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
    let (many, few, none) = (place("tier_many").await, place("tier_few").await, place("tier_none").await);
    tiers::compaction_changes_nothing([&many, &few, &none]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_the_sum_of_the_rows() {
    let (many, few) = (place("report_many").await, place("report_few").await);
    reports::every_figure_is_the_sum_of_the_rows([&many, &few]).await;
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
        tokio::time::sleep(Duration::from_millis(15)).await;
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

/// Stands between a client and the server and, once told to, keeps the next COMMIT to itself: to the server the
/// client is frozen in the middle of its transaction.
struct Freezer {
    port: u16,
    armed: Arc<AtomicBool>,
    frozen: Arc<Notify>,
    thawed: Arc<Notify>,
}

impl Freezer {
    async fn start(server: String) -> Freezer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let freezer = Freezer { port, armed: Arc::default(), frozen: Arc::default(), thawed: Arc::default() };
        let (armed, frozen, thawed) = (freezer.armed.clone(), freezer.frozen.clone(), freezer.thawed.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) =
                    TcpStream::connect(&server).await.unwrap().into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let (armed, frozen, thawed) = (armed.clone(), frozen.clone(), thawed.clone());
                tokio::spawn(async move {
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                        // The whole statement: a new connection is set to READ COMMITTED, too.
                        let is_commit = bytes[..count].ends_with(b"COMMIT");
                        if is_commit && armed.swap(false, Ordering::SeqCst) {
                            frozen.notify_one();
                            thawed.notified().await;
                        }
                        if to_server.write_all(&bytes[..count]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        freezer
    }
}

/// A client that freezes in the middle of a transaction holds its source's row. The server lets go of it by itself
/// (MariaDB: idle_write_transaction_timeout, MySQL: wait_timeout), and what it wanted to commit is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_client_loses_its_locks() {
    let place = place("frozen_client").await;
    let ledger = place.ready(20).await;
    let Place::Mysql(url) = &place else { return };
    let server = url.split(['@', '/']).find(|part| part.contains(':') && part.len() > 6).unwrap().to_owned();
    let freezer = Freezer::start(server.clone()).await;
    // MySQL encrypts where it can; the proxy must be able to read.
    let through = url.replace(&server, &format!("127.0.0.1:{}", freezer.port));
    let through = Place::Mysql(format!("{through}?ssl-mode=DISABLED"));
    let (slow, mut cache) = (through.ledger(20), SourceCache::default());
    let mut source = ledger.register_source(&ledger::identity(7 << 96, 0), 0).await.unwrap();
    ledger::commit(&slow, &mut source, ledger::batches::mixture(0, 10, 3, 3), &mut cache).await;

    freezer.armed.store(true, Ordering::SeqCst);
    let next = |source: &SourceRow| ledger::batch(source, ledger::batches::mixture(10, 10, 3, 3));
    let batch = next(&source);
    let stuck = tokio::spawn({
        let (source, batch) = (source.clone(), next(&source));
        async move { slow.commit(&source, &batch, &mut cache).await.map(drop) }
    });
    tokio::time::timeout(Duration::from_secs(60), freezer.frozen.notified())
        .await
        .expect("a COMMIT comes by");
    let open = "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
                ON p.id = t.trx_mysql_thread_id WHERE p.db = 'test_frozen_client' AND t.trx_rows_modified > 0";
    // The server renews its list only when nobody has read it for a tenth of a second.
    for pause in 0.. {
        match place.one(open).await.as_str() {
            "1" => break,
            other => assert!(pause < 40, "{other} frozen with locks in hand"),
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }

    let began = std::time::Instant::now();
    let mut other = SourceCache::default();
    while let Err(failed) = ledger.commit(&source, &batch, &mut other).await {
        assert_eq!(failed.code.name(), "retry", "{failed}");
        assert!(began.elapsed().as_secs() < 60, "still locked: {failed}");
        other = SourceCache::default();
    }
    eprintln!("another writer went on after {:.1?}", began.elapsed());
    assert_eq!(place.one(open).await, "0");
    freezer.thawed.notify_one();
    let failed = stuck.await.unwrap().unwrap_err();
    assert!(["unreachable", "fenced", "retry"].contains(&failed.code.name()), "{failed}");
    assert_eq!(place.counted().await.len(), 20);
    assert_eq!(place.one("SELECT next_offset FROM sources").await, "20");
}
