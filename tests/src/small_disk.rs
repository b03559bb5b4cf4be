//! A disk of a few megabytes that can be filled and emptied: a tmpfs of its own. Mounting needs root, or `sudo`
//! without a password; where neither is had the test fails and says so.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The mounted disk. Goes with this value.
pub struct SmallDisk {
    dir: TempDir,
}

fn as_root(program: &str, args: &[&str]) -> std::process::Output {
    let plain = Command::new(program).args(args).output();
    match plain {
        Ok(output) if output.status.success() => output,
        _ => Command::new("sudo").arg("-n").arg(program).args(args).output().expect("mount, or sudo for it"),
    }
}

impl SmallDisk {
    /// A disk of so many megabytes.
    pub fn mount(megabytes: usize) -> SmallDisk {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m,mode=0777");
        let done =
            as_root("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", &dir.path().display().to_string()]);
        assert!(
            done.status.success(),
            "a small disk cannot be mounted: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        SmallDisk { dir }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Fills it up, all but `spare` kilobytes.
    pub fn fill(&self, spare: usize) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        let block = [0x5a; 1024];
        let mut blocks = 0;
        while file.write_all(&block).is_ok() {
            blocks += 1;
        }
        file.set_len(1024 * u64::try_from(usize::saturating_sub(blocks, spare)).unwrap()).unwrap();
    }

    /// Frees what `fill` took.
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root("umount", &["-l", &self.path().display().to_string()]);
    }
}
