//! A file that gets its name when it is whole: one that is given up, or whose writing fails, leaves nothing behind and
//! what stood under the name before stays.

use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use domain::error::{Code, Error, Result};
use domain::words;

/// A file that only its maker knows.
pub struct PartFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl PartFile {
    /// Begins a file in the folder of the name that it gets.
    pub fn create(path: &Path) -> Result<Self> {
        // A device or a pipe would lose its place to the file.
        if path.exists() && !path.is_file() {
            let words = words!("file_not_ordinary", "{path} is no ordinary file.", path = path.display());
            return Err(Error::new(Code::Config, words));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = Builder::new();
        builder.prefix(".twinstock-").suffix(".part");
        // It may be read by whomever the folder's owner lets, as any other new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
        let file = file.map_err(|error| {
            Error::new(Code::Config, words!("file_not_made", "{path}: {error}", path = path.display(), error))
        })?;
        Ok(PartFile { file, path: path.to_owned() })
    }

    /// To write into.
    pub fn open(&self) -> Result<File> {
        self.file.reopen().map_err(|error| self.failed(&error))
    }

    /// Where it lies until then.
    pub fn place(&self) -> &Path {
        self.file.path()
    }

    /// Gives it its name.
    pub fn keep(self) -> Result<()> {
        let file = self.file.as_file();
        file.sync_all().map_err(|error| self.failed(&error))?;
        let PartFile { file, path } = self;
        file.persist(&path).map(drop).map_err(|error| failed(&path, &error.error))
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        failed(&self.path, error)
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        Code::Full,
        words!("file_not_written", "{path} cannot be written: {error}", path = path.display(), error),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let refused = PartFile::create(dir.path()).err().unwrap();
        assert_eq!(refused.code, Code::Config);
        #[cfg(unix)]
        assert!(PartFile::create(Path::new("/dev/null")).is_err());
    }

    #[test]
    fn what_is_given_up_leaves_the_file_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.csv");
        std::fs::write(&path, "before").unwrap();
        let file = PartFile::create(&path).unwrap();
        std::fs::write(file.place(), "half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let file = PartFile::create(&path).unwrap();
        std::fs::write(file.place(), "whole").unwrap();
        file.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
