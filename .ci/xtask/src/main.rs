//! `cargo xtask`: everything a developer or CI does, behind one command.
//! Few dependencies on purpose: it compiles in seconds, long before the workspace does.
mod bench;
mod binaries;
mod bindings;
mod bundle;
mod careless;
mod jobs;
mod place;
mod pool;
mod prepare;
mod process;
mod servers;
mod sh;
mod steps;
mod summary;
mod tally;
mod test;
mod times;
mod ui;

use anyhow::Result;
use clap::{Parser, Subcommand};
use place::Place;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests Twinstock", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, and open the app; what follows `--` goes to the app (`-- --demo`)
    Run {
        /// The optimised build (takes longer to compile)
        #[arg(long)]
        release: bool,
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Everything that must pass, with one summary at the end
    Test(test::Options),
    /// How fast it is, measured against what the servers can do
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Packages for this system: deb and rpm, an NSIS installer, or a disk image
    Bundle {
        /// Then unpack the deb and try its window (a test of the real thing)
        #[arg(long)]
        check: bool,
    },
    /// Write the UI's types from the desktop crate's structs
    Bindings,
    /// Real Kafka, MariaDB and Redis (or MySQL and Valkey) for tests, on free loopback ports
    #[command(subcommand)]
    Services(Services),
}

#[derive(Subcommand)]
enum Services {
    /// Start what does not run yet; prints the lines tests need in their environment
    Up {
        /// Kafka brokers in the cluster
        #[arg(long)]
        brokers: Option<usize>,
        /// Which ledger and stock
        #[arg(long, value_enum, default_value = "mariadb-redis")]
        servers: servers::Kind,
        /// Data, logs and state.json [default: services in the target folder]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Stop them and remove their data
    Down {
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Pids, ports and addresses; exit 1 when something does not run
    Status {
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    #[command(hide = true)]
    Guard {
        #[arg(long)]
        dir: PathBuf,
    },
}

fn services(place: &Place, command: Services) -> Result<bool> {
    let at = |dir: Option<PathBuf>| dir.unwrap_or_else(|| place.services());
    match command {
        Services::Up { brokers, servers, dir } => {
            servers::print_env(&servers::up(place, &at(dir), brokers, servers)?);
        }
        Services::Down { dir } => servers::down(&at(dir))?,
        Services::Status { dir } => return servers::status(&at(dir)),
        Services::Guard { dir } => servers::guard(&dir)?,
    }
    Ok(true)
}

/// Opens the app; its exit code is ours. Without a config.ini the app is standalone and needs no server.
fn open(place: &Place, release: bool, args: &[OsString]) -> Result<bool> {
    prepare::prepare(place, prepare::For::Building)?;
    ui::build(place)?;
    let mut build = sh::command("cargo", &place.root);
    build.args(["build", "--workspace", "--bin", "twinstock"]);
    if release {
        build.arg("--release");
    }
    sh::run(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    let app = place.target.join(profile).join(format!("twinstock{}", std::env::consts::EXE_SUFFIX));
    Ok(Command::new(app).args(args).status()?.success())
}

fn bundle(place: &Place, check: bool) -> Result<bool> {
    let packages = bundle::bundle(place)?;
    for package in &packages {
        let size = std::fs::metadata(package)?.len() >> 20;
        println!("{} ({size} MB)", package.display());
    }
    if !check {
        return Ok(true);
    }
    prepare::prepare(place, prepare::For::Testing)?;
    let app = bundle::unpack(place, &packages)?;
    let tally = test::packaged(place, &app)?;
    println!("the packaged window: {} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

fn bindings(place: &Place) -> Result<bool> {
    let changed = bindings::generate(place, sh::run)?;
    match changed.as_slice() {
        [] => println!("the UI's types are up to date"),
        names => println!("written: {}", names.join(", ")),
    }
    Ok(true)
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Place::find().and_then(|place| match cli.command {
        Task::Run { release, args } => open(&place, release, &args),
        Task::Test(options) => Ok(test::test(&place, &options)),
        Task::Bench(what) => bench::bench(&place, what),
        Task::Bundle { check } => bundle(&place, check),
        Task::Bindings => bindings(&place),
        Task::Services(command) => services(&place, command),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
