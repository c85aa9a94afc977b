//! Looks without a name, in place of a target's own → the names that servers
//! do not know; and these → the rows of what is shown in their place.

use std::collections::HashMap;
use std::net::IpAddr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{Batch, InstallationId, NameLook, StoreError};
use super::address::AddressKey;
use super::endpoints::KnownEndpoint;
use super::fault::during;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{
    Observation, OutcomeKind, Port, ScanId, ServerName, Timestamp, Unresolved, Zone,
};

/// A batch that is written again, after the name was answered in the same scan,
/// changes nothing. A name that led elsewhere in between is declined anew.
const STORE: ManyRows = ManyRows {
    operation: "storing declined names",
    before: "with declined (endpoint_id, name, at, scan_id) as (",
    columns: 4,
    after: ") insert into declined_names (endpoint_id, name, first_at, at, scan_id) \
            select d.endpoint_id, d.name, d.at, d.at, d.scan_id from declined d \
             where not exists (\
               select 1 from questions q join looks l on l.question_id = q.id \
                where q.endpoint_id = d.endpoint_id and q.server_name = d.name \
                  and l.answered_scan = d.scan_id and l.answered_at >= d.at) \
            on conflict (endpoint_id, name) do update set \
            first_at = iif(left_scan > declined_names.scan_id \
                           and left_scan < excluded.scan_id, excluded.at, first_at), \
            at = max(at, excluded.at), scan_id = excluded.scan_id",
};

/// Whatever the name met there: it led there. Where it had led elsewhere, it has
/// to be declined again.
const LEAD: ManyRows = ManyRows {
    operation: "storing where declined names led",
    before: "with led (zone, address, port, name, scan_id) as (",
    columns: 5,
    after: ") update declined_names set scan_id = (select max(led.scan_id) from led) \
            where (endpoint_id, name) in (\
              select e.id, led.name from led cross join endpoints e \
                  on e.zone = led.zone and e.address = led.address and e.port = led.port) \
              and coalesce(left_scan <= scan_id \
                           or left_scan >= (select max(led.scan_id) from led), 1)",
};

/// Those that led elsewhere, and in this scan not here so far: to an address of
/// the same family, since a scan may look for one family alone; or nowhere.
const LEAVE: ManyRows = ManyRows {
    operation: "storing where declined names led",
    before: "with led (zone, address, port, name, at, scan_id) as (",
    columns: 6,
    after: ") update declined_names set left_scan = (select max(led.scan_id) from led), \
            left_at = (select max(led.at) from led) \
            where (endpoint_id, name) in (\
              select d.endpoint_id, d.name from led \
                cross join declined_names d on d.name = led.name and d.scan_id < led.scan_id \
                     and coalesce(d.left_scan <= d.scan_id, 1) \
                cross join endpoints e on e.id = d.endpoint_id \
                     and e.zone = led.zone and e.port = led.port \
               where led.address is null or (e.address <> led.address \
                     and length(e.address) = length(led.address)))",
};

/// What an earlier scan saw is over, also if its clock was ahead.
const FORGET: ManyRows = ManyRows {
    operation: "forgetting declined names",
    before: "with answered (endpoint_id, name, at, scan_id) as (",
    columns: 4,
    after: ") delete from declined_names where (endpoint_id, name) in (\
              select d.endpoint_id, d.name from answered a cross join declined_names d \
                  on d.endpoint_id = a.endpoint_id and d.name = a.name \
               where d.at <= a.at or d.scan_id <> a.scan_id)",
};

/// Those of each installation that no name was sent for, while it was there, at
/// most `MAX_KIN`. A name that leads elsewhere says nothing any more.
const FIND: ManyRows = ManyRows {
    operation: "reading declined names",
    before: "with wanted (id, at) as (",
    columns: 2,
    after: ") select w.id, (select json_group_array(name) from (\
              select d.name from declined_names d \
               where d.endpoint_id = e.id and coalesce(d.first_at <= w.at, 1) \
                 and coalesce(d.first_at <= i.last_seen, 1) \
                 and not coalesce(d.left_scan > d.scan_id \
                                  and coalesce(d.left_at <= w.at, 1), 0) \
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

/// Where a name led.
struct Led<'a> {
    zone: &'a Zone,
    /// `None` where there is no such name.
    address: Option<IpAddr>,
    port: Port,
    name: &'a ServerName,
    at: Option<Timestamp>,
}

/// Records what a batch with these looks says of the names of targets: which
/// ones are declined, which ones are no more, and where they led. The questions
/// of these looks are stored already.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    looks: &[&Observation],
    known: &[Option<KnownEndpoint>],
    batch: &Batch,
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
    FORGET.execute(connection, &answered, bind).await?;
    LEAD.execute(connection, &batch.leads, |values, lead| {
        values
            .push_word(lead.zone.as_str())
            .push_bind(AddressKey::from(lead.address).to_blob())
            .push_bind(i64::from(lead.port.number()))
            .push_bind(lead.name.to_string())
            .push_bind(scan.number());
    })
    .await?;
    LEAVE
        .execute(connection, &led(batch), |values, led| {
            let address = led.address.map(|it| AddressKey::from(it).to_blob());
            values
                .push_word(led.zone.as_str())
                .push_bind(address)
                .push_bind(i64::from(led.port.number()))
                .push_bind(led.name.to_string())
                .push_bind(led.at.map(Timestamp::micros))
                .push_bind(scan.number());
        })
        .await
}

/// Where the names of a batch's targets led, as far as it says.
fn led(batch: &Batch) -> Vec<Led<'_>> {
    let at = batch.observations.iter().map(|look| look.at).max();
    let somewhere = batch.leads.iter().map(|lead| Led {
        zone: &lead.zone,
        address: Some(lead.address),
        port: lead.port,
        name: &lead.name,
        at,
    });
    let nowhere = batch.names.iter().filter(|look| is_no_name(look));
    let nowhere = nowhere.map(|look| Led {
        zone: &look.zone,
        address: None,
        port: look.port,
        name: &look.name,
        at: Some(look.at),
    });
    somewhere.chain(nowhere).collect()
}

/// Whether there is no such name. One without addresses may have some of the
/// family that was not asked for.
fn is_no_name(look: &NameLook) -> bool {
    look.outcome == OutcomeKind::Unresolved && look.detail == Unresolved::NoSuchName.as_str()
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
