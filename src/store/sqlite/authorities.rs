//! Certificates of authorities, to find what some servers forget to send.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::dossier::MAX_AUTHORITIES;
use super::query::Query;
use crate::domain::Der;

/// Those first that the operator imported, and then those that most chains are
/// sent with, nearest to the leaf: what one endpoint makes up, as much as it
/// likes, comes behind what many present. A certificate that signed itself, and
/// that nobody sent above another nor imported, is a device's own: it completes no
/// chain.
pub(super) fn select() -> Query {
    let mut query = Query::new(
        "select c.der from certificates c \
          where (c.is_ca = 1 or (c.version < 3 and c.self_signed = 1)) \
            and (c.self_signed is not 1 \
                 or exists (select 1 from chain_members m \
                             where m.certificate_id = c.id and m.position > 0) \
                 or exists (select 1 from imports i where i.certificate_id = c.id)) \
          order by exists (select 1 from imports i where i.certificate_id = c.id) desc, \
            (select count(*) from (select 1 from chain_members m \
              where m.certificate_id = c.id and m.position > 0 limit 100)) desc, \
            (select min(position) from (select m.position from chain_members m \
              where m.certificate_id = c.id and m.position > 0 limit 100)), \
            c.id limit ",
    );
    query.push_bind(MAX_AUTHORITIES);
    query
}

pub(super) fn read(row: &SqliteRow) -> Result<Der, sqlx::Error> {
    let der: Vec<u8> = row.try_get(0)?;
    Ok(der.into())
}
