//! What the fuzz targets share: a server's bytes fed in two ways must tell
//! the same, and no more than the limits allow.

use certsweep::domain::ProtocolSet;
use certsweep::tls::{Client, End, Ending, Rung, Step};

/// Most bytes that a conversation keeps of what is not TLS.
const MAX_KEPT: usize = certsweep::tls::Cause::MAX_NOT_TLS;

/// Feeds the bytes to a conversation that offers `set`, in portions of
/// `portion` bytes, and gives its ending.
pub fn ending(client: &Client, set: &str, bytes: &[u8], portion: usize) -> Ending {
    let offered: ProtocolSet = set.parse().expect("a set that is offered");
    let opened = client.open(Rung::new(offered), None, [7; 32]);
    let (mut conversation, hello) = opened.expect("random numbers");
    assert!(!hello.is_empty());
    for portion in bytes.chunks(portion.max(1)) {
        if let Step::Done(ending) = conversation.feed(portion) {
            return checked(ending, bytes);
        }
    }
    checked(conversation.end(End::Closed), bytes)
}

fn checked(ending: Ending, bytes: &[u8]) -> Ending {
    let certificates = ending.certificates.iter().flatten();
    let kept: usize = certificates.map(|der| der.as_bytes().len()).sum();
    assert!(kept <= bytes.len(), "more certificates than bytes");
    if let certsweep::tls::Cause::NotTls(said) = &ending.cause {
        assert!(said.len() <= MAX_KEPT);
    }
    ending
}

/// The bytes at once and one by one must come to the same.
pub fn same_in_portions(client: &Client, set: &str, bytes: &[u8]) {
    let at_once = ending(client, set, bytes, usize::MAX);
    for portion in [1, 7] {
        let by_portions = ending(client, set, bytes, portion);
        assert_eq!(at_once.certificates, by_portions.certificates, "{set}");
        assert_eq!(at_once.session, by_portions.session, "{set}");
    }
}
