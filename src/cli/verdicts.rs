//! The end of a scan: everything in the inventory is judged, and what is said
//! is kept in it.

use std::path::Path;

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::failure::Failure;
use super::inventory;
use crate::appraisal::{Appraisal, Judged, Wanted};
use crate::domain::{Severity, clock};
use crate::judge::{Judgement, Policy, TrustStore};
use crate::report::{Distinct, Installation};
use crate::store::{Detail, SqliteSink, StoreError};

/// How many installations there are by the worst that was found at each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Severities {
    /// In the order of [`Severity::ALL`].
    by_worst: [u64; 5],
    without: u64,
}

/// Judged pages that wait to be stored.
const PAGES_WAITING: usize = 1;

/// Judges the inventory at `db`, and stores what is said.
pub(super) async fn renew(
    db: &Path,
    stores: Vec<TrustStore>,
    policy: &Policy,
) -> Result<Severities, Failure> {
    let mut sink = SqliteSink::open(db).await?;
    let inventory = inventory::open(db).await?;
    let mut appraisal = Appraisal::begin(&inventory, stores, policy, clock::now()).await?;
    let severities = judge(&mut appraisal, &mut sink).await?;
    inventory.close().await;
    sink.close().await?;
    Ok(severities)
}

async fn judge(
    appraisal: &mut Appraisal<'_>,
    sink: &mut SqliteSink,
) -> Result<Severities, StoreError> {
    let head = appraisal.head();
    let stated = head.trust_stores.iter().map(ToString::to_string);
    let stated: Vec<_> = stated.collect();
    let (now, wanted) = (appraisal.now(), Wanted::default());
    let mut judging = sink.begin_judging(appraisal.basis()).await?;
    let (send, pages) = mpsc::channel::<Judged>(PAGES_WAITING);
    let judged = appraisal.dossiers(&wanted, Detail::Facts, send);
    let recorded = async {
        // Its own, so that a failure ends the judging too.
        let mut pages = pages;
        let (mut severities, mut distinct) = (Severities::default(), Distinct::default());
        while let Some(page) = pages.recv().await {
            judging.record(&page.dossiers).await?;
            judging.keep(&page.found).await?;
            let rows = page.dossiers.iter().map(|dossier| &dossier.row);
            rows.filter(|row| distinct.takes(row))
                .for_each(|row| severities.count(row));
        }
        Ok(severities)
    };
    let (judged, recorded) = tokio::join!(judged, recorded);
    judged?;
    let severities = recorded?;
    judging.finish(now, &stated).await?;
    Ok(severities)
}

impl Severities {
    fn count(&mut self, row: &Installation) {
        let judgement = row.judgement.as_deref();
        let worst = judgement.and_then(Judgement::severity);
        let at = |severity| Severity::ALL.iter().position(|one| *one == severity);
        let count = worst.and_then(at).and_then(|at| self.by_worst.get_mut(at));
        *count.unwrap_or(&mut self.without) += 1;
    }

    /// `installations by their worst finding: 2 critical, 1 warning; 7 without`
    pub(super) fn text(&self) -> String {
        let counts = self.iter().filter(|(_, count)| *count > 0);
        let mut counts: Vec<_> = counts
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        counts.reverse();
        counts.push(format!("{} without", self.without));
        format!(
            "installations by their worst finding: {}",
            counts.join(", ")
        )
    }

    /// Each severity's word and how many, and `none`.
    pub(super) fn json(&self) -> Value {
        let counts = self
            .iter()
            .map(|(severity, count)| (severity.to_string(), count.into()));
        let mut counts: Map<String, Value> = counts.collect();
        counts.insert("none".to_owned(), self.without.into());
        counts.into()
    }

    fn iter(&self) -> impl Iterator<Item = (Severity, u64)> {
        Severity::ALL.into_iter().zip(self.by_worst)
    }
}
