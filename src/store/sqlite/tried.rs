//! Looks that say nothing → questions that were asked all the same.
//!
//! A fault of ours or an exclusion says nothing of a certificate. But that a
//! name led to the address, which `moves` has to know, it does say.

use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::address::AddressKey;
use super::occupancy::Occupancy;
use super::statement::ManyRows;
use crate::domain::{Observation, ScanId};

const FIND: ManyRows = ManyRows {
    operation: "looking up questions that were tried",
    before: "with wanted (zone, address, port, transport, dialect, server_name) as (",
    columns: 6,
    after: ") select q.id from wanted w cross join endpoints e \
            on e.zone = w.zone and e.address = w.address and e.port = w.port \
            and e.transport = w.transport and e.dialect = w.dialect \
            cross join questions q on q.endpoint_id = e.id and q.server_name = w.server_name",
};

const STORE: ManyRows = ManyRows {
    operation: "storing questions that were tried",
    before: "with tried (id, scan_id) as (",
    columns: 2,
    after: ") update looks set tried_scan = tried.scan_id from tried \
            where looks.question_id = tried.id",
};

/// Records that a scan tried these, of which none is the result of a look.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    observations: &[&Observation],
    occupancy: &Occupancy,
    scan: ScanId,
) -> Result<(), StoreError> {
    let known = observations
        .iter()
        .filter(|tried| !occupancy.is_vacant(&tried.endpoint));
    let named = known.filter_map(|tried| {
        let name = tried.server_name.as_ref()?;
        Some((&tried.endpoint, name.to_string()))
    });
    let named: Vec<_> = named.collect();
    let mut questions: Vec<i64> = Vec::new();
    FIND.fetch(
        connection,
        &named,
        |values, (endpoint, name)| {
            values
                .push_bind(endpoint.zone.to_string())
                .push_bind(AddressKey::from(endpoint.address).to_blob())
                .push_bind(i64::from(endpoint.port.number()))
                .push_bind(endpoint.transport.as_str())
                .push_bind(endpoint.dialect.as_str())
                .push_bind(name.clone());
        },
        |row| {
            questions.push(row.try_get(0)?);
            Ok(())
        },
    )
    .await?;
    STORE
        .execute(connection, &questions, |values, question| {
            values.push_bind(*question).push_bind(scan.number());
        })
        .await
}
