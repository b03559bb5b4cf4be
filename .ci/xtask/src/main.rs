//! `cargo xtask`: everything a developer or CI does, behind one command.
//! Few dependencies on purpose: it compiles in seconds, long before the workspace does.
mod place;
mod process;
mod services;
mod sh;

use anyhow::Result;
use clap::{Parser, Subcommand};
use place::Place;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests Twinstock", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Real Kafka, MariaDB and Redis for tests, on free loopback ports
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
        Services::Up { brokers, dir } => services::print_env(&services::up(place, &at(dir), brokers)?),
        Services::Down { dir } => services::down(&at(dir))?,
        Services::Status { dir } => return services::status(&at(dir)),
        Services::Guard { dir } => services::guard(&dir)?,
    }
    Ok(true)
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Place::find().and_then(|place| match cli.command {
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
