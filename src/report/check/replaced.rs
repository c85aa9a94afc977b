use std::collections::HashSet;
use std::net::IpAddr;

use super::Installation;
use super::place::{Place, is_replaced};
use crate::domain::{Fingerprint, Port, Zone};
use crate::report::Source;

/// All installations at some places, in the order of the main report → which of
/// them something has replaced there: also where a report of fewer does not have
/// that. Imports have no place: that something renewed them is known before.
///
/// Memory grows with what was replaced and is not gone yet.
#[derive(Debug, Default)]
pub struct Replaced {
    place: Place,
    found: HashSet<Answer>,
    imports: HashSet<Fingerprint>,
}

/// A certificate at a question.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Answer {
    place: Option<(Zone, IpAddr, Port)>,
    sni: Option<String>,
    starttls: Option<String>,
    certificate: Fingerprint,
}

impl Replaced {
    /// Of places that have yet to come, and these imports.
    #[must_use]
    pub fn beside(imports: HashSet<Fingerprint>) -> Self {
        Self {
            imports,
            ..Self::default()
        }
    }

    /// Takes the next row.
    pub fn row(&mut self, row: Installation) {
        if let Some(place) = self.place.take(row) {
            self.note(&place);
        }
    }

    /// There are no more rows.
    pub fn end(&mut self) {
        let place = self.place.end();
        self.note(&place);
    }

    fn note(&mut self, place: &[Installation]) {
        let replaced = place.iter().filter(|row| is_replaced(row, place));
        self.found.extend(replaced.map(answer));
    }

    pub(super) fn has(&self, row: &Installation) -> bool {
        match row.source {
            Source::Import => self.imports.contains(&row.certificate.sha256),
            Source::Scan => !self.found.is_empty() && self.found.contains(&answer(row)),
        }
    }
}

fn answer(row: &Installation) -> Answer {
    let place = row.zone.clone().zip(row.ip).zip(row.port);
    Answer {
        place: place.map(|((zone, ip), port)| (zone, ip, port)),
        sni: row.sni.clone(),
        starttls: row.starttls.clone(),
        certificate: row.certificate.sha256,
    }
}
