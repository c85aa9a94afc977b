//! The columns of what a running scan says: those of a report, without what
//! only the inventory knows.

use std::sync::LazyLock;

use super::column::{Column, column};
use super::installations::INSTALLATIONS;
use super::row::{EndpointRow, Installation};
use super::table::{ENDPOINTS, Table};
use super::value::Value;

/// What a running scan says of a certificate that it sees.
pub static SIGHTINGS: LazyLock<Table<Installation>> = LazyLock::new(|| {
    let declined = column("declined_names", |row: &Installation, _| {
        Value::list(&row.declined_names)
    });
    live(&INSTALLATIONS, &[declined])
});

/// What a running scan says of an endpoint that spoke without a certificate.
pub static SPEAKERS: LazyLock<Table<EndpointRow>> = LazyLock::new(|| live(&ENDPOINTS, &[]));

/// The rows of a report without what only the inventory knows, and with more
/// columns. Each has its certificate to itself.
fn live<Row>(report: &'static Table<Row>, more: &[Column<Row>]) -> Table<Row> {
    let columns = report.columns.iter();
    let columns = columns.filter(|column| !KNOWN_BY_INVENTORY.contains(&column.name));
    let columns = columns.chain(more);
    Table {
        kind: report.kind,
        certificate: report.certificate,
        shared: |_, _| None,
        columns: Vec::leak(columns.copied().collect()),
    }
}

const KNOWN_BY_INVENTORY: [&str; 8] = [
    "certificates",
    "protocols",
    "protocols_refused",
    "installations",
    "state",
    "previous_sha256",
    "first_seen",
    "last_checked",
];
