//! Opening the stock's file, and what can go wrong with it, in words that say what to do.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ::redb::{Builder, Database, DatabaseError, StorageError};

use super::CACHE_BYTES;
use domain::error::{Code, Error};
use domain::words;

/// Opens the file, or makes it.
pub fn open_file(path: &Path) -> Result<Database, DatabaseError> {
    let mut builder = Builder::new();
    // Reading the whole file costs a fraction of a second; a plain open trusts a file that was altered.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder.create(path)
}

/// `stock.redb.damaged-1`, or the first number that is free.
pub fn free_name(path: &Path) -> PathBuf {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let mut number = 1;
    while name(number).exists() {
        number += 1;
    }
    name(number)
}

/// What opening met, in words.
pub fn refusal(path: &Path, error: DatabaseError) -> Error {
    let path_text = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::new(
            Code::Locked,
            words!(
                "stock_file_held",
                "The stock file {path_text} is in use by another process. Close that one first.",
                path_text
            ),
        ),
        // redb tells a file that is none of its own, or one cut short, by these kinds.
        DatabaseError::Storage(StorageError::Io(io))
            if matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            damaged(path, io)
        }
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => damaged(path, error),
        other => failure(path, other),
    }
}

fn damaged(path: &Path, cause: impl std::fmt::Display) -> Error {
    let words = words!(
        "stock_file_damaged",
        "The stock file {path} is damaged ({cause}). Move it aside and restart: it is rebuilt from the ledger.",
        path = path.display(),
        cause
    );
    Error::new(Code::Corrupt, words)
}

/// What working on it met, in words.
pub fn failure(path: &Path, error: impl Into<::redb::Error>) -> Error {
    let path_text = path.display();
    match error.into() {
        ::redb::Error::Io(io) => {
            let (code, cure) = match io.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    (Code::Full, words!("cure_space", "Free some space."))
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    (Code::Refused, words!("cure_rights", "Give this user the right to read and write it."))
                }
                ErrorKind::NotFound => (Code::Config, words!("cure_make_folder", "Create its folder.")),
                _ => (Code::Full, words!("cure_disk", "Check the disk.")),
            };
            Error::new(
                code,
                words!(
                    "stock_file_unusable",
                    "The stock file {path_text} cannot be used: {io}. {cure}",
                    path_text,
                    io,
                    cure
                ),
            )
        }
        ::redb::Error::PreviousIo => Error::new(
            Code::Full,
            words!(
                "stock_file_failed_before",
                "The stock file {path_text} failed before. Free some space; it is opened anew.",
                path_text
            ),
        ),
        error @ ::redb::Error::Corrupted(_) => damaged(path, error),
        error => Error::new(
            Code::Internal,
            words!(
                "stock_file_failed",
                "The stock file {path_text} failed: {error}. Restart Twinstock.",
                path_text,
                error
            ),
        ),
    }
}
