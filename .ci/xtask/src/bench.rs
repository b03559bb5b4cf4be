//! `cargo xtask bench path|audit|report`: builds the optimised programs, starts servers for them alone, and lets `path-bench`
//! measure. Says nothing about figures itself.
use crate::place::Place;
use crate::servers::{Kind, Lent};
use crate::{prepare, sh, steps};
use anyhow::Result;
use clap::Subcommand;
use std::ffi::OsString;
use std::fs;

#[derive(Subcommand)]
pub enum Bench {
    /// The path of a bill against the bare stores, Kafka alone and the specification's daemon (`path --help`)
    #[command(disable_help_flag = true)]
    Path {
        /// --products 10,100 --days 1,30 --entries N --only raw,twinstock --quick --long …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Audits of a million keys and of ten million rows against bare reading of the same stores (`audit --help`)
    #[command(disable_help_flag = true)]
    Audit {
        /// --keys N --rows N --tables N --beside N --rounds N --only-beside
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Period reports over a year of ten million entries against the raw rows (`report --help`)
    #[command(disable_help_flag = true)]
    Report {
        /// --entries N --fewer N --days N --products N --warehouses N
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// Runs it; its exit code is ours.
pub fn bench(place: &Place, bench: Bench) -> Result<bool> {
    let (what, args) = match bench {
        Bench::Path { args } => ("path", args),
        Bench::Audit { args } => ("audit", args),
        Bench::Report { args } => ("report", args),
    };
    prepare::prepare(place, prepare::For::Testing)?;
    let mut build = sh::command("cargo", &place.root);
    build.args(["build", "--workspace", "--release", "--bin", "inv-daemon", "--bin", "path-bench"]);
    sh::run(&mut build)?;
    let python = steps::python(place)?;
    let out = place.target.join("bench");
    fs::create_dir_all(&out)?;
    let programs = place.target.join("release");
    let mut command = sh::command(programs.join("path-bench"), &place.root);
    command.arg(what);
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return Ok(command.arg("--help").status()?.success());
    }
    let servers = Lent::start(place, Kind::MariadbRedis)?;
    command.args(args);
    command.arg("--services").arg(servers.dir());
    command.arg("--daemon").arg(programs.join("inv-daemon"));
    command.arg("--python").arg(python).arg("--out").arg(out);
    let done = command.status();
    servers.end()?;
    Ok(done?.success())
}
