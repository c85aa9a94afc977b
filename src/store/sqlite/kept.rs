use std::sync::{Arc, Mutex, PoisonError};

use super::cursor::Cursor;

/// The connection that is kept from one list to the next, where all of them are
/// to be of the moment at which the first was read: its transaction goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Option<Arc<Mutex<Place>>>);

#[derive(Debug)]
enum Place {
    /// None was opened yet, or it is in use.
    Empty,
    Holds(Cursor),
    /// Nothing is kept any more.
    Closed,
}

impl Kept {
    /// Keeps the first connection that it is given.
    pub(super) fn from_the_first_on() -> Self {
        Self(Some(Arc::new(Mutex::new(Place::Empty))))
    }

    /// What was kept, while nobody else uses it.
    pub(super) fn take(&self) -> Option<Cursor> {
        let place = self.0.as_ref()?;
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *place, Place::Empty) {
            Place::Holds(cursor) => Some(cursor),
            other => {
                *place = other;
                None
            }
        }
    }

    /// Keeps it for the next, unless another is kept already.
    pub(super) fn put(&self, cursor: Cursor) {
        let Some(place) = &self.0 else {
            return;
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Empty) {
            *place = Place::Holds(cursor);
        }
    }

    /// Closes what is kept, and keeps nothing any more.
    pub(super) fn end(&self) {
        if let Some(place) = &self.0 {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Place::Closed;
        }
    }
}
