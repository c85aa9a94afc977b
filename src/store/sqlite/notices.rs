//! Who was told of what.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};

use super::super::{Crossing, StoreError};
use super::statement::ManyRows;
use crate::domain::{Fingerprint, Timestamp};

const FIND: ManyRows = ManyRows {
    operation: "looking up notices",
    before: "with crossed (sha256, owner, days) as (",
    columns: 3,
    after: ") select c.sha256, n.owner, n.days from crossed \
            join certificates c on c.sha256 = crossed.sha256 \
            join notices n on n.certificate_id = c.id \
             and n.owner = crossed.owner and n.days = crossed.days",
};

const INSERT: ManyRows = ManyRows {
    operation: "remembering notices",
    before: "with crossed (sha256, owner, days, at) as (",
    columns: 4,
    after: ") insert into notices (certificate_id, owner, days, at) \
            select c.id, crossed.owner, crossed.days, crossed.at from crossed \
            join certificates c on c.sha256 = crossed.sha256 where true \
            on conflict do nothing",
};

/// The crossings that nobody was told of yet.
pub(super) async fn untold(
    connection: &mut SqliteConnection,
    crossings: &[Crossing],
) -> Result<Vec<Crossing>, StoreError> {
    let mut told = BTreeSet::new();
    FIND.fetch(
        connection,
        crossings,
        |values, crossing| {
            values
                .push_bind(crossing.certificate.as_bytes().to_vec())
                .push_bind(crossing.owner.clone())
                .push_bind(i64::from(crossing.days));
        },
        |row| {
            let sha256: Vec<u8> = row.try_get(0)?;
            if let Ok(sha256) = sha256.try_into() {
                told.insert(Crossing {
                    certificate: Fingerprint::from_bytes(sha256),
                    owner: row.try_get(1)?,
                    days: row.try_get(2)?,
                });
            }
            Ok(())
        },
    )
    .await?;
    let untold: BTreeSet<_> = crossings.iter().filter(|one| !told.contains(one)).collect();
    Ok(untold.into_iter().cloned().collect())
}

/// Remembers that they were told.
pub(super) async fn remember(
    connection: &mut SqliteConnection,
    crossings: &[Crossing],
    at: Timestamp,
) -> Result<(), StoreError> {
    INSERT
        .execute(connection, crossings, |values, crossing| {
            values
                .push_bind(crossing.certificate.as_bytes().to_vec())
                .push_bind(crossing.owner.clone())
                .push_bind(i64::from(crossing.days))
                .push_bind(at.micros());
        })
        .await
}
