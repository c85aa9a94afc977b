//! Observations → the rows of their endpoints.

use std::collections::HashMap;
use std::iter::repeat_n;

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::address::AddressKey;
use super::certificates::json;
use super::moment::{Moment, better_supersedes};
use super::occupancy::Occupancy;
use super::row;
use super::statement::{ManyRows, Values, next_id};
use crate::domain::{Endpoint, Observation, Outcome, OutcomeKind, Pointer, ScanId, Timestamp};

const FIND: ManyRows = ManyRows {
    operation: "looking up endpoints",
    before: "with wanted (place, zone, address, port, transport, dialect) as (",
    columns: 6,
    after: ") select json_group_array(json_array(w.place, e.id, e.first_seen, e.outcome, e.detail, \
            iif(e.banner is null, null, hex(e.banner)), e.attempts, e.asked_for, e.ptr, \
            e.checked_at, e.scan_id)) \
            from wanted w cross join endpoints e \
            on e.zone = w.zone and e.address = w.address and e.port = w.port \
            and e.transport = w.transport and e.dialect = w.dialect",
};

const STORE: ManyRows = ManyRows {
    operation: "storing endpoints",
    before: "insert into endpoints (id, zone, address, port, transport, dialect, ip, first_seen, \
             outcome, detail, banner, attempts, ptr, checked_at, scan_id, asked_for) ",
    columns: 16,
    after: " on conflict (id) do update set outcome = excluded.outcome, \
            detail = excluded.detail, banner = excluded.banner, attempts = excluded.attempts, \
            ptr = excluded.ptr, checked_at = excluded.checked_at, scan_id = excluded.scan_id, \
            asked_for = excluded.asked_for",
};

/// Those that the look found as they were.
const UPDATE: ManyRows = ManyRows {
    operation: "storing endpoints",
    before: "with seen (id, checked_at, scan_id) as (",
    columns: 3,
    after: ") update endpoints set checked_at = seen.checked_at, scan_id = seen.scan_id \
            from seen where endpoints.id = seen.id",
};

/// Most bytes of a banner that are kept; a greeting or a header fits.
const MAX_BANNER: usize = 1024;

/// An endpoint and the best look of the latest scan of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    id: i64,
    first_seen: Timestamp,
    look: Look,
    pointer: Option<String>,
    checked: Moment,
    change: Change,
}

/// What has to be stored of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Nothing,
    /// When it was looked at.
    Moment,
    /// And what the look found.
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    outcome: OutcomeKind,
    detail: String,
    banner: Option<Vec<u8>>,
    attempts: String,
    /// The key type that it was restricted to.
    asked_for: Option<String>,
}

/// An element of what [`FIND`] finds.
#[derive(Deserialize)]
struct Stored {
    place: i64,
    id: i64,
    first_seen: i64,
    outcome: String,
    detail: String,
    banner: Option<String>,
    attempts: String,
    asked_for: Option<String>,
    pointer: Option<String>,
    checked_at: i64,
    scan: i64,
}

/// The row of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownEndpoint {
    pub(super) id: i64,
    /// Whether it had none before.
    pub(super) is_new: bool,
}

/// Records what `looks`, sorted by endpoint and all results of looks, say of
/// their endpoints. Returns the row of each look's endpoint, where it has one:
/// whatever spoke now or before.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    looks: &[&Observation],
    occupancy: &mut Occupancy,
    scan: ScanId,
) -> Result<Vec<Option<KnownEndpoint>>, StoreError> {
    let of_endpoints: Vec<_> = looks
        .chunk_by(|one, other| one.endpoint == other.endpoint)
        .filter_map(|looks| Some((&looks.first()?.endpoint, looks)))
        .collect();
    let mut records = find(connection, &of_endpoints, occupancy).await?;
    let highest = "select max(id) from endpoints";
    let first_new = next_id(connection, STORE.operation, highest).await?;
    let mut next = first_new;
    for ((endpoint, looks), record) in of_endpoints.iter().zip(&mut records) {
        for look in looks.iter().filter(|look| tells_of_all(look)) {
            let moment = Moment { at: look.at, scan };
            match record {
                Some(known) => known.observe(look, moment),
                None if look.outcome.kind().connected() => {
                    *record = Some(Record::begin(next, look, moment));
                    occupancy.settle(endpoint);
                    next += 1;
                }
                None => {}
            }
        }
    }
    store(connection, &of_endpoints, &records).await?;
    let known = |record: &Record| KnownEndpoint {
        id: record.id,
        is_new: record.id >= first_new,
    };
    let known = records.iter().map(|record| record.as_ref().map(known));
    Ok(known
        .zip(of_endpoints)
        .flat_map(|(known, (_, looks))| repeat_n(known, looks.len()))
        .collect())
}

/// An endpoint and the looks at it.
type Looked<'a> = (&'a Endpoint, &'a [&'a Observation]);

/// Whether a look tells of its endpoint as a whole. One restricted to a key
/// type does if a certificate came; else it tells of that key type alone.
fn tells_of_all(look: &Observation) -> bool {
    look.asked_for.is_none() || look.outcome.kind() == OutcomeKind::Certificate
}

async fn find(
    connection: &mut SqliteConnection,
    looked: &[Looked<'_>],
    occupancy: &Occupancy,
) -> Result<Vec<Option<Record>>, StoreError> {
    let wanted: Vec<_> = (0_i64..)
        .zip(looked)
        .filter(|(_, (endpoint, _))| !occupancy.is_vacant(endpoint))
        .collect();
    let mut found = HashMap::new();
    FIND.fetch_elements(
        connection,
        &wanted,
        |values, (place, (endpoint, _))| {
            values.push_bind(*place);
            bind_identity(values, endpoint);
        },
        |stored: Stored| {
            found.insert(stored.place, Record::read(stored)?);
            Ok(())
        },
    )
    .await?;
    let places = (0_i64..).zip(looked);
    Ok(places.map(|(place, _)| found.remove(&place)).collect())
}

async fn store(
    connection: &mut SqliteConnection,
    looked: &[Looked<'_>],
    records: &[Option<Record>],
) -> Result<(), StoreError> {
    let of = |change: Change| {
        let endpoints = looked.iter().map(|(endpoint, _)| *endpoint);
        let records = endpoints.zip(records);
        let records = records.filter_map(|(endpoint, record)| Some((endpoint, record.as_ref()?)));
        let changed = records.filter(move |(_, record)| record.change == change);
        changed.collect::<Vec<_>>()
    };
    let bind = |values: &mut Values<'_>, (endpoint, record): &(&Endpoint, &Record)| {
        record.bind(values, endpoint);
    };
    STORE.execute(connection, &of(Change::All), bind).await?;
    let bind = |values: &mut Values<'_>, (_, record): &(&Endpoint, &Record)| {
        values
            .push_bind(record.id)
            .push_bind(record.checked.at.micros())
            .push_bind(record.checked.scan.number());
    };
    UPDATE.execute(connection, &of(Change::Moment), bind).await
}

fn bind_identity(values: &mut Values<'_>, endpoint: &Endpoint) {
    values
        .push_word(endpoint.zone.as_str())
        .push_bind(AddressKey::from(endpoint.address).to_blob())
        .push_bind(i64::from(endpoint.port.number()))
        .push_word(endpoint.transport.as_str())
        .push_word(endpoint.dialect.as_str());
}

impl Record {
    fn begin(id: i64, observation: &Observation, moment: Moment) -> Self {
        Self {
            id,
            first_seen: moment.at,
            look: Look::of(observation),
            pointer: observation.pointer.name().map(str::to_owned),
            checked: moment,
            change: Change::All,
        }
    }

    /// Takes in another look.
    fn observe(&mut self, observation: &Observation, moment: Moment) {
        let look = Look::of(observation);
        let better = better_supersedes((look.merit(), moment), (self.look.merit(), self.checked));
        let at = if moment.scan == self.checked.scan {
            moment.at.max(self.checked.at)
        } else if better {
            moment.at
        } else {
            return;
        };
        let checked = Moment { at, ..moment };
        if checked != self.checked {
            self.checked = checked;
            self.change = self.change.max(Change::Moment);
        }
        if better && look != self.look {
            self.look = look;
            self.change = Change::All;
        }
        let pointer = observation.pointer.name();
        let is_told = observation.pointer != Pointer::Untold;
        if is_told && self.pointer.as_deref() != pointer {
            self.pointer = pointer.map(str::to_owned);
            self.change = Change::All;
        }
    }

    fn read(stored: Stored) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: stored.id,
            first_seen: Timestamp::from_micros(stored.first_seen),
            look: Look {
                outcome: stored.outcome.parse().map_err(row::impossible)?,
                detail: stored.detail,
                banner: stored.banner.as_deref().map(row::octets).transpose()?,
                attempts: stored.attempts,
                asked_for: stored.asked_for,
            },
            pointer: stored.pointer,
            checked: Moment {
                at: Timestamp::from_micros(stored.checked_at),
                scan: ScanId::new(stored.scan),
            },
            change: Change::Nothing,
        })
    }

    fn bind(&self, values: &mut Values<'_>, endpoint: &Endpoint) {
        values.push_bind(self.id);
        bind_identity(values, endpoint);
        values
            .push_bind(endpoint.address.to_canonical().to_string())
            .push_bind(self.first_seen.micros())
            .push_word(self.look.outcome.as_str())
            .push_word(&self.look.detail)
            .push_bind(self.look.banner.clone())
            .push_word(&self.look.attempts)
            .push_bind(self.pointer.clone())
            .push_bind(self.checked.at.micros())
            .push_bind(self.checked.scan.number())
            .push_optional_word(self.look.asked_for.as_deref());
    }
}

impl Look {
    fn of(observation: &Observation) -> Self {
        let attempts: Vec<_> = observation
            .attempts
            .iter()
            .map(ToString::to_string)
            .collect();
        let banner = match &observation.outcome {
            Outcome::NotTls(_, said) => Some(said.iter().copied().take(MAX_BANNER).collect()),
            _ => None,
        };
        Self {
            outcome: observation.outcome.kind(),
            detail: observation.outcome.detail(),
            banner,
            attempts: json(&attempts),
            asked_for: observation.asked_for.map(|asked| asked.to_string()),
        }
    }

    /// The better outcome, of equal ones the one that the server chose itself:
    /// its attempts are what the endpoint shows.
    fn merit(&self) -> (OutcomeKind, bool) {
        (self.outcome, self.asked_for.is_some())
    }
}
