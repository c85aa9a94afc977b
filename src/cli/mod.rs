//! The command line: arguments → the other stages → the terminal.

mod ahead;
mod backup;
mod certificate_files;
mod certs;
mod check;
mod compared;
mod completions;
mod crowd;
mod day;
mod demo;
mod destination;
mod diff;
mod doctor;
mod draft;
mod dry_run;
mod endpoints;
mod exit;
mod failure;
mod filter;
mod html;
mod import;
mod inventory;
mod json_lines;
mod kernel;
mod logging;
mod losses;
mod man;
mod operator;
mod owners;
mod plugin;
mod printer;
mod probe;
mod product;
mod progress;
mod prune;
mod query;
mod recall;
mod report;
mod reports;
mod resumption;
mod rows;
mod scan;
mod scans;
mod show;
mod signals;
mod summary;
mod sweep;
mod targets;
mod trust;
mod unlisted;
mod verdicts;
mod workforce;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use destination::Destination;
pub use exit::Exit;
use failure::Failure;
use printer::{LogFormat, Printer, Verbosity};

use crate::config::Config;
use crate::domain::is_hazardous;

/// Finds every TLS certificate on a network and keeps the inventory.
#[derive(Parser)]
#[command(name = "certsweep", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    common: Common,

    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(clap::Args)]
#[command(next_help_heading = "Common options")]
struct Common {
    /// The inventory [default: certsweep.db]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "CERTSWEEP_DB",
        value_parser = path_or_nothing()
    )]
    db: Option<PathBuf>,

    /// The configuration file [default: /etc/certsweep/config.toml, if there
    /// is one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CERTSWEEP_CONFIG",
        value_parser = path_or_nothing()
    )]
    config: Option<PathBuf>,

    /// How what goes to stderr is written
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    log_format: LogFormat,

    /// Only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// More: -v a line a probe, -vv all
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    Scan(Box<scan::Arguments>),
    Probe(probe::Arguments),
    Report(report::Arguments),
    Certs(certs::Arguments),
    Endpoints(endpoints::Arguments),
    Scans(scans::Arguments),
    Show(show::Arguments),
    Diff(diff::Arguments),
    Check(check::Arguments),
    Import(import::Arguments),
    Prune(prune::Arguments),
    Backup(backup::Arguments),
    Doctor(doctor::Arguments),
    Demo(demo::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// What every command works with.
#[derive(Clone)]
struct Context {
    config: Config,
    /// The configuration file that the operator named, if they did.
    config_file: Option<PathBuf>,
    /// The inventory that the operator named, if they did.
    db: Option<PathBuf>,
    db_named: Named,
    printer: Printer,
}

/// Where an option stands: what holds for every run, or for this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// On this command line.
    Here,
    /// In the environment, in the configuration, or nowhere.
    Elsewhere,
}

impl Context {
    fn db(&self) -> PathBuf {
        let named = self.db.clone();
        named.unwrap_or_else(|| PathBuf::from("certsweep.db"))
    }

    /// The inventory, and the configuration where the operator named one, in
    /// the words of any command line, wherever it is run.
    fn words(&self) -> Vec<(&'static str, String)> {
        let config = self.config_file.iter();
        let config = config.map(|path| ("--config", in_full(path)));
        let db = ("--db", in_full(&self.db()));
        std::iter::once(db).chain(config).collect()
    }

    /// A report's file, for those whom the configuration lets in; the
    /// inventory at `db` is refused.
    fn destination(&self, path: &Path, db: &Path) -> Result<Destination, Failure> {
        let mode = self.config.file_mode.unwrap_or_default();
        Destination::open(path, db)?.share(mode)
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn run() -> Exit {
    let parsed = Arguments::command()
        .try_get_matches()
        .and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, names_db(&matches))));
    let (arguments, db_flag) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    let printer = Printer::new(arguments.common.verbosity(), arguments.common.log_format);
    logging::start(&printer);
    let is_plugin = arguments.command.is_plugin();
    match arguments.run(db_flag, &printer) {
        Ok(exit) => exit,
        Err(failure) if is_plugin => plugin::unknown(&failure.message, &printer),
        Err(failure) if failure.exit == Exit::Done => Exit::Done,
        Err(failure) => {
            let exit = failure.exit;
            if failure.is_abort {
                printer.last_word(failure);
            } else {
                printer.failure(&failure);
            }
            exit
        }
    }
}

/// Tells of a command line that is none, or what it asks about the program.
fn refused(error: &clap::Error) -> Exit {
    let printer = Printer::new(Verbosity::Normal, LogFormat::Text);
    let steers = |word: OsString| word.to_string_lossy().contains(is_hazardous);
    if error.use_stderr() && std::env::args_os().any(steers) {
        // In its colours the words would come as they are.
        printer.lines(error.to_string().trim_end());
    } else {
        // Help and version go to stdout; a closed pipe is no fault.
        let _ = error.print();
    }
    if !error.use_stderr() {
        return Exit::Done;
    }
    if !plugin::is_asked_for(std::env::args_os()) {
        return Exit::Usage;
    }
    let message = error.to_string();
    let why = message.lines().next().unwrap_or_default();
    plugin::unknown(why.trim_start_matches("error: "), &printer)
}

impl Arguments {
    fn run(self, db_flag: Named, printer: &Printer) -> Result<Exit, Failure> {
        // An empty variable is one that is not set.
        let named = |path: &PathBuf| !path.as_os_str().is_empty();
        let path = self.common.config.filter(named);
        let config = if self.command.is_about_itself() {
            Config::default()
        } else {
            match Config::load(path.as_deref()) {
                Ok(config) => config,
                Err(error) => {
                    let hint = error.hint();
                    if let Command::Check(arguments) = &self.command {
                        let told = arguments.tell_unknown(Context {
                            db: self.common.db.filter(named),
                            db_named: db_flag,
                            config: Config::default(),
                            config_file: path,
                            printer: printer.clone(),
                        });
                        if let Err(unwritten) = told {
                            printer.failure(&unwritten);
                        }
                    }
                    return Err(Failure::usage(error).hint(hint));
                }
            }
        };
        let context = Context {
            db: self.common.db.filter(named).or_else(|| config.db.clone()),
            db_named: db_flag,
            config,
            config_file: path,
            printer: printer.clone(),
        };
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let exit = runtime.block_on(async {
            match self.command {
                Command::Scan(arguments) => Box::pin(arguments.run(context)).await,
                Command::Probe(arguments) => arguments.run(context).await,
                Command::Report(arguments) => arguments.run(context).await,
                Command::Certs(arguments) => arguments.run(context).await,
                Command::Endpoints(arguments) => arguments.run(context).await,
                Command::Scans(arguments) => arguments.run(context).await,
                Command::Show(arguments) => arguments.run(context).await,
                Command::Diff(arguments) => arguments.run(context).await,
                Command::Check(arguments) => arguments.run(context).await,
                Command::Import(arguments) => arguments.run(context).await,
                Command::Prune(arguments) => arguments.run(context).await,
                Command::Backup(arguments) => arguments.run(context).await,
                Command::Doctor(arguments) => arguments.run(context).await,
                Command::Demo(arguments) => arguments.run(context).await,
                Command::Completions(arguments) => arguments.run(Self::command(), printer),
                Command::Man(arguments) => arguments.run(Self::command(), printer),
            }
        });
        // A thread that is stuck in writing to a pipe must not hold up the end.
        runtime.shutdown_background();
        exit
    }
}

impl Command {
    /// Whether it tells of the program alone, whatever the configuration.
    fn is_about_itself(&self) -> bool {
        matches!(self, Self::Completions(_) | Self::Man(_))
    }

    /// Whether its output is a monitoring plugin's.
    fn is_plugin(&self) -> bool {
        matches!(self, Self::Check(arguments) if arguments.is_plugin())
    }
}

/// Takes an empty text too: a variable that is empty is one that is not set.
fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// A path as it reads in any directory.
fn in_full(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    let path = absolute.as_deref().unwrap_or(path);
    path.display().to_string()
}

fn names_db(matches: &ArgMatches) -> Named {
    let here = |matches: &ArgMatches| matches.value_source("db") == Some(ValueSource::CommandLine);
    match matches.subcommand() {
        Some((_, inner)) if here(inner) || here(matches) => Named::Here,
        _ => Named::Elsewhere,
    }
}

impl Common {
    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Trace,
        }
    }
}
