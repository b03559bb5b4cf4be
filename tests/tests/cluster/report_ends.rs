//! A long report on the command line that is told to end: it ends with exit code 1, what stood under the file's name
//! stays, no half file is left; and how far it is stands on standard error where that was asked for.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::feed::{self, Shape};
use tests::processes::{Guard, signal, wait_for};
use tests::site::Site;

/// A busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(120);
/// A hundred years of days, quiet ones too: minutes of work.
const LONG: [&str; 8] =
    ["report", "--from", "2000-01-01", "--to", "2099-12-31", "--all", "--by", "product,warehouse,day"];

fn fed() -> Site {
    let site = Site::standalone();
    site.init();
    site.send(&feed::lines(&feed::entries(5, 200, &Shape::default())), 0);
    site
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_report_that_is_told_to_end_leaves_no_half_file() {
    let site = fed();
    let folder = site.daemon.dir.join("files");
    std::fs::create_dir(&folder).unwrap();
    for (flag, name, told) in [
        ("--csv", "report.csv", "TERM"),
        ("--csv", "report.csv", "INT"),
        ("--xlsx", "report.xlsx", "TERM"),
        ("--pdf", "report.pdf", "INT"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, "before").unwrap();
        let before = site.daemon.log().len();
        let wanted = [&LONG[..], &[flag, file.to_str().unwrap(), "--progress"]].concat();
        let mut running = site.daemon.start_command(&wanted, &[]);
        let log = || site.daemon.log().split_off(before);
        let first = format!("inv-daemon: {name}: ");
        wait_for("the first progress", PATIENCE, || log().contains(&first) || running.ended().is_some());
        assert_eq!(running.ended(), None, "{flag}: it was to take longer: {}", log());
        assert_eq!(files(&folder).len(), 2, "the file that is being written, beside the one before");
        running.signal(told);
        let mut code = None;
        wait_for("the end", PATIENCE, || {
            code = running.ended();
            code.is_some()
        });
        assert_eq!(code, Some(1), "{flag} {told}: {}", log());
        assert!(log().contains("cancelled") && !log().contains("is written"), "{}", log());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
        assert_eq!(files(&folder), [name]);
        std::fs::remove_file(&file).unwrap();
    }
}

/// Whoever reads standard output may never read on: the signal ends it all the same.
#[test]
fn a_report_that_nobody_reads_on_ends_when_told() {
    let site = fed();
    let mut command = site.daemon.command(&[&LONG[..], &["--json"]].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Guard(command.spawn().unwrap());
    let mut first = [0; 1];
    child.0.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"[");
    signal(child.0.id(), "TERM");
    let mut code = None;
    wait_for("the end", PATIENCE, || {
        code = child.0.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    });
    assert_eq!(code, Some(Some(1)));
}

#[test]
fn progress_is_told_where_it_was_asked_for() {
    let site = fed();
    let file = site.daemon.dir.join("report.xlsx").display().to_string();
    let wanted = ["report", "--from", "2025-03-01", "--to", "2025-03-31", "--xlsx", &file];
    let said = site.daemon.call(&[&wanted[..], &["--progress"]].concat(), "").expect(0);
    assert!(said.stderr.contains("report.xlsx: 12 of 12 groups"), "{}", said.stderr);
    assert!(said.stderr.contains("report.xlsx is written"), "{}", said.stderr);
    let said = site.daemon.call(&wanted, "").expect(0);
    assert!(!said.stderr.contains("groups") && said.stderr.contains("is written"), "{}", said.stderr);
    // What is no file does not become one.
    site.daemon.call(&[&wanted[..5], &["--csv", "/dev/null"]].concat(), "").expect(0);
    let said = site.daemon.call(&[&wanted[..5], &["--pdf", "/dev/null"]].concat(), "").expect(2);
    assert!(said.stderr.contains("no ordinary file"), "{}", said.stderr);
    assert!(!Path::new("/dev/null").is_file());
}
