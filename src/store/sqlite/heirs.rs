//! Certificates that end soon → what renews them elsewhere, where nobody saw a
//! place change from the one to the other: half of it was done before the first
//! scan, or the new one came with a new host.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::kin::{now, then};
use super::relatives::Relatives;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Fingerprint, Timestamp};
use crate::report::CertificateRow;

/// Of two that begin and end one after the other a host may have each for
/// itself, until the first is due.
const LEAD: Duration = Duration::from_hours(30 * 24);

/// What has its subject and one of its names, is of an authority too, and began
/// and ends later. The inner limit is on what is looked at: the latest stored.
/// Of up to four names a renewal keeps each; of more, only the common name for
/// certain.
macro_rules! heirs {
    ($is_current:expr) => {
        ManyRows {
            operation: "reading what renews certificates",
            before: "with wanted (sha256, at, now) as (",
            columns: 3,
            after: concat!(
                ") select w.sha256, new.sha256, old.id, new.id, new.not_before, new.not_after \
                from wanted w cross join certificates old on old.sha256 = w.sha256 \
                cross join certificates new on new.id in (\
                   select n.certificate_id from certificate_names n \
                    where n.name = lower(coalesce(\
                        iif(json_array_length(old.san) > 4, old.subject_cn, null), \
                        json_extract(old.san, '$[0]'))) \
                    order by n.certificate_id desc limit 16) \
                where new.subject_dn = old.subject_dn and new.self_signed = 0 \
                  and new.not_before > old.not_before and new.not_before <= w.now \
                  and new.not_after > old.not_after \
                  and exists (select 1 from installations i \
                               where i.certificate_id = new.id and ",
                $is_current,
                ") order by new.id desc"
            ),
        }
    };
}

const NOW: ManyRows = heirs!(now!());
const THEN: ManyRows = heirs!(then!());

/// What renews each of these that is due at `now`, and is in use: as the
/// inventory stands, or stood at a moment; the latest of several. It is not due
/// itself.
///
/// What signed itself renews nothing here: that of a whole series of devices is
/// for one and the same name.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    certificates: impl Iterator<Item = &CertificateRow>,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<HashMap<Fingerprint, Fingerprint>, StoreError> {
    let due = certificates.filter(|it| may_have_heir(it, now));
    let due: Vec<_> = due.map(|it| it.sha256).collect();
    let mut found = Vec::new();
    let bind = |values: &mut Values<'_>, wanted: &Fingerprint| {
        values.push_bind(wanted.as_bytes().to_vec());
        values.push_bind(at.map(Timestamp::micros));
        values.push_bind(now.micros());
    };
    let take = |row: &SqliteRow| {
        if !is_due(row::time(row, 4)?, row::time(row, 5)?, now) {
            let pair: (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
            found.push((pair, row::fingerprint(row, 0)?, row::fingerprint(row, 1)?));
        }
        Ok(())
    };
    let query = if at.is_some() { THEN } else { NOW };
    query.fetch(connection, &due, bind, take).await?;
    let pairs = found.iter().map(|(pair, ..)| *pair);
    let relatives = Relatives::of_pairs(connection, pairs).await?;
    let mut heirs = HashMap::new();
    for ((old, new), sha256, heir) in found {
        if relatives.renews(old, new) {
            heirs.entry(sha256).or_insert(heir);
        }
    }
    Ok(heirs)
}

fn may_have_heir(certificate: &CertificateRow, now: Timestamp) -> bool {
    let validity = certificate.not_before.zip(certificate.not_after);
    certificate.self_signed == Some(false)
        && !certificate.alternative_names.is_empty()
        && validity.is_some_and(|(from, to)| is_due(from, to, now))
}

/// Whether it ends soon, or has ended: within 30 days, or the last quarter of a
/// shorter lifetime.
fn is_due(from: Timestamp, to: Timestamp, now: Timestamp) -> bool {
    to.since(now) <= LEAD.min(to.since(from) / 4)
}
