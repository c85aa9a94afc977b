use std::sync::Arc;

use super::host::Host;
use super::slots::{Established, Stage};

/// A connection's place at its host, from the pass on. Hold it as long as the
/// stream, and no longer: a task that holds one and asks the same host for
/// another may wait for itself.
#[derive(Debug)]
pub struct Slot {
    host: Arc<Host>,
    stage: Stage,
}

impl Slot {
    /// The place of a connection that is dialled.
    pub(super) const fn new(host: Arc<Host>, stage: Stage) -> Self {
        Self { host, stage }
    }

    /// Counts the connection as established; call it right after the connect.
    pub fn established(&mut self) -> Established {
        let Stage::Dialled(at) = self.stage else {
            return Established::Kept;
        };
        let established = self.host.slots.establish(at);
        if established == Established::Kept {
            self.stage = Stage::Established;
        }
        established
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.host.slots.release(self.stage);
    }
}
