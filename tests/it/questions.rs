//! Which questions a target gets, on a simulated network under a paused clock.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use certsweep::domain::{Dialect, EarlyEnd, KeyType, OutcomeKind, Port, ScanState, Timestamp};
use certsweep::pace::Rate;
use certsweep::scan::{Depth, KnownNames, Nameless, Reach, WhyNotAsked};
use certsweep::store::{Askers, KnownQuestion, Standing};
use rcgen::{CertificateParams, KeyPair};

use crate::rig::{Rig, told_of};
use crate::simulation::{Memory, Names, Network, Peer, alert, flight};

const HANDSHAKE_FAILURE: u8 = 40;
const UNRECOGNIZED_NAME: u8 = 112;

/// The DER of a certificate for these names, with an ECDSA key.
fn certificate(names: &[&str]) -> Vec<u8> {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key);
    certificate.unwrap().der().to_vec()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Every question that was stored, in order of text.
fn questions(rig: &Rig) -> Vec<String> {
    let mut lines: Vec<_> = rig
        .memory
        .stored()
        .observations
        .iter()
        .map(told_of)
        .collect();
    lines.sort();
    lines
}

/// A server at 10.0.0.1 that demands a name and knows two, and nobody else.
fn demanding() -> Network {
    Network::new(|at, _| {
        if at.ip() != address("10.0.0.1") {
            return Peer::Closed;
        }
        let known = vec![
            ("a.sim", flight(&[b"certificate of a"])),
            ("b.sim", flight(&[b"certificate of b"])),
        ];
        Peer::SaysTo(known, alert(UNRECOGNIZED_NAME))
    })
}

#[tokio::test(start_paused = true)]
async fn a_listed_name_is_asked_where_it_resolves_and_told_of_where_it_is_not() {
    let mut rig = Rig::new(demanding(), &["10.0.0.0/30"]);
    rig.further = vec!["a.sim", "elsewhere.sim", "gone.sim", "secret.sim", "a.sim"];
    rig.exclude = vec!["secret.sim".to_owned()];
    rig.names = Names::of(&[
        ("a.sim", &["::ffff:10.0.0.1", "10.0.9.9"]),
        ("elsewhere.sim", &["10.0.9.9"]),
        ("secret.sim", &["10.0.0.1"]),
    ]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(
        questions(&rig),
        [
            "10.0.0.0:443 refused",
            "10.0.0.1:443 a.sim certificate",
            "10.0.0.1:443 tls-refused",
            "10.0.0.2:443 refused",
            "10.0.0.3:443 refused",
        ]
    );
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(
        *rig.told.lock().unwrap(),
        ["10.0.0.1:443 a.sim certificate"],
        "an endpoint with a certificate is not told of as one without"
    );
    let not_asked: Vec<_> = summary
        .names_not_asked
        .iter()
        .map(|it| format!("{}: {}", it.name, it.why))
        .collect();
    assert_eq!(
        not_asked,
        [
            "elsewhere.sim: no target leads to its addresses",
            "gone.sim: unresolved: nxdomain",
            "secret.sim: excluded: secret.sim (exclude:1)",
        ]
    );
    assert!(!rig.names.asked().contains_key("secret.sim"));
    for (_, dialled) in rig.network.dials() {
        assert_ne!(dialled.ip(), address("10.0.9.9"), "no target leads there");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_asked_everywhere_if_the_operator_says_so() {
    let mut rig = Rig::new(demanding(), &["10.0.0.0/30"]);
    rig.further = vec!["a.sim", "b.sim", "c.sim", "secret.sim"];
    rig.exclude = vec!["secret.sim:443".to_owned()];
    rig.reach = Reach::Everywhere;
    let summary = rig.run().await.unwrap();
    assert_eq!(
        questions(&rig)[1..5],
        [
            "10.0.0.1:443 a.sim certificate",
            "10.0.0.1:443 b.sim certificate",
            "10.0.0.1:443 c.sim tls-refused",
            "10.0.0.1:443 tls-refused",
        ]
    );
    assert_eq!(summary.certificates, 2);
    assert_eq!(summary.names_not_asked, []);
    assert_eq!(rig.told.lock().unwrap().len(), 2, "each has its row");
}

#[tokio::test(start_paused = true)]
async fn what_several_targets_would_ask_is_asked_once() {
    let network = Network::new(|_, _| Peer::Says(flight(&[b"one for all"])));
    let mut rig = Rig::new(network, &["10.0.0.1", "a.sim", "b.sim"]);
    rig.further = vec!["a.sim", "c.sim"];
    let everywhere: &[&str] = &["10.0.0.1", "10.0.0.2"];
    rig.names = Names::of(&[
        ("a.sim", everywhere),
        ("b.sim", everywhere),
        ("c.sim", everywhere),
    ]);
    rig.run().await.unwrap();
    assert_eq!(
        questions(&rig),
        [
            "10.0.0.1:443 a.sim certificate",
            "10.0.0.1:443 b.sim certificate",
            "10.0.0.1:443 c.sim certificate",
            "10.0.0.1:443 certificate",
            "10.0.0.2:443 a.sim certificate",
            "10.0.0.2:443 b.sim certificate",
            "10.0.0.2:443 c.sim certificate",
        ]
    );
    assert_eq!(rig.network.dials().len(), 7);
}

/// A question of the inventory at 10.0.0.1:443.
fn known(server_name: &str) -> KnownQuestion {
    KnownQuestion {
        address: address("10.0.0.1"),
        port: Port::HTTPS,
        dialect: Dialect::Tls,
        server_name: Some(server_name.parse().unwrap()),
        key_type: KeyType::Rsa,
        askers: Askers::Own,
        standing: Standing::Current,
        asked_at: Timestamp::from_seconds(0),
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_the_inventory_are_asked_for_but_excluded_ones_and_targets() {
    let network = Network::new(|_, _| Peer::Says(flight(&[b"one for all"])));
    let mut rig = Rig::new(network, &["10.0.0.1", "b.sim"]);
    rig.exclude = vec!["secret.sim".to_owned()];
    rig.names = Names::of(&[
        ("b.sim", &["10.0.0.1"]),
        ("learned.sim", &["10.0.0.1"]),
        ("target.sim", &["10.0.0.2"]),
    ]);
    rig.targets.push("target.sim".to_owned());
    rig.questions = ["learned.sim", "secret.sim", "target.sim"]
        .map(known)
        .to_vec();
    let own = [
        "10.0.0.1:443 b.sim certificate",
        "10.0.0.1:443 certificate",
        "10.0.0.2:443 target.sim certificate",
    ];
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), own, "TLS is spoken, and no name listed");

    let mut rig = Rig {
        memory: Memory::default(),
        known_names: KnownNames::All,
        ..rig
    };
    let learned = "10.0.0.1:443 learned.sim certificate";
    let all = [own[0], own[1], learned, own[2]];
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), all, "once, though two targets lead there");
    assert_eq!(
        rig.names.asked()["learned.sim"],
        1,
        "it is shown what all are"
    );

    rig.memory = Memory::default();
    rig.known_names = KnownNames::Listed;
    rig.network = Network::new(|_, _| Peer::Says(b"SSH-2.0-x\r\n".to_vec()));
    rig.run().await.unwrap();
    let not_tls = all.map(|line| line.replace(" certificate", " not-tls"));
    let mut not_tls = not_tls.to_vec();
    not_tls.sort_unstable();
    assert_eq!(questions(&rig), not_tls);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_no_name_any_more_is_asked_for_where_the_inventory_has_it() {
    let network = Network::new(|_, _| Peer::Says(flight(&[b"one for all"])));
    let mut rig = Rig::new(network, &["10.0.0.1", "left.sim"]);
    rig.names = Names::of(&[]);
    let homeless = KnownQuestion {
        standing: Standing::NoSuchName,
        ..known("left.sim")
    };
    let certificate = "10.0.0.1:443 certificate";
    rig.questions = vec![known("left.sim")];
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), [certificate], "it was not so before");

    rig.memory = Memory::default();
    rig.questions = vec![homeless];
    rig.run().await.unwrap();
    let denied = "10.0.0.1:443 left.sim no-certificate";
    assert_eq!(questions(&rig), [certificate, denied]);

    for (led_to, expected) in [
        ("10.0.0.2", "10.0.0.2:443 left.sim certificate"),
        ("10.0.0.1", "10.0.0.1:443 left.sim certificate"),
    ] {
        rig.memory = Memory::default();
        rig.names = Names::of(&[("left.sim", &[led_to])]);
        let dials = rig.network.dials().len();
        rig.run().await.unwrap();
        let mut seen = questions(&rig);
        seen.retain(|line| line != certificate);
        assert_eq!(seen, [expected], "it asks itself");
        assert_eq!(rig.network.dials().len() - dials, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_names_have_asked_without_one_is_asked_by_one_of_them_or_by_its_address() {
    let network = Network::new(|_, _| Peer::Says(flight(&[b"one for all"])));
    let mut rig = Rig::new(network, &["a.sim", "b.sim"]);
    rig.names = Names::of(&[("a.sim", &["10.0.0.1"]), ("b.sim", &["10.0.0.1"])]);
    let nameless = KnownQuestion {
        server_name: None,
        askers: Askers::Names,
        ..known("a.sim")
    };
    let expected = [
        "10.0.0.1:443 a.sim certificate",
        "10.0.0.1:443 b.sim certificate",
        "10.0.0.1:443 certificate",
    ];
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), expected[..2], "nothing is known");

    rig.memory = Memory::default();
    rig.questions = vec![nameless];
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), expected, "by one of both");

    rig.memory = Memory::default();
    rig.targets.push("10.0.0.1".to_owned());
    rig.run().await.unwrap();
    assert_eq!(questions(&rig), expected, "by its address");
}

#[tokio::test(start_paused = true)]
async fn the_summary_counts_what_was_asked_without_a_name_only() {
    let network = Network::new(|at, _| match at.ip().to_string().as_str() {
        "10.0.0.1" | "10.0.0.2" => Peer::Says(flight(&[b"leaf"])),
        "10.0.0.3" | "10.0.0.4" => Peer::Says(alert(UNRECOGNIZED_NAME)),
        "10.0.0.5" => Peer::Says(b"SSH-2.0-x\r\n".to_vec()),
        "10.0.0.6" => Peer::Silent,
        _ => Peer::Closed,
    });
    let mut rig = Rig::new(network, &["10.0.0.0/29", "a.sim"]);
    rig.names = Names::of(&[("a.sim", &["10.0.0.2"]), ("b.sim", &["10.0.0.4"])]);
    let summary = rig.run().await.unwrap();
    let expected = Nameless {
        endpoints: 3,
        demanding: 2,
    };
    assert_eq!(summary.nameless, expected, "10.0.0.2 was asked by name");
    rig.further = vec!["b.sim"];
    let summary = rig.run().await.unwrap();
    let expected = Nameless {
        endpoints: 2,
        demanding: 1,
    };
    assert_eq!(summary.nameless, expected);
}

#[tokio::test(start_paused = true)]
async fn a_thorough_scan_asks_for_the_names_that_lead_back_to_the_address() {
    let default = certificate(&["a.sim", "elsewhere.sim", "secret.sim", "*.sim"]);
    let of_pointer = certificate(&["host-10.0.0.1.sim", "b.sim"]);
    let of_b = certificate(&["b.sim"]);
    let network = Network::new(move |_, _| {
        let known = vec![
            ("host-10.0.0.1.sim", flight(&[&of_pointer])),
            ("b.sim", flight(&[&of_b])),
        ];
        Peer::SaysTo(known, flight(&[&default]))
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.depth = Depth::Thorough;
    rig.exclude = vec!["secret.sim".to_owned()];
    rig.names = Names::of(&[
        ("host-10.0.0.1.sim", &["10.0.0.1"]),
        ("a.sim", &["10.0.0.7", "10.0.0.1"]),
        ("b.sim", &["10.0.0.1"]),
        ("elsewhere.sim", &["10.0.0.2"]),
        ("secret.sim", &["10.0.0.1"]),
    ]);
    let summary = rig.run().await.unwrap();
    let asked = questions(&rig);
    let open = |line: &&String| !line.contains(" rsa ") && !line.contains(" eddsa ");
    let open: Vec<_> = asked.iter().filter(open).collect();
    assert_eq!(
        open,
        [
            "10.0.0.1:443 a.sim certificate",
            "10.0.0.1:443 b.sim certificate",
            "10.0.0.1:443 certificate",
            "10.0.0.1:443 host-10.0.0.1.sim certificate",
        ]
    );
    assert_eq!(
        asked.len(),
        3 * open.len(),
        "each for two more types of key"
    );
    assert_eq!(summary.certificates, 3);
    assert_eq!(
        rig.told.lock().unwrap().len(),
        4,
        "a name, a certificate: a row"
    );
    assert!(!rig.names.asked().contains_key("secret.sim"));
    assert_eq!(summary.nameless, Nameless::default());
}

/// A server that has an ECDSA key and an RSA key, each in its own certificate:
/// the stub tells the questions by their order.
#[tokio::test(start_paused = true)]
async fn a_thorough_scan_finds_the_certificate_of_the_other_key() {
    let leaf = certificate(&[]);
    let first = flight(&[&leaf]);
    let network = Network::new(move |_, earlier| {
        Peer::Says(match earlier {
            0 => first.clone(),
            1 => flight(&[b"of the RSA key"]),
            _ => alert(HANDSHAKE_FAILURE),
        })
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.depth = Depth::Thorough;
    let summary = rig.run().await.unwrap();
    assert_eq!(
        questions(&rig),
        [
            "10.0.0.1:443 certificate",
            "10.0.0.1:443 eddsa tls-refused",
            "10.0.0.1:443 rsa certificate",
        ]
    );
    assert_eq!(summary.certificates, 2);
    assert_eq!(
        *rig.told.lock().unwrap(),
        ["10.0.0.1:443 certificate", "10.0.0.1:443 rsa certificate"]
    );
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hostile_certificate_of_many_names_is_asked_for_a_few() {
    let names: Vec<_> = (0..200).map(|number| format!("n{number}.sim")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let leaf = flight(&[&certificate(&names)]);
    let mut rig = Rig::new(
        Network::new(move |_, _| Peer::Says(leaf.clone())),
        &["10.0.0.1"],
    );
    rig.depth = Depth::Thorough;
    rig.names = Names::new(|_, _| Ok(vec![IpAddr::from([10, 0, 0, 1])]));
    rig.run().await.unwrap();
    let stored = rig.memory.stored();
    let mut per_name: HashMap<_, usize> = HashMap::new();
    for seen in &stored.observations {
        *per_name.entry(seen.server_name.clone()).or_default() += 1;
    }
    assert_eq!(per_name.len(), 1 + 8);
    assert!(per_name.values().all(|questions| *questions == 3));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_lost_is_asked_again_and_no_other() {
    let network = Network::new(|_, earlier| match earlier {
        1 => Peer::Dark,
        _ => Peer::Says(flight(&[b"leaf"])),
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.retries = 1;
    rig.further = vec!["a.sim", "b.sim"];
    rig.names = Names::of(&[("a.sim", &["10.0.0.1"]), ("b.sim", &["10.0.0.1"])]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(
        questions(&rig),
        [
            "10.0.0.1:443 a.sim certificate",
            "10.0.0.1:443 b.sim certificate",
            "10.0.0.1:443 certificate",
        ]
    );
    assert_eq!(rig.network.dials().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_rate_is_exceeded_by_further_questions() {
    let leaf = flight(&[&certificate(&["a.sim"])]);
    let network = Network::new(move |_, _| Peer::Says(leaf.clone()));
    let mut rig = Rig::new(network, &["10.0.0.0/30"]);
    rig.depth = Depth::Thorough;
    rig.further = vec!["a.sim", "b.sim", "c.sim"];
    rig.reach = Reach::Everywhere;
    rig.rates.per_host = Rate::PerSecond(NonZeroU32::new(2).unwrap());
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(5).unwrap());
    rig.run().await.unwrap();
    assert!(rig.network.dials().len() >= 4 * 4 * 3);
    assert!(rig.network.peak(|_| ()) <= 5);
    assert!(rig.network.peak(|at: SocketAddr| at.ip()) <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_takes_a_question_keeps_the_outcome_and_cuts_the_scan_short() {
    let network = Network::new(|_, _| Peer::Says(flight(&[b"leaf"])));
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.further = vec!["a.sim", "b.sim", "c.sim", "d.sim"];
    rig.reach = Reach::Everywhere;
    rig.rates.per_host = Rate::PerSecond(NonZeroU32::MIN);
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(questions(&rig).len(), 3);
    assert_eq!(summary.state, ScanState::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_names_are_looked_up_is_obeyed() {
    let mut rig = Rig::new(demanding(), &["10.0.0.1"]);
    rig.further = vec!["a.sim"];
    rig.stop.stop(EarlyEnd::Signal);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::NotAttempted), 1);
    assert_eq!(summary.names_not_asked[0].why, WhyNotAsked::Ended);
    assert!(rig.names.asked().is_empty());
}
