//! The preferences' file, `desktop.json` in the data folder: written whole and replaced at once, so that a crash
//! leaves the old or the new one. A file that cannot be read counts as none; it holds no goods.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use inventory::domain::error::{Code, Error, Result};
use inventory::domain::words;

use crate::api::settings::Preferences;

/// The preferences, in memory and on disk.
#[derive(Debug)]
pub struct PreferencesFile {
    path: PathBuf,
    now: Mutex<Preferences>,
}

impl PreferencesFile {
    /// Reads the file, or begins with the defaults.
    pub fn open(path: PathBuf) -> Self {
        let read = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        PreferencesFile { path, now: Mutex::new(read.unwrap_or_default()) }
    }

    /// What they are now.
    pub fn get(&self) -> Preferences {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps new ones, durably.
    pub fn set(&self, preferences: Preferences) -> Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == preferences {
            return Ok(());
        }
        self.write(&preferences).map_err(|error| {
            Error::new(
                Code::Full,
                words!(
                    "file_not_written_disk",
                    "{path} cannot be written: {error}. Check the disk.",
                    path = self.path.display(),
                    error
                ),
            )
        })?;
        *now = preferences;
        Ok(())
    }

    fn write(&self, preferences: &Preferences) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let new = self.path.with_extension("json.new");
        let mut file = std::fs::File::create(&new)?;
        serde_json::to_writer_pretty(&mut file, preferences)?;
        file.flush()?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_and_a_broken_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desktop.json");
        let file = PreferencesFile::open(path.clone());
        assert!(file.get().first_run);
        let changed = Preferences { language: "zh-CN".into(), first_run: false, ..file.get() };
        file.set(changed.clone()).unwrap();
        assert_eq!(PreferencesFile::open(path.clone()).get(), changed);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(PreferencesFile::open(path).get(), Preferences::default());
    }
}
