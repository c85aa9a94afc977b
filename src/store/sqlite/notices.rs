//! Who was told of what.

use std::collections::HashSet;

use sqlx::{Row, SqliteConnection};

use super::super::{Crossing, StoreError};
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Fingerprint, Timestamp};

const FIND: ManyRows = ManyRows {
    operation: "looking up notices",
    before: "with crossed (sha256, member, owner, finding, severity) as (",
    columns: 5,
    after: ") select crossed.* from crossed \
            join certificates c on c.sha256 = crossed.sha256 \
            join notices n on n.certificate_id = c.id \
             and n.member_sha256 = crossed.member \
             and n.owner = crossed.owner \
             and n.finding = crossed.finding \
             and n.severity = crossed.severity",
};

const INSERT: ManyRows = ManyRows {
    operation: "remembering notices",
    before: "with crossed (sha256, member, owner, finding, severity, at) as (",
    columns: 6,
    after: ") insert into notices \
            (certificate_id, member_sha256, owner, finding, severity, at) \
            select c.id, crossed.member, crossed.owner, crossed.finding, \
                   crossed.severity, crossed.at \
              from crossed \
              join certificates c on c.sha256 = crossed.sha256 where true \
            on conflict do nothing",
};

/// A crossing as its row has it.
type Told = (Fingerprint, Fingerprint, String, String, String);

/// The crossings that nobody was told of yet, each once, in their order.
pub(super) async fn untold(
    connection: &mut SqliteConnection,
    crossings: &[Crossing],
) -> Result<Vec<Crossing>, StoreError> {
    let mut told: HashSet<Told> = HashSet::new();
    FIND.fetch(connection, crossings, bind, |row| {
        told.insert((
            row::fingerprint(row, 0)?,
            row::fingerprint(row, 1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
        ));
        Ok(())
    })
    .await?;
    let mut is_new = |crossing: &&Crossing| {
        let finding = crossing.finding.to_owned();
        let severity = crossing.severity.to_string();
        told.insert((
            crossing.certificate,
            crossing.member,
            crossing.owner.clone(),
            finding,
            severity,
        ))
    };
    Ok(crossings.iter().filter(&mut is_new).cloned().collect())
}

/// Remembers that they were told.
pub(super) async fn remember(
    connection: &mut SqliteConnection,
    crossings: &[Crossing],
    at: Timestamp,
) -> Result<(), StoreError> {
    INSERT
        .execute(connection, crossings, |values, crossing| {
            bind(values, crossing);
            values.push_bind(at.micros());
        })
        .await
}

fn bind(values: &mut Values<'_>, crossing: &Crossing) {
    values
        .push_bind(crossing.certificate.as_bytes().to_vec())
        .push_bind(crossing.member.as_bytes().to_vec())
        .push_bind(crossing.owner.clone())
        .push_bind(crossing.finding)
        .push_bind(crossing.severity.as_str());
}
