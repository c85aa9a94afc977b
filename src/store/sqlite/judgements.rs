//! Judgements → their rows: what was said last, for people who ask in SQL.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::{Connection, Sqlite, Transaction};

use super::super::{ChainId, Dossier, StoreError};
use super::fault::during;
use super::links;
use super::statement::{ManyRows, Values};
use super::writer::{BEGIN, SqliteSink};
use crate::domain::{Fingerprint, Severity, Timestamp};
use crate::judge::{Accepted, Finding, Judgement, Links};

/// The judgements of an inventory while they are replaced: all of them, or
/// none if it is dropped before its end.
#[derive(Debug)]
pub struct Judging<'a>(Transaction<'a, Sqlite>);

const OPERATION: &str = "storing judgements";

/// The columns of what is said.
macro_rules! said {
    () => {
        "trust, trust_reason, trusted_by, root_dn, severity, owner, tags, findings, accepted"
    };
}

/// Rows that would say the same are left alone.
macro_rules! unless_the_same {
    () => {
        concat!(
            " do update set \
             trust = excluded.trust, trust_reason = excluded.trust_reason, \
             trusted_by = excluded.trusted_by, root_dn = excluded.root_dn, \
             severity = excluded.severity, owner = excluded.owner, tags = excluded.tags, \
             findings = excluded.findings, accepted = excluded.accepted \
             where (",
            said!(),
            ") is not (excluded.trust, excluded.trust_reason, excluded.trusted_by, \
                excluded.root_dn, excluded.severity, excluded.owner, excluded.tags, \
                excluded.findings, excluded.accepted)"
        )
    };
}

const UPSERT: ManyRows = ManyRows {
    operation: OPERATION,
    before: concat!("insert into judgements (installation_id, ", said!(), ") "),
    columns: 10,
    after: concat!(" on conflict (installation_id)", unless_the_same!()),
};

/// Imports are never left out of a judgement, so none is forgotten.
const UPSERT_IMPORTS: ManyRows = ManyRows {
    operation: OPERATION,
    before: concat!("with said (sha256, ", said!(), ") as ("),
    columns: 10,
    after: concat!(
        ") insert into import_judgements (certificate_id, ",
        said!(),
        ") select c.id, ",
        said!(),
        " from said join certificates c using (sha256) join imports m on m.certificate_id = c.id \
          where true on conflict (certificate_id)",
        unless_the_same!()
    ),
};

const KEEP: ManyRows = ManyRows {
    operation: OPERATION,
    before: "insert or ignore into judged_now (id) ",
    columns: 1,
    after: "",
};

impl SqliteSink {
    /// Begins to replace what was said last, by a judgement on this `basis`
    /// ([`Assessor::basis`](crate::judge::Assessor::basis)).
    pub async fn begin_judging(&mut self, basis: Fingerprint) -> Result<Judging<'_>, StoreError> {
        let connection = self.connection();
        execute(
            connection,
            "create temporary table if not exists judged_now (id integer primary key)",
        )
        .await?;
        let begun = connection.begin_with(BEGIN).await;
        let mut transaction = begun.map_err(during(OPERATION))?;
        execute(&mut transaction, "delete from judged_now").await?;
        links::begin(&mut transaction, basis).await?;
        Ok(Judging(transaction))
    }
}

impl Judging<'_> {
    /// Stores what is said of a page; rows that nobody judged are left out.
    pub async fn record(&mut self, page: &[Dossier]) -> Result<(), StoreError> {
        let judged = page.iter().filter_map(|dossier| {
            let judgement = dossier.row.judgement.as_ref()?;
            Some((dossier, judgement))
        });
        let (mut installed, mut imported) = (Vec::new(), Vec::new());
        for (dossier, judgement) in judged {
            match dossier.id {
                Some(id) => installed.push((id, judgement)),
                None => imported.push((dossier.row.certificate.sha256, judgement)),
            }
        }
        UPSERT
            .execute(&mut self.0, &installed, |values, (id, judgement)| {
                values.push_bind(id.0);
                bind(values, judgement);
            })
            .await?;
        UPSERT_IMPORTS
            .execute(&mut self.0, &imported, |values, (sha256, judgement)| {
                values.push_bind(sha256.as_bytes().to_vec());
                bind(values, judgement);
            })
            .await?;
        KEEP.execute(&mut self.0, &installed, |values, (id, _)| {
            values.push_bind(id.0);
        })
        .await
    }

    /// Keeps what was found of chains for the next judgement.
    pub async fn keep(&mut self, found: &[(ChainId, Arc<Links>)]) -> Result<(), StoreError> {
        links::keep(&mut self.0, found).await
    }

    /// Forgets what was said of all others, and makes it so. `trust_stores`
    /// are told as reports state them.
    pub async fn finish(
        mut self,
        at: Timestamp,
        trust_stores: &[String],
    ) -> Result<(), StoreError> {
        let failed = during(OPERATION);
        execute(
            &mut self.0,
            "delete from judgements where installation_id not in (select id from judged_now)",
        )
        .await?;
        execute(&mut self.0, "delete from judged_now").await?;
        sqlx::query(
            "insert or replace into judged (id, at, tool_version, trust_stores) \
             values (1, $1, $2, $3)",
        )
        .bind(at.micros())
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(Value::from(trust_stores.to_vec()).to_string())
        .execute(&mut *self.0)
        .await
        .map_err(&failed)?;
        self.0.commit().await.map_err(&failed)
    }
}

/// What is said, in the order of its columns.
fn bind(values: &mut Values<'_>, judgement: &Judgement) {
    let severity = judgement.severity().map(Severity::as_str);
    values
        .push_bind(judgement.trust.as_str())
        .push_bind(judgement.trust_reason.clone())
        .push_bind(Value::from(judgement.trusted_by.clone()).to_string())
        .push_bind(judgement.root.clone())
        .push_bind(severity)
        .push_bind(judgement.owner.clone())
        .push_bind(Value::from(judgement.tags.clone()).to_string())
        .push_bind(findings(judgement).to_string())
        .push_bind(accepted(judgement).to_string());
}

fn findings(judgement: &Judgement) -> Value {
    judgement.findings.iter().map(finding).collect()
}

fn accepted(judgement: &Judgement) -> Value {
    let accepted = judgement.accepted.iter().map(|it| {
        let Accepted {
            finding: of,
            owner,
            reason,
            until,
        } = it;
        let mut entry = finding(of);
        if let Value::Object(fields) = &mut entry {
            fields.insert("owner".to_owned(), owner.as_str().into());
            fields.insert("reason".to_owned(), reason.as_str().into());
            fields.insert("until".to_owned(), until.to_string().into());
        }
        entry
    });
    accepted.collect()
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "severity": finding.severity.as_str(),
        // SQLite's functions on JSON would end the text there.
        "detail": finding.detail.replace('\0', "\\0"),
        "certificate": finding.certificate.map(|certificate| certificate.to_string()),
    })
}

async fn execute(
    connection: &mut sqlx::SqliteConnection,
    statement: &'static str,
) -> Result<(), StoreError> {
    let done = sqlx::query(statement).execute(connection).await;
    done.map(drop).map_err(during(OPERATION))
}
