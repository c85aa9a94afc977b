//! A filter → pages of dossiers: installations that were seen, and after them
//! imports. Their rows are of one moment; what is read for them is of a little
//! later.

use std::ops::ControlFlow;

use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use super::super::{Detail, Dossier, Filter, StoreError};
use super::cursor::Cursor;
use super::fault::failed_in;
use super::ports::Ports;
use super::query::Query;
use super::reader::SqliteInventory;
use super::shared::Shared;
use super::told::{Repeated, Told};
use super::{dossiers, past, report, select};
use crate::report::Source;

const OPERATION: &str = "reading installations";

/// Pages of rows that wait for what else is known of them.
const ROWS_WAITING: usize = 1;

/// Streams what a filter lets through, until nobody takes any more. What is
/// counted and compared of it is of a little later.
pub(super) async fn stream(
    inventory: &SqliteInventory,
    filter: &Filter,
    detail: Detail,
    pages: mpsc::Sender<Vec<Dossier>>,
) -> Result<(), StoreError> {
    let mut asked = inventory.connection(OPERATION).await?;
    let mut shared = Shared::new(detail, filter.known_at, filter.judged_at);
    let (send, mut rows) = mpsc::channel(ROWS_WAITING);
    let wanted = filter.clone();
    // It ends where nobody takes its rows any more.
    let read = inventory.on_cursor(move |cursor| read(cursor, &wanted, &send));
    let told = async move {
        while let Some(rows) = rows.recv().await {
            let told = tell(&mut asked, rows, &mut shared, &pages).await?;
            if told.is_break() {
                break;
            }
        }
        Ok(())
    };
    let (read, told) = tokio::join!(read, told);
    read.map_err(failed_in(OPERATION)).and(told)
}

/// Hands on what is known of these rows.
async fn tell(
    asked: &mut SqliteConnection,
    rows: Vec<Told>,
    shared: &mut Shared,
    pages: &mpsc::Sender<Vec<Dossier>>,
) -> Result<ControlFlow<()>, StoreError> {
    for part in dossiers::parts(asked, rows, shared).await? {
        let page = dossiers::page(asked, part, shared).await?;
        if !page.is_empty() && pages.send(page).await.is_err() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Reads the rows that a filter lets through, until nobody takes any more.
fn read(cursor: &Cursor, filter: &Filter, rows: &mpsc::Sender<Vec<Told>>) -> rusqlite::Result<()> {
    let mut repeated = Repeated::on(cursor)?;
    for source in [Source::Scan, Source::Import] {
        let mut ports = Ports::handed_on(rows);
        let read = cursor.each(&query(source, filter), |columns| {
            Ok(ports.push(Told::read(source, columns, &mut repeated)?))
        })?;
        if read.is_break() || ports.end().is_break() {
            break;
        }
    }
    Ok(())
}

fn query(source: Source, filter: &Filter) -> Query {
    match source {
        Source::Scan => installations(filter),
        Source::Import => {
            let mut query = report::select_imports(filter.known_at);
            select::imports(&mut query, filter);
            query.push(report::IMPORT_ORDER);
            query
        }
    }
}

fn installations(filter: &Filter) -> Query {
    let mut query = match filter.known_at {
        None => report::select_installations(),
        Some(at) => past::select_installations(at),
    };
    select::installations(&mut query, filter);
    query.push(report::INSTALLATION_ORDER);
    query
}
