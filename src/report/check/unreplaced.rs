use super::Installation;
use crate::report::InstallationState;

/// Installations in the order of the main report → those that count: current
/// and missing ones that nothing has replaced at the same place. It holds the
/// rows of one place at a time.
#[derive(Clone, Debug, Default)]
pub struct Unreplaced {
    place: Vec<Installation>,
}

impl Unreplaced {
    /// Takes the next row, and hands on those of the place before it.
    pub fn row(&mut self, row: Installation, counted: &mut dyn FnMut(&Installation)) {
        let elsewhere = |last: &Installation| !is_same_place(last, &row);
        if self.place.last().is_some_and(elsewhere) {
            self.hand_on(counted);
        }
        self.place.push(row);
    }

    /// Hands on the rows of the last place.
    pub fn end(mut self, counted: &mut dyn FnMut(&Installation)) {
        self.hand_on(counted);
    }

    fn hand_on(&mut self, counted: &mut dyn FnMut(&Installation)) {
        let place = std::mem::take(&mut self.place);
        for row in &place {
            let is_replaced = || place.iter().any(|other| replaces(other, row));
            if row.state != InstallationState::Gone && !is_replaced() {
                counted(row);
            }
        }
    }
}

fn is_same_place(one: &Installation, other: &Installation) -> bool {
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
