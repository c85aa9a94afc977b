//! Certificates from files → their rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Row, SqliteConnection};

use super::super::{Import, Imported, StoreError};
use super::fault::during;
use super::statement::ManyRows;
use super::{certificates, chains};
use crate::domain::{Chain, Fingerprint};

const OPERATION: &str = "importing certificates";

/// The label stays unless another is given.
const INSERT: ManyRows = ManyRows {
    operation: OPERATION,
    before: "insert into imports (certificate_id, chain_id, label, first_seen, last_seen) ",
    columns: 5,
    after: " on conflict (certificate_id) do update set \
            label = coalesce(excluded.label, label), \
            last_seen = max(last_seen, excluded.last_seen)",
};

/// Stores an import, in the transaction of the caller.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    import: &Import,
) -> Result<Imported, StoreError> {
    let mut parsed = HashMap::new();
    let mut alone = BTreeMap::new();
    let mut chain_of = BTreeMap::new();
    for certificate in &import.certificates {
        let fingerprint = certificate.fingerprint;
        if let Some(chain) = Chain::from_wire(vec![certificate.der.clone()]) {
            alone.insert(chain.fingerprint(), vec![fingerprint]);
            chain_of.insert(fingerprint, chain.fingerprint());
        }
        parsed.insert(fingerprint, certificate.clone());
    }
    let wanted: BTreeSet<Fingerprint> = chain_of.keys().copied().collect();
    let stored = certificates::intern(connection, &wanted, &parsed, None).await?;
    let chains = chains::intern(connection, &alone, &stored).await?;
    let before = count(connection).await?;
    let mut rows = Vec::new();
    for (certificate, chain) in &chain_of {
        let missing = || StoreError::MissingCertificate(*certificate);
        let id = stored.get(certificate).ok_or_else(missing)?.id;
        rows.push((id, *chains.get(chain).ok_or_else(missing)?));
    }
    INSERT
        .execute(connection, &rows, |values, (certificate, chain)| {
            values
                .push_bind(*certificate)
                .push_bind(*chain)
                .push_bind(import.label.clone())
                .push_bind(import.at.micros())
                .push_bind(import.at.micros());
        })
        .await?;
    Ok(Imported {
        certificates: u64::try_from(rows.len()).unwrap_or(u64::MAX),
        new: count(connection).await?.saturating_sub(before),
    })
}

async fn count(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = sqlx::query("select count(*) from imports")
        .fetch_one(connection)
        .await
        .map_err(during(OPERATION))?;
    let count: i64 = row.try_get(0).map_err(during(OPERATION))?;
    Ok(u64::try_from(count).unwrap_or_default())
}
