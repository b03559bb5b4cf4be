//! The system's own dialogs, which no WebDriver reaches: typed into through X, as hands do. Knows their titles on
//! Linux only; what the app makes of the answer is the tests' business.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::processes::wait_for;
use crate::window::PATIENCE;

/// Between a dialog that can be seen and one that takes keys.
const READY: Duration = Duration::from_millis(400);
/// How long a dialog may take to close before it is answered once more: it did not have the keyboard.
const CLOSES: Duration = Duration::from_secs(10);

/// What xdotool printed; nothing where it found nothing.
fn xdotool(args: &[&str]) -> Option<String> {
    let said = Command::new("xdotool").args(args).output().expect("xdotool is there");
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// A window of the app that can be seen.
fn found(pid: u32, title: &str) -> Option<String> {
    let (pid, title) = (pid.to_string(), format!("^{title}$"));
    let windows = xdotool(&["search", "--all", "--onlyvisible", "--pid", &pid, "--name", &title])?;
    windows.lines().next().map(str::to_owned)
}

/// Waits for a dialog, types, and waits until it is closed; the keyboard goes back to the app.
fn answered(pid: u32, title: &str, keys: &[&[&str]]) {
    wait_for(title, PATIENCE, || found(pid, title).is_some());
    let begun = Instant::now();
    while let Some(dialog) = found(pid, title) {
        assert!(begun.elapsed() < PATIENCE, "{title:?} does not close");
        xdotool(&["windowfocus", "--sync", &dialog]);
        std::thread::sleep(READY);
        for key in keys {
            xdotool(key);
            std::thread::sleep(READY);
        }
        let typed = Instant::now();
        while typed.elapsed() < CLOSES && found(pid, title).is_some() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let app = found(pid, "Twinstock").expect("the app's window");
    xdotool(&["windowfocus", "--sync", &app]);
}

/// Names the file in the app's save dialog.
pub fn save_as(pid: u32, path: &Path) {
    let path = path.display().to_string();
    let keys: [&[&str]; 3] = [&["key", "ctrl+a"], &["type", "--delay", "15", &path], &["key", "Return"]];
    answered(pid, "Save File", &keys);
}

/// Closes the save dialog without a name.
pub fn save_nothing(pid: u32) {
    answered(pid, "Save File", &[&["key", "Escape"]]);
}

/// Chooses the only printer of a machine without any: a file in the folder for documents.
pub fn print(pid: u32) {
    answered(pid, "Print", &[&["key", "Down"], &["key", "Return"]]);
}
