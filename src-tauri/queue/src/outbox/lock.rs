//! The data directory belongs to one process at a time: a lock of the operating system, which dies with the
//! process. A file beside it says who holds it; that file alone never decides anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// A data directory that this process holds until the value is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if needed and locks it, or says which program holds it.
    pub fn lock(path: &Path, program: &str) -> Result<Self> {
        let words = |what: Words, err: std::io::Error| {
            Error::new(
                Code::Config,
                words!(
                    "data_dir_cannot",
                    "Cannot {what} in the data directory {path}: {err}. Check that it exists and may be written.",
                    what,
                    path = path.display(),
                    err
                ),
            )
        };
        std::fs::create_dir_all(path).map_err(|err| words(words!("do_create_files", "create files"), err))?;
        let lock_file = path.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).read(true).open(&lock_file);
        let file = open.map_err(|err| words(words!("do_open_lock", "open the lock"), err))?;
        let owner_file = path.join("lock.owner");
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(path, &owner_file)),
            Err(TryLockError::Error(err)) => return Err(words(words!("do_take_lock", "take the lock"), err)),
        }
        let owner = format!("{program} {}\n", std::process::id());
        std::fs::write(&owner_file, owner)
            .map_err(|err| words(words!("do_write_owner", "write lock.owner"), err))?;
        Ok(DataDir { path: path.to_owned(), _lock: file })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The outbox's file in it.
    pub fn outbox_file(&self) -> PathBuf {
        self.path.join("outbox.db")
    }
}

fn held(path: &Path, owner_file: &Path) -> Error {
    let owner = std::fs::read_to_string(owner_file).unwrap_or_default();
    let Some((program, pid)) = owner.trim().rsplit_once(' ') else {
        let words = words!(
            "data_dir_held_unnamed",
            "The data directory {path} is in use by another program. \
             Close that program, or name another data_dir in the configuration.",
            path = path.display()
        );
        return Error::new(Code::Locked, words);
    };
    Error::new(
        Code::Locked,
        words!(
            "data_dir_held",
            "The data directory {path} is in use by {program} (process {pid}). Close that program, or name another data_dir in the configuration.",
            path = path.display(),
            program,
            pid
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_by_name_and_pid() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::lock(dir.path(), "Twinstock").unwrap();
        let error = DataDir::lock(dir.path(), "inv-daemon send").unwrap_err();
        assert_eq!(error.code, Code::Locked);
        assert!(error.message.contains(&format!("Twinstock (process {})", std::process::id())), "{error}");
        drop(first);
        DataDir::lock(dir.path(), "inv-daemon send").unwrap();
    }
}
