use super::Installation;
use crate::report::InstallationState;

/// Installations in the order of the main report → those that count: current
/// ones, and missing ones that nothing has replaced at the same question. It
/// holds the rows of one place at a time.
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
            let replaced = || place.iter().any(|other| replaces(other, row));
            match row.state {
                InstallationState::Current => counted(row),
                InstallationState::Missing if !replaced() => counted(row),
                InstallationState::Missing | InstallationState::Gone => {}
            }
        }
    }
}

fn is_same_place(one: &Installation, other: &Installation) -> bool {
    one.ip.is_some()
        && (&one.zone, one.ip, one.port) == (&other.zone, other.ip, other.port)
        && (&one.sni, &one.starttls) == (&other.sni, &other.starttls)
}

/// Only a certificate of the same key type says anything about another.
fn replaces(other: &Installation, missing: &Installation) -> bool {
    other.state == InstallationState::Current
        && other.certificate.key_type == missing.certificate.key_type
}
