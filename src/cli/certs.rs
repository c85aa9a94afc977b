use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use super::Context;
use super::day::{self, Day};
use super::exit::Exit;
use super::failure::Failure;
use super::query::Query;
use super::trust::TrustFlags;
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Fingerprint, Timestamp};
use crate::judge::Judgement;
use crate::report::{CERTIFICATES, CertificateUse, Installation, list};
use crate::store::{Detail, SqliteInventory};

/// List the certificates, soonest to expire first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep certs --expiring 30d
  certsweep certs --issuer 'Example CA' --network 10.0.0.0/16
  certsweep certs --at 2026-03-01    those known at the end of that day")]
pub(super) struct Arguments {
    #[command(flatten)]
    day: Day,

    #[command(flatten)]
    query: Query,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let now = self.day.now()?;
        let mut opened = self.query.open_at(now, &context).await?;
        if self.day.is_past() {
            day::vet(&opened.inventory, now, &context.printer).await?;
            opened.wanted.inventory.known_at = Some(now);
        }
        let mut appraisal = opened.appraisal(&context).await?;
        let certificates = read(&mut appraisal, &opened.wanted).await?;
        let head = appraisal.head();
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
    let certificates = read(&mut appraisal, &Wanted::default()).await?;
    let width = context.printer.width();
    Ok(list::certificates(&certificates, now, width))
}

/// The certificates of the wanted installations, each with the worst that was
/// found at any of these.
async fn read(
    appraisal: &mut Appraisal<'_>,
    wanted: &Wanted,
) -> Result<Vec<CertificateUse>, Failure> {
    let mut certificates = Certificates::default();
    let keep = |row| {
        certificates.add(row);
        ControlFlow::Continue(())
    };
    appraisal.installations(wanted, Detail::Facts, keep).await?;
    Ok(certificates.into_list())
}

/// The certificates of installations, each once.
#[derive(Default)]
struct Certificates(HashMap<Fingerprint, CertificateUse>);

impl Certificates {
    fn add(&mut self, row: Installation) {
        let severity = row.judgement.as_deref().and_then(Judgement::severity);
        match self.0.entry(row.certificate.sha256) {
            Entry::Occupied(mut known) => {
                let worst = &mut known.get_mut().severity;
                *worst = severity.max(*worst);
            }
            Entry::Vacant(free) => {
                free.insert(CertificateUse {
                    certificate: row.certificate,
                    installations: row.installations,
                    severity,
                });
            }
        }
    }

    /// Soonest to expire first, those whose end can't be read before them.
    fn into_list(self) -> Vec<CertificateUse> {
        let mut list: Vec<_> = self.0.into_values().collect();
        list.sort_unstable_by_key(|it| (it.certificate.not_after, it.certificate.sha256));
        list
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::Severity;
    use crate::report::tests::rows;

    /// An installation of this certificate, which ends then.
    fn of(certificate: &str, end: Option<i64>, severity: Option<Severity>) -> Installation {
        let mut row = rows::judged(if severity.is_some() { &["no-san"] } else { &[] });
        let mut shown = (*row.certificate).clone();
        shown.sha256 = Fingerprint::of(certificate.as_bytes());
        shown.not_after = end.map(Timestamp::from_seconds);
        row.certificate = Arc::new(shown);
        if let Some((severity, judgement)) = severity.zip(row.judgement.as_mut()) {
            Arc::make_mut(judgement).findings[0].severity = severity;
        }
        row
    }

    #[test]
    fn each_certificate_is_listed_once_soonest_to_expire_first() {
        let mut certificates = Certificates::default();
        for row in [
            of("late", Some(9), None),
            of("soon", Some(1), Some(Severity::Notice)),
            of("late", Some(9), Some(Severity::Error)),
            of("unread", None, Some(Severity::Info)),
            of("soon", Some(1), None),
        ] {
            certificates.add(row);
        }
        let list = certificates.into_list();
        let told = list.iter().map(|it| (it.certificate.sha256, it.severity));
        let told: Vec<_> = told.collect();
        let expected = [
            ("unread", Severity::Info),
            ("soon", Severity::Notice),
            ("late", Severity::Error),
        ];
        let expected =
            expected.map(|(name, worst)| (Fingerprint::of(name.as_bytes()), Some(worst)));
        assert_eq!(told, expected);
    }
}
