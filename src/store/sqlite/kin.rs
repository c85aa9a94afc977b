//! Certificates and hosts → what else there is like them: in use now, or at an
//! earlier moment.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{ChainId, InstallationId, KeyHost, StoreError};
use super::address::AddressKey;
use super::declined;
use super::relatives::Relatives;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Fingerprint, Timestamp};

/// Whether an interval `i` is current now.
macro_rules! now {
    () => {
        "i.state = 'current'"
    };
}
pub(super) use now;

/// Whether it was current at the moment `w.at`, as `past` has it.
macro_rules! then {
    () => {
        "i.first_seen <= w.at and coalesce(i.ended_at > w.at, 1) \
         and coalesce(i.missing_at > w.at, 1)"
    };
}
pub(super) use then;

/// Certificates with a key that are installed or imported, and authorities that
/// some server sent; and whether that is all that one is. The inner limit is on
/// what is looked at, whatever its state.
macro_rules! same_key {
    ($is_current:expr, $is_imported:literal, $is_seen:literal) => {
        ManyRows {
            operation: "reading keys",
            before: "with wanted (key, at) as (",
            columns: 2,
            after: concat!(
                ") select w.key, c.sha256, c.is_ca is 1 and not exists (\
                     select 1 from installations i where i.certificate_id = c.id and ",
                $is_current,
                ") from wanted w cross join certificates c on c.id in (\
                   select k.id from (select id from certificates \
                                      where spki_sha256 = w.key limit 1000) k \
                    where exists (select 1 from installations i \
                                   where i.certificate_id = k.id and ",
                $is_current,
                ") or exists (select 1 from imports m where m.certificate_id = k.id and ",
                $is_imported,
                ") or exists (select 1 from chain_members m \
                              cross join certificates a on a.id = m.certificate_id \
                              where m.certificate_id = k.id and m.position > 0 \
                                and a.is_ca = 1 and ",
                $is_seen,
                ") limit 101) order by w.key, c.sha256"
            ),
        }
    };
}

/// The latest of what has its subject and took its place anywhere by then, and
/// ends later, so that no way leads back; first what is there still. Whether it
/// renews it, see [`Relatives`].
macro_rules! successors {
    ($is_current:expr) => {
        ManyRows {
            operation: "reading successors",
            before: "with wanted (sha256, at) as (",
            columns: 2,
            after: concat!(
                ") select w.sha256, new.sha256, old.id, new.id, \
                     exists (select 1 from installations i \
                              where i.certificate_id = new.id and ",
                $is_current,
                ") from wanted w cross join certificates old on old.sha256 = w.sha256 \
                  cross join certificates new on new.id in (\
                     select id from (\
                        select c.id as id, max(",
                $is_current,
                ") as is_current from installations i \
                          cross join certificates c on c.id = i.certificate_id \
                         where i.previous_id = old.id and c.subject_dn = old.subject_dn \
                           and c.not_after > old.not_after \
                           and coalesce(i.first_seen <= w.at, 1) \
                         group by c.id) \
                      order by is_current desc, id desc limit 16) \
                  order by new.id desc"
            ),
        }
    };
}

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
                group by w.zone, w.address, c.id having count(distinct e.port) > 1"
            ),
        }
    };
}

/// The inner limit is on what is found.
macro_rules! key_hosts {
    ($is_current:expr, $most:literal) => {
        ManyRows {
            operation: "reading hosts of keys",
            before: "with wanted (key, at) as (",
            columns: 2,
            after: concat!(
                ") select w.key, c.sha256, held.chain_id, e.address, q.server_name, e.ptr, \
                   held.id \
                from wanted w cross join installations held on held.id in (\
                   select i.id from certificates k \
                     join installations i on i.certificate_id = k.id and ",
                $is_current,
                " where k.spki_sha256 = w.key limit ",
                $most,
                ") \
                cross join certificates c on c.id = held.certificate_id \
                cross join questions q on q.id = held.question_id \
                cross join endpoints e on e.id = q.endpoint_id"
            ),
        }
    };
}

/// What asks which other installations there are: now, or at a moment.
struct Queries {
    same_key: ManyRows,
    successors: ManyRows,
    ports: ManyRows,
    /// At most `MAX_KIN` each.
    key_hosts: ManyRows,
    /// At most `MAX_KEY_HOSTS`.
    hosts_of_key: ManyRows,
}

const NOW: Queries = Queries {
    same_key: same_key!(now!(), "true", "true"),
    successors: successors!(now!()),
    ports: ports!(now!()),
    key_hosts: key_hosts!(now!(), 100),
    hosts_of_key: key_hosts!(now!(), 10_000),
};

const THEN: Queries = Queries {
    same_key: same_key!(
        then!(),
        "m.first_seen <= w.at",
        "exists (select 1 from chain_members leaf cross join installations i \
          on i.certificate_id = leaf.certificate_id and i.chain_id = m.chain_id \
          where leaf.chain_id = m.chain_id and leaf.position = 0 and i.first_seen <= w.at)"
    ),
    successors: successors!(then!()),
    ports: ports!(then!()),
    key_hosts: key_hosts!(then!(), 100),
    hosts_of_key: key_hosts!(then!(), 10_000),
};

/// A zone's word and an address in it.
pub(super) type Host = (String, IpAddr);

/// A certificate with a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) sha256: Fingerprint,
    /// It is an authority's, and no server shows it as its own: that one has
    /// several certificates with its key is as it should be.
    pub(super) is_authority: bool,
}

/// The certificates with each of these keys that are in use then.
pub(super) async fn same_key(
    connection: &mut SqliteConnection,
    keys: &[Fingerprint],
    at: Option<Timestamp>,
) -> Result<HashMap<Fingerprint, Vec<Holder>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let take = |row: &SqliteRow| {
        let holder = Holder {
            sha256: row::fingerprint(row, 1)?,
            is_authority: row.try_get(2)?,
        };
        let of = row::fingerprint(row, 0)?;
        found.entry(of).or_default().push(holder);
        Ok(())
    };
    let query = queries(at).same_key;
    query.fetch(connection, keys, bind(at), take).await?;
    Ok(found)
}

/// What renewed each of these certificates, directly or over several renewals,
/// and is in use then: after the fewest of them, the latest of several.
pub(super) async fn successors(
    connection: &mut SqliteConnection,
    certificates: &[Fingerprint],
    at: Option<Timestamp>,
) -> Result<HashMap<Fingerprint, Fingerprint>, StoreError> {
    let mut renewals = Renewals::default();
    let mut wanted = certificates.to_vec();
    for _ in 0..MAX_RENEWALS {
        if wanted.is_empty() {
            break;
        }
        wanted = renewals.learn(connection, &wanted, at).await?;
    }
    let found = certificates.iter();
    let found = found.filter_map(|it| Some((*it, renewals.in_use(*it)?)));
    Ok(found.collect())
}

/// How many ports of these hosts show a certificate, where it is several.
pub(super) async fn ports(
    connection: &mut SqliteConnection,
    hosts: &[Host],
    at: Option<Timestamp>,
) -> Result<HashMap<(Host, Fingerprint), u32>, StoreError> {
    let mut found = HashMap::new();
    let bind = |values: &mut Values<'_>, (zone, address): &Host| {
        values.push_bind(zone.clone());
        values.push_bind(AddressKey::from(*address).to_blob());
        values.push_bind(at.map(Timestamp::micros));
    };
    let take = |row: &SqliteRow| {
        let host = (row.try_get(0)?, row::address(row, 1)?);
        found.insert((host, row::fingerprint(row, 2)?), row.try_get(3)?);
        Ok(())
    };
    let query = queries(at).ports;
    query.fetch(connection, hosts, bind, take).await?;
    Ok(found)
}

/// Where these keys are in use then, at most `MAX_KIN` places each.
pub(super) async fn key_hosts(
    connection: &mut SqliteConnection,
    keys: &[Fingerprint],
    at: Option<Timestamp>,
) -> Result<Vec<KeyHost>, StoreError> {
    read_hosts(connection, queries(at).key_hosts, keys, at).await
}

/// Where a key is in use then, at most `MAX_KEY_HOSTS` places.
pub(super) async fn hosts_of_key(
    connection: &mut SqliteConnection,
    key: Fingerprint,
    at: Option<Timestamp>,
) -> Result<Vec<KeyHost>, StoreError> {
    read_hosts(connection, queries(at).hosts_of_key, &[key], at).await
}

/// Most renewals from a certificate to the one in use: two years of those that
/// last for 47 days, each renewed when half of that is over.
const MAX_RENEWALS: usize = 32;

/// What renewed each certificate that was asked of, the latest first.
#[derive(Debug, Default)]
struct Renewals(HashMap<Fingerprint, Vec<Successor>>);

#[derive(Clone, Copy, Debug)]
struct Successor {
    sha256: Fingerprint,
    /// Whether it is in use anywhere then.
    is_current: bool,
}

impl Renewals {
    /// Reads what renewed these; what comes back is to be asked of next: what
    /// took the place of one of them and is not in use any more.
    async fn learn(
        &mut self,
        connection: &mut SqliteConnection,
        wanted: &[Fingerprint],
        at: Option<Timestamp>,
    ) -> Result<Vec<Fingerprint>, StoreError> {
        let mut found = Vec::new();
        let take = |row: &SqliteRow| {
            let pair = (row.try_get(2)?, row.try_get(3)?);
            let successor = Successor {
                sha256: row::fingerprint(row, 1)?,
                is_current: row.try_get(4)?,
            };
            found.push((pair, row::fingerprint(row, 0)?, successor));
            Ok(())
        };
        let query = queries(at).successors;
        query.fetch(connection, wanted, bind(at), take).await?;
        let pairs = found.iter().map(|(pair, ..)| *pair);
        let relatives = Relatives::of_pairs(connection, pairs).await?;
        self.0.extend(wanted.iter().map(|it| (*it, Vec::new())));
        for ((old, new), sha256, successor) in found {
            if relatives.renews(old, new) {
                self.0.entry(sha256).or_default().push(successor);
            }
        }
        let over = wanted.iter().filter_map(|it| self.0.get(it));
        let over = over.filter(|them| them.iter().all(|it| !it.is_current));
        let next = over.flatten().map(|it| it.sha256);
        let next: BTreeSet<_> = next.filter(|it| !self.0.contains_key(it)).collect();
        Ok(next.into_iter().collect())
    }

    /// The one in use that is the fewest renewals away, the latest of several.
    fn in_use(&self, certificate: Fingerprint) -> Option<Fingerprint> {
        let mut passed = HashSet::from([certificate]);
        let mut reached = vec![certificate];
        for _ in 0..MAX_RENEWALS {
            let next = reached.iter().filter_map(|it| self.0.get(it));
            let next: Vec<_> = next.flatten().copied().collect();
            if let Some(current) = next.iter().find(|it| it.is_current) {
                return Some(current.sha256);
            }
            let next = next.iter().map(|it| it.sha256);
            reached = next.filter(|it| passed.insert(*it)).collect();
            if reached.is_empty() {
                break;
            }
        }
        None
    }
}

async fn read_hosts(
    connection: &mut SqliteConnection,
    query: ManyRows,
    keys: &[Fingerprint],
    at: Option<Timestamp>,
) -> Result<Vec<KeyHost>, StoreError> {
    let (mut found, mut ids) = (Vec::new(), Vec::new());
    let take = |row: &SqliteRow| {
        found.push(KeyHost {
            key: row::fingerprint(row, 0)?,
            certificate: row::fingerprint(row, 1)?,
            chain: ChainId(row.try_get(2)?),
            address: row::address(row, 3)?,
            server_name: Some(row.try_get(4)?).filter(|name: &String| !name.is_empty()),
            declined_names: Vec::new(),
            pointer: row.try_get(5)?,
        });
        ids.push(InstallationId(row.try_get(6)?));
        Ok(())
    };
    query.fetch(connection, keys, bind(at), take).await?;
    if declined::exist(connection).await? {
        let mut names = declined::find(connection, &ids, at).await?;
        for (host, id) in found.iter_mut().zip(&ids) {
            host.declined_names = names.remove(id).unwrap_or_default();
        }
    }
    Ok(found)
}

fn queries(at: Option<Timestamp>) -> Queries {
    if at.is_some() { THEN } else { NOW }
}

/// How a fingerprint is asked for, and the moment.
fn bind(at: Option<Timestamp>) -> impl Fn(&mut Values<'_>, &Fingerprint) {
    move |values, fingerprint| {
        values
            .push_bind(fingerprint.as_bytes().to_vec())
            .push_bind(at.map(Timestamp::micros));
    }
}
