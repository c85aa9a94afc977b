//! What the inventory tells of an installation → where it is, for a judge.

use crate::domain::{Dialect, Fingerprint, Port, Timestamp};
use crate::judge::Place;
use crate::report::InstallationState;
use crate::store::{Dossier, KeyHost};

/// Where an installation is; `None` for an import.
pub(super) fn of(dossier: &Dossier) -> Option<Place> {
    let row = &dossier.row;
    let starttls = row.starttls.as_deref();
    let hybrid_group = row.hybrid_group.as_deref();
    let versions = row.protocols.iter();
    Some(Place {
        address: row.ip?,
        port: row.port?,
        dialect: starttls.and_then(read).unwrap_or_default(),
        server_name: row.sni.clone(),
        pointer: row.pointer.clone(),
        tls_version: row.tls_version.as_deref().and_then(read),
        versions: versions.filter_map(|version| read(version)).collect(),
        cipher_suite: row.cipher_suite.clone(),
        key_exchange: row.key_exchange.as_deref().and_then(read),
        client_auth: row.client_auth.as_deref().and_then(read),
        stapled: dossier.stapled,
        hybrid_group: hybrid_group.and_then(read),
        last_checked: row.last_checked,
        ports_with_it: dossier.ports_with_it,
    })
}

/// What renewed its certificate elsewhere. What is gone from here needs no
/// renewal here.
pub(super) fn successor(dossier: &Dossier) -> Option<Fingerprint> {
    let is_gone = dossier.row.state == InstallationState::Gone;
    dossier.successor.filter(|_| !is_gone)
}

/// A word of the inventory; what a newer program wrote may mean nothing here.
fn read<T: std::str::FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

/// Where a key is in use, as far as its owner goes.
pub(super) fn of_key(host: &KeyHost, now: Timestamp) -> Place {
    Place {
        address: host.address,
        port: Port::HTTPS,
        dialect: Dialect::Tls,
        server_name: host.server_name.clone(),
        pointer: host.pointer.clone(),
        tls_version: None,
        versions: Vec::new(),
        cipher_suite: None,
        key_exchange: None,
        client_auth: None,
        stapled: None,
        hybrid_group: None,
        last_checked: Some(now),
        ports_with_it: 1,
    }
}
