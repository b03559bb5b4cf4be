//! `path-bench`: how fast the path of a bill is against what the stores can do. One run, one machine, the same
//! data for everybody. Called by `cargo xtask bench path`, which builds the programs and starts the servers.
#![allow(clippy::float_arithmetic)] // measurements are no quantities of goods

mod alone;
mod audit;
mod backlog;
mod beside;
mod chart;
mod conditions;
mod data;
mod figures;
mod halves;
mod latency;
mod periods;
mod place;
mod plan;
mod planted;
mod raw_rows;
mod raw_stock;
mod report;
mod results;
mod site;
mod spec;
mod sql;
mod topic;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use place::Place;

/// Seed of all data.
pub const SEED: u64 = 20_250_310;

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// MariaDB alone: bare rows by multi-statement INSERT
    Raw,
    /// Redis alone: the engine's script by pipeline
    Redis,
    /// Kafka alone: consuming the topic
    Kafka,
    /// The specification's own daemon
    Spec,
    /// The engine's ledger path and stock path, each by itself
    Halves,
    /// `inv-daemon run` from end to end, day tables made ahead of midnight
    Twinstock,
    /// The same, the day tables made on the way
    Cold,
    /// From send to "visible in the stock" at a steady rate
    Latency,
    /// Without servers: `send`, and single lines
    Standalone,
}

/// Measures the path of a bill
#[derive(clap::Args, Debug)]
#[command(name = "cargo xtask bench path", max_term_width = 100)]
pub struct Options {
    /// Numbers of products
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1000])]
    pub products: Vec<u64>,
    /// Numbers of days over which the entries are spread
    #[arg(long, value_delimiter = ',', default_values_t = [1, 30])]
    pub days: Vec<u64>,
    /// Entries of each shape [default: 400000]
    #[arg(long)]
    pub entries: Option<u64>,
    /// Rounds; their order alternates, medians are told [default: 3]
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Two minutes: 10 and 100 products, one day, one round, fewer entries
    #[arg(long)]
    pub quick: bool,
    /// One backlog of so many entries, to see whether memory grows
    #[arg(long, num_args = 0..=1, default_missing_value = "5000000")]
    pub long: Option<u64>,
    /// Entries of a batch of one partition, where the bench makes batches itself (redis, halves)
    #[arg(long, default_value_t = 12_000)]
    pub batch: usize,
    /// Rows of one transaction of the bare client
    #[arg(long, default_value_t = 20_000)]
    pub raw_batch: usize,
    /// Most day tables: where products x days are more, the oldest days lie in month tables
    #[arg(long, default_value_t = 3_000)]
    pub day_tables: u64,
    /// The days one after the other, as they come in life; else every batch touches all of them
    #[arg(long)]
    pub in_order: bool,
    /// Entries without entry_id
    #[arg(long)]
    pub no_ids: bool,
    /// Seconds of the steady rate [default: 20]
    #[arg(long)]
    pub latency_seconds: Option<u64>,
    /// Entries a second of the steady rate
    #[arg(long, default_value_t = 1_000)]
    pub latency_rate: u64,
    /// Entries for the specification's daemon
    #[arg(long, default_value_t = 4_000)]
    pub spec_entries: u64,
    #[command(flatten)]
    pub places: Places,
}

/// Where everything is; told by `cargo xtask bench`.
#[derive(clap::Args, Debug)]
pub struct Places {
    /// Folder of the running services
    #[arg(long)]
    pub services: PathBuf,
    /// inv-daemon
    #[arg(long)]
    pub daemon: PathBuf,
    /// A Python with kafka-python, mysql-connector-python and redis
    #[arg(long)]
    pub python: PathBuf,
    /// Folder for the results
    #[arg(long)]
    pub out: PathBuf,
}

impl Places {
    fn open(&self) -> Result<Place> {
        Place::open(&self.services, &self.daemon, &self.python, &self.out)
    }

    /// Whether the daemon is an optimised one.
    pub fn release(&self) -> bool {
        self.daemon.components().any(|part| part.as_os_str() == "release")
    }
}

/// What is measured.
#[derive(Parser, Debug)]
enum Bench {
    /// The path of a bill
    Path(Box<Options>),
    /// Audits
    Audit(audit::Options),
    /// Period reports
    Report(periods::Options),
}

impl Options {
    /// Is this part wanted?
    pub fn wants(&self, part: Part) -> bool {
        if self.long.is_some() && self.only.is_empty() {
            return false;
        }
        self.only.is_empty() || self.only.contains(&part)
    }

    /// A run of everything: its results are fit for the README.
    pub fn whole(&self) -> bool {
        self.only.is_empty() && !self.quick && self.long.is_none()
    }
}

fn run(mut options: Options) -> Result<bool> {
    if options.quick {
        options.products.retain(|products| *products <= 100);
        options.days = vec![1];
    }
    let place = options.places.open()?;
    let conditions = conditions::read(&place, &options)?;
    conditions::print(&conditions);
    let results = plan::measure(&place, &options)?;
    let met = report::print(&results);
    report::write(&place, &options, &conditions, &results)?;
    Ok(met)
}

fn main() -> ExitCode {
    let done = match Bench::parse() {
        Bench::Path(options) => run(*options).map(drop),
        Bench::Audit(options) => audit::run(&options),
        Bench::Report(options) => periods::run(&options),
    };
    match done {
        // An aim that is missed is told in the table; it is no failure of the bench.
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
