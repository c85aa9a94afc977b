#![no_main]
//! Any text as each kind of word that an operator writes: what is taken is
//! taken again as it is shown.

use std::fmt::Display;
use std::str::FromStr;

use certsweep::config::{Profile, Timeout};
use certsweep::domain::{
    Dialect, Fingerprint, OutcomeKind, Port, ProtocolSet, ServerName, Severity, Timestamp, Trust,
    Zone,
};
use certsweep::judge::{Lead, Pattern};
use certsweep::pace::Rate;
use certsweep::report::{EventKind, Mailbox};
use certsweep::resolve::{AddressFamily, NameServer};
use certsweep::schedule::Window;
use certsweep::store::{CertificateHash, FileMode, FingerprintPrefix, SerialNumber};
use certsweep::target::{Ports, Shard, TargetSpec};
use certsweep::tls::Ladder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    taken_as_shown::<Dialect>(text);
    taken_as_shown::<EventKind>(text);
    taken_as_shown::<FileMode>(text);
    taken_as_shown::<Fingerprint>(text);
    taken_as_shown::<Ladder>(text);
    taken_as_shown::<NameServer>(text);
    taken_as_shown::<OutcomeKind>(text);
    taken_as_shown::<Port>(text);
    taken_as_shown::<Ports>(text);
    taken_as_shown::<Profile>(text);
    taken_as_shown::<ProtocolSet>(text);
    taken_as_shown::<Rate>(text);
    taken_as_shown::<ServerName>(text);
    taken_as_shown::<Severity>(text);
    taken_as_shown::<Trust>(text);
    taken_as_shown::<Window>(text);
    taken_as_shown::<Zone>(text);
    let _ = text.parse::<AddressFamily>();
    let _ = text.parse::<CertificateHash>();
    let _ = text.parse::<FingerprintPrefix>();
    let _ = text.parse::<Lead>();
    let _ = text.parse::<Mailbox>();
    let _ = text.parse::<SerialNumber>();
    let _ = text.parse::<Shard>();
    let _ = text.parse::<TargetSpec>();
    let _ = text.parse::<Timeout>();
    let _ = text.parse::<Timestamp>();
    if let Ok(pattern) = text.parse::<Pattern>() {
        let _ = pattern.matches(text);
    }
});

fn taken_as_shown<Word>(text: &str)
where
    Word: FromStr + Display + PartialEq + std::fmt::Debug,
{
    if let Ok(word) = text.parse::<Word>() {
        let shown = word.to_string();
        let again = shown.parse::<Word>().ok();
        assert_eq!(again.as_ref(), Some(&word), "{text:?} shown as {shown:?}");
    }
}
