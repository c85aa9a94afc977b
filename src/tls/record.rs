use crate::domain::{Alert, Phase};

use super::ending::Cause;

/// Records in clear → handshake messages and alerts (RFC 5246 section 6.2).
///
/// Bytes are taken as they come: what has arrived of a message counts, even
/// where its record has not arrived whole.
///
/// Invariants: `header` is shorter than [`HEADER`] between calls; `left` is 0
/// between records; `messages[..read]` has been handed out; once `stop` is
/// set, nothing more is read.
#[derive(Debug, Default)]
pub(super) struct Records {
    header: Vec<u8>,
    content: Option<Content>,
    left: usize,
    messages: Vec<u8>,
    read: usize,
    alert: Vec<u8>,
    warned: Option<Alert>,
    warnings: usize,
    empties: usize,
    cipher_changes: usize,
    begun: bool,
    stop: Option<Cause>,
}

/// One handshake message, or as much of it as has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// IANA "TLS HandshakeType".
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Content {
    ChangeCipherSpec,
    Alert,
    Handshake,
}

/// Type, version, length.
pub(super) const HEADER: usize = 5;
/// RFC 5246 section 6.2.3: what the largest record of any version holds.
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Type and 24-bit length.
const MESSAGE_HEADER: usize = 4;
/// Chains of 200 kB exist; rustls and OpenSSL stop at 64 and 100 kB.
pub(super) const MAX_MESSAGE: usize = 1 << 20;
/// OpenSSL allows 32 in a row; here in all.
const MAX_EMPTY_RECORDS: usize = 32;
/// BoringSSL and rustls allow 4.
const MAX_WARNINGS: usize = 4;
/// None belongs before ServerHelloDone; rustls forgives 2.
const MAX_CIPHER_CHANGES: usize = 2;

impl Records {
    /// Takes what has arrived.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        self.messages.drain(..self.read);
        self.read = 0;
        while !bytes.is_empty() && self.stop.is_none() {
            bytes = match self.content {
                None => self.take_header(bytes),
                Some(content) => self.take_content(content, bytes),
            };
        }
    }

    /// The next message that is whole.
    pub(super) fn message(&mut self) -> Option<Message<'_>> {
        let declared = declared(self.messages.get(self.read..)?)?;
        let end = self.read + MESSAGE_HEADER + declared;
        if declared > MAX_MESSAGE || end > self.messages.len() {
            return None;
        }
        let message = self.messages.get(self.read..end)?;
        self.read = end;
        split(message)
    }

    /// The message that is not whole, as far as it has arrived.
    pub(super) fn unfinished(&self) -> Option<Message<'_>> {
        split(self.messages.get(self.read..)?)
    }

    /// Why nothing more is read. What came before it comes out of
    /// [`Self::message`] first.
    pub(super) fn stopped(&self) -> Option<Cause> {
        let pending = self.messages.len().saturating_sub(self.read);
        match &self.stop {
            Some(cause) => Some(cause.clone()),
            None if pending > MAX_MESSAGE => Some(Cause::TooLarge),
            None => None,
        }
    }

    /// How far the peer has come: its flight begins with the first handshake
    /// record.
    pub(super) const fn phase(&self) -> Phase {
        if self.begun {
            Phase::Flight
        } else {
            Phase::Hello
        }
    }

    /// What `cause` comes to: a peer that warns, then closes without a
    /// flight, has said why.
    pub(super) fn told(&self, cause: Cause) -> Cause {
        match (&cause, self.phase(), self.warned) {
            (Cause::Closed | Cause::Reset, Phase::Hello, Some(alert)) => Cause::Alert(alert),
            _ => cause,
        }
    }

    fn take_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let wanted = HEADER.saturating_sub(self.header.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at(wanted);
        self.header.extend(taken);
        if let [content, major, _minor, high, low] = *self.header {
            self.header.clear();
            self.begin_record(content, major, u16::from_be_bytes([high, low]).into());
        }
        rest
    }

    fn begin_record(&mut self, content: u8, major: u8, length: usize) {
        let content = match content {
            20 => Content::ChangeCipherSpec,
            21 => Content::Alert,
            22 => Content::Handshake,
            _ => return self.stop(Cause::Malformed),
        };
        // Every version from SSL 3.0 up has 3 here (RFC 8446 section 5.1).
        if major != 3 || length > MAX_RECORD {
            return self.stop(Cause::Malformed);
        }
        self.begun |= matches!(content, Content::Handshake);
        match content {
            _ if length == 0 => self.empties += 1,
            Content::ChangeCipherSpec => self.cipher_changes += 1,
            Content::Alert | Content::Handshake => (),
        }
        if self.empties > MAX_EMPTY_RECORDS || self.cipher_changes > MAX_CIPHER_CHANGES {
            return self.stop(Cause::TooLarge);
        }
        self.left = length;
        self.content = (length > 0).then_some(content);
    }

    fn take_content<'a>(&mut self, content: Content, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(self.left.min(bytes.len()));
        self.left -= taken.len();
        if self.left == 0 {
            self.content = None;
        }
        match content {
            Content::ChangeCipherSpec => (),
            Content::Handshake => self.messages.extend(taken),
            Content::Alert => taken.iter().for_each(|byte| self.take_alert(*byte)),
        }
        rest
    }

    fn take_alert(&mut self, byte: u8) {
        const WARNING: u8 = 1;
        self.alert.push(byte);
        let [level, description] = *self.alert else {
            return;
        };
        self.alert.clear();
        let alert = Alert(description);
        if level != WARNING || alert == Alert::CLOSE_NOTIFY {
            return self.stop(Cause::Alert(alert));
        }
        self.warned = Some(alert);
        self.warnings += 1;
        if self.warnings > MAX_WARNINGS {
            self.stop(Cause::TooLarge);
        }
    }

    /// The first cause stands.
    fn stop(&mut self, cause: Cause) {
        self.stop.get_or_insert(cause);
    }
}

/// The length of the message that `bytes` begin with.
fn declared(bytes: &[u8]) -> Option<usize> {
    let [_kind, high, middle, low] = *bytes.first_chunk::<MESSAGE_HEADER>()?;
    Some(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
}

fn split(bytes: &[u8]) -> Option<Message<'_>> {
    let ([kind, ..], body) = bytes.split_first_chunk::<MESSAGE_HEADER>()?;
    Some(Message { kind: *kind, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[content, 3, 3], &length[..], bytes].concat()
    }

    fn drain(records: &mut Records) -> Vec<(u8, Vec<u8>)> {
        let mut messages = Vec::new();
        while let Some(message) = records.message() {
            messages.push((message.kind, message.body.to_vec()));
        }
        messages
    }

    #[test]
    fn a_message_may_span_records_and_a_record_hold_many_messages() {
        let stream = [
            record(22, &[2, 0, 0, 1, 0xaa, 11, 0, 0, 3]),
            record(22, &[1, 2]),
            record(22, &[3, 14, 0, 0, 0]),
        ]
        .concat();
        let expected = [(2, vec![0xaa]), (11, vec![1, 2, 3]), (14, vec![])];
        let mut whole = Records::default();
        whole.push(&stream);
        assert_eq!(drain(&mut whole), expected);
        let mut drop_by_drop = Records::default();
        let mut messages = Vec::new();
        for byte in &stream {
            drop_by_drop.push(&[*byte]);
            messages.extend(drain(&mut drop_by_drop));
        }
        assert_eq!(messages, expected);
        assert_eq!(drop_by_drop.stopped(), None);
    }

    #[test]
    fn what_has_arrived_of_a_message_is_there_before_its_record_ends() {
        let mut records = Records::default();
        records.push(&record(22, &[11, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9])[..11]);
        assert_eq!(records.message(), None);
        let unfinished = records.unfinished().unwrap();
        assert_eq!((unfinished.kind, unfinished.body), (11, &[1, 2][..]));
    }

    #[test]
    fn a_fatal_alert_stops_the_reading_and_a_warning_does_not() {
        let unrecognized_name = Alert::UNRECOGNIZED_NAME;
        let mut records = Records::default();
        records.push(&record(21, &[1, unrecognized_name.0]));
        assert_eq!(records.stopped(), None);
        assert_eq!(records.told(Cause::Closed), Cause::Alert(unrecognized_name));
        records.push(&[record(22, &[14, 0, 0, 0]), record(21, &[2, 40])].concat());
        assert_eq!(drain(&mut records).len(), 1, "what came first is kept");
        assert_eq!(records.told(Cause::Closed), Cause::Closed);
        assert_eq!(
            records.stopped(),
            Some(Cause::Alert(Alert::HANDSHAKE_FAILURE))
        );
        records.push(&record(22, &[14, 0, 0, 0]));
        assert_eq!(drain(&mut records).len(), 0, "nothing is read after it");
        let mut closing = Records::default();
        closing.push(&record(21, &[1, 0]));
        assert_eq!(closing.stopped(), Some(Cause::Alert(Alert::CLOSE_NOTIFY)));
    }

    #[test]
    fn floods_meet_their_caps() {
        let floods = [
            (record(21, &[1, 90]), MAX_WARNINGS),
            (record(22, &[]), MAX_EMPTY_RECORDS),
            (record(21, &[]), MAX_EMPTY_RECORDS),
            (record(20, &[1]), MAX_CIPHER_CHANGES),
        ];
        for (flood, allowed) in floods {
            let mut records = Records::default();
            records.push(&flood.repeat(allowed));
            assert_eq!(records.stopped(), None, "{flood:?}");
            records.push(&flood);
            assert_eq!(records.stopped(), Some(Cause::TooLarge), "{flood:?}");
        }
    }

    #[test]
    fn a_message_is_read_up_to_its_cap_whatever_it_declares() {
        let mut records = Records::default();
        records.push(&record(22, &[11, 0xff, 0xff, 0xff]));
        let filler = record(22, &vec![7; 1 << 14]);
        for _ in 0..64 {
            assert_eq!(records.message(), None);
            assert_eq!(records.stopped(), None);
            records.push(&filler);
        }
        assert_eq!(records.message(), None);
        assert_eq!(records.stopped(), Some(Cause::TooLarge));
        assert_eq!(records.unfinished().unwrap().body.len(), 64 << 14);
    }

    #[test]
    fn what_no_record_begins_with_is_malformed() {
        let wrong = [
            [23, 3, 3, 0, 1],
            [22, 2, 0, 0, 1],
            [22, 3, 3, 0x48, 1],
            [0; 5],
        ];
        for header in wrong {
            let mut records = Records::default();
            records.push(&header);
            assert_eq!(records.stopped(), Some(Cause::Malformed), "{header:?}");
        }
    }
}
