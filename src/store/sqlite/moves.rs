//! What is new at one address and left another → moves.
//!
//! Only a complete scan tells: one that was cut short may not have come to
//! the old place yet. A name has moved if the scan looked for it and was led
//! to a new address and not to one of the same family where scans before it were
//! led, since a scan may look for one family alone. Where it leads to addresses
//! that are known, each such scan is a look without an answer at those it led
//! to before: names with addresses in turn come back to them. A certificate has
//! moved if it is new somewhere, missing or gone elsewhere, and current nowhere
//! else, but at what else is new at that address: a host takes all its questions
//! along, each to its like.
//!
//! Nothing has moved from where the scan still saw it, or did not look, or where
//! the DNS still has its name lead. Nor has a name whose old
//! address the scan asked in vain, if the new one showed the certificate without
//! a name before: there are two, and one may be down for a night.
//!
//! A scan that is gone on with may have a lower number than one before it. What
//! its own earlier part saw says nothing of what that one saw later.
//!
//! What else there was at the old place has not moved with it. Where a
//! certificate was missed, it is looked for until that is certain, as if it were
//! missing still: there may be another machine with it, which was down for a
//! while. It is certain as well once an answer came that might have been it.
//! Where its name does not lead any more, nobody looks.

use std::collections::{BTreeMap, HashSet};

use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::absence::FailedLook;
use super::fault::during;
use super::moment::Moment;
use super::statement::ManyRows;
use super::{changes, histories, row};
use crate::domain::{ScanId, Timestamp};

const OPERATION: &str = "looking for moves";

/// New intervals `n` of scan $1 and the certificates `o` at the questions `oq`
/// that they may have left, the likeliest first: where a name led before, and
/// what went missing. A name takes along its own certificate, else the latest
/// answer. All that is new at one address comes from one other where that is
/// possible.
///
/// `alone` are certificates that are current at one address only, and new at
/// each question there.
///
/// The order of the joins is what keeps it from comparing every place with
/// every other one: what rules out a new interval comes before where it may
/// have been, since a name may be asked for everywhere, and a certificate be at
/// thousands of places and gone from thousands. For each place that one which is
/// alone has left, there is one that it may have gone to.
const FIND: &str = "\
    with led as materialized (\
      select n.id, n.first_seen, n.certificate_id, oq.id as origin, \
             o.certificate_id as left_certificate, l.asked_at, 1 as was_led, \
             ne.zone, ne.address as here, oe.address as there \
        from name_coverage t \
        cross join questions nq on nq.server_name = t.name and nq.server_name <> '' \
        cross join endpoints ne on ne.id = nq.endpoint_id \
             and ne.zone = t.zone and ne.port = t.port \
        cross join installations n on n.question_id = nq.id and n.last_seen is null \
             and n.first_scan = $1 and n.began = 'new' \
        cross join looks nl on nl.question_id = nq.id and nl.led_scan = $1 \
        cross join questions oq on oq.server_name = nq.server_name \
             and oq.server_name <> '' and oq.key_type = nq.key_type \
        cross join endpoints oe on oe.id = oq.endpoint_id and oe.zone = ne.zone \
             and oe.port = ne.port and oe.transport = ne.transport \
             and oe.dialect = ne.dialect and oe.address <> ne.address \
             and length(oe.address) = length(ne.address) \
        cross join looks l on l.question_id = oq.id \
             and l.led_scan <> $1 and l.answered_scan <> $1 \
        cross join installations o on o.question_id = oq.id and o.ended_at is null \
             and (o.last_seen is null or o.certificate_id = n.certificate_id) \
       where t.scan_id = $1 and t.outcome = 'certificate' \
         and (l.scan_id < $1 or l.asked_at < t.at or (\
              l.scan_id = $1 \
              and (l.answered_scan < $1 or l.answered_at < t.at) \
              and (l.led_scan < $1 or l.led_scan <= l.answered_scan))) \
         and not exists (\
           select 1 from questions bq \
             cross join looks bl on bl.question_id = bq.id \
             cross join installations b on b.question_id = bq.id \
                  and b.certificate_id = o.certificate_id \
            where bq.endpoint_id = oe.id and bq.server_name = '' \
              and bq.key_type = oq.key_type \
              and coalesce(b.last_scan, bl.answered_scan) = $1) \
         and (l.scan_id <> $1 or not exists (\
           select 1 from questions bq \
             cross join installations b on b.question_id = bq.id \
                  and b.certificate_id = n.certificate_id \
            where bq.endpoint_id = ne.id and bq.server_name = '' \
              and bq.key_type = nq.key_type \
              and b.state = 'current' and b.first_scan <> $1))), \
    alone as materialized (\
      select c.certificate_id, e.zone, e.address \
        from (select distinct certificate_id from installations \
               where first_scan = $1 and began = 'new' and state = 'current') c \
        cross join questions q on q.id = (\
             select i.question_id from installations i \
              where i.certificate_id = c.certificate_id and i.state = 'current' limit 1) \
        cross join endpoints e on e.id = q.endpoint_id \
       where exists (\
           select 1 from installations o \
            where o.certificate_id = c.certificate_id and o.state in ('missing', 'gone') \
              and o.missing_scan is not null) \
         and not exists (\
           select 1 from installations i \
             cross join questions iq on iq.id = i.question_id \
             cross join endpoints ie on ie.id = iq.endpoint_id \
            where i.certificate_id = c.certificate_id and i.state = 'current' \
              and (i.first_scan <> $1 or i.began is not 'new' \
                   or ie.zone <> e.zone or ie.address <> e.address))), \
    carried as (\
      select n.id, n.first_seen, n.certificate_id, oq.id as origin, \
             o.certificate_id as left_certificate, l.asked_at, 0 as was_led, \
             a.zone, a.address as here, oe.address as there \
        from alone a \
        cross join installations o on o.certificate_id = a.certificate_id \
             and o.missing_scan is not null \
             and (o.ended_at is null or (o.ended_as = 'gone' and o.last_seen is null)) \
        cross join questions oq on oq.id = o.question_id \
        cross join endpoints oe on oe.id = oq.endpoint_id \
             and oe.zone = a.zone and oe.address <> a.address \
        cross join endpoints ne on ne.zone = a.zone and ne.address = a.address \
             and ne.port = oe.port and ne.transport = oe.transport \
             and ne.dialect = oe.dialect \
        cross join questions nq on nq.endpoint_id = ne.id \
             and nq.server_name = oq.server_name and nq.key_type = oq.key_type \
        cross join installations n on n.question_id = nq.id \
             and n.certificate_id = a.certificate_id and n.state = 'current' \
        cross join looks l on l.question_id = oq.id and l.led_scan is not $1 \
       where o.ended_at is not null or o.missing_scan = $1 or l.scan_id = $1 \
          or exists (select 1 from failures f \
                      where f.installation_id = o.id and f.scan_id = $1)) \
    select id, first_seen, origin, left_certificate, certificate_id, was_led \
      from (select * from led union all select * from carried) \
     order by left_certificate <> certificate_id, \
              max(asked_at) over (partition by zone, here, there) desc, there, \
              asked_at desc, origin, was_led desc, id";

/// Questions at addresses that a name led scans before to, and scan $1 to
/// others alone; and when it did.
const FIND_LEFT: &str = "\
    select q.id, t.at \
      from name_coverage t \
      cross join questions q on q.server_name = t.name and q.server_name <> '' \
      cross join endpoints e on e.id = q.endpoint_id and e.zone = t.zone and e.port = t.port \
      cross join looks l on l.question_id = q.id and l.scan_id <> $1 and l.led_scan <> $1 \
           and (l.scan_id < $1 or l.asked_at < t.at) \
     where t.scan_id = $1 and t.outcome = 'certificate' \
       and exists (\
         select 1 from installations i \
          where i.question_id = q.id and i.watched = 1 \
            and (i.ended_at is null or (i.ended_as = 'moved' and i.vacated_at is null))) \
       and exists (\
         select 1 from questions oq \
           join endpoints oe on oe.id = oq.endpoint_id and oe.zone = e.zone \
                and oe.port = e.port and oe.transport = e.transport \
                and length(oe.address) = length(e.address) \
           join looks ol on ol.question_id = oq.id and ol.led_scan = $1 \
          where oq.server_name = q.server_name and oq.server_name <> '')";

const STORE: ManyRows = ManyRows {
    operation: "storing moves",
    before: "with moved (id, origin, previous_id) as (",
    columns: 3,
    after: ") update installations set began = 'moved', moved_from = moved.origin, \
            previous_id = moved.previous_id from moved where installations.id = moved.id",
};

const END: ManyRows = ManyRows {
    operation: "storing moves",
    before: "with left (question_id, certificate_id, at, scan_id, was_led) as (",
    columns: 5,
    after: ") update installations set state = 'gone', ended_as = 'moved', \
            ended_at = left.at, ended_scan = left.scan_id, \
            vacated_at = iif(left.was_led, left.at, null), \
            missing_at = iif(missing_scan = left.scan_id, null, missing_at), \
            missing_scan = nullif(missing_scan, left.scan_id) from left \
            where installations.question_id = left.question_id \
            and installations.certificate_id = left.certificate_id \
            and installations.ended_at is null",
};

/// An interval that began with a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    interval: i64,
    at: i64,
    origin: i64,
    /// The certificate that is not at its origin any more.
    left: i64,
    certificate: i64,
    /// Whether a name led from there.
    was_led: bool,
}

impl Move {
    /// The certificate that another took the place of on the way.
    fn previous(&self) -> Option<i64> {
        Some(self.left).filter(|left| *left != self.certificate)
    }
}

/// Records which of the certificates that are new in a complete scan have
/// moved, and ends them where they were.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<(), StoreError> {
    let moves = pair(find(connection, scan).await?);
    STORE
        .execute(connection, &moves, |values, it| {
            values
                .push_bind(it.interval)
                .push_bind(it.origin)
                .push_bind(it.previous());
        })
        .await?;
    END.execute(connection, &moves, |values, it| {
        values
            .push_bind(it.origin)
            .push_bind(it.left)
            .push_bind(it.at)
            .push_bind(scan.number())
            .push_bind(it.was_led);
    })
    .await?;
    record_left(connection, scan).await
}

/// Records where a complete scan was led by names no more.
async fn record_left(connection: &mut SqliteConnection, scan: ScanId) -> Result<(), StoreError> {
    let left = find_left(connection, scan).await?;
    let ids: Vec<_> = left.keys().copied().collect();
    let mut questions = histories::find_by_id(connection, &ids).await?;
    for question in &mut questions {
        if let Some(at) = left.get(&question.id) {
            let moment = Moment { at: *at, scan };
            question
                .history
                .missed(&FailedLook::led_elsewhere(), moment);
        }
    }
    changes::store(connection, questions.iter()).await
}

async fn find_left(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<BTreeMap<i64, Timestamp>, StoreError> {
    let failed = during(OPERATION);
    let found = sqlx::query(FIND_LEFT)
        .bind(scan.number())
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    let read = found
        .iter()
        .map(|row| Ok((row.try_get(0)?, row::time(row, 1)?)));
    read.collect::<Result<_, _>>().map_err(&failed)
}

async fn find(connection: &mut SqliteConnection, scan: ScanId) -> Result<Vec<Move>, StoreError> {
    let failed = during(OPERATION);
    let found = sqlx::query(FIND)
        .bind(scan.number())
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    let read = found.iter().map(|row| {
        Ok(Move {
            interval: row.try_get(0)?,
            at: row.try_get(1)?,
            origin: row.try_get(2)?,
            left: row.try_get(3)?,
            certificate: row.try_get(4)?,
            was_led: row.try_get(5)?,
        })
    });
    read.collect::<Result<_, _>>().map_err(&failed)
}

/// Each new interval has left one place at most, and each certificate has left
/// a place for one.
fn pair(candidates: Vec<Move>) -> Vec<Move> {
    let mut intervals = HashSet::new();
    let mut origins = HashSet::new();
    let mut moves = Vec::new();
    for candidate in candidates {
        let origin = (candidate.origin, candidate.left);
        if !intervals.contains(&candidate.interval) && origins.insert(origin) {
            intervals.insert(candidate.interval);
            moves.push(candidate);
        }
    }
    moves
}
