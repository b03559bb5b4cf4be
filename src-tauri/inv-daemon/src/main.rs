//! `inv-daemon`: the engine without a screen. Parses the command line, reads the clock, prints, and turns
//! outcomes into the fixed exit codes: 0 done, 1 something was found, 2 wrong usage or configuration, 3 a needed
//! server out of reach.

mod commands;
mod memory;
mod output;
mod priority;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use inventory::config::{Config, Mode};
use inventory::domain::words::Words;

/// Twinstock's engine without a screen: counts every accepted entry exactly once in the ledger and the stock.
///
/// A first run:
///   inv-daemon --config config.ini check     does everything answer?
///   inv-daemon --config config.ini init      creates database, tables and topic
///   inv-daemon --config config.ini run       consumes and writes until SIGTERM
///
/// Without a config.ini it works standalone: SQLite and redb in the data directory, no server.
#[derive(Parser)]
#[command(
    version,
    verbatim_doc_comment,
    after_help = "Exit codes: 0 done · 1 done, and something was found · 2 wrong usage or configuration · 3 a needed server is out of reach"
)]
struct Cli {
    /// Configuration file; else ./config.ini, else the platform's config folder
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create the database, the fixed tables and the topic; says what it did; may be repeated
    Init,
    /// Try every connection, grant and setting; names cause and cure
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Consume and write until SIGTERM or Ctrl+C, then drain within 5 seconds
    Run,
    /// Send JSON lines of ioentry through the outbox to the queue; in standalone mode they are counted too
    Send {
        /// File of JSON lines; - or nothing reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Names this batch: lines without entry_id get it from NAME and their line number, so that a killed
        /// send can be repeated without doubling anything
        #[arg(long, value_name = "NAME")]
        batch: Option<String>,
    },
    /// Products, warehouses and companies as CSV; the header tells which
    Catalog {
        #[command(subcommand)]
        action: CatalogAction,
    },
    /// Sources with their positions and lag, entries waiting, rejected entries
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Live quantities
    Stock {
        /// Only this warehouse
        #[arg(long, value_name = "W")]
        warehouse: Option<String>,
        /// Only this product
        #[arg(long, value_name = "P")]
        product: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read the queue again and compare it with both stores, entry by entry; --apply makes right what differs
    Replay {
        /// Only this key, WAREHOUSE:PRODUCT; may be given several times
        #[arg(long = "key", value_name = "W:P")]
        keys: Vec<String>,
        /// Only entries of this day and later, YYYY-MM-DD
        #[arg(long, value_name = "D")]
        from: Option<chrono::NaiveDate>,
        /// Only entries of this day and earlier, YYYY-MM-DD
        #[arg(long, value_name = "D")]
        to: Option<chrono::NaiveDate>,
        /// Correct what is found; without it nothing is changed
        #[arg(long)]
        apply: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Opening, in, out and closing of a period; whole days of the warehouse's wall clock, both included
    Report(Box<commands::report::Options>),
    /// Prove that ledger and stock agree, correct what may be corrected at once, tell what is left
    Audit(commands::audit::Flags),
    /// Move days into month tables by hand, as the limit would by itself; on an empty ledger only sets the boundary
    Compact {
        /// First day that stays in day tables, YYYY-MM-DD
        #[arg(long, value_name = "D")]
        before: chrono::NaiveDate,
    },
}

#[derive(Subcommand)]
enum CatalogAction {
    /// Read a CSV with the header product_id,name[,barcode,unit,category,minimum] or warehouse_id,name or company_id,name
    Import {
        /// CSV file, UTF-8
        file: PathBuf,
    },
    /// Write a CSV that import reads
    Export {
        /// CSV file to write; - writes standard output
        file: PathBuf,
        /// What to write
        #[arg(long, value_enum, default_value = "products")]
        kind: commands::catalog::Kind,
    },
}

/// Whose words are shown from `info` on; of other people's packages warnings alone.
const OURS: [&str; 10] =
    ["audit", "domain", "inv_daemon", "inventory", "ledger", "probe", "queue", "report", "stock", "writer"];

/// What a command found; decides between exit code 0 and 1.
pub enum Outcome {
    /// Nothing to report.
    Clean,
    /// Rejected lines, deviations, an unhealthy part.
    Found,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| format!("warn,{}=info", OURS.join("=info,")).into()),
        )
        .with_writer(std::io::stderr)
        .init();
    if matches!(cli.command, Command::Audit(_)) {
        priority::give_way();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::failed(&inventory::domain::error::Error::new(
                inventory::domain::error::Code::Internal,
                Words::plain(error),
            ));
        }
    };
    let outcome = runtime.block_on(dispatch(cli));
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => output::failed(&error),
    }
}

async fn dispatch(cli: Cli) -> inventory::domain::error::Result<Outcome> {
    let config = Config::load(cli.config.as_deref())?;
    if config.mode == Mode::Cluster {
        memory::keep_little();
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    match cli.command {
        Command::Init => commands::init::init(config).await,
        Command::Check { json } => commands::init::check(config, json).await,
        Command::Run => commands::run::run(config).await,
        Command::Send { file, batch } => commands::send::send(config, &file, batch.as_deref()).await,
        Command::Catalog { action: CatalogAction::Import { file } } => {
            commands::catalog::import(config, &file).await
        }
        Command::Catalog { action: CatalogAction::Export { file, kind } } => {
            commands::catalog::export(config, &file, kind).await
        }
        Command::Status { json } => commands::status::status(config, json).await,
        Command::Stock { warehouse, product, json } => {
            commands::stock::stock(config, warehouse.as_deref(), product.as_deref(), json).await
        }
        Command::Replay { keys, from, to, apply, json } => {
            let wanted = commands::replay::Wanted { keys, from, to, apply, json };
            commands::replay::replay(config, wanted).await
        }
        Command::Report(options) => commands::report::report(config, &options).await,
        Command::Audit(flags) => commands::audit::audit(config, flags).await,
        Command::Compact { before } => commands::compact::compact(config, before).await,
    }
}
