//! What is there, and what was dark lately: where to look first, and where not
//! to look again yet.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::{Askers, KnownQuestion, KnownTarget, Period, Standing};
use super::certificates::key_type_of_word;
use super::query::Query;
use super::row;
use crate::domain::{Host, Timestamp, Zone};
use crate::starttls;

/// How long before its end a certificate may be renewed: the longest for which
/// `expiring` warns of it, where the policy says no more.
const DUE_BEFORE_END: i64 = 30 * 24 * 3600 * 1_000_000;

/// Of an interval `i`: whether its certificate was looked for at the moment `m`:
/// it had not ended, or had moved and might have been there still.
macro_rules! is_awaited {
    () => {
        "i.first_seen < m.at \
         and coalesce(iif(i.ended_as = 'moved', i.vacated_at, i.ended_at) >= m.at, 1)"
    };
}

/// Of an endpoint `e`: whether a certificate was looked for there at the moment
/// `m`, or it never had one before. It is retired once all that it had are gone.
pub(super) const IS_IN_SERVICE: &str = concat!(
    "(exists (select 1 from questions q join installations i on i.question_id = q.id \
               where q.endpoint_id = e.id and ",
    is_awaited!(),
    ") or not exists (select 1 from questions q join installations i on i.question_id = q.id \
                       where q.endpoint_id = e.id and i.first_seen < m.at))"
);

/// The endpoints that had been found by a moment, but for those whose
/// certificates had all gone by then, for certain.
///
/// The beginnings and ends of certificates tell: whatever later scans see, the
/// answer for a moment stays the same.
pub(super) fn select_endpoints(zone: &Zone, at: Timestamp) -> Query {
    let mut query = with_moment(zone, at);
    query.push(
        "select e.address, e.port, e.dialect from moment m cross join endpoints e \
          where e.zone = m.zone and e.transport = 'tcp' and e.first_seen < m.at and ",
    );
    query.push(IS_IN_SERVICE);
    query.push(" order by e.address, e.port, e.dialect");
    query
}

/// The names among earlier targets for which a certificate was looked for at a
/// moment.
pub(super) fn select_names(zone: &Zone, at: Timestamp) -> Query {
    let mut query = with_moment(zone, at);
    query.push(concat!(
        "select distinct n.name, n.port, e.dialect from moment m \
           cross join name_coverage n on n.zone = m.zone \
           join questions q on q.server_name = n.name and q.server_name <> '' \
           join endpoints e on e.id = q.endpoint_id and e.zone = n.zone and e.port = n.port \
           join installations i on i.question_id = q.id \
          where ",
        is_awaited!(),
        " order by n.name, n.port, e.dialect",
    ));
    query
}

/// Of an endpoint `e` and its question `q`: whether it was asked in place of a
/// name, or beside it, before the moment `m`.
const IS_ASKED_BY_NAMES: &str = "(q.server_name = '' \
    and exists (select 1 from declined_names d \
                 where d.endpoint_id = e.id and d.first_at < m.at))";

/// The questions at which a certificate was looked for at a moment: for a name,
/// in place of one, in another dialect than the port's number tells, or beside
/// one of another key type.
pub(super) fn select_questions(zone: &Zone, at: Timestamp) -> Query {
    let mut query = with_moment(zone, at);
    query.push("select e.address, e.port, e.dialect, q.server_name, q.key_type, l.asked_at, ");
    query.push(IS_ASKED_BY_NAMES);
    query.push(
        ", exists (select 1 from installations i where i.question_id = q.id \
                    and i.ended_at is null and i.missing_at < m.at), \
          exists (select 1 from installations i join certificates c on c.id = i.certificate_id \
                   where i.question_id = q.id and i.state = 'current' \
                     and c.not_after < m.at + ",
    );
    query.push_bind(DUE_BEFORE_END).push(
        "), \
          exists (select 1 from name_coverage n \
                   where n.zone = e.zone and n.name = q.server_name and n.port = e.port \
                     and n.detail = 'nxdomain') \
          from moment m cross join endpoints e on e.zone = m.zone and e.transport = 'tcp' \
          cross join questions q on q.endpoint_id = e.id \
          cross join looks l on l.question_id = q.id \
          where (q.server_name <> '' or e.dialect <> case e.port",
    );
    for protocol in starttls::all() {
        for port in protocol.ports {
            query.push(" when ").push_bind(i64::from(*port));
            query.push(" then '").push(protocol.dialect.as_str());
            query.push("'");
        }
    }
    query.push(" else 'tls' end or ");
    query.push(IS_ASKED_BY_NAMES);
    query.push(concat!(
        " or exists (\
            select 1 from questions other \
              join installations i on i.question_id = other.id \
             where other.endpoint_id = q.endpoint_id \
               and other.server_name = q.server_name and other.id <> q.id and ",
        is_awaited!(),
        ")) and exists (select 1 from installations i where i.question_id = q.id and ",
        is_awaited!(),
        ") order by e.address, e.port, e.dialect, q.server_name, q.key_type",
    ));
    query
}

/// Runs of addresses that were dark in a period, and are to be believed so.
pub(super) fn select_dark_addresses(zone: &Zone, period: Period) -> Query {
    let mut query = Query::new(
        "select port, first_address, last_address from coverage \
          where outcome in ('refused', 'filtered', 'unreachable') and detail = '' and zone = ",
    );
    push_period(&mut query, zone, period);
    query.push(" order by port, first_address");
    query
}

/// Names that were dark in a period, and never asked for at any endpoint.
pub(super) fn select_dark_names(zone: &Zone, period: Period) -> Query {
    let mut query = Query::new(
        "select name, port from name_coverage \
          where outcome in ('refused', 'filtered', 'unreachable', 'unresolved') \
            and (detail = '' or outcome = 'unresolved') \
            and not exists (select 1 from questions q \
                             where q.server_name = name and q.server_name <> '') \
            and zone = ",
    );
    push_period(&mut query, zone, period);
    query.push(" order by name, port");
    query
}

pub(super) fn endpoint(row: &SqliteRow) -> Result<KnownTarget, sqlx::Error> {
    Ok(KnownTarget {
        host: Host::Address(row::address(row, 0)?),
        port: row::port(row, 1)?,
        dialect: row::word(row, 2)?,
    })
}

pub(super) fn question(row: &SqliteRow) -> Result<KnownQuestion, sqlx::Error> {
    let server_name: &str = row.try_get(3)?;
    Ok(KnownQuestion {
        address: row::address(row, 0)?,
        port: row::port(row, 1)?,
        dialect: row::word(row, 2)?,
        server_name: match server_name {
            "" => None,
            _ => Some(row::word(row, 3)?),
        },
        key_type: key_type_of_word(row.try_get(4)?),
        asked_at: row::time(row, 5)?,
        askers: if row.try_get(6)? {
            Askers::Names
        } else {
            Askers::Own
        },
        standing: match (row.try_get(9)?, row.try_get(7)?, row.try_get(8)?) {
            (true, ..) => Standing::NoSuchName,
            (false, true, _) => Standing::Missing,
            (false, false, true) => Standing::Due,
            (false, false, false) => Standing::Current,
        },
    })
}

pub(super) fn name(row: &SqliteRow) -> Result<KnownTarget, sqlx::Error> {
    Ok(KnownTarget {
        host: Host::Name(row::word(row, 0)?),
        port: row::port(row, 1)?,
        dialect: row::word(row, 2)?,
    })
}

fn with_moment(zone: &Zone, at: Timestamp) -> Query {
    let mut query = Query::new("with moment (zone, at) as (select ");
    query.push_bind(zone.to_string()).push(", ");
    query.push_bind(at.micros()).push(") ");
    query
}

fn push_period(query: &mut Query, zone: &Zone, period: Period) {
    query.push_bind(zone.to_string()).push(" and at >= ");
    query.push_bind(period.from.micros()).push(" and at < ");
    query.push_bind(period.until.micros());
}
