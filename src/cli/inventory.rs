use std::path::Path;

use super::failure::Failure;
use crate::store::{SqliteInventory, StoreError};

/// Opens the inventory to read it; only `scan`, `import` and
/// `demo` create one.
pub(super) async fn open(path: &Path) -> Result<SqliteInventory, Failure> {
    SqliteInventory::open(path).await.map_err(Failure::from)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        match error {
            StoreError::Locked { .. } => Self::busy(error),
            _ => Self::failed(error),
        }
        .hint(hint)
    }
}
