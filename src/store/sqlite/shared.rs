//! What installations have in common, read once: their certificates, with
//! what the inventory says of each wherever it is installed, and their
//! chains.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::dossier::MAX_KIN;
use super::super::{Detail, StoreError};
use super::kin::{now, then};
use super::report::{AFTER_CERTIFICATE, ShownChain, certificate_columns};
use super::statement::{ManyRows, Values};
use super::told::Told;
use super::{declined, heirs, kin, report, row};
use crate::domain::{Fingerprint, Remembered, Timestamp};
use crate::report::CertificateUse;

/// Certificates that are remembered, in bytes: usual ones take 2 KB.
const MOST_OF_CERTIFICATES: usize = 48 << 20;

/// Chains that are remembered, in bytes.
const MOST_OF_CHAINS: usize = 16 << 20;

/// Certificates, with the number of their installations and imports that meet
/// these conditions.
macro_rules! certificates {
    ($is_current:expr, $is_imported:literal) => {
        ManyRows {
            operation: "reading certificates",
            before: "with wanted (id, at, with_der) as (",
            columns: 3,
            after: concat!(
                ") select ",
                certificate_columns!(),
                ", iif(w.with_der, der, null), \
                 (select count(distinct i.question_id) from installations i \
                   where i.certificate_id = c.id and ",
                $is_current,
                ") + exists (select 1 from imports m where m.certificate_id = c.id and ",
                $is_imported,
                "), c.id from wanted w cross join certificates c on c.id = w.id"
            ),
        }
    };
}

/// How many questions a certificate answers; an import is one more
/// installation.
const CERTIFICATES: ManyRows = certificates!(now!(), "true");

/// How many questions it answered at a moment.
const CERTIFICATES_THEN: ManyRows = certificates!(then!(), "m.first_seen <= w.at");

const CHAINS: ManyRows = ManyRows {
    operation: "reading chains",
    before: "with wanted (id) as (",
    columns: 1,
    after: ") select w.id, m.position, c.sha256, c.not_after, length(c.der) \
        from wanted w cross join chain_members m on m.chain_id = w.id \
        cross join certificates c on c.id = m.certificate_id \
        order by w.id, m.position",
};

/// What stands above leaves that is remembered, in bytes.
const MOST_ABOVE: usize = 4 << 20;

/// What is the same for many rows of one reading.
#[derive(Debug)]
pub(super) struct Shared {
    detail: Detail,
    at: Option<Timestamp>,
    /// When it will be judged; `None`: not at all.
    judged_at: Option<Timestamp>,
    /// `None` until somebody asks.
    has_declined_names: Option<bool>,
    certificates: Remembered<i64, Shown>,
    chains: Remembered<i64, ShownChain>,
    /// What stands above many leaves, once.
    above: Remembered<Arc<[Fingerprint]>, Arc<[Fingerprint]>>,
}

/// A certificate as all its installations show it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) certificate: CertificateUse,
    /// Other certificates with its key that are in use somewhere, at most
    /// [`MAX_KIN`]; of an authority, those that are no authority's or shown by
    /// a server as its own.
    pub(super) same_key: Vec<Fingerprint>,
    /// What renewed it elsewhere, or renews it now that it is due, and is
    /// installed there.
    pub(super) successor: Option<Fingerprint>,
}

impl Shared {
    pub(super) fn new(detail: Detail, at: Option<Timestamp>, judged_at: Option<Timestamp>) -> Self {
        Self {
            detail,
            at,
            judged_at,
            has_declined_names: None,
            certificates: Remembered::up_to(MOST_OF_CERTIFICATES),
            chains: Remembered::up_to(MOST_OF_CHAINS),
            above: Remembered::up_to(MOST_ABOVE),
        }
    }

    /// The moment that is told of; `None`: now.
    pub(super) fn known_at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Whether any name was declined anywhere.
    pub(super) async fn has_declined_names(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<bool, StoreError> {
        if let Some(known) = self.has_declined_names {
            return Ok(known);
        }
        let exist = declined::exist(connection).await?;
        self.has_declined_names = Some(exist);
        Ok(exist)
    }

    /// Reads what of these rows' chains is not remembered.
    pub(super) async fn learn_chains(
        &mut self,
        connection: &mut SqliteConnection,
        told: &[Told],
    ) -> Result<(), StoreError> {
        self.chains.make_room();
        let chains = unknown(told.iter().map(Told::chain), &self.chains);
        self.read_chains(connection, &chains).await
    }

    /// Reads what of these rows' certificates is not remembered.
    pub(super) async fn learn_certificates(
        &mut self,
        connection: &mut SqliteConnection,
        told: &[Told],
    ) -> Result<(), StoreError> {
        self.certificates.make_room();
        let certificates = told.iter().map(Told::certificate);
        let certificates = unknown(certificates, &self.certificates);
        self.read_certificates(connection, &certificates).await
    }

    /// A certificate that was learned; `None` where it is not in the inventory
    /// any more.
    pub(super) fn certificate(&self, id: i64) -> Option<&Shown> {
        self.certificates.get(&id)
    }

    /// A chain that was learned; `None` where it is not in the inventory any
    /// more.
    pub(super) fn chain(&self, id: i64) -> Option<&ShownChain> {
        self.chains.get(&id)
    }

    async fn read_certificates(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &[i64],
    ) -> Result<(), StoreError> {
        let at = self.at.map(Timestamp::micros);
        let with_der = self.detail == Detail::FactsAndDer;
        let mut found = Vec::with_capacity(wanted.len());
        let bind = |values: &mut Values<'_>, id: &i64| {
            values.push_bind(*id).push_bind(at).push_bind(with_der);
        };
        let take = |row: &SqliteRow| {
            let id: i64 = row.try_get(AFTER_CERTIFICATE + 1)?;
            found.push((id, report::certificate_use(row)?));
            Ok(())
        };
        let certificates = match self.at {
            None => CERTIFICATES,
            Some(_) => CERTIFICATES_THEN,
        };
        certificates.fetch(connection, wanted, bind, take).await?;
        let keys = found
            .iter()
            .filter_map(|(_, it)| it.certificate.spki_sha256);
        let same_key = kin::same_key(connection, &distinct(keys), self.at).await?;
        let hashes: Vec<_> = found.iter().map(|(_, it)| it.certificate.sha256).collect();
        let mut successors = kin::successors(connection, &hashes, self.at).await?;
        if let Some(now) = self.judged_at {
            let others = found.iter().map(|(_, it)| &*it.certificate);
            let others = others.filter(|it| !successors.contains_key(&it.sha256));
            let heirs = heirs::find(connection, others, self.at, now).await?;
            successors.extend(heirs);
        }
        for (id, certificate) in found {
            let sha256 = certificate.certificate.sha256;
            let key = certificate.certificate.spki_sha256;
            let others = key.and_then(|key| same_key.get(&key)).into_iter().flatten();
            let is_authority = certificate.certificate.is_ca == Some(true);
            let others = others
                .filter(|other| other.sha256 != sha256 && !(is_authority && other.is_authority));
            let others = others.map(|other| other.sha256);
            let shown = Shown {
                same_key: others.take(MAX_KIN as usize).collect(),
                successor: successors.get(&sha256).copied(),
                certificate,
            };
            let weight = shown.weight();
            self.certificates.insert(id, shown, weight);
        }
        Ok(())
    }

    async fn read_chains(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &[i64],
    ) -> Result<(), StoreError> {
        let bind = |values: &mut Values<'_>, id: &i64| {
            values.push_bind(*id);
        };
        let mut found: HashMap<i64, (Vec<Fingerprint>, ShownChain)> = HashMap::new();
        let take = |row: &SqliteRow| {
            let (above, chain) = found.entry(row.try_get(0)?).or_default();
            let position: i64 = row.try_get(1)?;
            if position > 0 {
                above.push(row::fingerprint(row, 2)?);
            }
            let end = row::optional_time(row, 3)?;
            chain.not_after = chain.not_after.iter().copied().chain(end).min();
            chain.der_bytes += row::count(row, 4)?;
            Ok(())
        };
        CHAINS.fetch(connection, wanted, bind, take).await?;
        self.above.make_room();
        for (id, (above, chain)) in found {
            let weight = size_of_val(&above[..]);
            let above = self.above(&above);
            self.chains
                .insert(id, ShownChain { above, ..chain }, weight);
        }
        Ok(())
    }

    fn above(&mut self, members: &[Fingerprint]) -> Arc<[Fingerprint]> {
        if let Some(above) = self.above.get(members) {
            return Arc::clone(above);
        }
        let above: Arc<[Fingerprint]> = members.into();
        let known = (Arc::clone(&above), Arc::clone(&above));
        self.above.insert(known.0, known.1, size_of_val(members));
        above
    }
}

impl Shown {
    fn weight(&self) -> usize {
        self.certificate.certificate.weight() + size_of_val(&self.same_key[..])
    }
}

fn unknown<T>(wanted: impl Iterator<Item = i64>, known: &Remembered<i64, T>) -> Vec<i64> {
    distinct(wanted.filter(|id| !known.has(id)))
}

fn distinct<T: Ord + Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}
