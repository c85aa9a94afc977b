//! Servers made of bytes, for the tests of the dialogues.

use std::mem::discriminant;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

use super::{Carriage, Circumstances, Protocol, Turn, Verdict};

/// Nobody's name, at a loopback address.
const CIRCUMSTANCES: Circumstances<'static> = Circumstances {
    server_name: None,
    address: IpAddr::V4(Ipv4Addr::LOCALHOST),
};

/// What the client says unasked.
pub(super) fn question(protocol: &Protocol) -> Vec<u8> {
    (protocol.begin)(CIRCUMSTANCES).open()
}

/// What becomes of a server's words that come at once.
pub(super) fn heard(protocol: &Protocol, words: &[u8]) -> Turn {
    heard_in(protocol, words.len().max(1), words)
}

/// What becomes of a server's words that come in portions of `portion` bytes,
/// up to the first turn that is not to read on.
pub(super) fn heard_in(protocol: &Protocol, portion: usize, words: &[u8]) -> Turn {
    let mut dialogue = (protocol.begin)(CIRCUMSTANCES);
    dialogue.open();
    for bytes in words.chunks(portion) {
        let turn = dialogue.feed(bytes);
        assert!(dialogue.said().len() <= Verdict::MAX_SAID);
        assert!(words.starts_with(dialogue.said()));
        if turn != Turn::NeedMore {
            return turn;
        }
    }
    Turn::NeedMore
}

/// A turn that lets TLS begin without further words.
pub(super) fn ready(carriage: Carriage, early: &[u8]) -> Turn {
    Turn::Ready {
        words: Vec::new(),
        carriage,
        early: early.to_vec(),
    }
}

/// The turn of a server that declines, and how that reads.
pub(super) fn declined(reason: &str) -> Turn {
    Turn::Over(Verdict::Declined(reason.as_bytes().to_vec()))
}

/// The turn of a server that speaks another protocol.
pub(super) fn foreign(words: &[u8]) -> Turn {
    Turn::Over(Verdict::Foreign(words.to_vec()))
}

/// Asserts that `words` come to `turn`: not before the last of them, and
/// however they are cut.
pub(super) fn assert_heard(protocol: &Protocol, words: &[u8], turn: &Turn) {
    for length in 0..words.len() {
        let prefix = &words[..length];
        assert_eq!(heard(protocol, prefix), Turn::NeedMore, "{prefix:x?}");
    }
    for portion in 1..=words.len() {
        assert_eq!(heard_in(protocol, portion, words), *turn, "{words:x?}");
    }
}

/// Asserts that no change to one of the transcripts makes the dialogue panic,
/// keep too much, or judge by how the words were cut.
pub(super) fn assert_withstands_mutations(protocol: &Protocol, transcripts: &[&'static [u8]]) {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..4);
    let behind = prop::collection::vec(any::<u8>(), 0..40);
    let mutated = (select(transcripts.to_vec()), changes, behind, 1..50_usize);
    // A failure prints its bytes; this file is not where they belong.
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&mutated, |(words, changes, behind, portion)| {
        let mut words = words.to_vec();
        for (place, byte) in changes {
            let place = place.index(words.len());
            words[place] = byte;
        }
        words.extend(behind);
        let (whole, cut) = (heard(protocol, &words), heard_in(protocol, portion, &words));
        prop_assert_eq!(kind(&whole), kind(&cut), "{:x?}", words);
        Ok(())
    });
    outcome.unwrap();
}

/// Asserts that a server that begins with `words` and never ends is left.
pub(super) fn assert_ends(protocol: &Protocol, words: &[u8]) {
    let words = [words, &b" ".repeat(1 << 16)].concat();
    let turn = heard_in(protocol, 1000, &words);
    assert_eq!(turn, Turn::Over(Verdict::TooLarge));
}

/// A turn without the bytes in it.
fn kind(turn: &Turn) -> impl PartialEq + std::fmt::Debug {
    let verdict = match turn {
        Turn::Over(verdict) => Some(discriminant(verdict)),
        _ => None,
    };
    (discriminant(turn), verdict)
}
