//! Judgements → their rows: what was said last, for people who ask in SQL.

use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::{Sqlite, Transaction};

use super::super::{ChainId, Dossier, StoreError};
use super::fault::during;
use super::links;
use super::statement::ManyRows;
use super::verdicts::Verdicts;
use super::writer::SqliteSink;
use crate::domain::{Fingerprint, Timestamp};
use crate::judge::{Judgement, Links};

/// The judgements of an inventory while they are replaced: all of them, or
/// none if it is dropped before its end.
#[derive(Debug)]
pub struct Judging<'a> {
    transaction: Transaction<'a, Sqlite>,
    verdicts: Verdicts,
    judged: Judged,
}

/// The numbers of installations that were judged, a bit each, by their
/// quotients by 64.
#[derive(Debug, Default)]
struct Judged(HashMap<i64, u64>);

const OPERATION: &str = "storing judgements";

/// Rows that would say the same are left alone.
const STORE: ManyRows = ManyRows {
    operation: OPERATION,
    before: "insert into judgements (installation_id, verdict_id) ",
    columns: 2,
    after: " on conflict (installation_id) do update set verdict_id = excluded.verdict_id \
            where verdict_id <> excluded.verdict_id",
};

/// Imports are never left out of a judgement, so none is forgotten.
const STORE_IMPORTS: ManyRows = ManyRows {
    operation: OPERATION,
    before: "with said (sha256, verdict_id) as (",
    columns: 2,
    after: ") insert into import_judgements (certificate_id, verdict_id) \
            select c.id, said.verdict_id from said \
            join certificates c using (sha256) join imports m on m.certificate_id = c.id \
            where true on conflict (certificate_id) do update set \
            verdict_id = excluded.verdict_id where verdict_id <> excluded.verdict_id",
};

const REMOVE: ManyRows = ManyRows {
    operation: OPERATION,
    before: "delete from judgements where installation_id in (",
    columns: 1,
    after: ")",
};

impl SqliteSink {
    /// Begins to replace what was said last, by a judgement on this `basis`
    /// ([`Assessor::basis`](crate::judge::Assessor::basis)).
    pub async fn begin_judging(&mut self, basis: Fingerprint) -> Result<Judging<'_>, StoreError> {
        let mut transaction = self.begin_transaction(OPERATION).await?;
        links::begin(&mut transaction, basis).await?;
        Ok(Judging {
            transaction,
            verdicts: Verdicts::default(),
            judged: Judged::default(),
        })
    }
}

impl Judging<'_> {
    /// Stores what is said of a page; rows that nobody judged are left out.
    pub async fn record(&mut self, page: &[Dossier]) -> Result<(), StoreError> {
        let (judged, judgements) = told_apart(page);
        let connection = &mut self.transaction;
        let verdicts = self.verdicts.intern(connection, &judgements).await?;
        let (mut installed, mut imported) = (Vec::new(), Vec::new());
        for (dossier, said) in judged {
            match (dossier.id, verdicts.get(said)) {
                (Some(id), Some(verdict)) => {
                    self.judged.add(id.0);
                    installed.push((id.0, *verdict));
                }
                (None, Some(verdict)) => {
                    imported.push((dossier.row.certificate.sha256, *verdict));
                }
                (_, None) => {}
            }
        }
        STORE
            .execute(connection, &installed, |values, (installation, verdict)| {
                values.push_bind(*installation).push_bind(*verdict);
            })
            .await?;
        STORE_IMPORTS
            .execute(connection, &imported, |values, (sha256, verdict)| {
                values.push_bind(sha256.as_bytes().to_vec());
                values.push_bind(*verdict);
            })
            .await
    }

    /// Keeps what was found of chains for the next judgement.
    pub async fn keep(&mut self, found: &[(ChainId, Arc<Links>)]) -> Result<(), StoreError> {
        links::keep(&mut self.transaction, found).await
    }

    /// Forgets what was said of all others, and makes it so. `trust_stores`
    /// are told as reports state them.
    pub async fn finish(
        mut self,
        at: Timestamp,
        trust_stores: &[String],
    ) -> Result<(), StoreError> {
        let failed = during(OPERATION);
        self.forget_others().await?;
        sqlx::query(
            "insert or replace into judged (id, at, tool_version, trust_stores) \
             values (1, $1, $2, $3)",
        )
        .bind(at.micros())
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(Value::from(trust_stores.to_vec()).to_string())
        .execute(&mut *self.transaction)
        .await
        .map_err(&failed)?;
        self.transaction.commit().await.map_err(&failed)
    }

    /// Removes what was said of installations that were not judged now, and
    /// what is said of none any more.
    async fn forget_others(&mut self) -> Result<(), StoreError> {
        let failed = during(OPERATION);
        let connection = &mut *self.transaction;
        let mut others = Vec::new();
        let known = sqlx::query_scalar("select installation_id from judgements");
        let mut known = known.fetch(&mut *connection);
        while let Some(installation) = known.try_next().await.map_err(&failed)? {
            if !self.judged.contains(installation) {
                others.push(installation);
            }
        }
        drop(known);
        REMOVE
            .execute(connection, &others, |values, installation: &i64| {
                values.push_bind(*installation);
            })
            .await?;
        let unused = "delete from verdicts where id not in (select verdict_id from judgements) \
            and id not in (select verdict_id from import_judgements)";
        let removed = sqlx::query(unused).execute(connection).await;
        removed.map(drop).map_err(&failed)
    }
}

/// What was judged of a page, each with the place of what is said of it among
/// all that is said. Those that are alike share it.
fn told_apart(page: &[Dossier]) -> (Vec<(&Dossier, usize)>, Vec<&Judgement>) {
    let mut judgements = Vec::new();
    let mut places = HashMap::new();
    let judged = page.iter().filter_map(|dossier| {
        let judgement: &Judgement = dossier.row.judgement.as_deref()?;
        let place = places.entry(ptr::from_ref(judgement)).or_insert_with(|| {
            judgements.push(judgement);
            judgements.len() - 1
        });
        Some((dossier, *place))
    });
    (judged.collect(), judgements)
}

impl Judged {
    fn add(&mut self, installation: i64) {
        let (place, bit) = place_of(installation);
        *self.0.entry(place).or_default() |= bit;
    }

    fn contains(&self, installation: i64) -> bool {
        let (place, bit) = place_of(installation);
        self.0.get(&place).is_some_and(|bits| bits & bit != 0)
    }
}

fn place_of(installation: i64) -> (i64, u64) {
    (installation >> 6, 1 << (installation & 63))
}
