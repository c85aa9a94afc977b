/// What stands before the content of every packet of Microsoft's Tabular Data
/// Stream (MS-TDS section 2.2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PacketHeader {
    /// What the content is: [`PRELOGIN`], [`TABULAR_RESULT`] or another.
    pub(super) kind: u8,
    /// Whether the message ends with this packet.
    pub(super) last: bool,
    /// Bytes of content behind the header.
    pub(super) content: usize,
}

/// A client's first message, and TLS in either direction (MS-TDS section
/// 2.2.6.5).
pub(super) const PRELOGIN: u8 = 0x12;
/// What a server answers with (MS-TDS section 2.2.3.1.1).
pub(super) const TABULAR_RESULT: u8 = 0x04;
/// Type, status, length with the header's own, process, number, window.
pub(super) const HEADER: usize = 8;
/// Until a login agrees on another size, no packet is longer, its header
/// included (MS-TDS section 2.2.3.1.3).
const MAX_PACKET: usize = 4096;
/// MS-TDS section 2.2.3.1.2.
const END_OF_MESSAGE: u8 = 0x01;

impl PacketHeader {
    /// Reads it; `None` when its length has no room for itself.
    pub(super) fn read(header: [u8; HEADER]) -> Option<Self> {
        let [kind, status, high, low, ..] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        Some(Self {
            kind,
            last: status & END_OF_MESSAGE != 0,
            content: length.checked_sub(HEADER)?,
        })
    }
}

/// A message as a client sends it: cut into packets, the last one marked.
pub(super) fn prelogin(message: &[u8]) -> Vec<u8> {
    let pieces = message.chunks(MAX_PACKET - HEADER);
    let last = pieces.len();
    let mut packets = Vec::with_capacity(message.len() + last * HEADER);
    for (number, piece) in (1..).zip(pieces) {
        let status = if number == last { END_OF_MESSAGE } else { 0 };
        let [.., high, low] = (piece.len() + HEADER).to_be_bytes();
        // Packets are numbered modulo 256 (MS-TDS section 2.2.3.1.5).
        let [.., number] = number.to_be_bytes();
        packets.extend([PRELOGIN, status, high, low, 0, 0, number, 0]);
        packets.extend(piece);
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_into_numbered_packets_of_which_the_last_is_marked() {
        assert_eq!(prelogin(b""), b"");
        assert_eq!(prelogin(b"ab"), b"\x12\x01\x00\x0a\x00\x00\x01\x00ab");
        let packets = prelogin(&[7; 4089]);
        assert_eq!(packets[..9], [0x12, 0, 0x10, 0, 0, 0, 1, 0, 7]);
        assert_eq!(packets[4096..], [0x12, 1, 0, 9, 0, 0, 2, 0, 7]);
    }

    #[test]
    fn a_header_says_how_much_follows() {
        let header = PacketHeader {
            kind: TABULAR_RESULT,
            last: true,
            content: 0x23,
        };
        assert_eq!(
            PacketHeader::read([4, 1, 0, 0x2b, 0, 0, 1, 0]),
            Some(header)
        );
        assert_eq!(PacketHeader::read([4, 1, 0, 7, 0, 0, 1, 0]), None);
    }
}
