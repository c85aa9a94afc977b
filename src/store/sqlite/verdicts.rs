//! What is said of installations → rows of verdicts, each thing said once.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::row;
use super::statement::{ManyRows, next_id};
use crate::domain::{Fingerprint, Severity};
use crate::judge::{Accepted, Finding, Judgement};

const OPERATION: &str = "storing judgements";

const FIND: ManyRows = ManyRows {
    operation: OPERATION,
    before: "select sha256, id from verdicts where sha256 in (",
    columns: 1,
    after: ")",
};

const INSERT: ManyRows = ManyRows {
    operation: OPERATION,
    before: "insert into verdicts (id, sha256, trust, trust_reason, trusted_by, root_dn, \
             severity, owner, tags, findings, accepted) ",
    columns: 11,
    after: "",
};

/// Most verdicts whose rows are remembered: some 2 MB.
const MAX_REMEMBERED: usize = 20_000;

/// The rows of verdicts, by what they say.
#[derive(Debug, Default)]
pub(super) struct Verdicts(HashMap<Fingerprint, i64>);

/// A judgement in the inventory's words.
struct Verdict {
    sha256: Fingerprint,
    words: [Option<String>; WORDS],
}

/// The columns of a verdict that hold what it says.
const WORDS: usize = 9;

impl Verdicts {
    /// Finds or makes the row of each judgement, in their order.
    pub(super) async fn intern(
        &mut self,
        connection: &mut SqliteConnection,
        judgements: &[&Judgement],
    ) -> Result<Vec<i64>, StoreError> {
        if self.0.len() > MAX_REMEMBERED {
            self.0.clear();
        }
        let verdicts: Vec<_> = judgements.iter().map(|said| Verdict::of(said)).collect();
        self.find(connection, &verdicts).await?;
        self.insert(connection, &verdicts).await?;
        let rows = verdicts.iter().map(|it| self.0.get(&it.sha256).copied());
        Ok(rows.flatten().collect())
    }

    async fn find(
        &mut self,
        connection: &mut SqliteConnection,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        let unknown = verdicts.iter().map(|verdict| verdict.sha256);
        let unknown = unknown.filter(|sha256| !self.0.contains_key(sha256));
        let unknown: Vec<_> = unknown.collect();
        FIND.fetch(
            connection,
            &unknown,
            |values, sha256| {
                values.push_bind(sha256.as_bytes().to_vec());
            },
            |found| {
                self.0
                    .insert(row::fingerprint(found, 0)?, found.try_get(1)?);
                Ok(())
            },
        )
        .await
    }

    async fn insert(
        &mut self,
        connection: &mut SqliteConnection,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        if verdicts.iter().all(|it| self.0.contains_key(&it.sha256)) {
            return Ok(());
        }
        let highest = "select max(id) from verdicts";
        let mut next = next_id(connection, OPERATION, highest).await?;
        let mut new = Vec::new();
        for verdict in verdicts {
            self.0.entry(verdict.sha256).or_insert_with(|| {
                new.push((next, verdict));
                next += 1;
                next - 1
            });
        }
        INSERT
            .execute(connection, &new, |values, (id, verdict)| {
                values
                    .push_bind(*id)
                    .push_bind(verdict.sha256.as_bytes().to_vec());
                for word in &verdict.words {
                    values.push_bind(word.clone());
                }
            })
            .await
    }
}

impl Verdict {
    fn of(judgement: &Judgement) -> Self {
        let list = |texts: &[String]| Value::from(texts).to_string();
        let words = [
            Some(judgement.trust.as_str().to_owned()),
            Some(judgement.trust_reason.clone()),
            Some(list(&judgement.trusted_by)),
            judgement.root.clone(),
            judgement
                .severity()
                .map(|severity| Severity::as_str(severity).to_owned()),
            judgement.owner.clone(),
            Some(list(&judgement.tags)),
            Some(findings(judgement).to_string()),
            Some(accepted(judgement).to_string()),
        ];
        let sha256 = Fingerprint::of(json!(words).to_string().as_bytes());
        Self { sha256, words }
    }
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
