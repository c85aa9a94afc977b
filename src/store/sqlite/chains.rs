//! Chains of a batch → their rows, each stored once; and what is in them.

use std::collections::{BTreeMap, HashMap};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{ChainId, StoreError};
use super::certificates::StoredCertificate;
use super::row;
use super::statement::{ManyRows, Values, next_id};
use crate::domain::Fingerprint;

const FIND: ManyRows = ManyRows {
    operation: "looking up chains",
    before: "select json_group_array(json_array(id, hex(sha256))) from chains where sha256 in (",
    columns: 1,
    after: ")",
};

const MEMBERS: ManyRows = ManyRows {
    operation: "reading chains",
    before: "with wanted (id) as (",
    columns: 1,
    after: ") select w.id, c.sha256 \
        from wanted w cross join chain_members m on m.chain_id = w.id \
        cross join certificates c on c.id = m.certificate_id \
        order by w.id, m.position",
};

const INSERT: ManyRows = ManyRows {
    operation: "storing chains",
    before: "insert into chains (id, sha256) ",
    columns: 2,
    after: "",
};

const INSERT_MEMBERS: ManyRows = ManyRows {
    operation: "storing members of chains",
    before: "insert into chain_members (chain_id, position, certificate_id) ",
    columns: 3,
    after: "",
};

/// The members of these chains, leaf first, of those that are stored.
pub(super) async fn members(
    connection: &mut SqliteConnection,
    chains: &[ChainId],
) -> Result<HashMap<ChainId, Vec<Fingerprint>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let bind = |values: &mut Values<'_>, chain: &ChainId| {
        values.push_bind(chain.0);
    };
    let take = |row: &SqliteRow| {
        let chain = ChainId(row.try_get(0)?);
        found
            .entry(chain)
            .or_default()
            .push(row::fingerprint(row, 1)?);
        Ok(())
    };
    MEMBERS.fetch(connection, chains, bind, take).await?;
    Ok(found)
}

/// Finds or makes the row of every chain `wanted`, given with its members,
/// leaf first.
pub(super) async fn intern(
    connection: &mut SqliteConnection,
    wanted: &BTreeMap<Fingerprint, Vec<Fingerprint>>,
    certificates: &HashMap<Fingerprint, StoredCertificate>,
) -> Result<HashMap<Fingerprint, i64>, StoreError> {
    let fingerprints: Vec<_> = wanted.keys().copied().collect();
    let mut stored = HashMap::new();
    FIND.fetch_elements(
        connection,
        &fingerprints,
        |values, fingerprint| {
            values.push_bind(fingerprint.as_bytes().to_vec());
        },
        |(id, fingerprint): (i64, Fingerprint)| {
            stored.insert(fingerprint, id);
            Ok(())
        },
    )
    .await?;
    let new = wanted.iter().filter(|(key, _)| !stored.contains_key(key));
    let new: Vec<_> = new.collect();
    if new.is_empty() {
        return Ok(stored);
    }
    let highest = "select max(id) from chains";
    let first = next_id(connection, INSERT.operation, highest).await?;
    let mut rows = Vec::with_capacity(new.len());
    let mut members = Vec::new();
    for (id, (fingerprint, chain)) in (first..).zip(new) {
        rows.push((id, *fingerprint));
        for (position, member) in (0_i64..).zip(chain) {
            let member = certificates
                .get(member)
                .ok_or(StoreError::MissingCertificate(*member))?;
            members.push((id, position, member.id));
        }
    }
    INSERT
        .execute(connection, &rows, |values, (id, fingerprint)| {
            let sha256 = fingerprint.as_bytes().to_vec();
            values.push_bind(*id).push_bind(sha256);
        })
        .await?;
    INSERT_MEMBERS
        .execute(connection, &members, |values, (chain, position, member)| {
            values
                .push_bind(*chain)
                .push_bind(*position)
                .push_bind(*member);
        })
        .await?;
    stored.extend(rows.into_iter().map(|(id, fingerprint)| (fingerprint, id)));
    Ok(stored)
}
