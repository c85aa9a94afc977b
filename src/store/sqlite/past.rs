//! Installations as they were known at an earlier moment.
//!
//! What is there, since when, in which chain, in which state and in place of
//! what is known for any moment. When it was last seen is not, where it was
//! seen again later: looks that changed nothing are not kept. Then the end of
//! the last scan that had begun stands in, which it can't have been seen
//! after; the scan is not told. Sessions, and what endpoints accept, are the
//! latest known. Of endpoints with another certificate at every look, the last
//! few are.

use sqlx::{QueryBuilder, Sqlite};

use super::report;
use crate::domain::Timestamp;

/// `then_rows`: for each certificate at a question its interval at the moment,
/// as 0005_history.sql has `installation_rows` for now; `then_uses`, as it has
/// `certificate_uses`.
const ROWS: &str = "), \
    scanned (zone, seen_by) as (\
      select s.zone, max(min(coalesce(s.finished_at, m.at), m.at)) \
        from moment m cross join scans s on s.started_at <= m.at group by s.zone), \
    then_rows as (\
      select i.*, \
             case when i.ended_at <= m.at then 'gone' \
                  when i.missing_at <= m.at then 'missing' else 'current' end as state, \
             iif(i.latest_seen <= m.at, i.latest_seen, max(i.began_at, coalesce(s.seen_by, m.at))) \
               as last_seen, \
             iif(i.latest_checked <= m.at, i.latest_checked, max(i.began_at, coalesce(s.seen_by, m.at))) \
               as last_checked, \
             iif(i.latest_seen <= m.at, i.latest_scan, null) as scan_id \
        from interval_rows i cross join moment m on i.began_at <= m.at \
        left join scanned s on s.zone = i.zone \
       where not exists (\
           select 1 from installations other \
            where other.question_id = i.question_id \
              and other.certificate_id = i.certificate_id \
              and other.id <> i.id and other.first_seen <= m.at \
              and (coalesce(other.ended_at > m.at, 1), other.id) \
                > (coalesce(i.ended_at > m.at, 1), i.id))) ";

/// Installations at a moment, from `then_rows r`.
pub(super) fn select_installations(at: Timestamp) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("with moment (at) as (select ");
    query.push_bind(at.micros()).push(ROWS);
    report::push_installations(&mut query, "then_rows");
    query
}
