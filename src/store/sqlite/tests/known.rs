use super::*;
use crate::domain::Host;
use crate::store::{Askers, Dark, KnownQuestion, KnownTarget, Period, Standing};

const DAY: i64 = 86_400;

pub(super) async fn known(store: &Store, second: i64) -> Vec<String> {
    let inventory = store.inventory().await;
    let known = inventory.known(&Zone::default(), at(second)).await.unwrap();
    let told = |target: &KnownTarget| match &target.host {
        Host::Address(address) => format!("{address}:{} {}", target.port, target.dialect.as_str()),
        Host::Name(name) => format!("{name}:{} {}", target.port, target.dialect.as_str()),
    };
    known.iter().map(told).collect()
}

#[tokio::test]
async fn what_was_known_at_a_moment_stays_so_whatever_later_scans_see() {
    let mut store = Store::new().await;
    let mut first = batch(vec![
        presenting("10.0.0.1", 443, &["stays.corp"], 10),
        asking("www.corp", presenting("10.0.0.1", 443, &["stays.corp"], 10)),
        looking("10.0.0.2", 443, refused(), 11),
        presenting("10.0.0.3", 8443, &["leaves.corp"], 12),
    ]);
    first.names = vec![led("www.corp", 443, 10)];
    store.scan(first).await;
    let all = [
        "10.0.0.1:443 tls",
        "10.0.0.2:443 tls",
        "10.0.0.3:8443 tls",
        "www.corp:443 tls",
    ];
    assert_eq!(known(&store, 100).await, all);
    assert_eq!(known(&store, 10).await, [""; 0]);

    for day in [1, 8] {
        let gone = looking("10.0.0.3", 8443, refused(), day * DAY);
        let new = presenting("10.0.0.4", 443, &["new.corp"], day * DAY);
        store.scan(batch(vec![gone, new])).await;
    }
    let now = [
        "10.0.0.1:443 tls",
        "10.0.0.2:443 tls",
        "10.0.0.4:443 tls",
        "www.corp:443 tls",
    ];
    assert_eq!(known(&store, 9 * DAY).await, now);
    assert_eq!(known(&store, 100).await, all);
    let inventory = store.inventory().await;
    let mut retired = Vec::new();
    let mut visit = |row: crate::report::EndpointRow| {
        retired.extend(row.is_retired.then(|| row.ip.to_string()));
        std::ops::ControlFlow::Continue(())
    };
    let filter = Filter::default();
    inventory.endpoints(&filter, &mut visit).await.unwrap();
    let mut visit = |look: crate::report::EndpointLook| {
        retired.extend(look.is_retired.then(|| look.ip.to_string()));
        std::ops::ControlFlow::Continue(())
    };
    inventory.endpoint_looks(&filter, &mut visit).await.unwrap();
    let no_more = ["10.0.0.3", "10.0.0.3"];
    assert_eq!(retired, no_more, "what is not known any more, told twice");
    let elsewhere = "elsewhere".parse().unwrap();
    let there = inventory.known(&elsewhere, at(9 * DAY)).await.unwrap();
    assert_eq!(there, []);
}

async fn questions(store: &Store, second: i64) -> Vec<String> {
    let inventory = store.inventory().await;
    let zone = Zone::default();
    let known = inventory.known_questions(&zone, at(second)).await.unwrap();
    let told = |it: &KnownQuestion| format!("{}:{} {}", it.address, it.port, it.key_type);
    known.iter().map(told).collect()
}

#[tokio::test]
async fn questions_are_known_by_key_type_where_several_have_a_certificate() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![
            presenting("10.0.0.1", 443, &["rsa"], 10),
            presenting("10.0.0.1", 443, &["ecdsa"], 11),
            asking("www.corp", presenting("10.0.0.1", 443, &["rsa"], 12)),
            presenting("10.0.0.2", 443, &["rsa"], 13),
        ]))
        .await;
    assert_eq!(
        questions(&store, 20).await,
        ["10.0.0.1:443 ecdsa", "10.0.0.1:443 rsa", "10.0.0.1:443 rsa"]
    );
    assert_eq!(questions(&store, 11).await, [""; 0]);

    let absent = |second| restricted(KeyType::Rsa, looking("10.0.0.1", 443, refused(), second));
    let open = |second| presenting("10.0.0.1", 443, &["ecdsa"], second);
    for day in [1, 8] {
        store
            .scan(batch(vec![open(day * DAY), absent(day * DAY + 1)]))
            .await;
    }
    assert_eq!(
        questions(&store, 2 * DAY).await.len(),
        3,
        "missing, and still asked for"
    );
    let left = ["10.0.0.1:443 rsa"];
    assert_eq!(
        questions(&store, 9 * DAY).await,
        left,
        "it is gone, the name's stays"
    );
}

#[tokio::test]
async fn questions_are_known_that_the_first_one_of_a_port_does_not_answer() {
    let mut store = Store::new().await;
    let mut smtp = presenting("10.0.0.1", 443, &["smtp"], 10);
    smtp.endpoint.dialect = Dialect::Smtp;
    let mut mail = presenting("10.0.0.1", 25, &["mail"], 11);
    mail.endpoint.dialect = Dialect::Smtp;
    store
        .scan(batch(vec![
            smtp,
            mail,
            presenting("10.0.0.2", 25, &["direct"], 12),
            presenting("10.0.0.2", 443, &["own"], 13),
            asking("www.corp", presenting("10.0.0.2", 443, &["www"], 14)),
            asking("no.corp", looking("10.0.0.2", 443, refused(), 15)),
        ]))
        .await;
    let read = async |store: &Store| {
        let inventory = store.inventory().await;
        let zone = Zone::default();
        let known = inventory.known_questions(&zone, at(DAY)).await.unwrap();
        let told = |it: &KnownQuestion| {
            let name = it.server_name.as_ref().map_or("-", ServerName::as_str);
            let place = format!("{}:{} {} {name}", it.address, it.port, it.dialect);
            (place, it.asked_at)
        };
        known.iter().map(told).collect::<Vec<_>>()
    };
    let place = |text: &str, second| (text.to_owned(), at(second));
    assert_eq!(
        read(&store).await,
        [
            place("10.0.0.1:443 smtp -", 10),
            place("10.0.0.2:25 tls -", 12),
            place("10.0.0.2:443 tls www.corp", 14),
        ]
    );
    let www = |day| asking("www.corp", looking("10.0.0.2", 443, refused(), day * DAY));
    for day in [1, 8] {
        store.scan(batch(vec![www(day)])).await;
    }
    let inventory = store.inventory().await;
    let zone = Zone::default();
    let later = inventory.known_questions(&zone, at(9 * DAY));
    assert_eq!(later.await.unwrap().len(), 2, "what is gone is not known");
    assert_eq!(read(&store).await.len(), 3, "it was known then");
}

#[tokio::test]
async fn a_question_is_known_for_the_reason_that_it_has_to_be_asked() {
    let mut store = Store::new().await;
    // It ends as many days after the first as its text has letters.
    let of = |(name, days): (&str, usize)| {
        let leaf = "x".repeat(days);
        asking(name, presenting("10.0.0.1", 443, &[&leaf], 10))
    };
    let looks = [
        ("here.corp", 40),
        ("left.corp", 41),
        ("empty.corp", 42),
        ("fails.corp", 43),
        ("port.corp", 44),
        ("last.corp", 39),
        ("due.corp", 38),
        ("over.corp", 1),
    ];
    let mut first = batch(looks.map(of).to_vec());
    let unresolved = |name: &str, port, detail: &str| NameLook {
        outcome: OutcomeKind::Unresolved,
        detail: detail.to_owned(),
        ..led(name, port, 20)
    };
    first.names = vec![
        led("here.corp", 443, 20),
        unresolved("left.corp", 443, "nxdomain"),
        unresolved("empty.corp", 443, "no-data"),
        unresolved("fails.corp", 443, "servfail"),
        unresolved("port.corp", 8443, "nxdomain"),
    ];
    store.scan(first).await;
    let standings = async |store: &Store| {
        let inventory = store.inventory().await;
        let zone = Zone::default();
        let known = inventory.known_questions(&zone, at(9 * DAY)).await.unwrap();
        let told = |it: &KnownQuestion| {
            let name = it.server_name.clone().unwrap().to_string();
            (name, it.standing)
        };
        known.iter().map(told).collect::<Vec<_>>()
    };
    let expected = |left| {
        [
            ("due.corp".to_owned(), Standing::Due),
            ("empty.corp".to_owned(), Standing::Current),
            ("fails.corp".to_owned(), Standing::Current),
            ("here.corp".to_owned(), Standing::Current),
            ("last.corp".to_owned(), Standing::Current),
            ("left.corp".to_owned(), left),
            ("over.corp".to_owned(), Standing::Due),
            ("port.corp".to_owned(), Standing::Current),
        ]
    };
    assert_eq!(standings(&store).await, expected(Standing::NoSuchName));
    let mut second = batch(vec![asking(
        "left.corp",
        looking("10.0.0.1", 443, refused(), DAY),
    )]);
    second.names = vec![led("left.corp", 443, DAY)];
    store.scan(second).await;
    assert_eq!(standings(&store).await, expected(Standing::Missing));
}

#[tokio::test]
async fn what_was_dark_in_a_period_is_told_and_nothing_else() {
    let mut store = Store::new().await;
    let mut ledger = batch(vec![asking(
        "www.corp",
        presenting("10.0.0.1", 443, &["stays.corp"], 10),
    )]);
    ledger.coverage = vec![
        run("10.0.0.0", "10.0.0.9", 443, OutcomeKind::Refused, 50),
        run("10.0.0.10", "10.0.0.19", 443, OutcomeKind::Certificate, 50),
        run("10.0.0.20", "10.0.0.20", 443, OutcomeKind::Filtered, 10),
        run("10.0.0.30", "10.0.0.30", 443, OutcomeKind::Unreachable, 99),
        run("10.0.0.40", "10.0.0.40", 443, OutcomeKind::Filtered, 100),
        run("10.0.0.50", "10.0.0.50", 22, OutcomeKind::Filtered, 50),
        run("10.0.0.60", "10.0.0.60", 22, OutcomeKind::NotAttempted, 50),
    ];
    let unresolved = |name: &str| NameLook {
        outcome: OutcomeKind::Unresolved,
        ..led(name, 443, 50)
    };
    ledger.names = vec![
        unresolved("no.corp"),
        unresolved("www.corp"),
        led("a.corp", 443, 50),
    ];
    store.scan(ledger).await;
    let period = Period {
        from: at(40),
        until: at(100),
    };
    let inventory = store.inventory().await;
    let dark = inventory.dark(&Zone::default(), period).await.unwrap();
    let expected = Dark {
        addresses: vec![
            (port(22), ip("10.0.0.50"), ip("10.0.0.50")),
            (port(443), ip("10.0.0.0"), ip("10.0.0.9")),
            (port(443), ip("10.0.0.30"), ip("10.0.0.30")),
        ],
        names: vec![("no.corp".parse().unwrap(), port(443))],
    };
    assert_eq!(dark, expected);
}

#[tokio::test]
async fn what_names_have_asked_without_one_is_known_after_the_server_knows_them() {
    let mut store = Store::new().await;
    let instead = Observation {
        left_out: Some(LeftOut::Declined("a.corp".parse().unwrap())),
        ..presenting("10.0.0.1", 443, &["default"], 10)
    };
    let alone = presenting("10.0.0.2", 443, &["alone"], 11);
    store.scan(batch(vec![instead, alone])).await;
    let answered = asking("a.corp", presenting("10.0.0.1", 443, &["a"], DAY));
    store.scan(batch(vec![answered])).await;
    let inventory = store.inventory().await;
    let zone = Zone::default();
    for (second, asked) in [
        (10, &[][..]),
        (DAY, &["- names"]),
        (2 * DAY, &["- names", "a.corp own"]),
    ] {
        let known = inventory.known_questions(&zone, at(second)).await.unwrap();
        let known: Vec<_> = known
            .iter()
            .map(|it| {
                let askers = match it.askers {
                    Askers::Own => "own",
                    Askers::Names => "names",
                };
                let name = it.server_name.as_ref().map_or("-", ServerName::as_str);
                format!("{name} {askers}")
            })
            .collect();
        assert_eq!(known, asked, "{second}");
    }
}
