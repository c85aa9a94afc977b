#![no_main]
//! Any bytes in answer to any dialogue.

use certsweep::domain::Dialect;
use certsweep::starttls::{Circumstances, Turn, Verdict, of};
use libfuzzer_sys::fuzz_target;

/// Every Send answers something the server said.
const MAX_SENT: usize = 1 << 16;

fuzz_target!(|input: (u8, &[u8])| {
    let (dialect, bytes) = input;
    let Some(protocol) = of(Dialect::ALL[usize::from(dialect) % Dialect::ALL.len()]) else {
        return;
    };
    let at_once = talk(protocol, bytes, usize::MAX);
    let by_bytes = talk(protocol, bytes, 1);
    assert_eq!(at_once, by_bytes, "{}", protocol.dialect);
    let _ = (protocol.greets_with)(bytes);
});

/// What was said, and how it ended.
fn talk(
    protocol: &certsweep::starttls::Protocol,
    bytes: &[u8],
    portion: usize,
) -> (Vec<u8>, Option<&'static str>) {
    let mut dialogue = (protocol.begin)(Circumstances {
        server_name: None,
        address: [127, 0, 0, 1].into(),
    });
    let mut sent = dialogue.open();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(portion.min(rest.len()));
        rest = later;
        match dialogue.feed(now) {
            Turn::NeedMore => (),
            Turn::Send(words) => sent.extend(words),
            Turn::Ready { words, early, .. } => {
                sent.extend(words);
                assert!(early.len() <= bytes.len());
                return (sent, Some("ready"));
            }
            // Words that were due go unsaid once it is over.
            Turn::Over(verdict) => return (Vec::new(), Some(word(&verdict))),
        }
        assert!(sent.len() <= MAX_SENT);
        assert!(dialogue.said().len() <= Verdict::MAX_SAID);
    }
    (sent, None)
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Declined(said) | Verdict::Plain(said) | Verdict::Foreign(said) => {
            assert!(said.len() <= Verdict::MAX_SAID);
            "told"
        }
        Verdict::Malformed => "malformed",
        Verdict::TooLarge => "too large",
    }
}
