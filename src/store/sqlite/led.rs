//! Where targets that are names led → the questions there.
//!
//! A name may be asked for at an address that it never led to, and an address
//! that it leads to may not be asked, for a fault of ours or an exclusion:
//! `moves` has to tell these apart. The scan that ran last stands, whatever its
//! number: one that is gone on with may have a lower one.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};

use super::super::{Lead, StoreError};
use super::address::AddressKey;
use super::statement::ManyRows;
use crate::domain::ScanId;

const FIND: ManyRows = ManyRows {
    operation: "looking up where names led",
    before: "with wanted (zone, address, port, server_name) as (",
    columns: 4,
    after: ") select q.id from wanted w cross join endpoints e \
            on e.zone = w.zone and e.address = w.address and e.port = w.port \
            cross join questions q on q.endpoint_id = e.id and q.server_name = w.server_name",
};

const STORE: ManyRows = ManyRows {
    operation: "storing where names led",
    before: "with led (id, scan_id) as (",
    columns: 2,
    after: ") update looks set led_scan = led.scan_id from led \
            where looks.question_id = led.id \
            and looks.led_scan is not led.scan_id",
};

/// Records that a scan's targets led there. Its looks are stored already.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    leads: &[Lead],
    scan: ScanId,
) -> Result<(), StoreError> {
    let leads: BTreeSet<_> = leads.iter().collect();
    let leads: Vec<_> = leads.into_iter().collect();
    let mut questions: Vec<i64> = Vec::new();
    FIND.fetch(
        connection,
        &leads,
        |values, lead| {
            values
                .push_bind(lead.zone.to_string())
                .push_bind(AddressKey::from(lead.address).to_blob())
                .push_bind(i64::from(lead.port.number()))
                .push_bind(lead.name.to_string());
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
