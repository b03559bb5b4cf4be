//! MySQL and Valkey for the second pass: programs of the machine where it has them, else Debian sid's own packages in
//! a folder beside the compiled dependencies. Nothing is installed: they run from that folder by its own loader.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// What debootstrap puts into the folder, and the mark of a finished one.
const PACKAGES: &str = "mysql-server-core,valkey-server";

/// Where the programs of the second pass are.
pub struct Second {
    /// MySQL's server.
    pub mysqld: PathBuf,
    /// Valkey's server.
    pub valkey: PathBuf,
    /// A folder that goes first on the path of tests that start their own `redis-server` and `redis-cli`.
    pub first_on_path: PathBuf,
}

/// Finds or fetches them.
pub fn find(place: &Place) -> Result<Second> {
    let home = place.tools().join("second");
    fs::create_dir_all(&home)?;
    let own = |program: &str| sh::which(program).filter(|path| is_own(place, path));
    let programs = match (own("mysqld"), own("valkey-server"), own("valkey-cli")) {
        (Some(mysqld), Some(server), Some(cli)) => {
            [Program::here(&mysqld), Program::here(&server), Program::here(&cli)]
        }
        _ => {
            let sid = sid(place)?;
            [
                Program::in_folder(&sid, "usr/sbin/mysqld")?,
                Program::in_folder(&sid, "usr/bin/valkey-server")?,
                Program::in_folder(&sid, "usr/bin/valkey-cli")?,
            ]
        }
    };
    let [mysqld, server, cli] = programs;
    let second = Second {
        mysqld: mysqld.write(&home, "mysqld")?,
        valkey: server.write(&home, "redis-server")?,
        first_on_path: home.clone(),
    };
    cli.write(&home, "redis-cli")?;
    for (program, says) in [(&second.mysqld, "MySQL"), (&second.valkey, "Valkey")] {
        let version = sh::output(sh::command(program, &place.root).arg("--version"))?;
        let right = version.contains(says) || (says == "MySQL" && !version.contains("MariaDB"));
        ensure!(right, "{} is no {says}: {version}", program.display());
        eprintln!("second pass: {}", version.trim());
    }
    Ok(second)
}

/// MariaDB calls its server `mysqld` too.
fn is_own(place: &Place, path: &Path) -> bool {
    let version = sh::output(sh::command(path, &place.root).arg("--version"));
    version.is_ok_and(|words| !words.contains("MariaDB"))
}

/// A program, and how it is started.
struct Program {
    line: String,
}

impl Program {
    fn here(path: &Path) -> Program {
        Program { line: format!("{}{}", quoted(path), Program::first_words(path, None)) }
    }

    /// By the folder's own loader and libraries: nothing of the machine's takes part, and no root is needed.
    fn in_folder(sid: &Path, path: &str) -> Result<Program> {
        let loader = one_of(&[sid.join("lib64"), sid.join("lib")], |name| name.starts_with("ld-linux"))?;
        let libraries = fs::read_dir(sid.join("usr/lib"))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|dir| dir.join("libc.so.6").exists())
            .with_context(|| format!("{} has no libc.so.6", sid.display()))?;
        let program = sid.join(path);
        let words = Program::first_words(&program, Some(sid));
        let (loader, libraries) = (quoted(&loader), quoted(&libraries));
        Ok(Program { line: format!("{loader} --library-path {libraries} {}{words}", quoted(&program)) })
    }

    /// MySQL takes --no-defaults only in the first place, and must be told where its messages lie.
    fn first_words(program: &Path, sid: Option<&Path>) -> String {
        if !program.ends_with("mysqld") {
            return String::new();
        }
        let base = sid.map(|sid| {
            let (base, messages) = (sid.join("usr"), sid.join("usr/share/mysql"));
            format!(" --basedir={} --lc-messages-dir={}", quoted(&base), quoted(&messages))
        });
        format!(" --no-defaults{}", base.unwrap_or_default())
    }

    fn write(&self, home: &Path, name: &str) -> Result<PathBuf> {
        let file = home.join(name);
        fs::write(&file, format!("#!/bin/sh\nexec {} \"$@\"\n", self.line))?;
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(file)
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn one_of(dirs: &[PathBuf], fits: impl Fn(&str) -> bool) -> Result<PathBuf> {
    for dir in dirs {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if fits(&entry.file_name().to_string_lossy()) {
                return Ok(entry.path());
            }
        }
    }
    bail!("no loader in {dirs:?}")
}

/// Debian sid with the two servers, fetched once (600 MB, about a minute).
fn sid(place: &Place) -> Result<PathBuf> {
    let sid = place.sid()?;
    let stamp = sid.join("twinstock-complete");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == PACKAGES) {
        return Ok(sid);
    }
    let debootstrap = sh::which("debootstrap").context(
        "MySQL and Valkey are not here, nor debootstrap to fetch them: install mysql and valkey, or debootstrap",
    )?;
    let parent = sid.parent().context("the cache has no parent folder")?;
    fs::create_dir_all(parent)?;
    let root = sh::output(sh::command("id", parent).arg("-u"))?.trim() == "0";
    let part = parent.join(format!("twinstock-sid.{}", std::process::id()));
    let mut command = sh::command(if root { "env" } else { "sudo" }, parent);
    if !root {
        command.arg("-n");
    }
    command.arg(debootstrap).args(["--variant=minbase", &format!("--include={PACKAGES}"), "sid"]);
    sh::run(command.arg(&part))?;
    let as_owner = |program: &str, args: &[&std::ffi::OsStr]| {
        let mut command = sh::command(if root { "env" } else { "sudo" }, parent);
        if !root {
            command.arg("-n");
        }
        sh::run(command.arg(program).args(args))
    };
    // Packages are not needed any more once they are unpacked.
    as_owner("rm", &["-rf".as_ref(), part.join("var/cache/apt/archives").as_os_str()])?;
    as_owner("rm", &["-rf".as_ref(), sid.as_os_str()])?;
    as_owner("mv", &[part.as_os_str(), sid.as_os_str()])?;
    as_owner("chmod", &["a+rwx".as_ref(), sid.as_os_str()])?;
    fs::write(&stamp, PACKAGES)?;
    Ok(sid)
}
