use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;
use super::sweep::{Sweep, Written};
use super::trust::TrustFlags;
use super::{Context, Named, inventory, rows, summary};
use crate::config::Settings;
use crate::demo::{DemoHost, Network};
use crate::domain::{Timestamp, clock};
use crate::pace::{Rate, Rates};
use crate::probe::Timeouts;
use crate::scan::Pointers;
use crate::target::{Plan, PlanBuilder, Ports, TargetSpec};

/// Start a small TLS network on loopback, and do the whole main job on it
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  certsweep demo        leaves an inventory and a CSV file, and says where")]
pub(super) struct Arguments {}

/// Short, so that the silent server does not keep anybody waiting.
const PATIENCE: Duration = Duration::from_secs(2);

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let printer = &context.printer;
        let now = clock::now();
        let (db, csv) = place(&context)?;
        let network = Network::start(now).await.map_err(Failure::failed)?;
        printer.note("a network on loopback:");
        for host in network.hosts() {
            printer.note(&format!("  {host}"));
        }

        let builder = plan(network.hosts(), now);
        let sweep = Sweep {
            plan: Arc::new(builder.clone().build()?),
            builder,
            written: Written {
                targets: vec!["the demo network".to_owned()],
                ..Written::default()
            },
            settings: settings(),
            stores: TrustFlags::default().stores(&context)?,
            policy: context.config.policy.clone(),
            file_mode: context.config.file_mode,
            json: false,
            resume: None,
            seed: None,
        };
        printer.note("\nwhat `certsweep scan` finds there:");
        let (found, severities) = sweep.summary(&db, printer).await?;
        printer.say(&summary::text(&found, severities, &db))?;
        network.stop().await;

        let inventory = inventory::open(&db).await?;
        let mut destination = context.destination(&csv, &db)?;
        rows::write_csv(&inventory, &mut destination, &context, now).await?;
        destination.finish()?;
        let list = super::certs::list(&inventory, &context, now).await?;
        inventory.close().await;
        printer.data(|out| out.write_all(list.as_bytes()))?;
        printer.note(&format!(
            "\ninventory {db}\nCSV       {csv}\n\
             look closer: certsweep --db {db} endpoints",
            db = db.display(),
            csv = csv.display(),
        ));
        Ok(Exit::Done)
    }
}

/// An inventory and a CSV file that are not there yet: where this command line
/// says, else in a new directory that only the operator can read.
fn place(context: &Context) -> Result<(PathBuf, PathBuf), Failure> {
    let db = match (&context.db, context.db_named) {
        (Some(db), Named::Here) => db.clone(),
        _ => tempfile::Builder::new()
            .prefix("certsweep-demo-")
            .tempdir()
            .map_err(Failure::failed)?
            .keep()
            .join("demo.db"),
    };
    let csv = db.with_extension("csv");
    for path in [&db, &csv] {
        if path.exists() || db == csv {
            let taken = format_args!("{} is taken", path.display());
            return Err(Failure::usage(taken).hint(Some("the demo makes files of its own")));
        }
    }
    Ok((db, csv))
}

fn plan(hosts: &[DemoHost], now: Timestamp) -> PlanBuilder {
    let specs = hosts.iter().filter_map(|host| {
        let port = crate::domain::Port::new(host.address.port())?;
        let ports = Ports::one(port, None);
        Some(TargetSpec::address(host.address.ip(), Some(ports)))
    });
    Plan::builder()
        .targets(specs)
        .seed(now.micros().unsigned_abs())
}

/// The network is our own and all on one address: no rate is needed.
fn settings() -> Settings {
    let default = Settings::default();
    Settings {
        rates: Rates {
            overall: Rate::Unlimited,
            per_host: Rate::Unlimited,
            per_network: Rate::Unlimited,
        },
        concurrency_per_host: NonZeroUsize::MAX,
        timeouts: Timeouts {
            handshake: PATIENCE,
            ..default.timeouts
        },
        pointers: Pointers::Skip,
        note: Some("demo".to_owned()),
        ..default
    }
}
