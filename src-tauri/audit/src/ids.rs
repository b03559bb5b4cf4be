//! Finds entry ids that stand in more than one row, among any number of rows in little memory: sorted runs in files
//! that are gone when they are closed, merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use uuid::Uuid;

use domain::error::{Code, Error, Result};
use domain::words;

/// Ids of one run: 16 MB.
const RUN: usize = 1 << 20;
/// Most ids that are told; whoever repeats more has another problem.
const MOST: usize = 1_000;

/// Ids seen so far.
#[derive(Default)]
pub struct Ids {
    open: Vec<u128>,
    runs: Vec<File>,
}

impl Ids {
    /// Sees one more.
    pub fn add(&mut self, id: Uuid) -> Result<()> {
        self.open.push(id.as_u128());
        if self.open.len() < RUN {
            return Ok(());
        }
        self.open.sort_unstable();
        self.runs.push(written(&self.open).map_err(no_room)?);
        self.open.clear();
        Ok(())
    }

    /// Those seen more than once.
    pub fn repeated(mut self) -> Result<Vec<Uuid>> {
        self.open.sort_unstable();
        let mut runs = vec![Run::Memory(self.open.into_iter())];
        for mut file in self.runs {
            file.seek(SeekFrom::Start(0)).map_err(no_room)?;
            runs.push(Run::File(BufReader::new(file)));
        }
        let mut heap = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heap.extend(run.next().map_err(no_room)?.map(|id| Reverse((id, number))));
        }
        let (mut repeated, mut before): (Vec<Uuid>, Option<u128>) = (Vec::new(), None);
        while let Some(Reverse((id, number))) = heap.pop() {
            let again = before == Some(id) && repeated.last().map(Uuid::as_u128) != Some(id);
            if again && repeated.len() < MOST {
                repeated.push(Uuid::from_u128(id));
            }
            before = Some(id);
            heap.extend(runs[number].next().map_err(no_room)?.map(|id| Reverse((id, number))));
        }
        Ok(repeated)
    }
}

enum Run {
    Memory(std::vec::IntoIter<u128>),
    File(BufReader<File>),
}

impl Run {
    fn next(&mut self) -> std::io::Result<Option<u128>> {
        match self {
            Run::Memory(ids) => Ok(ids.next()),
            Run::File(file) => {
                let mut bytes = [0; 16];
                match file.read_exact(&mut bytes) {
                    Ok(()) => Ok(Some(u128::from_be_bytes(bytes))),
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

fn written(ids: &[u128]) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let mut out = BufWriter::new(&mut file);
    for id in ids {
        out.write_all(&id.to_be_bytes())?;
    }
    out.flush()?;
    drop(out);
    Ok(file)
}

fn no_room(error: std::io::Error) -> Error {
    let words = words!(
        "audit_notes_full",
        "The audit cannot keep its notes in the folder for temporary files: {error}. Free some space.",
        error
    );
    Error::new(Code::Full, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_found_within_and_across_runs() {
        let mut ids = Ids::default();
        let id = |number: usize| Uuid::from_u128((number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c));
        for number in 0..RUN + 10 {
            ids.add(id(number)).unwrap();
        }
        for number in [3, RUN + 5, 3] {
            ids.add(id(number)).unwrap();
        }
        let mut expected = vec![id(3), id(RUN + 5)];
        expected.sort();
        assert_eq!(ids.repeated().unwrap(), expected);
        assert_eq!(Ids::default().repeated().unwrap(), Vec::<Uuid>::new());
    }
}
