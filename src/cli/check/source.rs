//! The installations and endpoints of an inventory → what a check counts.

use std::io;
use std::ops::ControlFlow;

use super::out::Out;
use crate::appraisal::{Appraisal, Wanted};
use crate::cli::endpoints;
use crate::cli::failure::Failure;
use crate::judge::Policy;
use crate::report::check::{Ages, Check, Prometheus, Replaced, Unreplaced};
use crate::report::{EndpointLook, EndpointRow, Installation};
use crate::store::{Detail, Filter, Inventory, SqliteInventory};

/// What is counted.
pub(super) struct Source<'a> {
    pub(super) appraisal: Appraisal<'a>,
    pub(super) policy: &'a Policy,
    pub(super) inventory: &'a SqliteInventory,
    pub(super) wanted: &'a Wanted,
}

impl Source<'_> {
    /// Streams the metrics of each installation while they are counted.
    pub(super) async fn metrics(&mut self, check: &mut Check, mut out: Out) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::output(&error);
        let spool = || tempfile::tempfile().map_err(failed);
        let spools = [spool()?, spool()?];
        let mut page = Prometheus::begin(io::BufWriter::new(&mut out), spools).map_err(failed)?;
        self.count(check, &mut |row| page.row(row)).await?;
        page.end(check, &self.appraisal.head()).map_err(failed)?;
        out.finish(|_| Ok(()))
    }

    /// Counts installations and endpoints; what counts is shown to `counted`.
    pub(super) async fn count(
        &mut self,
        check: &mut Check,
        counted: &mut (dyn FnMut(&Installation) -> io::Result<()> + Send),
    ) -> Result<(), Failure> {
        let wanted = self.wanted;
        let mut written = Ok(());
        let mut take = |row: &Installation| {
            if check.installation(row) && written.is_ok() {
                written = counted(row);
            }
        };
        let mut ages = Ages::by(self.policy);
        let renewed = self.appraisal.renewed_imports(wanted).await?;
        let mut replaced = Replaced::beside(renewed);
        let places = self.appraisal.places(wanted).await?;
        if let Some(places) = &places {
            // What the filters hide may have replaced what they show.
            let visit = |row: Installation| {
                ages.installation(&row);
                replaced.row(row);
                ControlFlow::Continue(())
            };
            self.appraisal
                .installations(places, Detail::Facts, visit)
                .await?;
            replaced.end();
        }
        let mut unreplaced = Unreplaced::but(replaced);
        let visit = |row: Installation| {
            if places.is_none() {
                ages.installation(&row);
            }
            unreplaced.row(row, &mut take);
            ControlFlow::Continue(())
        };
        self.appraisal
            .installations(wanted, Detail::Facts, visit)
            .await?;
        unreplaced.end(&mut take);
        written.map_err(|error| Failure::output(&error))?;
        if check.counts().considered == 0 {
            let wider = Wanted {
                inventory: Filter {
                    states: Filter::default().states,
                    ..wanted.inventory.clone()
                },
                chain_expiry: Vec::new(),
                findings: Vec::new(),
                accepted: Vec::new(),
                severities: Vec::new(),
                ..wanted.clone()
            };
            let visit = |_| {
                check.left_out();
                ControlFlow::Break(())
            };
            self.appraisal
                .installations(&wider, Detail::Facts, visit)
                .await?;
        }
        let mut visit = |look: EndpointLook| {
            check.endpoint(&look, ages.of(&look));
            ControlFlow::Continue(())
        };
        if wanted.asks_for_judgement() {
            let mut visit = |row: EndpointRow| visit(EndpointLook::from(&row));
            endpoints::read(self.inventory, &mut self.appraisal, wanted, &mut visit).await?;
        } else {
            let filter = &wanted.inventory;
            self.inventory.endpoint_looks(filter, &mut visit).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::domain::{Severity, Timestamp};
    use crate::judge::{Lead, Limits};
    use crate::report::check::{CheckState, Failing, Terms};
    use crate::store::{Import, SqliteSink};
    use crate::x509;

    /// An inventory with a certificate for the years 2025 and 2026.
    async fn inventory(folder: &Path) -> SqliteInventory {
        imported(folder, 2025).await
    }

    /// The same after a certificate for that year and the next was imported.
    async fn imported(folder: &Path, year: i32) -> SqliteInventory {
        let mut params = CertificateParams::new(["check.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(year, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + 2, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let der = crate::domain::Der::from(&certificate.der()[..]);
        let path = folder.join("check.db");
        let (mut sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
        let import = Import {
            certificates: vec![x509::parse(&der)],
            label: None,
            at: Timestamp::from_seconds(i64::from(year)),
        };
        sink.import(import).await.unwrap();
        sink.close().await.unwrap();
        SqliteInventory::open(&path).await.unwrap()
    }

    async fn state(inventory: &SqliteInventory, policy: &Policy, now: &str) -> CheckState {
        state_of(&Wanted::default(), inventory, policy, now).await
    }

    async fn state_of(
        wanted: &Wanted,
        inventory: &SqliteInventory,
        policy: &Policy,
        now: &str,
    ) -> CheckState {
        let now = now.parse().unwrap();
        let appraisal = Appraisal::begin(inventory, Vec::new(), policy, now).await;
        let mut source = Source {
            appraisal: appraisal.ok().unwrap(),
            policy,
            inventory,
            wanted,
        };
        let mut check = Check::new(Terms {
            fail_on: Severity::Error,
            failing: Failing::ExpiryAndInvalidity,
            max_age: policy.limits.max_age,
            overdue_fails: false,
            since: None,
            now,
        });
        let counted = source.count(&mut check, &mut |_| Ok(())).await;
        assert!(counted.is_ok());
        check.state()
    }

    #[tokio::test]
    async fn a_check_turns_at_the_second_that_the_policy_draws() {
        use CheckState::{Failed, Ok, Warning};
        let folder = tempfile::tempdir().unwrap();
        let inventory = inventory(folder.path()).await;
        let usual = Policy::default();
        let cases = [
            ("2024-12-31T23:59:59Z", Failed, "not valid yet"),
            ("2025-01-01T00:00:00Z", Ok, "valid from now on"),
            ("2026-12-01T23:59:59Z", Ok, "more than 30 days left"),
            ("2026-12-02T00:00:00Z", Warning, "30 days left"),
            ("2026-12-24T23:59:59Z", Warning, "more than 7 days left"),
            ("2026-12-25T00:00:00Z", Failed, "7 days left"),
            ("2027-01-01T00:00:00Z", Failed, "its last second"),
            ("2027-01-01T00:00:01Z", Failed, "over"),
        ];
        for (now, expected, why) in cases {
            let found = state(&inventory, &usual, now).await;
            assert_eq!(found, expected, "{now}: {why}");
        }
        let patient = Policy {
            limits: Limits {
                expiring_warning: Lead::Days(2),
                expiring_error: Lead::Days(1),
                expiring_critical: Lead::Days(0),
                ..Limits::default()
            },
            ..Policy::default()
        };
        let cases = [
            ("2026-12-29T23:59:59Z", Ok),
            ("2026-12-30T00:00:00Z", Warning),
            ("2026-12-31T00:00:00Z", Failed),
        ];
        for (now, expected) in cases {
            assert_eq!(state(&inventory, &patient, now).await, expected, "{now}");
        }
        inventory.close().await;
    }

    #[tokio::test]
    async fn an_import_counts_no_more_once_its_renewal_is_imported() {
        let folder = tempfile::tempdir().unwrap();
        let usual = Policy::default();
        let now = "2027-02-01T00:00:00Z";
        let before = inventory(folder.path()).await;
        assert_eq!(state(&before, &usual, now).await, CheckState::Failed);
        before.close().await;
        let after = imported(folder.path(), 2026).await;
        assert_eq!(state(&after, &usual, now).await, CheckState::Ok);
        // What filters hide renews what they show.
        let expired = Wanted::by(Filter {
            expiry: vec![crate::store::Expiry::Expired {
                now: now.parse().unwrap(),
            }],
            ..Filter::default()
        });
        let state = state_of(&expired, &after, &usual, now).await;
        assert_eq!(state, CheckState::Ok);
        after.close().await;
    }
}
