//! What the inventory tells of an installation → where it is, for a judge.

use std::sync::Arc;

use super::glossary::{Glossary, read};
use crate::domain::{Dialect, Fingerprint, Port, Timestamp};
use crate::judge::Place;
use crate::report::InstallationState;
use crate::store::{Dossier, KeyHost};

/// Where an installation is, and on which terms; `None` for an import.
pub(super) fn of(dossier: &Dossier, glossary: &mut Glossary) -> Option<Place> {
    let row = &dossier.row;
    let (address, port) = (row.ip?, row.port?);
    let starttls = row.starttls.as_deref();
    let terms = glossary.terms(&row.session);
    Some(Place {
        address,
        port,
        dialect: starttls.and_then(read).unwrap_or_default(),
        server_name: row.sni.clone(),
        declined_names: row.declined_names.clone(),
        pointer: row.pointer.clone(),
        tls_version: terms.tls_version,
        versions: terms.versions,
        refused: terms.refused,
        offered: dossier.offered,
        key_exchange: terms.key_exchange,
        staple: dossier.staple,
        hybrid_group: terms.hybrid_group,
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

/// Where a key is in use, as far as its owner goes.
pub(super) fn of_key(host: &KeyHost, now: Timestamp) -> Place {
    Place {
        address: host.address,
        port: Port::HTTPS,
        dialect: Dialect::Tls,
        server_name: host.server_name.clone(),
        declined_names: host.declined_names.clone(),
        pointer: host.pointer.clone(),
        tls_version: None,
        versions: Arc::default(),
        refused: Arc::default(),
        offered: None,
        key_exchange: None,
        staple: None,
        hybrid_group: None,
        last_checked: Some(now),
        ports_with_it: 1,
    }
}
