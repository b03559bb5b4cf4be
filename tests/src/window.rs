//! The desktop app as hands use it: starts it through tauri-driver, types keys, reads what the screen says, takes
//! pictures. Knows the accessible names only; where the page keeps its state is none of its business.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::processes::{Guard, free_port, signal, wait_for};

/// Longest wait for something to appear; a cold start of a debug build on a busy machine takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two keys: slower than any scanner, so that typing is not taken for a scan.
const STROKE: Duration = Duration::from_millis(70);

/// One pixel that never rests: WebKit's driver takes a picture at the next frame, and a page where nothing moves
/// has none, so that it would wait for ever. Ten times a second is enough; each frame is drawn by the processor.
const PAINT: &str = "const dot = document.createElement('div'); let count = 0; \
     const look = { position: 'fixed', left: '0', bottom: '0', width: '1px', height: '1px' }; \
     for (const [name, value] of Object.entries(look)) dot.style.setProperty(name, value); \
     document.body.append(dot); \
     (function paint() { dot.style.setProperty('background', count++ % 2 ? '#808080' : '#818181'); \
     setTimeout(() => requestAnimationFrame(paint), 100); })()";

/// tauri-driver. It ends when it is asked to, so that WebKit's own driver below it ends as well.
struct Driver(Guard);

impl Drop for Driver {
    fn drop(&mut self) {
        let child = &mut self.0.0;
        if matches!(child.try_wait(), Ok(None)) {
            signal(child.id(), "TERM");
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// A running app with its driver.
pub struct Window {
    /// The session.
    pub client: Client,
    dir: PathBuf,
    _driver: Driver,
}

/// The program under test.
pub fn app() -> PathBuf {
    if let Some(app) = std::env::var_os("TWINSTOCK_APP") {
        return PathBuf::from(app);
    }
    let program = crate::servers::programs().join("twinstock");
    assert!(program.exists(), "{} is not built: cargo build -p twinstock", program.display());
    program
}

impl Window {
    /// Starts the app on a data folder, with further arguments, and waits for its first screen.
    pub async fn open(dir: &Path, more: &[&str]) -> Window {
        let (port, native) = (free_port(), free_port());
        let program = std::env::var("TWINSTOCK_TAURI_DRIVER").unwrap_or_else(|_| "tauri-driver".into());
        let log = dir.with_extension("log");
        let ports = [format!("--port={port}"), format!("--native-port={native}")];
        let mut command = Command::new(program);
        command.args(ports).env("XDG_CONFIG_HOME", settings(dir));
        let driver = Driver(Guard::start(&mut command, &log));
        // Whoever asks tauri-driver before WebKit's own driver listens is turned away.
        for (name, port) in [("tauri-driver", port), ("WebKit's driver", native)] {
            wait_for(name, PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        }
        let mut args = vec!["--data-dir".to_string(), dir.display().to_string()];
        args.extend(more.iter().map(ToString::to_string));
        let wanted = json!({ "tauri:options": { "application": app(), "args": args } });
        let Value::Object(wanted) = wanted else { unreachable!() };
        let mut builder = ClientBuilder::native();
        let address = format!("http://127.0.0.1:{port}");
        let session = builder.capabilities(wanted).connect(&address);
        let client = session.await.unwrap_or_else(|e| panic!("no session: {e}; see {}", log.display()));
        let window = Window { client, dir: dir.to_owned(), _driver: driver };
        window.ready().await;
        window
    }

    /// Waits for the page's first screen, as after a start or when it was loaded anew.
    pub async fn ready(&self) {
        self.see("nav").await;
        self.run(PAINT, vec![]).await;
    }

    /// The app's process, as the folder's lock names it.
    pub fn pid(&self) -> u32 {
        owner(&self.dir)
    }

    /// kill -9 of the app itself.
    pub async fn kill(self) {
        signal(self.pid(), "KILL");
        drop(self.client);
    }

    /// Ends the session, and with it the app.
    pub async fn close(self) {
        self.client.close().await.ok();
    }

    /// Asks the app to end, as a shutdown of the machine does, and waits until it has: what it counted is on disk
    /// then. (The end of a session alone kills the app at any moment.)
    pub async fn close_and_wait(self) {
        let pid = self.pid();
        signal(pid, "TERM");
        wait_for("the app ends", PATIENCE, || !Path::new(&format!("/proc/{pid}/exe")).exists());
        self.client.close().await.ok();
    }

    /// Waits until a selector is there.
    pub async fn see(&self, css: &str) {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|e| panic!("{css} does not appear: {e}"));
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap()
    }

    /// Puts the focus on an element.
    pub async fn focus(&self, css: &str) {
        self.see(css).await;
        self.run("document.querySelector(arguments[0]).focus()", vec![json!(css)]).await;
    }

    /// What the page shows as text.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText", vec![]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a script says something other than null, false, 0 and "".
    pub async fn until(&self, what: &str, script: &str) -> Value {
        let begun = Instant::now();
        loop {
            let said = self.run(script, vec![]).await;
            if !matches!(said, Value::Null | Value::Bool(false)) && said != json!("") && said != json!(0) {
                return said;
            }
            if begun.elapsed() > PATIENCE {
                let page = self.text().await;
                panic!("{what}: not after {PATIENCE:?}; the page says {page}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the page shows a text.
    pub async fn reads(&self, text: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        self.until(&format!("{text:?} on the page"), &script).await;
    }

    /// Asks the Tauri side, as the page's own door does.
    pub async fn ask(&self, command: &str, args: Value) -> Value {
        self.try_ask(command, args).await.unwrap_or_else(|failure| panic!("{command}: {failure}"))
    }

    /// The same for what may be refused: the failure as the page would receive it.
    pub async fn try_ask(&self, command: &str, args: Value) -> Result<Value, Value> {
        let script = "const [command, args, done] = arguments; \
             window.__TAURI_INTERNALS__.invoke(command, args).then((a) => done({ok: a}), (e) => done({err: e}))";
        let said = self.client.execute_async(script, vec![json!(command), args]).await.unwrap();
        match said.get("err") {
            Some(failure) => Err(failure.clone()),
            None => Ok(said["ok"].clone()),
        }
    }

    /// Types: `{Enter}`, `{Tab}`, `{Esc}`, `{Down}`, `{F6}`, `{Ctrl+x}`, `{Alt+x}`; all else as it is.
    pub async fn keys(&self, text: &str) {
        self.try_keys(text).await.unwrap();
    }

    /// The same where the app may die meanwhile.
    pub async fn try_keys(&self, text: &str) -> Result<(), CmdError> {
        let mut actions = KeyActions::new("keyboard".into());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (stroke, after) = match rest.strip_prefix('{').and_then(|named| named.split_once('}')) {
                Some((name, after)) if name.len() > 1 => (name.to_string(), after),
                _ => (c.to_string(), &rest[c.len_utf8()..]),
            };
            let keys: Vec<char> = match stroke.split_once('+') {
                Some((hold, key)) if !key.is_empty() => vec![named(hold), named(key)],
                _ => vec![named(&stroke)],
            };
            for key in &keys {
                actions = actions.then(KeyAction::Down { value: *key });
            }
            for key in keys.iter().rev() {
                actions = actions.then(KeyAction::Up { value: *key });
            }
            actions = actions.then(KeyAction::Pause { duration: STROKE });
            rest = after;
        }
        self.client.perform_actions(actions).await
    }

    /// Resizes the window and waits for the page to have that size.
    pub async fn size(&self, width: u32, height: u32) -> Result<(), CmdError> {
        self.client.set_window_size(width, height).await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(())
    }

    /// A picture of the page into target/screenshots.
    pub async fn picture(&self, name: &str) {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let folder = crate::servers::programs().join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let taken = tokio::time::timeout(PATIENCE, self.client.screenshot()).await;
        let png = taken.unwrap_or_else(|_| panic!("no picture of {name} within {PATIENCE:?}")).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// Two sizes, light and dark.
    pub async fn pictures(&self, name: &str) {
        for (width, height) in [(1024, 700), (1920, 1080)] {
            self.size(width, height).await.unwrap();
            for theme in ["light", "dark"] {
                let script = "document.documentElement.dataset.theme = arguments[0]";
                self.run(script, vec![json!(theme)]).await;
                self.picture(&format!("{name}-{width}x{height}-{theme}")).await;
            }
        }
        self.run("document.documentElement.dataset.theme = 'light'", vec![]).await;
        self.size(1280, 800).await.unwrap();
    }
}

/// Where the app looks for settings when none are named: beside the data folder, never a person's own.
pub fn settings(dir: &Path) -> PathBuf {
    dir.with_extension("settings")
}

/// The process that holds a data folder.
fn owner(dir: &Path) -> u32 {
    let owner = std::fs::read_to_string(dir.join("lock.owner")).unwrap();
    owner.trim().rsplit_once(' ').unwrap().1.parse().unwrap()
}

fn named(name: &str) -> char {
    match name {
        "Enter" => Key::Enter.into(),
        "Tab" => Key::Tab.into(),
        "Esc" => Key::Escape.into(),
        "Down" => Key::Down.into(),
        "Up" => Key::Up.into(),
        "Right" => Key::Right.into(),
        "Shift" => Key::Shift.into(),
        "Space" => ' ',
        "F5" => Key::F5.into(),
        "F6" => Key::F6.into(),
        "F8" => Key::F8.into(),
        "F9" => Key::F9.into(),
        "Ctrl" => Key::Control.into(),
        "Alt" => Key::Alt.into(),
        one => one.chars().next().unwrap(),
    }
}
