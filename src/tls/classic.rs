use std::ops::ControlFlow;

use crate::domain::Alert;

use super::ending::{Cause, Ending};
use super::flight::Flight;
use super::record::Records;

const UNKNOWN_PSK_IDENTITY: Alert = Alert(115);

/// Reads the flight of a server that sends its certificate in clear. Nothing
/// is verified, decrypted or answered.
#[derive(Debug, Default)]
pub(super) struct Classic {
    records: Records,
    flight: Flight,
    /// Whether the flight has come to its own end: what arrived behind it is
    /// no part of it.
    is_over: bool,
}

impl Classic {
    /// Takes what has arrived; breaks when the conversation is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause> {
        self.records.push(bytes);
        while let Some(message) = self.records.message() {
            let read = self.flight.read(message);
            self.is_over = read.is_break();
            read?;
        }
        self.records
            .stopped()
            .map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    /// All that is known at the end.
    pub(super) fn ending(mut self, cause: Cause) -> Ending {
        if !self.is_over
            && let Some(message) = self.records.unfinished()
        {
            self.flight.read_unfinished(message);
        }
        let phase = self.records.phase();
        let cause = match self.records.told(cause) {
            // It chose a suite without a certificate, and missed the name that
            // goes with it (RFC 4279 section 2, RFC 5054 section 2.5.1.3).
            Cause::Alert(UNKNOWN_PSK_IDENTITY) => Cause::Complete,
            cause => cause,
        };
        let (session, certificates) = self.flight.into_parts();
        Ending {
            cause,
            phase,
            session,
            certificates,
        }
    }
}
