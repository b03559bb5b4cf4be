//! FAULTS row 37: the real window is killed at random moments of entering and posting. At every next start each
//! acknowledged bill is there once and whole, and so is each draft; at the end the oracle finds every entry exactly
//! once in both stores. The seed is printed; TWINSTOCK_TEST_SEED repeats a run, TWINSTOCK_TEST_KILLS asks for more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::clerk;
use tests::feed::Seeded;
use tests::processes::{Guard, signal};
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::{PATIENCE, Window, app, settings};

/// Drafts made ready for one life of the window; more than it can post.
const READY: usize = 900;
/// Every so many drafts, one is saved and left.
const LEFT: usize = 40;
const PRODUCTS: u64 = 12;

/// The page's side of the load: several hands at once save a draft half, save it whole, and post it, as fast as the
/// door takes it. Tells each step as it is acknowledged: s(aved), p(osting), a(cknowledged), x (refused).
const LOAD: &str = "const [drafts, first, left, hands] = arguments; \
     const ask = window.__TAURI_INTERNALS__.invoke; const told = (window.__told = []); let next = 0; \
     const hand = async () => { while (next < drafts.length) { \
         const at = next++; const draft = drafts[at]; \
         try { \
             await ask('draft_save', { draft: { ...draft, lines: draft.lines.slice(0, 1) } }); \
             await ask('draft_save', { draft }); told.push(['s', first + at]); \
             if (at % left === left - 1) continue; \
             told.push(['p', first + at]); \
             const done = await ask('bill_post', { draft }); \
             told.push([done.outcome === 'posted' ? 'a' : 'x', first + at, done]); \
         } catch (error) { told.push(['x', first + at, error]); } } }; \
     for (let i = 0; i < hands; i += 1) void hand();";

/// Which of these bills are posted, with their lines; what drafts there are.
const SEEN: &str = "const [bills, done] = arguments; const ask = window.__TAURI_INTERNALS__.invoke; \
     const bill = (bill_id) => ask('bill_get', { bill_id }).then((b) => b.lines.map((l) => [l.product_id, l.quantity]), \
         (e) => { if (e.code !== 'not_found') throw e; return null; }); \
     Promise.all([Promise.all(bills.map(bill)), ask('draft_list', {})]) \
         .then(([posted, drafts]) => done({ posted, drafts }), (e) => done({ error: e }));";

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

/// How far a bill of ours has come, as far as we were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Saved,
    Posting,
    Acknowledged,
}

struct Ours {
    draft: Value,
    told: Told,
}

impl Ours {
    fn bill(&self) -> &str {
        self.draft["bill_id"].as_str().unwrap()
    }

    /// (product, quantity) of every line.
    fn lines(&self) -> Vec<(String, i64)> {
        let lines = self.draft["lines"].as_array().unwrap().iter();
        let of = |line: &Value| {
            (
                line["product_id"].as_str().unwrap().to_owned(),
                line["quantity"].as_str().unwrap().parse().unwrap(),
            )
        };
        lines.map(of).collect()
    }
}

/// The run: everything ever entered, and the dice.
struct Run {
    dice: Seeded,
    seed: u64,
    ours: Vec<Ours>,
    /// Bills before this one were looked at after an earlier start.
    looked_at: usize,
    typed: u64,
    restored: usize,
    unheard: usize,
}

impl Run {
    fn draft(&mut self, number: usize) -> Value {
        let lines: Vec<Value> = (1..=1 + self.dice.below(9))
            .map(|line_id| {
                let product = format!("P{}", self.dice.below(PRODUCTS));
                json!({ "line_id": line_id, "product_id": product, "product_text": product,
                    "quantity": (1 + self.dice.below(90)).to_string(), "description": "" })
            })
            .collect();
        json!({ "draft_id": format!("d-{}-{number}", self.seed), "kind": if self.dice.below(4) == 0 { "out" } else { "in" },
            "bill_id": format!("L-{number:05}"), "company_id": "C1", "warehouse_id": "W1", "create_time": "",
            "copied_from": null, "lines": lines })
    }

    /// Starts the load in the page; returns the number of its first draft.
    async fn load(&mut self, window: &Window) -> usize {
        let first = self.ours.len();
        for number in first..first + READY {
            let draft = self.draft(number);
            self.ours.push(Ours { draft, told: Told::Nothing });
        }
        let drafts: Vec<&Value> = self.ours[first..].iter().map(|ours| &ours.draft).collect();
        let hands = 1 + self.dice.below(6);
        window.run(LOAD, vec![json!(drafts), json!(first), json!(LEFT), json!(hands)]).await;
        first
    }

    /// Listens until the window is dead.
    async fn listen(&mut self, window: &Window) {
        let next = || async {
            let asked = window.client.execute("return window.__told?.splice(0) ?? []", vec![]);
            tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
        };
        while let Some(told) = next().await {
            for step in told.as_array().unwrap() {
                let ours = &mut self.ours[step[1].as_u64().unwrap() as usize];
                let now = match step[0].as_str().unwrap() {
                    "s" => Told::Saved,
                    "p" => Told::Posting,
                    "a" => Told::Acknowledged,
                    _ => panic!("refused: {step}"),
                };
                ours.told = ours.told.max(now);
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    /// After a start: what was acknowledged is there, what was saved is there, nothing is there twice or in part.
    async fn check(&mut self, window: &Window) {
        let since = std::mem::replace(&mut self.looked_at, self.ours.len());
        let bills: Vec<&str> = self.ours[since..].iter().map(Ours::bill).collect();
        let seen = window.client.execute_async(SEEN, vec![json!(bills)]).await.unwrap();
        assert!(seen.get("error").is_none(), "{seen}");
        let drafts: BTreeMap<&str, &Value> = seen["drafts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|saved| (saved["draft"]["bill_id"].as_str().unwrap(), &saved["draft"]))
            .collect();
        for ours in self.ours[..since].iter().filter(|ours| ours.told == Told::Saved) {
            assert_eq!(drafts[ours.bill()]["lines"], ours.draft["lines"], "{}: an older draft", ours.bill());
        }
        let mut again = Vec::new();
        let posted = seen["posted"].as_array().unwrap();
        for (at, (ours, posted)) in (since..).zip(self.ours[since..].iter_mut().zip(posted)) {
            let bill = ours.bill().to_owned();
            let kept = drafts.get(bill.as_str());
            if let Some(lines) = posted.as_array() {
                let lines: Vec<(String, i64)> = lines
                    .iter()
                    .map(|line| (line[0].as_str().unwrap().to_owned(), line[1].as_i64().unwrap()))
                    .collect();
                assert_eq!(lines, ours.lines(), "{bill} is not what was posted");
                assert!(kept.is_none(), "{bill} is posted and is a draft as well");
                if ours.told != Told::Acknowledged {
                    again.push((at, "refused"));
                }
                continue;
            }
            assert!(ours.told != Told::Acknowledged, "{bill} was acknowledged and is gone");
            assert!(ours.told == Told::Nothing || kept.is_some(), "{bill} was saved and is gone");
            if let (Some(kept), true) = (kept, ours.told >= Told::Saved) {
                assert_eq!(kept["lines"], ours.draft["lines"], "{bill}: the draft is not what was saved");
                self.restored += 1;
                if ours.told == Told::Posting {
                    again.push((at, "posted"));
                }
            }
        }
        for (at, outcome) in again {
            self.press_again(window, at, outcome).await;
        }
    }

    /// Nobody heard the answer, so a person presses Post again: posted now, or refused as posted already.
    async fn press_again(&mut self, window: &Window, at: usize, outcome: &str) {
        let ours = &mut self.ours[at];
        let answer = window.ask("bill_post", json!({ "draft": ours.draft })).await;
        assert_eq!(answer["outcome"], outcome, "{}: {answer}", ours.bill());
        if outcome == "refused" {
            assert_eq!(answer["errors"][0]["rule"], "bill_exists", "{answer}");
        }
        ours.told = Told::Acknowledged;
        self.unheard += 1;
    }

    /// A bill typed by hand; returns it as it will be posted. The window may die while it is typed.
    async fn typed(&mut self, window: &Window) -> Ours {
        self.typed += 1;
        let bill = format!("K-{:03}", self.typed);
        let (one, two) = (1 + self.dice.below(90), 1 + self.dice.below(90));
        window.keys("{Alt+n}").await;
        window
            .until(
                "an empty form",
                "return document.querySelectorAll('[data-cell$=\".product\"]').length === 1",
            )
            .await;
        window.focus("#head-bill_id").await;
        window.keys(&format!("{bill}{{Enter}}C1{{Enter}}W1{{Enter}}{{Enter}}")).await;
        window.keys(&format!("P1{{Enter}}{one}{{Enter}}{{Enter}}P2{{Enter}}{two}{{Enter}}")).await;
        let line = |line_id: u64, product: &str, quantity: u64| json!({ "line_id": line_id, "product_id": product, "quantity": quantity.to_string() });
        let draft = json!({ "bill_id": bill, "lines": [line(1, "P1", one), line(2, "P2", two)] });
        Ours { draft, told: Told::Nothing }
    }
}

/// kill -9 after a while, whatever the window is doing then.
fn kill_later(pid: u32, after: Duration) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        std::thread::sleep(after);
        signal(pid, "KILL");
    })
}

/// Only posting: several hands through the door.
async fn killed_under_load(run: &mut Run, window: Window) {
    run.load(&window).await;
    let life = Duration::from_millis(60 + run.dice.below(3_000));
    let killer = kill_later(window.pid(), life);
    run.listen(&window).await;
    killer.join().unwrap();
}

/// A bill typed into the form, posted by Ctrl+Enter under load, and killed right then: it is either posted or back in
/// the form, never neither and never both.
async fn killed_at_ctrl_enter(run: &mut Run, window: Window, dir: &Path) -> Window {
    let ours = run.typed(&window).await;
    clerk::saved(&window, ours.bill()).await;
    run.load(&window).await;
    let killer = kill_later(window.pid(), Duration::from_millis(20 + run.dice.below(500)));
    window.try_keys("{Ctrl+Enter}").await.ok();
    run.listen(&window).await;
    killer.join().unwrap();
    drop(window);
    let window = open(dir).await;
    let seen = window.client.execute_async(SEEN, vec![json!([ours.bill()])]).await.unwrap();
    let expected: Vec<Value> =
        ours.lines().into_iter().map(|(product, pieces)| json!([product, pieces])).collect();
    let draft =
        seen["drafts"].as_array().unwrap().iter().find(|saved| saved["draft"]["bill_id"] == ours.bill());
    match (seen["posted"][0].as_array(), draft) {
        (Some(lines), None) => assert_eq!(*lines, expected),
        (None, Some(saved)) => {
            let back = Ours { draft: saved["draft"].clone(), told: Told::Saved };
            let lines: Vec<(String, i64)> = saved["draft"]["lines"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|line| line["product_id"] != "")
                .map(|line| {
                    let pieces = line["quantity"].as_str().unwrap().parse().unwrap();
                    (line["product_id"].as_str().unwrap().to_owned(), pieces)
                })
                .collect();
            assert_eq!(lines, ours.lines());
            let answer = window.ask("bill_post", json!({ "draft": back.draft })).await;
            assert_eq!(answer["outcome"], "posted", "{answer}");
            run.restored += 1;
        }
        (posted, draft) => panic!("{}: posted {posted:?}, draft {draft:?}", ours.bill()),
    }
    run.ours.push(Ours { told: Told::Acknowledged, ..ours });
    window
}

/// Killed while it opens its stores and counts what is left from the life before.
fn killed_while_opening(run: &mut Run, dir: &Path) {
    let log = dir.with_extension("log");
    let mut command = Command::new(app());
    command.arg("--data-dir").arg(dir).env("XDG_CONFIG_HOME", settings(dir));
    let mut app = Guard::start(&mut command, &log);
    std::thread::sleep(Duration::from_millis(100 + run.dice.below(1_800)));
    assert_eq!(app.0.try_wait().unwrap(), None, "the app ended by itself; see {}", log.display());
    app.kill();
}

async fn open(dir: &Path) -> Window {
    let window = Window::open(dir, &[]).await;
    window.see("[data-cell$='.product']").await;
    window
}

/// Waits until everything that was accepted is counted.
async fn counted(window: &Window) {
    let begun = Instant::now();
    loop {
        let status = window.ask("status", json!({})).await;
        let up = status["parts"].as_array().unwrap().iter().all(|part| part["state"] == "up");
        if up && status["lag"] == 0 && status["sources"][0]["end_offset"].as_i64() > Some(0) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "not counted: {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The queue holds each acknowledged bill once and whole, and no other than ours.
fn every_bill_once(run: &Run, site: &Site) {
    let mut queued: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let topic = site.queue();
    for message in topic.messages.values().flatten() {
        let entry: Value = serde_json::from_slice(&message.payload).unwrap();
        assert!(ids.insert(entry["entry_id"].to_string()), "an entry id stands twice: {entry}");
        let line = (entry["product_id"].as_str().unwrap().to_owned(), entry["quantity"].as_i64().unwrap());
        queued.entry(entry["bill_id"].as_str().unwrap().to_owned()).or_default().push(line);
    }
    let mut acknowledged = 0;
    for ours in &run.ours {
        let found = queued.remove(ours.bill());
        match (ours.told, found) {
            (Told::Acknowledged, found) => {
                assert_eq!(found, Some(ours.lines()), "{}", ours.bill());
                acknowledged += 1;
            }
            (_, found) => assert_eq!(found, None, "{} was never posted", ours.bill()),
        }
    }
    assert!(queued.is_empty(), "nobody posted these: {queued:?}");
    eprintln!(
        "{acknowledged} bills of {} entries; {} drafts found again, {} answers unheard, {} bills by hand",
        topic.len(),
        run.restored,
        run.unheard,
        run.typed
    );
}

#[test]
fn row_37_desktop_killed_at_any_moment_of_entering_and_posting() {
    let _turn = crate::TURN.blocking_lock();
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number_of("TWINSTOCK_TEST_SEED").unwrap_or_else(|| u64::from(moment.subsec_nanos()));
    eprintln!("row 37: TWINSTOCK_TEST_SEED={seed}");
    let long = std::env::var_os("TWINSTOCK_TEST_LONG").is_some();
    let kills = number_of("TWINSTOCK_TEST_KILLS").unwrap_or(if long { 30 } else { 8 });
    let site = Site::standalone();
    let dir = site.data_dir();
    let mut run = Run {
        dice: Seeded::new(seed),
        seed,
        ours: Vec::new(),
        looked_at: 0,
        typed: 0,
        restored: 0,
        unheard: 0,
    };
    RUNTIME.block_on(async {
        let mut window = open(&dir).await;
        let products: Vec<String> = (0..PRODUCTS).map(|number| format!("P{number}")).collect();
        let mut rows = vec![("company", "C1", "Huadong Foods"), ("warehouse", "W1", "Beijing 1")];
        rows.extend(products.iter().map(|id| ("product", id.as_str(), id.as_str())));
        clerk::catalogue(&window, &rows).await;
        for kill in 0..kills {
            window = match kill % 4 {
                1 => killed_at_ctrl_enter(&mut run, window, &dir).await,
                3 => {
                    killed_under_load(&mut run, window).await;
                    killed_while_opening(&mut run, &dir);
                    open(&dir).await
                }
                _ => {
                    killed_under_load(&mut run, window).await;
                    open(&dir).await
                }
            };
            run.check(&window).await;
            let told = run.ours.iter().filter(|ours| ours.told == Told::Acknowledged).count();
            eprintln!("kill {}: {told} bills acknowledged so far", kill + 1);
        }
        counted(&window).await;
        window.close_and_wait().await;
    });
    let acknowledged = run.ours.iter().filter(|ours| ours.told == Told::Acknowledged).count();
    assert!(acknowledged as u64 > 5 * kills, "{acknowledged} bills: the kills came before anything was done");
    every_bill_once(&run, &site);
    site.must_be_right();
    let snapshot = site.snapshot();
    assert_eq!((snapshot.rows.len(), snapshot.rejected.len()), (site.queue().len(), 0));
}
