//! Where things lie: the clone's root, the target folder, and what is cached beneath it.
//! Everything that xtask writes lies under the target folder, but for one cache: the servers of the second pass.
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::PathBuf;

/// The folders that every command needs.
#[derive(Clone)]
pub struct Place {
    /// The root of the clone.
    pub root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the root.
    pub target: PathBuf,
}

impl Place {
    /// Finds the folders. Under `cargo run` the manifest's folder is in the environment; a copied binary
    /// falls back to the place where it was compiled.
    pub fn find() -> Result<Place> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .nth(2)
            .context("the xtask crate does not lie two folders below the clone's root")?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) if !dir.is_empty() => std::path::absolute(PathBuf::from(dir))?,
            _ => root.join("target"),
        };
        Ok(Place { root, target })
    }

    /// The test servers' folder, unless `--dir` names another.
    pub fn services(&self) -> PathBuf {
        self.target.join("services")
    }

    /// Programs that are fetched once: tauri-driver, and a newer Node where the machine's is too old.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Debian sid with MySQL and Valkey, shared by all clones: it takes a minute to fetch.
    pub fn sid(&self) -> Result<PathBuf> {
        let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Ok(cache.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("twinstock-sid"))
    }

    /// The front end's folder.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// `node` or `npm`: the one fetched into the target folder where the machine's is too old, else from PATH.
    pub fn node_path(&self, program: &str) -> PathBuf {
        let own = self.tools().join("node/node_modules/.bin").join(program);
        if own.exists() { own } else { PathBuf::from(program) }
    }

    /// PATH with our own tools first.
    pub fn path(&self) -> Result<OsString> {
        let own = [self.tools().join("node/node_modules/.bin"), self.tools().join("bin")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        Ok(std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path)))?)
    }
}
