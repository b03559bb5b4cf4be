//! Lets tauri read tauri.conf.json, and keeps a plain `cargo check` possible before the UI was ever built.

use std::path::Path;

fn main() {
    let dist = Path::new("../ui/dist");
    if !dist.join("index.html").exists() {
        let page =
            "<!doctype html><title>Twinstock</title><p>The user interface is not built: run cargo xtask run.";
        if let Err(error) =
            std::fs::create_dir_all(dist).and_then(|()| std::fs::write(dist.join("index.html"), page))
        {
            println!("cargo::error=cannot write ui/dist/index.html: {error}");
        }
    }
    println!("cargo::rerun-if-changed=../ui/dist");
    tauri_build::build();
}
