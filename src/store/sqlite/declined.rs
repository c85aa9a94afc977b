//! Looks without a name, in place of a target's own or beside it → the names that
//! servers do not know, and those that ask for what is shown without one; and the
//! former → the rows of what is shown in their place.
//!
//! What names alone have asked without one is asked by nobody once they all lead
//! elsewhere. Each complete scan that finds them there is a look without an
//! answer at it, as it is at questions for names (see `moves`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{InstallationId, Lead, StoreError};
use super::absence::FailedLook;
use super::address::AddressKey;
use super::changes;
use super::endpoints::KnownEndpoint;
use super::fault::during;
use super::histories;
use super::moment::Moment;
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

/// Names that ask without one beside their own. Their rows tell of nothing that
/// was declined: they are over as they begin.
const ASK: ManyRows = ManyRows {
    operation: "storing names that ask without one",
    before: "with asked (endpoint_id, name, at, scan_id) as (",
    columns: 4,
    after: ") insert into declined_names (endpoint_id, name, first_at, at, scan_id, left_at) \
            select a.endpoint_id, a.name, \
                   coalesce((select max(o.first_at) from declined_names o \
                              where o.endpoint_id = a.endpoint_id and o.name = a.name), \
                            min(a.at)), \
                   max(a.at), a.scan_id, min(a.at) \
              from asked a group by a.endpoint_id, a.name, a.scan_id \
            on conflict (endpoint_id, name, first_at) do update set \
            at = max(at, excluded.at), scan_id = max(scan_id, excluded.scan_id)",
};

/// Who names nobody asks what the names were answered without theirs.
const SHARE: ManyRows = ManyRows {
    operation: "storing who asks without a name",
    before: "with asked (endpoint_id) as (",
    columns: 1,
    after: ") update declined_names set is_shared = 1 \
            where is_shared = 0 and endpoint_id in (select endpoint_id from asked)",
};

/// Where the scan $1 was led by names that were declined anywhere: their zone,
/// name, port, and the family of the address.
macro_rules! led {
    () => {
        "led as materialized (\
           select e.zone, q.server_name, e.port, length(e.address) as family \
             from (select distinct name from declined_names where scan_id < $1) asked \
            cross join questions q on q.server_name = asked.name and q.server_name <> '' \
            cross join looks l on l.question_id = q.id and l.led_scan = $1 \
            cross join endpoints e on e.id = q.endpoint_id \
           union all \
           select e.zone, d.name, e.port, length(e.address) \
             from declined_names d join endpoints e on e.id = d.endpoint_id \
            where d.scan_id = $1)"
    };
}

/// Those that the complete scan $1 asked for, and was not led here by: but to an
/// address of the same family, since a scan may look for one family alone; or to
/// none, since there is no such name.
const LEAVE: &str = concat!(
    "with ",
    led!(),
    " \
    update declined_names set left_at = t.at \
      from endpoints e, name_coverage t \
     where declined_names.left_at is null and declined_names.scan_id < $1 \
       and e.id = declined_names.endpoint_id \
       and t.zone = e.zone and t.name = declined_names.name and t.port = e.port \
       and t.scan_id = $1 \
       and (t.detail = 'nxdomain' \
            or (t.zone, t.name, t.port, length(e.address)) in (select * from led))"
);

/// Questions that names alone have asked without one, each of which the scan $1
/// was led elsewhere by, to a certificate; and when it was.
const FIND_LEFT: &str = concat!(
    "with ",
    led!(),
    " select q.id, (\
          select max(c.at) \
            from declined_names o \
           cross join name_coverage c on c.zone = e.zone and c.name = o.name and c.port = e.port \
           where o.endpoint_id = e.id and c.scan_id = $1) \
       from (select distinct endpoint_id from declined_names where scan_id < $1) d \
      cross join endpoints e on e.id = d.endpoint_id \
      cross join questions q on q.endpoint_id = e.id and q.server_name = '' \
      where exists (\
          select 1 from installations i \
           where i.question_id = q.id and i.watched = 1 \
             and (i.ended_at is null or (i.ended_as = 'moved' and i.vacated_at is null))) \
        and not exists (\
          select 1 from installations i \
           where i.question_id = q.id and i.first_seen < (\
             select min(first_at) from declined_names where endpoint_id = e.id)) \
        and not exists (\
          select 1 from declined_names o \
           where o.endpoint_id = e.id \
             and (o.is_shared = 1 or o.scan_id >= $1 \
                  or (e.zone, o.name, e.port, length(e.address)) not in (select * from led) \
                  or not exists (\
                    select 1 from name_coverage c \
                     where c.zone = e.zone and c.name = o.name and c.port = e.port \
                       and c.scan_id = $1 and c.outcome = 'certificate')))"
);

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
/// which ones are no more, which ones ask without one, and where they led. The
/// questions of these looks are stored already.
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
    let declined = asked(looks, known, |look| look.declined_name());
    STORE.execute(connection, &declined, bind).await?;
    if !exist(connection).await? {
        return Ok(());
    }
    let answered = asked(looks, known, |look| {
        let name = look.server_name.as_ref();
        name.filter(|_| look.outcome.kind() == OutcomeKind::Certificate)
    });
    END.execute(connection, &answered, bind).await?;
    let beside = asked(looks, known, |look| look.left_out.as_ref()?.beside());
    ASK.execute(connection, &beside, bind).await?;
    let shared = looks.iter().zip(known).filter_map(|(look, known)| {
        let names_nobody = look.server_name.is_none() && look.left_out.is_none();
        Some(known.as_ref().filter(|_| names_nobody)?.id)
    });
    let shared: BTreeSet<i64> = shared.collect();
    let shared: Vec<_> = shared.into_iter().collect();
    let bind = |values: &mut Values<'_>, endpoint: &i64| {
        values.push_bind(*endpoint);
    };
    SHARE.execute(connection, &shared, bind).await?;
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

/// Records which names led a complete scan elsewhere, and what that says of
/// what was shown without them.
pub(super) async fn leave(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<(), StoreError> {
    if !exist(connection).await? {
        return Ok(());
    }
    let failed = during(LEAD.operation);
    sqlx::query(LEAVE)
        .bind(scan.number())
        .execute(&mut *connection)
        .await
        .map_err(&failed)?;
    let found = sqlx::query(FIND_LEFT)
        .bind(scan.number())
        .fetch_all(&mut *connection)
        .await
        .map_err(&failed)?;
    let read = found
        .iter()
        .map(|row| Ok((row.try_get(0)?, row::time(row, 1)?)));
    let left: Result<BTreeMap<i64, Timestamp>, _> = read.collect();
    let left = left.map_err(&failed)?;
    let ids: Vec<_> = left.keys().copied().collect();
    let mut questions = histories::find_by_id(connection, &ids).await?;
    for question in &mut questions {
        if let Some(at) = left.get(&question.id) {
            let moment = Moment { at: *at, scan };
            let look = FailedLook::led_elsewhere();
            question.history.missed(&look, moment);
        }
    }
    changes::store(connection, questions.iter()).await
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
