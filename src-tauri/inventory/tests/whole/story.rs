//! A story: steps chosen by chance, told in a place, judged after each step and at the end. Told again with fewer
//! steps and smaller numbers while it still fails, until the shortest one is left.

use std::time::Duration;

use inventory::queue::Event;
use inventory::writer::sweep;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use uuid::Uuid;

use super::site::{Kept, Posted, Site, agree, drain, idle, kept, own_at, sources, start};

/// How large stories grow.
pub struct Shape {
    pub days: u32,
    pub most_steps: usize,
}

/// One line of a bill.
#[derive(Debug, Clone)]
pub enum Line {
    Good {
        product: u8,
        warehouse: u8,
        quantity: u32,
        out: bool,
        day: u32,
    },
    /// The same entry once more, so many lines back.
    Again(usize),
    Poison(u8),
}

#[derive(Debug, Clone)]
pub enum Step {
    Post(Vec<Line>),
    /// A writer runs for a while and is ended wherever it is.
    Crash {
        after_ms: u64,
        most: usize,
    },
    /// Two writers on the same sources, one of them ended, the other stopped in peace.
    Twice {
        after_ms: u64,
        most: usize,
    },
    /// Sources change hands between two writers, each move with or without a word to the one that had it; the last
    /// owner of all is ended or stopped in peace.
    Rebalance {
        moves: Vec<Move>,
        most: usize,
        peace: bool,
    },
    Drain {
        most: usize,
    },
    Sweep,
    WipeStock,
    /// Some of the keys are gone.
    LoseKeys(u8),
    KeepStock,
    RestoreStock,
    KeepLedger,
    RestoreLedger,
}

/// A source goes from the writer that has it to the other one.
#[derive(Debug, Clone)]
pub struct Move {
    source: u8,
    /// The old owner is told: before the new one begins, while it is at work, or never.
    told: Notice,
    after_ms: u64,
}

#[derive(Debug, Clone, Copy)]
pub enum Notice {
    Before,
    After,
    Never,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let notice = prop_oneof![4 => Just(Notice::Before), 2 => Just(Notice::After), 1 => Just(Notice::Never)];
    let one = (any::<u8>(), notice, 0..40u64);
    let one = one.prop_map(|(source, told, after_ms)| Move { source, told, after_ms });
    prop::collection::vec(one, 1..8)
}

fn line(shape: &Shape) -> impl Strategy<Value = Line> + use<> {
    let good = (0..4u8, 0..3u8, 1..60u32, any::<bool>(), 0..shape.days);
    prop_oneof![
        12 => good.prop_map(|(product, warehouse, quantity, out, day)| {
            Line::Good { product, warehouse, quantity, out, day }
        }),
        2 => (1..20usize).prop_map(Line::Again),
        1 => (0..7u8).prop_map(Line::Poison),
    ]
}

fn step(shape: &Shape) -> impl Strategy<Value = Step> + use<> {
    let most = || prop_oneof![Just(1usize), 2..20usize, Just(1_000usize)];
    prop_oneof![
        8 => prop::collection::vec(line(shape), 1..80).prop_map(Step::Post),
        6 => (0..60u64, most()).prop_map(|(after_ms, most)| Step::Crash { after_ms, most }),
        2 => (0..60u64, most()).prop_map(|(after_ms, most)| Step::Twice { after_ms, most }),
        3 => (moves(), most(), any::<bool>())
            .prop_map(|(moves, most, peace)| Step::Rebalance { moves, most, peace }),
        2 => most().prop_map(|most| Step::Drain { most }),
        1 => Just(Step::Sweep),
        1 => Just(Step::WipeStock),
        2 => any::<u8>().prop_map(Step::LoseKeys),
        2 => Just(Step::KeepStock),
        2 => Just(Step::RestoreStock),
        2 => Just(Step::KeepLedger),
        2 => Just(Step::RestoreLedger),
    ]
}

/// A story on its way.
struct Told<S: Site> {
    site: S,
    good: Vec<String>,
    stock: Option<Kept>,
    entries: u128,
}

fn key_of(payload: &str) -> String {
    let entry: serde_json::Value = serde_json::from_str(payload).unwrap();
    format!("{}:{}", entry["warehouse_id"].as_str().unwrap(), entry["product_id"].as_str().unwrap())
}

impl<S: Site> Told<S> {
    fn posted(&mut self, line: &Line) -> Posted {
        let payload = match line {
            Line::Good { product, warehouse, quantity, out, day } => {
                self.entries += 1;
                let id = Uuid::from_u128(0x0193_e0b5_c0de_7000_8000_0000_0000_0000 + self.entries);
                let drcr = if *out { -1 } else { 1 };
                let mark = self.site.mark();
                let payload = format!(
                    r#"{{"product_id":"P{product}","quantity":{quantity},"drcr":{drcr},"company_id":"C","warehouse_id":"{mark}{warehouse}","bill_id":"B","create_time":"2025-03-{:02} 12:00:00","entry_id":"{id}"}}"#,
                    day + 1
                );
                self.good.push(payload.clone());
                payload
            }
            Line::Again(back) => match self.good.len().checked_sub(*back) {
                Some(at) => self.good[at].clone(),
                None => "{}".into(),
            },
            Line::Poison(kind) => [
                "{", "[]", "", r#"{"product_id":"P1","quantity":0}"#, r#"{"product_id":"P1","quantity":"5","drcr":1}"#,
                r#"{"product_id":"P1","quantity":5,"drcr":2,"warehouse_id":"W1","create_time":"2025-03-01 12:00:00","entry_id":null}"#,
                "\u{feff}{}",
            ][*kind as usize]
                .into(),
        };
        let key = if payload.starts_with(r#"{"product_id":"P"#) && payload.contains("bill_id") {
            key_of(&payload)
        } else {
            "poison".into()
        };
        Posted { key, payload: payload.into_bytes() }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Post(lines) => {
                let lines = lines.iter().map(|line| self.posted(line)).collect();
                self.site.post(lines).await;
            }
            Step::Crash { after_ms, most } => {
                let running = start(&self.site, *most).await;
                tokio::time::sleep(Duration::from_millis(*after_ms)).await;
                running.abort().await;
            }
            Step::Twice { after_ms, most } => {
                let first = start(&self.site, *most).await;
                let second = start(&self.site, *most).await;
                tokio::time::sleep(Duration::from_millis(*after_ms)).await;
                first.abort().await;
                second.stop().await;
            }
            Step::Rebalance { moves, most, peace } => rebalance(&self.site, moves, *most, *peace).await,
            Step::Drain { most } => drain(&self.site, *most).await,
            Step::Sweep => drop(sweep(&self.site.ledger(), self.site.stock().as_ref()).await.unwrap()),
            Step::WipeStock => self.site.fill_stock(&Vec::new()).await,
            Step::LoseKeys(which) => {
                let kept = kept(&self.site).await.into_iter().enumerate();
                let left: Kept =
                    kept.filter(|(at, _)| which >> (at % 8) & 1 == 0).map(|(_, pair)| pair).collect();
                self.site.fill_stock(&left).await;
            }
            Step::KeepStock => self.stock = Some(kept(&self.site).await),
            Step::RestoreStock => {
                if let Some(kept) = self.stock.clone() {
                    self.site.fill_stock(&kept).await;
                }
            }
            Step::KeepLedger => self.site.keep_ledger().await,
            Step::RestoreLedger => self.site.restore_ledger().await,
        }
    }
}

async fn rebalance(site: &dyn Site, moves: &[Move], most: usize, peace: bool) {
    let sources = sources(site).await;
    let writers = [start(site, most).await, idle(site, most)];
    let mut owners = vec![0; sources.len()];
    for step in moves {
        tokio::time::sleep(Duration::from_millis(step.after_ms)).await;
        let at = usize::from(step.source) % sources.len();
        let (old, new) = (owners[at], 1 - owners[at]);
        let one = vec![sources[at].clone()];
        if matches!(step.told, Notice::Before) {
            writers[old].tell(Event::Revoked(one.clone()));
        }
        writers[new].tell(Event::Assigned(one.clone()));
        if matches!(step.told, Notice::After) {
            tokio::time::sleep(Duration::from_millis(step.after_ms)).await;
            writers[old].tell(Event::Revoked(one));
        }
        owners[at] = new;
    }
    let [first, second] = writers;
    first.abort().await;
    if peace {
        second.stop().await;
    } else {
        second.abort().await;
    }
}

/// Tells stories until one fails: `short` of them, or `long` in the long form.
pub fn stories<S: Site, F: Future<Output = S>>(
    shape: &Shape,
    short: u32,
    long: u32,
    open: impl Fn(usize) -> F,
) {
    let cases = if std::env::var_os("TWINSTOCK_TEST_LONG").is_some() { long } else { short };
    let chosen = std::env::var("TWINSTOCK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = chosen.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    println!("{cases} stories, TWINSTOCK_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let story = (1..25usize, prop::collection::vec(step(shape), 1..shape.most_steps));
    let told = runner.run(&story, |(day_tables, steps)| {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async {
                let site = open(day_tables).await;
                let mut told = Told { site, good: Vec::new(), stock: None, entries: 0 };
                for step in &steps {
                    told.take(step).await;
                    own_at(&told.site).await;
                }
                drain(&told.site, 1_000).await;
                own_at(&told.site).await;
                agree(&told.site).await;
                told.site.end().await;
            });
        }));
        told.map_err(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            TestCaseError::fail(words.unwrap_or_else(|| "a panic".into()))
        })
    });
    match told {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("TWINSTOCK_TEST_SEED={seed}: {why}\n{story:#?}"),
        Err(error) => panic!("TWINSTOCK_TEST_SEED={seed}: {error}"),
    }
}
