use std::collections::HashMap;
use std::ops::ControlFlow;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::query::Query;
use super::trust::TrustFlags;
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Fingerprint, Severity, Timestamp};
use crate::report::{CERTIFICATES, CertificateUse, Installation, list};
use crate::store::{Detail, Inventory, SqliteInventory};

/// List the certificates, soonest to expire first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep certs --expiring 30d
  certsweep certs --issuer 'Example CA' --network 10.0.0.0/16")]
pub(super) struct Arguments {
    #[command(flatten)]
    query: Query,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let opened = self.query.open(&context).await?;
        let mut appraisal = opened.appraisal(&context).await?;
        let certificates = read(&opened.inventory, &mut appraisal, &opened.wanted).await?;
        let (head, now) = (appraisal.head(), opened.now);
        let list = |rows: &[CertificateUse], width| list::certificates(rows, now, width);
        opened
            .print(&certificates, head, &CERTIFICATES, list, &context)
            .await?;
        Ok(Exit::Done)
    }
}

/// The list of everything in an inventory.
pub(super) async fn list(
    inventory: &SqliteInventory,
    context: &Context,
    now: Timestamp,
) -> Result<String, Failure> {
    let stores = TrustFlags::default().stores(context)?;
    let mut appraisal = Appraisal::begin(inventory, stores, &context.config.policy, now).await?;
    let certificates = read(inventory, &mut appraisal, &Wanted::default()).await?;
    let width = context.printer.width();
    Ok(list::certificates(&certificates, now, width))
}

/// The certificates of the wanted installations, each with the worst that was
/// found at any of these.
async fn read(
    inventory: &SqliteInventory,
    appraisal: &mut Appraisal<'_>,
    wanted: &Wanted,
) -> Result<Vec<CertificateUse>, Failure> {
    let mut worst: HashMap<Fingerprint, Option<Severity>> = HashMap::new();
    let keep = |row: Installation| {
        let severity = row.judgement.and_then(|judgement| judgement.severity());
        let known = worst.entry(row.certificate.sha256).or_default();
        *known = severity.max(*known);
        ControlFlow::Continue(())
    };
    appraisal.installations(wanted, Detail::Facts, keep).await?;
    let mut certificates = Vec::new();
    let mut keep = |certificate: CertificateUse| {
        if let Some(severity) = worst.get(&certificate.certificate.sha256) {
            certificates.push(CertificateUse {
                severity: *severity,
                ..certificate
            });
        }
        ControlFlow::Continue(())
    };
    inventory
        .certificates(&wanted.inventory, Detail::Facts, &mut keep)
        .await?;
    Ok(certificates)
}
