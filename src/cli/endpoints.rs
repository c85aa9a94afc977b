use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::query::Query;
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Dialect, Port, Severity, Zone};
use crate::judge::Judgement;
use crate::report::{ENDPOINTS, EndpointRow, Installation, list};
use crate::store::{Detail, Inventory, SqliteInventory, StoreError};

/// List the endpoints that spoke, with their latest outcome
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  certsweep endpoints --network 10.0.0.0/16 --port 443")]
pub(super) struct Arguments {
    #[command(flatten)]
    query: Query,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let opened = self.query.open(&context).await?;
        let mut appraisal = opened.appraisal(&context).await?;
        let mut endpoints = Vec::new();
        let mut keep = |row| {
            endpoints.push(row);
            ControlFlow::Continue(())
        };
        read(&opened.inventory, &mut appraisal, &opened.wanted, &mut keep).await?;
        let head = appraisal.head();
        let list = |rows: &[EndpointRow], width| list::endpoints(rows, width);
        opened
            .print(&endpoints, head, &ENDPOINTS, list, &context)
            .await?;
        Ok(Exit::Done)
    }
}

/// What tells an endpoint from others.
type Place = (Option<Zone>, IpAddr, Port, String);

/// Streams the wanted endpoints, each with the worst that was found there.
/// Filters on judgements let an endpoint through that has an installation
/// which passes them all.
///
/// Memory grows with the endpoints where something was found.
pub(super) async fn read(
    inventory: &SqliteInventory,
    appraisal: &mut Appraisal<'_>,
    wanted: &Wanted,
    visit: &mut (dyn FnMut(EndpointRow) -> ControlFlow<()> + Send),
) -> Result<(), StoreError> {
    let mut worst: HashMap<Place, Option<Severity>> = HashMap::new();
    let keep = |row: Installation| {
        let severity = row.judgement.as_deref();
        let severity = severity.and_then(Judgement::severity);
        let counts = severity.is_some() || wanted.asks_for_judgement();
        if let Some(place) = place(&row).filter(|_| counts) {
            let known = worst.entry(place).or_default();
            *known = severity.max(*known);
        }
        ControlFlow::Continue(())
    };
    appraisal.installations(wanted, Detail::Facts, keep).await?;
    let mut judge = |row: EndpointRow| {
        let place = (
            Some(row.zone.clone()),
            row.ip,
            row.port,
            row.dialect.clone(),
        );
        let severity = worst.get(&place);
        if severity.is_none() && wanted.asks_for_judgement() {
            return ControlFlow::Continue(());
        }
        visit(EndpointRow {
            severity: severity.copied().flatten(),
            ..row
        })
    };
    inventory.endpoints(&wanted.inventory, &mut judge).await
}

fn place(row: &Installation) -> Option<Place> {
    let dialect = row.starttls.as_deref();
    let dialect = dialect.unwrap_or(Dialect::Tls.as_str()).to_owned();
    Some((row.zone.clone(), row.ip?, row.port?, dialect))
}
