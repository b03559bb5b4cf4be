//! Room on the disk under a folder: how much is left, and when that is little. Tells, and decides nothing: a write that
//! finds no room says so itself.

use std::path::Path;

use domain::error::Code;
use domain::words;
use probe::{Step, Trail};

const MB: u64 = 1_000_000;
const GB: u64 = 1_000 * MB;

/// A twentieth of the disk is little, but never less than the first of these and never more than the second: a small
/// disk is full soon, and a large one is not full with as much.
const LITTLE: [u64; 2] = [GB, 5 * GB];

/// Bytes of a disk: those that we may take, and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    free: u64,
    total: u64,
}

impl Room {
    fn of(folder: &Path) -> std::io::Result<Room> {
        let stats = fs4::statvfs(folder)?;
        Ok(Room { free: stats.available_space(), total: stats.total_space() })
    }

    fn is_little(self) -> bool {
        self.free < (self.total / 20).clamp(LITTLE[0], LITTLE[1])
    }
}

/// Bytes as they are read: 950 MB, 12.4 GB.
fn shown(bytes: u64) -> String {
    if bytes < GB {
        return format!("{} MB", bytes / MB);
    }
    format!("{}.{} GB", bytes / GB, bytes % GB / (100 * MB))
}

/// The step of `check` for the disk on which our own files lie.
pub(crate) fn tell(trail: &mut Trail, folder: &Path) {
    let path = folder.display();
    match Room::of(folder) {
        Ok(room) => {
            let (free, total) = (shown(room.free), shown(room.total));
            if room.is_little() {
                let cause = words!(
                    "disk_nearly_full",
                    "The disk of {path} is nearly full: {free} of {total} are free",
                    path,
                    free,
                    total
                );
                let cure = words!(
                    "cure_little_room",
                    "Free some space there, or name a folder on another disk in [app] data_dir"
                );
                trail.fault(Step::Space, Code::Full, cause, cure);
            } else {
                trail.fine(Step::Space, words!("disk_has_room", "{free} of {total} are free", free, total));
            }
        }
        // Some file systems do not tell; that is no fault of ours or theirs.
        Err(error) => {
            trail.fine(
                Step::Space,
                words!("disk_untold", "The disk of {path} tells no room: {error}", path, error),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_is_little_between_one_gigabyte_and_five() {
        let little = |free, total| Room { free, total }.is_little();
        assert!(little(GB - 1, 4 * GB) && !little(GB, 4 * GB), "a small disk");
        assert!(little(3 * GB - 1, 60 * GB) && !little(3 * GB, 60 * GB), "a twentieth");
        assert!(little(5 * GB - 1, 4_000 * GB) && !little(5 * GB, 4_000 * GB), "a large disk");
        assert!(little(0, 0));
    }

    #[test]
    fn bytes_are_told_as_people_read_them() {
        let told = [0, 950 * MB, 12_449 * MB, 2_000 * GB].map(shown);
        assert_eq!(told, ["0 MB", "950 MB", "12.4 GB", "2000.0 GB"]);
    }

    #[test]
    fn a_real_disk_answers_and_what_is_not_there_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(folder.path()).unwrap();
        assert!(room.total > 0 && room.free <= room.total, "{room:?}");
        let mut trail = Trail::new("outbox", &[Step::Space]);
        tell(&mut trail, &folder.path().join("nothing"));
        let found = trail.end();
        assert!(found.iter().all(|one| !one.is_fault() && one.message.code() == "disk_untold"), "{found:?}");
    }
}
