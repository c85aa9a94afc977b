use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::domain::{Phase, Session};

use super::ending::{Cause, Ending};
use super::record::{HEADER, Records};
use super::seal::Seal;
use super::sealed_flight::SealedFlight;

/// Reads the flight of a TLS 1.3 server whose handshake key is known: opens
/// each record, and reads what was in it as if it had come in clear.
///
/// Invariant: `received` begins with a record header, or a part of one.
#[derive(Debug)]
pub(super) struct Sealed {
    seal: Seal,
    received: VecDeque<u8>,
    /// Whether a sealed record has come.
    begun: bool,
    records: Records,
    flight: SealedFlight,
}

// IANA "TLS ContentType".
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// RFC 8446 section 5.2.
const MAX_RECORD: usize = (1 << 14) + 256;

impl Sealed {
    /// `session` is what the ServerHello told.
    pub(super) fn new(session: Session, seal: Seal) -> Self {
        Self {
            seal,
            received: VecDeque::new(),
            begun: false,
            records: Records::default(),
            flight: SealedFlight::new(session),
        }
    }

    /// Takes what has arrived, from the connection's first byte on; breaks
    /// when the conversation is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<Cause> {
        self.received.extend(bytes);
        while let Some((header, length)) = self.header() {
            let [kind, major, ..] = header;
            if major != 3 || length > MAX_RECORD {
                return ControlFlow::Break(Cause::Malformed);
            }
            if self.received.len() < HEADER + length {
                break;
            }
            let mut content: Vec<u8> = self.received.drain(..HEADER + length).collect();
            let (_header, content) = content.split_at_mut(HEADER);
            match (kind, self.begun) {
                (APPLICATION_DATA, _) => self.open(header, content)?,
                // The hellos, which have been read already.
                (HANDSHAKE, false) => (),
                _ => self.read(kind, content)?,
            }
        }
        ControlFlow::Continue(())
    }

    /// All that is known at the end.
    pub(super) fn ending(mut self, cause: Cause) -> Ending {
        if let Some(message) = self.records.unfinished() {
            self.flight.read_unfinished(message);
        }
        let (session, certificates) = self.flight.into_parts();
        Ending {
            cause: self.records.told(cause),
            phase: Phase::Flight,
            session: Some(session),
            certificates,
        }
    }

    /// The next record's header, and the length it declares.
    fn header(&self) -> Option<([u8; HEADER], usize)> {
        let mut header = [0; HEADER];
        let mut arrived = self.received.iter();
        for byte in &mut header {
            *byte = *arrived.next()?;
        }
        let [.., high, low] = header;
        Some((header, u16::from_be_bytes([high, low]).into()))
    }

    fn open(&mut self, header: [u8; HEADER], sealed: &mut [u8]) -> ControlFlow<Cause> {
        self.begun = true;
        match self.seal.open(header, sealed) {
            Ok((kind, content)) => self.read(kind, content),
            Err(_unopened) => ControlFlow::Break(Cause::Malformed),
        }
    }

    /// Reads a record in clear.
    fn read(&mut self, kind: u8, content: &[u8]) -> ControlFlow<Cause> {
        let Ok(length) = u16::try_from(content.len()) else {
            return ControlFlow::Break(Cause::Malformed);
        };
        let [high, low] = length.to_be_bytes();
        self.records.push(&[kind, 3, 3, high, low]);
        self.records.push(content);
        while let Some(message) = self.records.message() {
            self.flight.read(message)?;
        }
        self.records
            .stopped()
            .map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}
