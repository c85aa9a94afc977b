use super::Installation;
use super::place::{Place, is_replaced};
use super::replaced::Replaced;
use crate::report::InstallationState;

/// Installations in the order of the main report → those that count: current
/// and missing ones that nothing has replaced at the same place, and imports that
/// nothing has renewed. It holds the rows of one place at a time.
#[derive(Debug, Default)]
pub struct Unreplaced {
    place: Place,
    replaced: Replaced,
}

impl Unreplaced {
    /// Of rows that are not all there are at their places, where these are known
    /// to be replaced.
    #[must_use]
    pub fn but(replaced: Replaced) -> Self {
        Self {
            replaced,
            ..Self::default()
        }
    }

    /// Takes the next row, and hands on those of the place before it.
    pub fn row(&mut self, row: Installation, counted: &mut dyn FnMut(&Installation)) {
        if let Some(place) = self.place.take(row) {
            self.hand_on(&place, counted);
        }
    }

    /// Hands on the rows of the last place.
    pub fn end(mut self, counted: &mut dyn FnMut(&Installation)) {
        let place = self.place.end();
        self.hand_on(&place, counted);
    }

    fn hand_on(&self, place: &[Installation], counted: &mut dyn FnMut(&Installation)) {
        for row in place {
            let is_replaced = || is_replaced(row, place) || self.replaced.has(row);
            if row.state != InstallationState::Gone && !is_replaced() {
                counted(row);
            }
        }
    }
}
