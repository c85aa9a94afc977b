//! Rows of installations → dossiers: what the rest of the inventory says of
//! them, a page at a time, each question by an index.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::super::dossier::{MAX_AUTHORITIES, MAX_KIN};
use super::super::{Dossier, InstallationId, KeyHost, Renewal, StoreError};
use super::address::AddressKey;
use super::look::is_ephemeral;
use super::statement::{ManyRows, Values};
use super::{report, row};
use crate::domain::{Der, Fingerprint, Timestamp};
use crate::report::Installation;

/// A staple is known of the latest answer alone, and only where the flight
/// reached its end; how restless a question is, of all its answers.
const LOOKS: ManyRows = ManyRows {
    operation: "reading looks",
    before: "with wanted (id) as (",
    columns: 1,
    after: ") select i.id, case when i.last_seen is not null then null \
              when l.ocsp_staple is not null then 1 \
              when l.truncated is null then 0 end, l.restless \
        from wanted w cross join installations i on i.id = w.id \
        cross join looks l on l.question_id = i.question_id",
};

/// Whether `new` is what `old` was, for another time: the same subject and
/// usages, and the names of the old one, all of up to four, half of more.
macro_rules! renews {
    () => {
        " old.subject_dn = new.subject_dn \
          and (old.subject_dn <> '' or json_array_length(old.san) > 0) \
          and old.key_usage is new.key_usage and old.eku is new.eku \
          and (select count(*) from json_each(old.san) \
                where value in (select value from json_each(new.san))) \
              * iif(json_array_length(old.san) > 4, 2, 1) \
              >= coalesce(json_array_length(old.san), 0)"
    };
}

const RENEWALS: ManyRows = ManyRows {
    operation: "reading renewals",
    before: "with wanted (id) as (",
    columns: 1,
    after: concat!(
        ") select w.id, i.first_seen, old.not_after \
          from wanted w cross join installations own on own.id = w.id \
          cross join installations i \
             on i.question_id = own.question_id and i.id <= own.id \
          cross join certificates old on old.id = i.previous_id \
          cross join certificates new on new.id = i.certificate_id \
          where i.previous_id is not null and old.not_after is not null and",
        renews!(),
        " order by i.first_seen desc, i.id desc"
    ),
};

/// Whether an interval `i` is current now.
macro_rules! now {
    () => {
        "i.state = 'current'"
    };
}

/// Whether it was current at the moment `w.at`, as `past` has it.
macro_rules! then {
    () => {
        "i.first_seen <= w.at and coalesce(i.ended_at > w.at, 1) \
         and coalesce(i.missing_at > w.at, 1)"
    };
}

/// The inner limit is on what is looked at, whatever its state.
macro_rules! same_key {
    ($is_current:expr) => {
        ManyRows {
            operation: "reading keys",
            before: "with wanted (key, at) as (",
            columns: 2,
            after: concat!(
                ") select w.key, c.sha256 from wanted w cross join certificates c on c.id in (\
                   select k.id from (select id from certificates \
                                      where spki_sha256 = w.key limit 1000) k \
                    where exists (select 1 from installations i \
                                   where i.certificate_id = k.id and ",
                $is_current,
                ") limit 101) order by w.key, c.sha256"
            ),
        }
    };
}

macro_rules! successors {
    ($is_current:expr) => {
        ManyRows {
            operation: "reading successors",
            before: "with wanted (sha256, at) as (",
            columns: 2,
            after: concat!(
                ") select w.sha256, new.sha256 \
                  from wanted w cross join certificates old on old.sha256 = w.sha256 \
                  cross join certificates new on new.id = (\
                     select i.certificate_id from installations i \
                      where i.previous_id = old.id and ",
                $is_current,
                " order by i.id desc limit 1) \
                  where old.not_after < new.not_after and",
                renews!()
            ),
        }
    };
}

/// Addresses with one port have nothing to count.
macro_rules! ports {
    ($is_current:expr) => {
        ManyRows {
            operation: "counting ports",
            before: "with wanted (zone, address, at) as (",
            columns: 3,
            after: concat!(
                ") select w.zone, w.address, c.sha256, count(distinct e.port) \
                from wanted w \
                cross join endpoints e on e.zone = w.zone and e.address = w.address \
                cross join questions q on q.endpoint_id = e.id \
                cross join installations i on i.question_id = q.id and ",
                $is_current,
                " cross join certificates c on c.id = i.certificate_id \
                where exists (select 1 from endpoints other \
                               where other.zone = w.zone and other.address = w.address \
                               limit 1 offset 1) \
                group by w.zone, w.address, c.id having count(distinct e.port) > 1"
            ),
        }
    };
}

/// What asks which other installations there are: now, or at a moment.
struct KinQueries {
    same_key: ManyRows,
    successors: ManyRows,
    ports: ManyRows,
}

const NOW: KinQueries = KinQueries {
    same_key: same_key!(now!()),
    successors: successors!(now!()),
    ports: ports!(now!()),
};

const THEN: KinQueries = KinQueries {
    same_key: same_key!(then!()),
    successors: successors!(then!()),
    ports: ports!(then!()),
};

const DERS: ManyRows = ManyRows {
    operation: "reading certificates",
    before: "select sha256, der from certificates where sha256 in (",
    columns: 1,
    after: ")",
};

const KEY_HOSTS: ManyRows = ManyRows {
    operation: "reading hosts of keys",
    before: "with wanted (key) as (",
    columns: 1,
    after: ") select w.key, c.sha256, e.address, q.server_name, e.ptr \
        from wanted w cross join installations i on i.id in (\
           select held.id from certificates k \
             join installations held on held.certificate_id = k.id and held.state = 'current' \
            where k.spki_sha256 = w.key limit 100) \
        cross join certificates c on c.id = i.certificate_id \
        cross join questions q on q.id = i.question_id \
        cross join endpoints e on e.id = q.endpoint_id",
};

/// A certificate that signed itself, and that nobody sent above another, is a
/// device's own: it completes no chain.
pub(super) fn select_authorities() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "select c.der from certificates c \
          where (c.is_ca = 1 or (c.version < 3 and c.self_signed = 1)) \
            and (c.self_signed is not 1 \
                 or exists (select 1 from chain_members m \
                             where m.certificate_id = c.id and m.position > 0)) \
          order by c.id limit ",
    );
    query.push_bind(MAX_AUTHORITIES);
    query
}

pub(super) fn authority(row: &SqliteRow) -> Result<Der, sqlx::Error> {
    let der: Vec<u8> = row.try_get(0)?;
    Ok(der.into())
}

/// A row before the rest of the inventory was asked.
pub(super) fn dossier(row: &SqliteRow) -> Result<Dossier, sqlx::Error> {
    let id = InstallationId(row.try_get(report::INSTALLATION_ID)?);
    Ok(unasked(Some(id), report::installation(row)?))
}

/// The same of an import.
pub(super) fn import(row: &SqliteRow) -> Result<Dossier, sqlx::Error> {
    Ok(unasked(None, report::import(row)?))
}

fn unasked(id: Option<InstallationId>, row: Installation) -> Dossier {
    Dossier {
        id,
        row,
        stapled: None,
        is_ephemeral: false,
        ports_with_it: 1,
        renewals: Vec::new(),
        same_key: Vec::new(),
        successor: None,
    }
}

/// Asks the rest of the inventory about a page: as it is now, or was at a
/// moment.
pub(super) async fn complete(
    connection: &mut SqliteConnection,
    page: &mut [Dossier],
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let queries = if at.is_some() { THEN } else { NOW };
    let ids: Vec<_> = page.iter().filter_map(|dossier| dossier.id).collect();
    let looks = looks(connection, &ids).await?;
    let mut renewals = renewals(connection, &ids).await?;
    let keys = distinct(page, |row| row.certificate.spki_sha256);
    let same_key = pairs(connection, queries.same_key, &keys, at).await?;
    let certificates = distinct(page, |row| Some(row.certificate.sha256));
    let successors = pairs(connection, queries.successors, &certificates, at).await?;
    let ports = ports(connection, queries.ports, page, at).await?;
    for dossier in page {
        let certificate = &dossier.row.certificate;
        if let Some(id) = &dossier.id {
            if let Some((stapled, restless)) = looks.get(id) {
                dossier.stapled = *stapled;
                dossier.is_ephemeral = is_ephemeral(*restless);
            }
            dossier.renewals = renewals.remove(id).unwrap_or_default();
        }
        let key = certificate.spki_sha256;
        let others = key.and_then(|key| same_key.get(&key)).into_iter().flatten();
        let others = others.filter(|other| **other != certificate.sha256);
        dossier.same_key = others.take(MAX_KIN as usize).copied().collect();
        let successor = successors.get(&certificate.sha256);
        dossier.successor = successor.and_then(|found| found.first().copied());
        if let Some(place) = place(&dossier.row) {
            let shown = ports.get(&(place, certificate.sha256));
            dossier.ports_with_it = shown.copied().unwrap_or(1);
        }
    }
    Ok(())
}

/// The bytes of these certificates, of those that are stored.
pub(super) async fn ders(
    connection: &mut SqliteConnection,
    wanted: &[Fingerprint],
) -> Result<HashMap<Fingerprint, Der>, StoreError> {
    let mut found = HashMap::new();
    let take = |row: &SqliteRow| {
        let der: Vec<u8> = row.try_get(1)?;
        found.insert(row::fingerprint(row, 0)?, der.into());
        Ok(())
    };
    DERS.fetch(connection, wanted, bind_fingerprint, take)
        .await?;
    Ok(found)
}

/// Where these keys are in use now, at most 100 places each.
pub(super) async fn key_hosts(
    connection: &mut SqliteConnection,
    keys: &[Fingerprint],
) -> Result<Vec<KeyHost>, StoreError> {
    let mut found = Vec::new();
    let take = |row: &SqliteRow| {
        found.push(KeyHost {
            key: row::fingerprint(row, 0)?,
            certificate: row::fingerprint(row, 1)?,
            address: row::address(row, 2)?,
            server_name: Some(row.try_get(3)?).filter(|name: &String| !name.is_empty()),
            pointer: row.try_get(4)?,
        });
        Ok(())
    };
    KEY_HOSTS
        .fetch(connection, keys, bind_fingerprint, take)
        .await?;
    Ok(found)
}

/// Whether an answer brought a staple, and how restless its question is.
type Look = (Option<bool>, i64);

async fn looks(
    connection: &mut SqliteConnection,
    ids: &[InstallationId],
) -> Result<HashMap<InstallationId, Look>, StoreError> {
    let mut found = HashMap::new();
    let take = |row: &SqliteRow| {
        let look = (row.try_get(1)?, row.try_get(2)?);
        found.insert(InstallationId(row.try_get(0)?), look);
        Ok(())
    };
    LOOKS.fetch(connection, ids, bind_id, take).await?;
    Ok(found)
}

async fn renewals(
    connection: &mut SqliteConnection,
    ids: &[InstallationId],
) -> Result<HashMap<InstallationId, Vec<Renewal>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let take = |row: &SqliteRow| {
        let renewal = Renewal {
            seen: row::time(row, 1)?,
            end: row::time(row, 2)?,
        };
        let id = InstallationId(row.try_get(0)?);
        found.entry(id).or_default().push(renewal);
        Ok(())
    };
    RENEWALS.fetch(connection, ids, bind_id, take).await?;
    Ok(found)
}

/// What a query finds of each fingerprint.
async fn pairs(
    connection: &mut SqliteConnection,
    query: ManyRows,
    wanted: &[Fingerprint],
    at: Option<Timestamp>,
) -> Result<HashMap<Fingerprint, Vec<Fingerprint>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let take = |row: &SqliteRow| {
        let of = row::fingerprint(row, 0)?;
        found.entry(of).or_default().push(row::fingerprint(row, 1)?);
        Ok(())
    };
    let bind = |values: &mut Values<'_>, fingerprint: &Fingerprint| {
        bind_fingerprint(values, fingerprint);
        values.push_bind(at.map(Timestamp::micros));
    };
    query.fetch(connection, wanted, bind, take).await?;
    Ok(found)
}

/// A zone's word and an address in it.
type Host = (String, IpAddr);

async fn ports(
    connection: &mut SqliteConnection,
    query: ManyRows,
    page: &[Dossier],
    at: Option<Timestamp>,
) -> Result<HashMap<(Host, Fingerprint), u32>, StoreError> {
    let hosts: BTreeSet<_> = page
        .iter()
        .filter_map(|dossier| place(&dossier.row))
        .collect();
    let hosts: Vec<_> = hosts.into_iter().collect();
    let mut found = HashMap::new();
    query
        .fetch(
            connection,
            &hosts,
            |values, (zone, address)| {
                values.push_bind(zone.clone());
                values.push_bind(AddressKey::from(*address).to_blob());
                values.push_bind(at.map(Timestamp::micros));
            },
            |row| {
                let host = (row.try_get(0)?, row::address(row, 1)?);
                found.insert((host, row::fingerprint(row, 2)?), row.try_get(3)?);
                Ok(())
            },
        )
        .await?;
    Ok(found)
}

fn place(row: &Installation) -> Option<Host> {
    Some((row.zone.as_ref()?.to_string(), row.ip?))
}

fn distinct(
    page: &[Dossier],
    of: impl Fn(&Installation) -> Option<Fingerprint>,
) -> Vec<Fingerprint> {
    let all: BTreeSet<_> = page.iter().filter_map(|dossier| of(&dossier.row)).collect();
    all.into_iter().collect()
}

fn bind_fingerprint(values: &mut Values<'_>, fingerprint: &Fingerprint) {
    values.push_bind(fingerprint.as_bytes().to_vec());
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "rows of a statement are bound by reference"
)]
fn bind_id(values: &mut Values<'_>, id: &InstallationId) {
    values.push_bind(id.0);
}
