//! What is true of chains ↔ its rows: kept from one judgement for the next.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{ChainId, StoreError};
use super::fault::during;
use super::statement::{ManyRows, Values};
use crate::domain::Fingerprint;
use crate::judge::Links;

const FIND: ManyRows = ManyRows {
    operation: "reading links",
    before: "with wanted (chain_id, basis) as (",
    columns: 2,
    after: ") select kept.chain_id, kept.links \
        from wanted w cross join links_basis b on b.basis = w.basis \
        cross join links kept on kept.chain_id = w.chain_id",
};

const KEEP: ManyRows = ManyRows {
    operation: "storing links",
    before: "insert or replace into links (chain_id, links) ",
    columns: 2,
    after: "",
};

/// What was kept of these chains on this basis. What can't be read was not
/// kept.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    basis: Fingerprint,
    chains: &[ChainId],
) -> Result<HashMap<ChainId, Links>, StoreError> {
    let mut found = HashMap::new();
    let bind = |values: &mut Values<'_>, chain: &ChainId| {
        values
            .push_bind(chain.0)
            .push_bind(basis.as_bytes().to_vec());
    };
    let take = |row: &SqliteRow| {
        let links: &str = row.try_get(1)?;
        if let Ok(links) = serde_json::from_str(links) {
            found.insert(ChainId(row.try_get(0)?), links);
        }
        Ok(())
    };
    FIND.fetch(connection, chains, bind, take).await?;
    Ok(found)
}

/// Forgets what was kept on any other basis.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    basis: Fingerprint,
) -> Result<(), StoreError> {
    let basis = basis.as_bytes().to_vec();
    let forget = "delete from links \
                  where not exists (select 1 from links_basis where basis = $1)";
    let found = "insert or replace into links_basis (id, basis) values (1, $1)";
    for statement in [forget, found] {
        let done = sqlx::query(statement)
            .bind(&basis)
            .execute(&mut *connection);
        done.await.map_err(during("storing links"))?;
    }
    Ok(())
}

/// Keeps what was found.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    found: &[(ChainId, Arc<Links>)],
) -> Result<(), StoreError> {
    let texts = found.iter().map(|(chain, links)| {
        let text = serde_json::to_string(&**links);
        text.ok().map(|text| (*chain, text))
    });
    let texts: Vec<_> = texts.flatten().collect();
    KEEP.execute(connection, &texts, |values, (chain, text)| {
        values.push_bind(chain.0).push_bind(text.clone());
    })
    .await
}
