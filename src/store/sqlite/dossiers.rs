//! Rows of installations → dossiers: what the rest of the inventory says of
//! them, a page at a time, each question by an index and asked only where
//! there is an answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{ChainId, Dossier, InstallationId, Renewal, StoreError};
use super::declined;
use super::kin::{self, Host, now, then};
use super::relatives::Relatives;
use super::report::ShownChain;
use super::row;
use super::shared::{Shared, Shown};
use super::statement::{ManyRows, Values};
use super::told::Told;
use crate::domain::{Der, Fingerprint, Timestamp};
use crate::report::Installation;

/// An interval that only goes on from one before it tells of that one's
/// predecessor once more.
const RENEWALS: ManyRows = ManyRows {
    operation: "reading renewals",
    before: "with wanted (id) as (",
    columns: 1,
    after: ") select w.id, i.first_seen, old.not_after, i.previous_id, i.certificate_id, \
            i.previous_id is own.previous_id and i.certificate_id = own.certificate_id \
        from wanted w cross join installations own on own.id = w.id \
        cross join installations i \
           on i.question_id = own.question_id and i.id <= own.id \
        cross join certificates old on old.id = i.previous_id \
        where i.began in ('renewed', 'moved') and old.not_after is not null \
        order by i.first_seen desc, i.id desc",
};

/// Which of these intervals has a certificate of another key type beside it
/// that meets a condition.
macro_rules! beside {
    ($is_current:expr) => {
        ManyRows {
            operation: "reading successors",
            before: "with wanted (id, sha256, at) as (",
            columns: 3,
            after: concat!(
                ") select w.id from wanted w cross join installations own on own.id = w.id \
                cross join questions q on q.id = own.question_id \
                cross join questions other on other.endpoint_id = q.endpoint_id \
                     and other.server_name = q.server_name and other.id <> q.id \
                cross join certificates c on c.sha256 = w.sha256 \
                cross join installations i on i.question_id = other.id \
                     and i.certificate_id = c.id and ",
                $is_current
            ),
        }
    };
}

const BESIDE: ManyRows = beside!(now!());
const BESIDE_THEN: ManyRows = beside!(then!());

const DERS: ManyRows = ManyRows {
    operation: "reading certificates",
    before: "select sha256, der from certificates where sha256 in (",
    columns: 1,
    after: ")",
};

const DER_LENGTHS: ManyRows = ManyRows {
    operation: "reading certificates",
    before: "select sha256, length(der) from certificates where sha256 in (",
    columns: 1,
    after: ")",
};

/// The most bytes of certificates in a part of a page: what is read in them
/// takes up to ten times as many, twice, and some parts are under way.
const PART_BYTES: u64 = 6 << 20;

/// Rows of installations, in parts that take no more memory than they may: of
/// usual certificates it is one.
pub(super) async fn parts(
    connection: &mut SqliteConnection,
    told: Vec<Told>,
    shared: &mut Shared,
) -> Result<Vec<Vec<Told>>, StoreError> {
    shared.learn_chains(connection, &told).await?;
    let previous: BTreeSet<_> = told.iter().filter_map(Told::previous).collect();
    let previous: Vec<_> = previous.into_iter().collect();
    let previous = der_lengths(connection, &previous).await?;
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let (mut chains, mut bytes) = (HashSet::new(), 0);
    for told in told {
        let before = told.previous().and_then(|before| previous.get(&before));
        let mut more = before.copied().unwrap_or_default();
        if chains.insert(told.chain()) {
            let chain = shared.chain(told.chain());
            more += chain.map_or(0, |chain| chain.der_bytes);
        }
        if bytes + more > PART_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            (chains, bytes) = (HashSet::from([told.chain()]), 0);
        }
        bytes += more;
        part.push(told);
    }
    parts.push(part);
    Ok(parts)
}

/// A part of a page, with what the rest of the inventory says of its rows.
///
/// The rest is read a little later than the rows: what was pruned in between is
/// left out.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    told: Vec<Told>,
    shared: &mut Shared,
) -> Result<Vec<Dossier>, StoreError> {
    shared.learn_certificates(connection, &told).await?;
    let (mut later, mut crowded) = (HashSet::new(), HashSet::new());
    let mut page = Vec::with_capacity(told.len());
    for told in told {
        let shown = shared.certificate(told.certificate());
        let Some((shown, chain)) = shown.zip(shared.chain(told.chain())) else {
            continue;
        };
        let place = page.len();
        let seen = told.seen();
        later.extend(seen.filter(|seen| seen.has_others()).map(|_| place));
        crowded.extend(seen.filter(|seen| seen.has_neighbour).map(|_| place));
        page.push(dossier(told, shown, chain));
    }
    if shared.has_declined_names(connection).await? {
        add_declined_names(connection, &mut page, shared.known_at()).await?;
    }
    add_renewals(connection, &later, &mut page).await?;
    add_ports(connection, &crowded, &mut page, shared.known_at()).await?;
    drop_successors_beside(connection, &mut page, shared.known_at()).await?;
    Ok(page)
}

fn dossier(told: Told, shown: &Shown, chain: &ShownChain) -> Dossier {
    let seen = told.seen();
    Dossier {
        id: seen.map(|seen| InstallationId(seen.id)),
        chain: ChainId(told.chain()),
        staple: seen.and_then(|seen| seen.staple),
        offered: seen.and_then(|seen| seen.offered),
        is_ephemeral: seen.is_some_and(|seen| seen.is_ephemeral),
        ports_with_it: 1,
        predecessor: None,
        renewals: Vec::new(),
        same_key: shown.same_key.clone(),
        successor: shown.successor,
        row: told.installation(&shown.certificate, chain),
    }
}

async fn add_declined_names(
    connection: &mut SqliteConnection,
    page: &mut [Dossier],
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let nameless = page.iter().filter(|dossier| dossier.row.sni.is_none());
    let ids: Vec<_> = nameless.filter_map(|dossier| dossier.id).collect();
    let mut names = declined::find(connection, &ids, at).await?;
    for dossier in page {
        let found = dossier.id.and_then(|id| names.remove(&id));
        dossier.row.declined_names = found.unwrap_or_default();
    }
    Ok(())
}

async fn add_renewals(
    connection: &mut SqliteConnection,
    later: &HashSet<usize>,
    page: &mut [Dossier],
) -> Result<(), StoreError> {
    let places = page.iter().enumerate();
    let later = places.filter(|(place, it)| later.contains(place) || it.row.previous.is_some());
    let ids: Vec<_> = later.filter_map(|(_, dossier)| dossier.id).collect();
    let mut renewals = renewals(connection, &ids).await?;
    for dossier in page {
        let found = dossier.id.and_then(|id| renewals.remove(&id));
        let found = found.unwrap_or_default();
        let renews = found.iter().any(|begun| begun.is_its_own);
        dossier.predecessor = dossier.row.previous.filter(|_| renews);
        dossier.renewals = found.into_iter().map(|begun| begun.renewal).collect();
    }
    Ok(())
}

/// A renewal at the question of an installation.
struct Begun {
    renewal: Renewal,
    /// Whether the installation's certificate is what came by it.
    is_its_own: bool,
}

async fn add_ports(
    connection: &mut SqliteConnection,
    crowded: &HashSet<usize>,
    page: &mut [Dossier],
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let crowded = crowded.iter().filter_map(|place| page.get(*place));
    let hosts: BTreeSet<_> = crowded.filter_map(|dossier| place(&dossier.row)).collect();
    let hosts: Vec<_> = hosts.into_iter().collect();
    let ports = kin::ports(connection, &hosts, at).await?;
    if ports.is_empty() {
        return Ok(());
    }
    for dossier in page {
        if let Some(place) = place(&dossier.row) {
            let shown = ports.get(&(place, dossier.row.certificate.sha256));
            dossier.ports_with_it = shown.copied().unwrap_or(1);
        }
    }
    Ok(())
}

/// What is renewed where it is, with a key of another type, has not been left
/// behind.
async fn drop_successors_beside(
    connection: &mut SqliteConnection,
    page: &mut [Dossier],
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let renewed = page.iter().filter_map(|it| it.id.zip(it.successor));
    let renewed: Vec<_> = renewed.collect();
    let bind = |values: &mut Values<'_>, (id, successor): &(InstallationId, Fingerprint)| {
        values.push_bind(id.0);
        bind_fingerprint(values, successor);
        values.push_bind(at.map(Timestamp::micros));
    };
    let mut beside = HashSet::new();
    let take = |row: &SqliteRow| {
        beside.insert(InstallationId(row.try_get(0)?));
        Ok(())
    };
    let query = if at.is_some() { BESIDE_THEN } else { BESIDE };
    query.fetch(connection, &renewed, bind, take).await?;
    for dossier in page {
        if dossier.id.is_some_and(|id| beside.contains(&id)) {
            dossier.successor = None;
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

/// How long these certificates are, of those that are stored.
async fn der_lengths(
    connection: &mut SqliteConnection,
    wanted: &[Fingerprint],
) -> Result<HashMap<Fingerprint, u64>, StoreError> {
    let mut found = HashMap::new();
    let take = |row: &SqliteRow| {
        found.insert(row::fingerprint(row, 0)?, row::count(row, 1)?);
        Ok(())
    };
    let lengths = DER_LENGTHS.fetch(connection, wanted, bind_fingerprint, take);
    lengths.await?;
    Ok(found)
}

async fn renewals(
    connection: &mut SqliteConnection,
    ids: &[InstallationId],
) -> Result<HashMap<InstallationId, Vec<Begun>>, StoreError> {
    let mut begun = Vec::new();
    let take = |row: &SqliteRow| {
        let renewal = Renewal {
            seen: row::time(row, 1)?,
            end: row::time(row, 2)?,
        };
        let is_its_own = row.try_get(5)?;
        let one = Begun {
            renewal,
            is_its_own,
        };
        let pair = (row.try_get(3)?, row.try_get(4)?);
        begun.push((pair, InstallationId(row.try_get(0)?), one));
        Ok(())
    };
    RENEWALS.fetch(connection, ids, bind_id, take).await?;
    let pairs = begun.iter().map(|(pair, ..)| *pair);
    let relatives = Relatives::of_pairs(connection, pairs).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for ((old, new), id, one) in begun {
        if relatives.renews(old, new) {
            found.entry(id).or_default().push(one);
        }
    }
    Ok(found)
}

fn place(row: &Installation) -> Option<Host> {
    Some((row.zone.as_ref()?.to_string(), row.ip?))
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
