//! The crash points that the engine has, read from its source: the tests share no code with it, and a point that is
//! added there must not be forgotten here.

use std::path::Path;

/// The names in `crash::POINTS`, in its order.
pub fn listed() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/crash-points/src/lib.rs");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let list = text.split_once("POINTS: &[&str] = &[").expect("crash.rs lists its points").1;
    let list = list.split_once("];").expect("the list of points ends").0;
    let names: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}
