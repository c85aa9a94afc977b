//! Servers that waste time and memory, or break off: each ends by itself, and
//! what it has shown until then is kept.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use super::family::{Bounds, Family, STUB};
use crate::servers::{Behaviour, Hostile, LongChain, Then, Trouble, Words};

/// What a server of the family gives.
enum Gives {
    Certificate,
    Nothing(&'static str, &'static str),
}
use Gives::{Certificate, Nothing};

const LIMITS: [(&str, &str); 4] = [
    // All servers are at one address.
    ("--concurrency-per-host", "100"),
    ("--connect-timeout", "2s"),
    ("--handshake-timeout", "2s"),
    ("--target-timeout", "7s"),
];

/// The time for one target, and something for the machine; and far less than
/// what the servers would send.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(12),
    memory_kib: 200 << 10,
};

const TROUBLES: [(&str, Trouble, Gives); 24] = [
    (
        "never says a word",
        Trouble::Tarpit,
        Nothing("silent", "hello"),
    ),
    (
        "one byte a second",
        Trouble::Drip,
        Nothing("broken", "deadline"),
    ),
    (
        "one byte a second behind the certificate",
        Trouble::DripBehindCertificate,
        Certificate,
    ),
    (
        "silent behind the certificate",
        Trouble::SilentBehindCertificate,
        Certificate,
    ),
    (
        "endless empty records",
        Trouble::EmptyRecords,
        Nothing("broken", "too-large"),
    ),
    (
        "an endless message",
        Trouble::EndlessMessage,
        Nothing("broken", "too-large"),
    ),
    (
        "endless warnings",
        Trouble::Warnings,
        Nothing("broken", "too-large"),
    ),
    (
        "endless HelloRequests",
        Trouble::HelloRequests,
        Nothing("broken", "too-large"),
    ),
    (
        "endless ChangeCipherSpecs",
        Trouble::CipherChanges,
        Nothing("broken", "too-large"),
    ),
    (
        "a record shorter than it says",
        Trouble::ShortRecord,
        Nothing("broken", "deadline"),
    ),
    (
        "a record longer than any",
        Trouble::LongRecord,
        Nothing("broken", "malformed"),
    ),
    (
        "a list longer than it says",
        Trouble::ShortList,
        Certificate,
    ),
    (
        "a list shorter than it says",
        Trouble::LongList,
        Certificate,
    ),
    (
        "a certificate of 16 MB",
        Trouble::LargeCertificate,
        Nothing("broken", "too-large"),
    ),
    ("a chain of 16 MB", Trouble::LargeChain, Certificate),
    (
        "20 MB behind the certificate",
        Trouble::LargeRest,
        Certificate,
    ),
    ("endless garbage", Trouble::Garbage, Nothing("not-tls", "")),
    (
        "closes at once",
        Trouble::CloseAtOnce,
        Nothing("tls-refused", "closed at hello"),
    ),
    (
        "closes after the hello",
        Trouble::CloseAfterHello,
        Nothing("tls-refused", "closed at hello"),
    ),
    (
        "resets at once",
        Trouble::ResetAtOnce,
        Nothing("tls-refused", "reset at hello"),
    ),
    (
        "resets after the hello",
        Trouble::ResetAfterHello,
        Nothing("tls-refused", "reset at hello"),
    ),
    (
        "resets in its ServerHello",
        Trouble::ResetInServerHello,
        Nothing("tls-refused", "reset at flight"),
    ),
    (
        "resets in its certificate",
        Trouble::ResetInCertificate,
        Nothing("tls-refused", "reset at flight"),
    ),
    (
        "resets behind its certificate",
        Trouble::ResetBehindCertificate,
        Certificate,
    ),
];

const WORDS: [(&str, Words, Gives); 9] = [
    (
        "an endless greeting",
        Words::EndlessGreeting,
        Nothing("broken", "too-large"),
    ),
    (
        "an endless line",
        Words::EndlessLine,
        Nothing("broken", "too-large"),
    ),
    (
        "a greeting of one byte a second",
        Words::DrippingGreeting,
        Nothing("broken", "deadline"),
    ),
    (
        "silent after its greeting",
        Words::SilentAfterGreeting,
        Nothing("broken", "deadline"),
    ),
    ("garbage", Words::GarbageForGreeting, Nothing("not-tls", "")),
    (
        "closes in its greeting",
        Words::CloseInGreeting,
        Nothing("not-tls", ""),
    ),
    (
        "resets in its greeting",
        Words::ResetInGreeting,
        Nothing("not-tls", ""),
    ),
    (
        "resets after its greeting",
        Words::ResetAfterGreeting,
        Nothing("not-tls", ""),
    ),
    (
        "resets after STARTTLS",
        Words::ResetAfterStartTls,
        Nothing("tls-refused", "reset at hello"),
    ),
];

#[test]
fn hostile_servers_end_by_themselves() {
    let chain = LongChain::of(1);
    let servers =
        TROUBLES.map(|(name, trouble, gives)| (name.to_owned(), Words::Direct, trouble, gives));
    check("Hostile servers", "", &chain, Vec::from(servers));
}

#[test]
fn hostile_words_before_tls_end_by_themselves() {
    let chain = LongChain::of(1);
    let words = WORDS.map(|(name, words, gives)| (name.to_owned(), words, Trouble::Tarpit, gives));
    let behind = TROUBLES.map(|(name, trouble, gives)| {
        (
            format!("STARTTLS, then: {name}"),
            Words::Smtp,
            trouble,
            gives,
        )
    });
    check(
        "Hostile words before TLS",
        "/smtp",
        &chain,
        words.into_iter().chain(behind).collect(),
    );
}

fn check(
    title: &'static str,
    dialect: &str,
    chain: &LongChain,
    servers: Vec<(String, Words, Trouble, Gives)>,
) {
    let certificate: Arc<[u8]> = chain.certificates[0].clone().into();
    let mut family = Family::new(title);
    let mut listeners = Vec::new();
    let mut behaviours: HashMap<SocketAddr, Behaviour> = HashMap::new();
    for (name, words, trouble, gives) in servers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = (format!("{address}{dialect}"), address);
        match gives {
            Certificate => family.shows_at(name, STUB, target, &chain.sha256()),
            Nothing(outcome, detail) => family.gives_nothing(name, STUB, target, (outcome, detail)),
        }
        let then = Then::Trouble(trouble, Arc::clone(&certificate));
        behaviours.insert(address, Behaviour { words, then });
        listeners.push(listener);
    }
    family.keep(Hostile::start(listeners, move |address| {
        behaviours[&address].clone()
    }));
    for (option, value) in LIMITS {
        family.option(option, value);
    }
    family.bounded(BOUNDS);
    family.check();
}
