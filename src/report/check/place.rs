use super::Installation;
use crate::report::InstallationState;

/// The rows of one place, in the order of the main report.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Vec<Installation>);

impl Place {
    /// Takes the next row; returns those of the place before it, if it is of
    /// another.
    pub(super) fn take(&mut self, row: Installation) -> Option<Vec<Installation>> {
        let elsewhere = |last: &Installation| !is_same(last, &row);
        let before = self.0.last().is_some_and(elsewhere).then(|| self.end());
        self.0.push(row);
        before
    }

    /// The rows of the last place.
    pub(super) fn end(&mut self) -> Vec<Installation> {
        std::mem::take(&mut self.0)
    }
}

/// Whether something at its place has replaced what is not gone yet.
pub(super) fn is_replaced(row: &Installation, place: &[Installation]) -> bool {
    place.iter().any(|other| replaces(other, row))
}

fn is_same(one: &Installation, other: &Installation) -> bool {
    one.ip.is_some()
        && (&one.zone, one.ip, one.port) == (&other.zone, other.ip, other.port)
        && (&one.sni, &one.starttls) == (&other.sni, &other.starttls)
}

/// Whether what is current has taken the place of another. One of the same key
/// type has of what is missing, since it came where that would have; one of
/// another type if it renews it. Beside what is current a renewal of another
/// type may stand, unless the scan that told of it did not see that any more,
/// nor did a later one.
fn replaces(other: &Installation, row: &Installation) -> bool {
    let (new, old) = (&other.certificate, &row.certificate);
    if other.state != InstallationState::Current {
        return false;
    }
    let is_same_type = new.key_type == old.key_type;
    let took_its_place = other.previous == Some(old.sha256);
    match row.state {
        InstallationState::Missing => is_same_type || took_its_place || new.renews(old),
        InstallationState::Current => {
            let was_seen_since = row.last_seen.is_none_or(|seen| seen >= other.first_seen);
            !is_same_type && took_its_place && !was_seen_since
        }
        InstallationState::Gone => false,
    }
}
