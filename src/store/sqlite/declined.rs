//! Looks without a name, in place of a target's own → the names that servers
//! do not know; and these → the rows of what is shown in their place.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{InstallationId, Lead, StoreError};
use super::address::AddressKey;
use super::endpoints::KnownEndpoint;
use super::fault::during;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Observation, OutcomeKind, ScanId, ServerName, Timestamp};

/// A batch that is written again, after the name was answered in the same scan,
/// changes nothing. A name that had led elsewhere is declined anew.
const STORE: ManyRows = ManyRows {
    operation: "storing declined names",
    before: "with declined (endpoint_id, name, at, scan_id) as (",
    columns: 4,
    after: ") insert into declined_names (endpoint_id, name, first_at, at, scan_id) \
            select d.endpoint_id, d.name, \
                   coalesce((select o.first_at from declined_names o \
                              where o.endpoint_id = d.endpoint_id and o.name = d.name \
                                and o.left_at is null), d.at), \
                   d.at, d.scan_id \
              from declined d \
             where not exists (\
               select 1 from questions q join looks l on l.question_id = q.id \
                where q.endpoint_id = d.endpoint_id and q.server_name = d.name \
                  and l.answered_scan = d.scan_id and l.answered_at >= d.at) \
            on conflict (endpoint_id, name, first_at) do update set \
            at = max(at, excluded.at), scan_id = max(scan_id, excluded.scan_id)",
};

/// Whatever the name met there: it led there.
const LEAD: ManyRows = ManyRows {
    operation: "storing where declined names led",
    before: "with led (zone, address, port, name, scan_id) as (",
    columns: 5,
    after: ") update declined_names \
            set scan_id = max(scan_id, (select max(led.scan_id) from led)) \
            where (endpoint_id, name) in (\
              select e.id, led.name from led cross join endpoints e \
                  on e.zone = led.zone and e.address = led.address and e.port = led.port)",
};

/// Those that the complete scan $1 asked for, and was not led here by: but to an
/// address of the same family, since a scan may look for one family alone; or to
/// none, since there is no such name.
const LEAVE: &str = "\
    with asked as materialized (\
      select distinct d.name from declined_names d \
       where d.left_at is null and d.scan_id < $1), \
    led as materialized (\
      select e.zone, q.server_name, e.port, length(e.address) as family \
        from asked cross join questions q on q.server_name = asked.name \
             and q.server_name <> '' \
        cross join looks l on l.question_id = q.id and l.led_scan = $1 \
        cross join endpoints e on e.id = q.endpoint_id \
      union all \
      select e.zone, d.name, e.port, length(e.address) \
        from declined_names d join endpoints e on e.id = d.endpoint_id \
       where d.scan_id = $1) \
    update declined_names set left_at = t.at \
      from endpoints e, name_coverage t \
     where declined_names.left_at is null and declined_names.scan_id < $1 \
       and e.id = declined_names.endpoint_id \
       and t.zone = e.zone and t.name = declined_names.name and t.port = e.port \
       and t.scan_id = $1 \
       and (t.detail = 'nxdomain' \
            or (t.zone, t.name, t.port, length(e.address)) in (select * from led))";

/// What an earlier scan saw is over, also if its clock was ahead. It is kept that
/// the endpoint was asked without the name: see `known`.
const END: ManyRows = ManyRows {
    operation: "ending declined names",
    before: "with answered (endpoint_id, name, at, scan_id) as (",
    columns: 4,
    after: ") update declined_names set left_at = a.at \
            from (select endpoint_id, name, scan_id, max(at) as at from answered \
                   group by endpoint_id, name, scan_id) a \
            where declined_names.endpoint_id = a.endpoint_id \
              and declined_names.name = a.name and declined_names.left_at is null \
              and (declined_names.at <= a.at or declined_names.scan_id <> a.scan_id)",
};

/// Those of each installation that no name was sent for, while it was there, at
/// most `MAX_KIN`. A name that leads elsewhere says nothing any more.
const FIND: ManyRows = ManyRows {
    operation: "reading declined names",
    before: "with wanted (id, at) as (",
    columns: 2,
    after: ") select w.id, (select json_group_array(name) from (\
              select distinct d.name from declined_names d \
               where d.endpoint_id = e.id and coalesce(d.first_at <= w.at, 1) \
                 and coalesce(d.first_at <= i.last_seen, 1) \
                 and (d.left_at is null or d.left_at > w.at) \
               order by d.name limit 100)) \
            from wanted w cross join installations i on i.id = w.id \
            cross join questions q on q.id = i.question_id and q.server_name = '' \
            cross join endpoints e on e.id = q.endpoint_id \
            where exists (select 1 from declined_names d where d.endpoint_id = e.id)",
};

/// A name at an endpoint's row, and when it was looked for.
struct Asked<'a> {
    endpoint: i64,
    name: &'a ServerName,
    at: Timestamp,
}

/// Records what looks say of the names of targets: which ones are declined,
/// which ones are no more, and where they led. The questions of these looks are
/// stored already.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    looks: &[&Observation],
    known: &[Option<KnownEndpoint>],
    leads: &[Lead],
    scan: ScanId,
) -> Result<(), StoreError> {
    let bind = |values: &mut Values<'_>, asked: &Asked<'_>| {
        values
            .push_bind(asked.endpoint)
            .push_bind(asked.name.to_string())
            .push_bind(asked.at.micros())
            .push_bind(scan.number());
    };
    let declined = asked(looks, known, |look| look.instead_of.as_ref());
    STORE.execute(connection, &declined, bind).await?;
    if !exist(connection).await? {
        return Ok(());
    }
    let answered = asked(looks, known, |look| {
        let name = look.server_name.as_ref();
        name.filter(|_| look.outcome.kind() == OutcomeKind::Certificate)
    });
    END.execute(connection, &answered, bind).await?;
    LEAD.execute(connection, leads, |values, lead| {
        values
            .push_word(lead.zone.as_str())
            .push_bind(AddressKey::from(lead.address).to_blob())
            .push_bind(i64::from(lead.port.number()))
            .push_bind(lead.name.to_string())
            .push_bind(scan.number());
    })
    .await
}

/// Records which names led a complete scan elsewhere.
pub(super) async fn leave(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<(), StoreError> {
    sqlx::query(LEAVE)
        .bind(scan.number())
        .execute(connection)
        .await
        .map_err(during(LEAD.operation))?;
    Ok(())
}

/// Whether there are any: on most networks there are none.
pub(super) async fn exist(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select 1 from declined_names)")
        .fetch_one(connection)
        .await
        .map_err(during(FIND.operation))
}

/// The names that were declined where these installations are, of those where
/// any were.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    installations: &[InstallationId],
    at: Option<Timestamp>,
) -> Result<HashMap<InstallationId, Vec<String>>, StoreError> {
    let mut found = HashMap::new();
    let bind = |values: &mut Values<'_>, id: &InstallationId| {
        values.push_bind(id.0).push_bind(at.map(Timestamp::micros));
    };
    let take = |row: &SqliteRow| {
        found.insert(InstallationId(row.try_get(0)?), row::texts(row, 1)?);
        Ok(())
    };
    FIND.fetch(connection, installations, bind, take).await?;
    Ok(found)
}

/// The looks at known endpoints that say something of a name.
fn asked<'a>(
    looks: &[&'a Observation],
    known: &[Option<KnownEndpoint>],
    name: impl Fn(&'a Observation) -> Option<&'a ServerName>,
) -> Vec<Asked<'a>> {
    let asked = looks.iter().zip(known).filter_map(|(look, known)| {
        Some(Asked {
            endpoint: known.as_ref()?.id,
            name: name(look)?,
            at: look.at,
        })
    });
    asked.collect()
}
