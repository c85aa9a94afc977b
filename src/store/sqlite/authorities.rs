//! Certificates of authorities, to find what some servers forget to send.

use std::ops::ControlFlow;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::StoreError;
use super::super::dossier::{MAX_AUTHORITIES, MAX_AUTHORITY_BYTES};
use super::query::Query;
use super::reader::SqliteInventory;
use crate::domain::{Der, Timestamp};

/// Certificates `c` that may certify others, as an index has them.
macro_rules! may_certify {
    () => {
        "(c.is_ca = 1 or (c.version < 3 and c.self_signed = 1))"
    };
}

/// Those first that the operator imported, and then those that most chains are
/// sent with, nearest to the leaf: what one endpoint makes up, as much as it
/// likes, comes behind what many present. A certificate that signed itself, and
/// that nobody sent above another nor imported, is a device's own: it completes no
/// chain.
const NOW: &str = concat!(
    "select c.der from certificates c where ",
    may_certify!(),
    " and (c.self_signed is not 1 \
           or exists (select 1 from chain_members m \
                       where m.certificate_id = c.id and m.position > 0) \
           or exists (select 1 from imports i where i.certificate_id = c.id)) \
      order by exists (select 1 from imports i where i.certificate_id = c.id) desc, \
        (select count(*) from (select 1 from chain_members m \
          where m.certificate_id = c.id and m.position > 0 limit 100)) desc, \
        (select min(position) from (select m.position from chain_members m \
          where m.certificate_id = c.id and m.position > 0 limit 100)), \
        c.id limit "
);

/// The same of a moment: what had been imported by then, and sent in chains
/// that some endpoint had shown. The sign keeps the index from being asked for
/// every chain of every authority.
const THEN: &str = concat!(
    "), sent (id, chains, nearest) as (\
        select c.id, sum(m.position > 0), min(nullif(m.position, 0)) \
          from certificates c cross join chain_members m on m.certificate_id = c.id \
         where ",
    may_certify!(),
    "      and +m.chain_id in (select i.chain_id from w cross join installations i \
                               on i.first_seen <= w.at) \
         group by c.id), \
      imported (id) as (\
        select i.certificate_id from w cross join imports i on i.first_seen <= w.at) \
      select c.der from certificates c left join sent s on s.id = c.id where ",
    may_certify!(),
    " and (s.chains > 0 or (c.self_signed is not 1 and s.id is not null) \
           or c.id in (select id from imported)) \
      order by c.id in (select id from imported) desc, \
        coalesce(min(s.chains, 100), 0) desc, s.nearest, c.id limit "
);

/// The authorities' certificates that are known: now, or were at a moment; the
/// first of them, if they are too many or too long.
pub(super) async fn read(
    inventory: &SqliteInventory,
    at: Option<Timestamp>,
) -> Result<Vec<Der>, StoreError> {
    let (mut authorities, mut bytes) = (Vec::new(), 0);
    let mut visit = |authority: Der| {
        bytes += authority.as_bytes().len();
        if bytes > MAX_AUTHORITY_BYTES {
            return ControlFlow::Break(());
        }
        authorities.push(authority);
        ControlFlow::Continue(())
    };
    let (operation, query) = ("reading authorities", query(at));
    let read = inventory.stream(operation, query, der, &mut visit);
    read.await?;
    Ok(authorities)
}

fn query(at: Option<Timestamp>) -> Query {
    let mut query = match at {
        None => Query::new(NOW),
        Some(at) => {
            let mut query = Query::new("with w (at) as (select ");
            query.push_bind(at.micros()).push(THEN);
            query
        }
    };
    query.push_bind(MAX_AUTHORITIES);
    query
}

fn der(row: &SqliteRow) -> Result<Der, sqlx::Error> {
    let der: Vec<u8> = row.try_get(0)?;
    Ok(der.into())
}
