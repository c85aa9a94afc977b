//! Imports → those that something has renewed since: a later import, or what is
//! installed on the network.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::super::StoreError;
use super::cursor::{Columns, Cursor};
use super::fault::failed_in;
use super::kin::{now, then};
use super::query::Query;
use super::reader::SqliteInventory;
use crate::domain::{Fingerprint, Purpose, Renewals, Timestamp};

const OPERATION: &str = "reading renewals of imports";

/// What has no end is renewed by nothing.
const IMPORTS: &str = ") select c.subject_dn, c.san, c.key_usage, c.eku, c.not_after, \
                           m.last_seen, c.sha256 \
      from w cross join imports m cross join certificates c on c.id = m.certificate_id \
     where c.subject_dn is not null and c.not_after is not null \
       and coalesce(m.first_seen <= w.at, 1)";

/// What is imported or installed then and has the subject of an import, as it
/// came last; by its end, the latest first.
macro_rules! successors {
    ($is_current:expr) => {
        concat!(
            "), came (id, at) as (\
               select m.certificate_id, m.first_seen from w cross join imports m \
                where coalesce(m.first_seen <= w.at, 1) \
               union all \
               select i.certificate_id, i.first_seen from w cross join installations i \
                where i.first_seen > (select min(last_seen) from imports) and ",
            $is_current,
            "), latest (id, at) as (select id, max(at) from came group by id) \
             select c.subject_dn, c.san, c.key_usage, c.eku, c.not_after, l.at \
               from latest l cross join certificates c on c.id = l.id \
              where c.not_after is not null and c.subject_dn in (\
                  select c.subject_dn from imports m \
                   cross join certificates c on c.id = m.certificate_id) \
              order by c.not_after desc"
        )
    };
}

/// The imports that were renewed and not imported again since: now, or by a
/// moment. All of one moment.
pub(super) async fn imports(
    inventory: &SqliteInventory,
    at: Option<Timestamp>,
) -> Result<HashSet<Fingerprint>, StoreError> {
    let read = inventory.on_cursor(move |cursor| read(cursor, at)).await;
    inventory.reading.judge(read.map_err(failed_in(OPERATION)))
}

fn read(cursor: &Cursor, at: Option<Timestamp>) -> rusqlite::Result<HashSet<Fingerprint>> {
    let mut imports = Vec::new();
    let _ = cursor.each(&query(at, IMPORTS), |mut columns| {
        let (purpose, end, seen) = (purpose(&mut columns)?, columns.time()?, columns.time()?);
        let id = Fingerprint::from_bytes(columns.next()?);
        imports.push((id, purpose, end, seen));
        Ok(ControlFlow::Continue(()))
    })?;
    if imports.is_empty() {
        return Ok(HashSet::new());
    }
    let mut renewals = Renewals::of(imports.into_iter());
    let successors = match at {
        None => successors!(now!()),
        Some(_) => successors!(then!()),
    };
    let _ = cursor.each(&query(at, successors), |mut columns| {
        let (purpose, end, first_seen) = (purpose(&mut columns)?, columns.time()?, columns.time()?);
        renewals.came(&purpose, end, first_seen);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(renewals.end().into_iter().collect())
}

/// A query of the moment `w.at`.
fn query(at: Option<Timestamp>, text: &'static str) -> Query {
    let mut query = Query::new("with w (at) as (select ");
    query.push_bind(at.map(Timestamp::micros)).push(text);
    query
}

fn purpose(columns: &mut Columns<'_>) -> rusqlite::Result<Purpose> {
    let subject: String = columns.next()?;
    let mut texts = || Ok::<_, rusqlite::Error>(columns.texts()?.unwrap_or_default());
    let (names, key_usage, extended_key_usage) = (texts()?, texts()?, texts()?);
    Ok(Purpose::new(
        &subject,
        &names,
        &key_usage,
        &extended_key_usage,
    ))
}
