#![no_main]
//! Well-framed handshake messages with any contents, in records of any cut.

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use certsweep::tls::{Client, opened_flight};
use certsweep_fuzz::same_in_portions;
use libfuzzer_sys::fuzz_target;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

#[derive(Arbitrary, Debug)]
struct Flight {
    version: u8,
    record_length: u16,
    messages: Vec<(u8, Vec<u8>)>,
}

fuzz_target!(|flight: Flight| {
    let mut handshake = Vec::new();
    for (kind, body) in &flight.messages {
        let kinds = [0, 2, 8, 11, 12, 13, 14, 22, *kind];
        handshake.push(kinds[usize::from(*kind) % kinds.len()]);
        handshake.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        handshake.extend(body);
    }
    let length = usize::from(flight.record_length % 0x4000).max(1);
    let mut bytes = Vec::new();
    for fragment in handshake.chunks(length) {
        bytes.extend([22, 3, flight.version % 4]);
        bytes.extend(u16::try_from(fragment.len()).unwrap().to_be_bytes());
        bytes.extend(fragment);
    }
    let sealed = opened_flight(&bytes);
    assert!(sealed.iter().flatten().count() <= 100);
    same_in_portions(&CLIENT, "tls1.2+tls1.1+tls1.0", &bytes);
    same_in_portions(&CLIENT, "tls1.0+ssl3", &bytes);
});
