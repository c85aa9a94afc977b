use std::sync::Arc;

use crate::domain::{Observation, ScanId};
use crate::x509::Certificate;

/// Something that spoke, told to whoever watches the scan as it comes.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The scan.
    pub scan: ScanId,
    /// What was seen.
    pub observation: &'a Observation,
    /// The chain it showed, leaf first, read; empty where it has none.
    pub chain: &'a [Arc<Certificate>],
}
