use std::ops::RangeInclusive;

use super::tds::{HEADER, PRELOGIN, PacketHeader, TABULAR_RESULT, prelogin};

/// How the bytes of TLS travel once a dialogue is over, for as long as the
/// handshake takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carriage {
    /// By themselves.
    #[default]
    Bare,
    /// As the content of TDS packets (MS-TDS section 2.2.6.5).
    Tds(TdsPackets),
}

/// Packets → their contents one behind the other, wherever the reads cut them.
///
/// Invariants: `header` is shorter than a header between calls, and empty
/// while content is left; nothing else of the stream is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TdsPackets {
    header: Vec<u8>,
    left: usize,
    empties: usize,
    bare: bool,
}

/// What came is not carried as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("TLS is not carried in packets of TDS")]
pub struct BrokenCarriage {
    /// The bytes of TLS that came before.
    pub before: Vec<u8>,
}

/// The types of TLS records (RFC 8446 section 5.1); none is a packet's.
const TLS_RECORDS: RangeInclusive<u8> = 20..=23;
/// Packets without content: no server has a reason for one, and each costs it
/// less than it costs us.
const MAX_EMPTY_PACKETS: usize = 32;

impl Carriage {
    /// Bytes of TLS → what to write.
    #[must_use]
    pub fn pack(&self, tls: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Bare => tls,
            Self::Tds(_) => prelogin(&tls),
        }
    }

    /// What was read, in portions of any size → bytes of TLS. Not called again
    /// after an error.
    pub fn unpack(&mut self, carried: &[u8]) -> Result<Vec<u8>, BrokenCarriage> {
        match self {
            Self::Bare => Ok(carried.to_vec()),
            Self::Tds(packets) => packets.unpack(carried),
        }
    }
}

impl TdsPackets {
    fn unpack(&mut self, mut carried: &[u8]) -> Result<Vec<u8>, BrokenCarriage> {
        let mut tls = Vec::with_capacity(carried.len());
        while !carried.is_empty() && !self.bare {
            let wanted = if self.left > 0 {
                self.left
            } else {
                HEADER - self.header.len()
            };
            let (taken, rest) = carried.split_at(wanted.min(carried.len()));
            if self.left > 0 {
                self.left -= taken.len();
                tls.extend(taken);
                carried = rest;
            } else if self.header.is_empty() && begins_record(taken) {
                // The wrapping ends with the handshake, or with the server's
                // patience.
                self.bare = true;
            } else {
                self.header.extend(taken);
                carried = rest;
                if !self.take_header() {
                    return Err(BrokenCarriage { before: tls });
                }
            }
        }
        tls.extend(carried);
        Ok(tls)
    }

    /// Reads the header once it is whole. `false` when it is no server's: some
    /// carry TLS as an answer, though it is another pre-login message.
    fn take_header(&mut self) -> bool {
        let Ok(header) = <[u8; HEADER]>::try_from(self.header.as_slice()) else {
            return true;
        };
        self.header.clear();
        let Some(header) = PacketHeader::read(header) else {
            return false;
        };
        self.left = header.content;
        self.empties += usize::from(header.content == 0);
        matches!(header.kind, PRELOGIN | TABULAR_RESULT) && self.empties <= MAX_EMPTY_PACKETS
    }
}

fn begins_record(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|kind| TLS_RECORDS.contains(kind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tds() -> Carriage {
        Carriage::Tds(TdsPackets::default())
    }

    #[test]
    fn bare_bytes_pass_as_they_are() {
        let mut carriage = Carriage::Bare;
        assert_eq!(carriage.pack(vec![1, 2, 3]), [1, 2, 3]);
        assert_eq!(carriage.unpack(&[1, 2, 3]), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn records_come_out_of_answers_as_well_as_out_of_pre_login_messages() {
        let packets = [
            &b"\x12\x00\x00\x0a\x00\x00\x01\x00\x16\x03"[..],
            b"\x12\x01\x00\x09\x00\x00\x02\x00\x03",
            b"\x04\x01\x00\x0a\x00\x34\x01\x00\x00\x01",
        ];
        let tls = tds().unpack(&packets.concat());
        assert_eq!(tls, Ok(vec![0x16, 3, 3, 0, 1]));
    }

    #[test]
    fn a_record_in_the_place_of_a_packet_ends_the_wrapping() {
        let mut carriage = tds();
        let mut packets = carriage.pack(b"wrapped".to_vec());
        packets.extend([0x15, 3, 3, 0, 2, 2, 40]);
        assert_eq!(
            carriage.unpack(&packets),
            Ok(b"wrapped\x15\x03\x03\x00\x02\x02\x28".to_vec())
        );
        assert_eq!(carriage.unpack(b"\x04\x01"), Ok(b"\x04\x01".to_vec()));
    }

    #[test]
    fn what_came_before_a_broken_packet_is_kept() {
        let broken = [
            &b"HTTP/1.1"[..],
            b"\x12\x01\x00\x07\x00\x00\x01\x00",
            b"\x11\x01\x00\x0a\x00\x00\x01\x00\x01\x02",
        ];
        for packet in broken {
            let mut carriage = tds();
            let mut packets = carriage.pack(b"wrapped".to_vec());
            packets.extend(packet);
            let before = b"wrapped".to_vec();
            assert_eq!(carriage.unpack(&packets), Err(BrokenCarriage { before }));
        }
    }

    #[test]
    fn a_flood_of_empty_packets_ends() {
        let empty = b"\x12\x01\x00\x08\x00\x00\x01\x00";
        let mut carriage = tds();
        let allowed = empty.repeat(MAX_EMPTY_PACKETS);
        assert_eq!(carriage.unpack(&allowed), Ok(vec![]));
        assert!(carriage.unpack(empty).is_err());
    }

    proptest! {
        #[test]
        fn what_was_packed_unpacks_however_it_is_cut(
            tls in prop::collection::vec(any::<u8>(), 0..9000),
            portion in 1_usize..600,
        ) {
            let mut carriage = tds();
            let packed = carriage.pack(tls.clone());
            let mut unpacked = Vec::new();
            for bytes in packed.chunks(portion) {
                unpacked.extend(carriage.unpack(bytes).unwrap());
            }
            prop_assert_eq!(unpacked, tls);
        }

        #[test]
        fn nothing_unpacks_to_more_than_it_was(
            carried in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let unpacked = match tds().unpack(&carried) {
                Ok(tls) => tls,
                Err(broken) => broken.before,
            };
            prop_assert!(unpacked.len() <= carried.len());
        }
    }
}
