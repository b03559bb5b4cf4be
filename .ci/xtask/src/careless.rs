//! Tests kill programs, never the machine: what was written is in the system's memory, and nobody needs to wait until it is
//! on the disk. Debian's libeatmydata makes fsync and its like return at once, for the tests and their servers. The long
//! form of the tests and every measurement leave the disk as it is; without the library the tests take longer, no more.
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();

/// From now on every program that we start, and all that it starts, goes on without waiting for the disk.
pub fn from_now_on() {
    LIBRARY.get_or_init(|| {
        let folders = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        folders.map(|folder| folder.join("libeatmydata.so")).find(|file| file.exists())
    });
}

/// Tells a new command, if it was asked for.
pub fn tell(command: &mut Command) {
    if let Some(Some(library)) = LIBRARY.get() {
        command.env("LD_PRELOAD", library);
    }
}
