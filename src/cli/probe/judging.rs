//! Examinations → the same, judged. Nothing is known of the past, nor of
//! other endpoints.

use std::sync::Arc;

use super::examination::{Examination, Look};
use crate::domain::{Outcome, Survey, Timestamp};
use crate::judge::{
    Assessor, Evidence, Judge, Judgement, KeyFaults, Kin, Past, Place, Policy, Pool, TrustStore,
};
use crate::x509::Staple;

/// Judges what one host shows.
pub(super) struct Judging {
    assessor: Assessor,
    judge: Judge,
}

impl Judging {
    pub(super) fn by(stores: Vec<TrustStore>, policy: Policy) -> Self {
        Self {
            assessor: Assessor::new(stores, Pool::default()),
            judge: Judge::new(policy),
        }
    }

    /// Judges every chain that was shown.
    pub(super) fn judge(&self, examination: &mut Examination, now: Timestamp) {
        let (pointer, survey) = (examination.pointer.name(), examination.survey.as_ref());
        for look in &mut examination.looks {
            look.judgement = self.judgement(look, pointer, survey, now);
        }
    }

    fn judgement(
        &self,
        look: &Look,
        pointer: Option<&str>,
        survey: Option<&Survey>,
        now: Timestamp,
    ) -> Option<Judgement> {
        let place = Place {
            pointer: pointer.map(str::to_owned),
            versions: survey.iter().flat_map(|it| it.accepted()).collect(),
            refused: survey.iter().flat_map(|it| it.refused()).collect(),
            hybrid_group: survey.and_then(|it| it.hybrid_group),
            ..place(look)?
        };
        let faults = look.chain.iter().map(|it| KeyFaults::of(it));
        let evidence = Evidence {
            chain: &look.chain,
            key_faults: &faults.collect::<Vec<_>>(),
            assessment: &self.assessor.assess(&look.chain, now),
            place: Some(&place),
            past: &Past::default(),
            kin: &Kin::default(),
        };
        Some(self.judge.judge(&evidence, now))
    }
}

/// Where a chain was shown, and how it came; `None` where none was.
fn place(look: &Look) -> Option<Place> {
    let seen = &look.observation;
    let Outcome::Certificate(presented) = &seen.outcome else {
        return None;
    };
    let session = &presented.session;
    let is_whole = presented.truncated.is_none();
    let staple = session.ocsp_staple.as_deref().map(Staple::of);
    Some(Place {
        address: seen.endpoint.address,
        port: seen.endpoint.port,
        dialect: seen.endpoint.dialect,
        server_name: seen.server_name.as_ref().map(ToString::to_string),
        declined_names: seen
            .declined_name()
            .map(ToString::to_string)
            .into_iter()
            .collect(),
        pointer: None,
        tls_version: Some(session.version),
        versions: Arc::default(),
        refused: Arc::default(),
        offered: seen.offered(),
        key_exchange: session.key_exchange,
        staple: staple.or(is_whole.then_some(Staple::Missing)),
        hybrid_group: None,
        last_checked: Some(seen.at),
        ports_with_it: 1,
    })
}
