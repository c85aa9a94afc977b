//! Installations as they were known at an earlier moment.
//!
//! What is there, since when, in which chain, in which state and in place of
//! what is known for any moment. When it was last seen and by which session is
//! not, where it was seen again later: looks that changed nothing are not kept.
//! Then nothing is said of them, nor of what an endpoint accepts where any of
//! its questions was asked or any survey made later. Of endpoints with another
//! certificate at every look, the last few are known, and of PTR names the
//! latest, since owners go by them.

use super::query::Query;
use super::report;
use crate::domain::Timestamp;

/// `then_rows`: for each certificate at a question its interval at the moment,
/// as 0019_covered_reports.sql has `installation_rows` for now.
const ROWS: &str = "), \
    then_rows as (\
      select i.*, \
             case when i.ended_at <= m.at then 'gone' \
                  when i.missing_at <= m.at then 'missing' else 'current' end as state, \
             i.latest_seen <= m.at as session_is_known, \
             not exists (\
               select 1 from questions q join looks l on l.question_id = q.id \
                where q.endpoint_id = i.endpoint_id and l.asked_at > m.at) \
             and not exists (\
               select 1 from surveys s where s.endpoint_id = i.endpoint_id and s.at > m.at) \
               as endpoint_is_known, \
             iif(i.latest_seen <= m.at, i.latest_seen, null) as last_seen, \
             iif(i.latest_checked <= m.at, i.latest_checked, null) as last_checked, \
             iif(i.latest_seen <= m.at, i.latest_scan, null) as scan_id \
        from interval_rows i cross join moment m on i.began_at <= m.at \
       where not exists (\
           select 1 from installations other \
            where other.question_id = i.question_id \
              and other.certificate_id = i.certificate_id \
              and other.id <> i.id and other.first_seen <= m.at \
              and (coalesce(other.ended_at > m.at, 1), other.id) \
                > (coalesce(i.ended_at > m.at, 1), i.id))) ";

/// Installations at a moment, from `then_rows r`.
pub(super) fn select_installations(at: Timestamp) -> Query {
    let mut query = Query::new("with moment (at) as (select ");
    query.push_bind(at.micros()).push(ROWS);
    report::push_past_installations(&mut query);
    query
}
