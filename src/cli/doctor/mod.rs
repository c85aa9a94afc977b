//! What this machine allows, and what of it to change.

mod check;
mod limits;
mod stock;
mod surroundings;

use std::path::PathBuf;

use super::exit::Exit;
use super::failure::Failure;
use super::kernel::{Family, Kernel};
use super::printer::Verbosity;
use super::{Context, workforce};
use crate::config::{Options, Settings, SystemRoots};
use crate::net;
use crate::pace::Rate;
use crate::resolve;
use check::{Check, State};
use limits::Needs;

/// Check what this machine allows, and say what to change
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep doctor
  certsweep doctor --json | jq -r 'select(.state != \"ok\") | .check'

Exits 1 if something fails: a scan would not work. Sends one question to the
name server (for those of the root, whose names every server knows), and nothing
else. With -q only what is not well is shown.")]
pub(super) struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let mut checks = examine(&context).await;
        let failed = checks.iter().any(|check| check.state == State::Fail);
        if context.printer.verbosity() == Verbosity::Quiet {
            checks.retain(|check| check.state > State::Ok);
        }
        context.printer.data(|out| {
            checks.iter().try_for_each(|check| {
                if self.json {
                    writeln!(out, "{}", check.json())
                } else {
                    out.write_all(check.text().as_bytes())
                }
            })
        })?;
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }
}

async fn examine(context: &Context) -> Vec<Check> {
    let options = context.config.scan.clone();
    let (system, files) = trusted(&options);
    let roots = stock::roots(system, &files);
    let settings = Settings::from(options);
    let needs = needs(&settings);
    let kernel = Kernel::system();
    let db = context.db();

    let mut checks = vec![configuration(context)];
    checks.extend(stock::inventory(&db, context.config.file_mode).await);
    checks.extend([
        stock::disk(&db),
        limits::descriptors(net::descriptors(), needs),
        limits::ports(kernel.ephemeral_ports()),
        limits::neighbours(
            kernel.most_neighbours(Family::V4),
            kernel.largest_attached(),
        ),
        limits::tracking(
            kernel.tracked_connections(),
            kernel.unanswered_tracked_for(),
            needs,
        ),
        surroundings::name_server(resolve::Settings {
            name_server: settings.resolver,
            family: settings.family,
        })
        .await,
        surroundings::time(),
        roots,
    ]);
    checks
}

/// A wrong one ended the command before.
fn configuration(context: &Context) -> Check {
    let path = context.config.path.as_ref();
    let found = path.map_or("none, defaults hold".to_owned(), |path| {
        path.display().to_string()
    });
    Check::ok("configuration", found)
}

fn trusted(options: &Options) -> (SystemRoots, Vec<PathBuf>) {
    let system = match options.no_system_roots {
        Some(true) => SystemRoots::LeftOut,
        Some(false) | None => SystemRoots::Asked,
    };
    (system, options.trust_store.clone().unwrap_or_default())
}

fn needs(settings: &Settings) -> Needs {
    let in_flight = settings.concurrency.unwrap_or(workforce::useful(settings));
    let in_flight = in_flight.get() as u64;
    let seconds = settings.timeouts.connect.as_secs().max(1);
    Needs {
        in_flight,
        reserved: workforce::DESCRIPTORS_RESERVED as u64,
        tables: workforce::event_loops().map_or(1, |loops| loops.tables().get() as u64),
        per_second: match settings.rates.overall {
            Rate::PerSecond(rate) => u64::from(rate.get()),
            Rate::Unlimited => in_flight.div_ceil(seconds),
        },
    }
}
