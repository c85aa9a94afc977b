//! What all dialogues have in common.

mod banners;
mod transcript;

pub(super) use transcript::{End, Transcript, flooded};

use std::collections::BTreeSet;

use crate::domain::{Dialect, Port};

use super::{Circumstances, Verdict, all, by_port, of};

#[test]
fn every_port_has_one_dialect_and_every_dialect_a_title() {
    let mut taken = BTreeSet::new();
    for protocol in all() {
        assert!(protocol.title.is_ascii() && protocol.title.len() <= 60);
        assert!(!protocol.ports.is_empty());
        for number in protocol.ports {
            assert!(taken.insert(*number), "{number} has two");
            let found = by_port(Port::new(*number).unwrap()).unwrap();
            assert_eq!(found.dialect, protocol.dialect);
        }
        assert_eq!(of(protocol.dialect).unwrap().title, protocol.title);
    }
    assert!(by_port(Port::HTTPS).is_none());
}

#[test]
fn no_dialogue_panics_or_keeps_too_much_of_random_bytes() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for protocol in all() {
        for _ in 0..2000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let mut dialogue = transcript::begin(protocol.dialect);
            dialogue.open();
            let _ = dialogue.feed(&seed.to_le_bytes().repeat(100));
            assert!(dialogue.said().len() <= Verdict::MAX_SAID);
        }
    }
}

#[test]
fn a_server_without_a_name_is_asked_for_by_its_address() {
    let asked = |dialect, address: &str| {
        let circumstances = Circumstances {
            server_name: None,
            address: address.parse().unwrap(),
        };
        let mut dialogue = (of(dialect).unwrap().begin)(circumstances);
        String::from_utf8(dialogue.open()).unwrap()
    };
    assert!(asked(Dialect::Xmpp, "192.0.2.7").contains(" to='192.0.2.7' "));
    assert!(asked(Dialect::XmppServer, "2001:db8::7").contains(" to='[2001:db8::7]' "));
    assert!(asked(Dialect::Http, "2001:db8::7").contains("\r\nHost: [2001:db8::7]\r\n"));
}
