//! A filter → the conditions of a query. Values are bound, never spelled.

use ipnetwork::IpNetwork;

use super::super::{CertificateHash, Expiry, Filter};
use super::address::AddressKey;
use super::certificates::{folded, folded_issuer};
use super::query::Query;
use crate::domain::{Port, ScanId, Zone};
use crate::report::InstallationState;

/// States let through where none are asked for.
const DEFAULT_STATES: &[InstallationState] =
    &[InstallationState::Current, InstallationState::Missing];

/// The state that the installation of an event is in now, of `event_rows r`: that of the
/// interval which `installation_rows` has for its question and certificate.
const STATE_NOW: &str = "(select latest.state from installations own \
    cross join installations latest on latest.question_id = own.question_id \
     and latest.certificate_id = own.certificate_id where own.id = r.installation_id \
    order by latest.ended_at is null desc, latest.last_seen is null desc, latest.id desc limit 1)";

/// Conditions on `installation_rows r`.
pub(super) fn installations(builder: &mut Query, filter: &Filter) {
    facts(builder, filter);
    states_or_default(builder, filter);
}

/// Conditions on `import_rows r`: the same, whose places are null and so pass no
/// condition on them. It knows of every import when it was first made.
pub(super) fn imports(builder: &mut Query, filter: &Filter) {
    installations(builder, filter);
    if let Some(at) = filter.known_at {
        builder.push(" and r.first_seen <= ").push_bind(at.micros());
    }
}

/// Conditions on `event_rows r`: as on the installations of the events, but that without a
/// filter on it any state will do.
pub(super) fn events(builder: &mut Query, filter: &Filter) {
    facts(builder, filter);
    if !filter.states.is_empty() {
        states(builder, STATE_NOW, &filter.states);
    }
}

/// Conditions on what `installation_rows r` and `event_rows r` have in common.
fn facts(builder: &mut Query, filter: &Filter) {
    builder.push(" where true");
    places(builder, "r", filter);
    scans(builder, "r", &filter.scans);
    names(builder, &filter.names);
    certificates(builder, filter);
}

/// Conditions on `endpoints e`: on it alone, or on an installation there that
/// passes them all. Its own names are those of each of its installations.
pub(super) fn endpoints(builder: &mut Query, filter: &Filter) {
    builder.push(" where true");
    places(builder, "e", filter);
    scans(builder, "e", &filter.scans);
    if asks_for_certificates(filter) {
        builder.push(" and e.id in (select r.endpoint_id from installation_rows r where true");
        names(builder, &filter.names);
        certificates(builder, filter);
        states_or_default(builder, filter);
        builder.push(")");
        return;
    }
    any(builder, &filter.names, |builder, name| {
        let name = folded(name);
        builder.push("(");
        host_matches(builder, "e", &name);
        builder.push(" or e.id in (select r.endpoint_id from installation_rows r where ");
        installation_matches(builder, name);
        states_or_default(builder, filter);
        builder.push("))");
    });
}

/// Conditions on the runs of `coverage c`: whole networks of the ledger.
pub(super) fn coverage(builder: &mut Query, filter: &Filter) {
    builder.push(" where true");
    zones(builder, "c", &filter.zones);
    ports(builder, "c", &filter.ports);
    scans(builder, "c", &filter.scans);
    any(builder, &filter.networks, |builder, network| {
        let (first, last) = bounds(network);
        builder
            .push("c.network_address between ")
            .push_bind(first.network().to_blob())
            .push(" and ")
            .push_bind(last.to_blob());
    });
    if !filter.names.is_empty() {
        builder.push(" and false");
    }
}

/// Conditions on `name_coverage c`.
pub(super) fn name_coverage(builder: &mut Query, filter: &Filter) {
    builder.push(" where true");
    zones(builder, "c", &filter.zones);
    ports(builder, "c", &filter.ports);
    scans(builder, "c", &filter.scans);
    any(builder, &filter.names, |builder, name| {
        builder.push("c.name glob ").push_bind(folded(name));
    });
    if !filter.networks.is_empty() {
        builder.push(" and false");
    }
}

fn asks_for_certificates(filter: &Filter) -> bool {
    !(filter.expiry.is_empty()
        && filter.issuers.is_empty()
        && filter.serials.is_empty()
        && filter.certificates.is_empty()
        && filter.keys.is_empty()
        && filter.authorities.is_empty()
        && filter.states.is_empty())
}

fn places(builder: &mut Query, table: &'static str, filter: &Filter) {
    zones(builder, table, &filter.zones);
    ports(builder, table, &filter.ports);
    any(builder, &filter.networks, |builder, network| {
        let (first, last) = bounds(network);
        builder
            .push(table)
            .push(".address between ")
            .push_bind(first.to_blob())
            .push(" and ")
            .push_bind(last.to_blob());
    });
}

fn zones(builder: &mut Query, table: &'static str, zones: &[Zone]) {
    any(builder, zones, |builder, zone| {
        builder
            .push(table)
            .push(".zone = ")
            .push_bind(zone.to_string());
    });
}

fn ports(builder: &mut Query, table: &'static str, ports: &[Port]) {
    any(builder, ports, |builder, port| {
        let number = i64::from(port.number());
        builder.push(table).push(".port = ").push_bind(number);
    });
}

fn scans(builder: &mut Query, table: &'static str, scans: &[ScanId]) {
    any(builder, scans, |builder, scan| {
        builder
            .push(table)
            .push(".scan_id = ")
            .push_bind(scan.number());
    });
}

/// Conditions on the names of `installation_rows r`.
fn names(builder: &mut Query, names: &[String]) {
    any(builder, names, |builder, name| {
        let name = folded(name);
        host_matches(builder, "r", &name);
        builder.push(" or ");
        installation_matches(builder, name);
    });
}

/// The host is the name asked for, else the address: either may match.
fn host_matches(builder: &mut Query, table: &'static str, name: &str) {
    builder
        .push(table)
        .push(".ip glob ")
        .push_bind(name.to_owned())
        .push(" or lower(")
        .push(table)
        .push(".ptr) glob ")
        .push_bind(name.to_owned());
}

/// The name asked for, or one in the certificate, of `installation_rows r`.
fn installation_matches(builder: &mut Query, name: String) {
    builder
        .push("(r.server_name glob ")
        .push_bind(name.clone())
        .push(" or r.certificate_id in (")
        .push("select certificate_id from certificate_names where name glob ")
        .push_bind(name)
        .push("))");
}

/// Conditions on the certificate and its chain in `installation_rows r`.
fn certificates(builder: &mut Query, filter: &Filter) {
    any(builder, &filter.expiry, |builder, expiry| match expiry {
        Expiry::Expired { now } => {
            let second = now.to_the_second();
            builder.push("r.not_after < ").push_bind(second.micros());
        }
        Expiry::Expiring { now, within } => {
            let within = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
            builder
                .push("r.not_after between ")
                .push_bind(now.to_the_second().micros())
                .push(" and ")
                .push_bind(now.micros().saturating_add(within));
        }
    });
    any(builder, &filter.issuers, |builder, issuer| {
        let issuer = folded_issuer(issuer);
        builder
            .push("instr(r.issuer_folded, ")
            .push_bind(issuer)
            .push(") > 0");
    });
    any(builder, &filter.serials, |builder, serial| {
        // DER puts a zero before a number whose first bit is set; zero itself
        // has nothing else.
        builder
            .push("r.serial in (")
            .push_bind(serial.significant().to_vec())
            .push(", ")
            .push_bind([&[0], serial.significant()].concat())
            .push(")");
    });
    any(builder, &filter.certificates, |builder, hash| match hash {
        CertificateHash::Sha1(sha1) => {
            builder.push("r.sha1 = ").push_bind(sha1.to_vec());
        }
        CertificateHash::Sha256(sha256) => {
            let sha256 = sha256.as_bytes().to_vec();
            builder.push("r.sha256 = ").push_bind(sha256);
        }
    });
    any(builder, &filter.keys, |builder, key| {
        let spki = key.as_bytes().to_vec();
        builder.push("r.spki_sha256 = ").push_bind(spki);
    });
    any(builder, &filter.authorities, |builder, authority| {
        builder
            .push("r.chain_id in (select m.chain_id from chain_members m")
            .push(" join certificates a on a.id = m.certificate_id where a.sha256 = ")
            .push_bind(authority.as_bytes().to_vec())
            .push(")");
    });
}

/// Conditions on the state in `installation_rows r`.
fn states_or_default(builder: &mut Query, filter: &Filter) {
    let asked = filter.states.as_slice();
    let wanted = if asked.is_empty() {
        DEFAULT_STATES
    } else {
        asked
    };
    states(builder, "r.state", wanted);
}

/// `state`: what of the row tells it; at least one is `wanted`.
fn states(builder: &mut Query, state: &'static str, wanted: &[InstallationState]) {
    builder.push(" and ").push(state);
    let mut separator = " in (";
    for wanted in wanted {
        let word = wanted.as_str().to_owned();
        builder.push(separator).push_bind(word);
        separator = ", ";
    }
    builder.push(")");
}

/// `and (… or …)` over the items; nothing without any.
fn any<T>(builder: &mut Query, items: &[T], condition: impl Fn(&mut Query, &T)) {
    let mut separator = " and (";
    for item in items {
        builder.push(separator);
        condition(builder, item);
        separator = " or ";
    }
    if !items.is_empty() {
        builder.push(")");
    }
}

/// The first and the last address of a network.
fn bounds(network: &IpNetwork) -> (AddressKey, AddressKey) {
    (network.network().into(), network.broadcast().into())
}
