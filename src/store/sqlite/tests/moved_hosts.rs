//! Hosts with more than one question that are at another address now.

use super::moves::{DAY, hosts, steps};
use super::*;

/// What is shown at an address and port to those who give this name (or none):
/// a certificate, or why there is none.
type Shown<'a> = (&'a str, u16, &'a str, &'a str);

/// Where a name leads.
type Leads<'a> = &'a [(&'a str, &'a str)];

const OLD: &str = "10.0.0.1";
const NEW: &str = "10.0.0.2";
const OTHER: &str = "10.0.0.3";

/// What a scan of a network and of targets that are names tells. Names are
/// looked up before anything is asked.
fn seen(day: i64, shown: &[Shown<'_>], leads: Leads<'_>) -> Batch {
    let looks = (1..).zip(shown).map(|(second, shown)| {
        let (address, number, name, what) = *shown;
        let second = day * DAY + second;
        let look = match what {
            "refused" => looking(address, number, Outcome::Refused, second),
            "denied" => looking(address, number, refused(), second),
            "silent" => looking(address, number, Outcome::Silent(Phase::Hello), second),
            certificate => presenting(address, number, &[certificate], second),
        };
        if name.is_empty() {
            look
        } else {
            asking(name, look)
        }
    });
    let mut found = batch(looks.collect());
    for (name, address) in leads {
        found.names.push(led(name, 443, day * DAY));
        found.leads.push(lead(name, address, 443));
    }
    found
}

/// What complete scans, a day from one to the next, tell at the last of them.
async fn told(days: &[(&[Shown<'_>], Leads<'_>)]) -> Vec<String> {
    let mut store = Store::new().await;
    for (day, (shown, leads)) in (0..).zip(days) {
        store.scan(seen(day, shown, leads)).await;
    }
    let last = format!("{} ", days.len());
    let mut told = store.events().await;
    told.retain(|event| event.starts_with(&last));
    told
}

/// The answers at one port, without a name and with each of these.
fn everywhere<'a>(at: &'a str, what: &'a str, names: &[&'a str]) -> Vec<Shown<'a>> {
    let names = [""].iter().chain(names);
    names.map(|name| (at, 443, *name, what)).collect()
}

const NAME: &str = "www.example";
const AT_OLD: Leads<'_> = &[(NAME, OLD)];
const AT_NEW: Leads<'_> = &[(NAME, NEW)];

#[tokio::test]
async fn a_host_that_moves_with_its_name_has_moved_for_both() {
    for gone in ["refused", "denied"] {
        let before = everywhere(OLD, "a", &[NAME]);
        let mut after = everywhere(OLD, gone, &[NAME]);
        after.extend(everywhere(NEW, "a", &[NAME]));
        let mut store = Store::new().await;
        store.scan(seen(0, &before, AT_OLD)).await;
        store.scan(seen(1, &after, AT_NEW)).await;
        assert_eq!(
            store.events().await[2..],
            ["2 moved 10.0.0.2", "2 moved www.example"],
            "{gone}"
        );
        let events = store.event_rows(&Filter::default()).await;
        assert!(events.iter().all(|event| event.previous.is_none()));
        let open = store.installations(&Filter::default()).await;
        assert!(open.iter().all(|row| row.ip == Some(ip(NEW))), "{open:?}");
    }
}

#[tokio::test]
async fn a_host_moves_with_all_the_names_it_is_asked_for() {
    let names = ["www.example", "mail.example", "wiki.example"];
    let before = everywhere(OLD, "a", &names);
    let mut after = everywhere(OLD, "refused", &names);
    after.extend(everywhere(NEW, "a", &names));
    assert_eq!(
        told(&[(&before, &[]), (&after, &[])]).await,
        [
            "2 moved 10.0.0.2",
            "2 moved mail.example",
            "2 moved wiki.example",
            "2 moved www.example"
        ]
    );
}

#[tokio::test]
async fn a_host_moves_with_all_its_ports() {
    let ports = |at, what| [(at, 443, "", what), (at, 8443, "", what)];
    let mut after = ports(OLD, "refused").to_vec();
    after.extend(ports(NEW, "a"));
    let mut store = Store::new().await;
    store.scan(seen(0, &ports(OLD, "a"), &[])).await;
    store.scan(seen(1, &after, &[])).await;
    assert_eq!(
        store.events().await[2..],
        ["2 moved 10.0.0.2", "2 moved 10.0.0.2"]
    );
    let rows = store.event_rows(&Filter::default()).await;
    let moved = rows.iter().filter(|row| row.moved_from.is_some());
    let ports: Vec<_> = moved.map(|row| row.port.number()).collect();
    assert_eq!(ports, [443, 8443]);
}

/// Another host may have taken over for a night, with a certificate of its own.
#[tokio::test]
async fn a_name_that_moves_to_another_certificate_takes_nothing_else_along() {
    let before = everywhere(OLD, "a", &[NAME]);
    let mut after = everywhere(OLD, "refused", &[NAME]);
    after.extend(everywhere(NEW, "b", &[NAME]));
    assert_eq!(
        told(&[(&before, AT_OLD), (&after, AT_NEW)]).await,
        [
            "2 new 10.0.0.2",
            "2 moved www.example",
            "2 missing 10.0.0.1"
        ]
    );
}

#[tokio::test]
async fn nothing_has_moved_from_where_the_scan_did_not_look() {
    let before = everywhere(OLD, "a", &[]);
    let down = everywhere(OLD, "refused", &[]);
    let elsewhere = everywhere(NEW, "a", &[]);
    let both = [&down[..], &elsewhere].concat();
    let last = async |after| told(&[(&before, &[]), (&down, &[]), (after, &[])]).await;
    assert_eq!(last(&elsewhere).await, ["3 new 10.0.0.2"]);
    assert_eq!(last(&both).await, ["3 moved 10.0.0.2"]);
    let silent = [(OLD, 443, "", "silent")];
    let silent = [&silent[..], &elsewhere].concat();
    assert_eq!(last(&silent).await, ["3 moved 10.0.0.2"]);
}

#[tokio::test]
async fn a_name_has_not_moved_from_where_it_leads_still() {
    let before = [(OLD, 443, NAME, "a")];
    let after = [(OLD, 443, NAME, "refused"), (NEW, 443, NAME, "a")];
    let to_both = &[(NAME, OLD), (NAME, NEW)];
    assert_eq!(
        told(&[(&before, AT_OLD), (&after, to_both)]).await,
        ["2 new www.example", "2 missing www.example"]
    );
}

#[tokio::test]
async fn a_name_has_moved_from_where_nothing_answers_it() {
    let before = everywhere(OLD, "a", &[NAME]);
    let mut after = everywhere(OLD, "silent", &[NAME]);
    after.extend(everywhere(NEW, "a", &[NAME]));
    assert_eq!(
        told(&[(&before, AT_OLD), (&after, AT_NEW)]).await,
        ["2 new 10.0.0.2", "2 moved www.example"],
        "it takes more than that for a certificate to be missing"
    );
}

#[tokio::test]
async fn nothing_has_moved_from_where_it_is_still_shown() {
    let before = everywhere(OLD, "a", &[NAME]);
    let new = everywhere(NEW, "a", &[NAME]);
    for old in [["a", "a"], ["a", "silent"], ["silent", "a"]] {
        let mut after = vec![(OLD, 443, "", old[0]), (OLD, 443, NAME, old[1])];
        after.extend(&new);
        assert_eq!(
            told(&[(&before, AT_OLD), (&after, AT_NEW)]).await,
            ["2 new 10.0.0.2", "2 new www.example"],
            "{old:?}"
        );
    }
    // Nor from a host that shows it at another port.
    let before = [(OLD, 443, "", "a"), (OLD, 8443, "", "a")];
    let after = [
        (OLD, 443, "", "refused"),
        (OLD, 8443, "", "a"),
        (NEW, 443, "", "a"),
        (NEW, 8443, "", "a"),
    ];
    assert_eq!(
        told(&[(&before, &[]), (&after, &[])]).await,
        ["2 new 10.0.0.2", "2 new 10.0.0.2", "2 missing 10.0.0.1"]
    );
}

#[tokio::test]
async fn nothing_has_moved_to_a_host_that_had_it_before() {
    // The name leads to the other of two, the first is down.
    let mut before = everywhere(OLD, "a", &[NAME]);
    before.extend(everywhere(NEW, "a", &[]));
    let mut after = everywhere(OLD, "refused", &[NAME]);
    after.extend(everywhere(NEW, "a", &[NAME]));
    for leads in [AT_NEW, &[]] {
        assert_eq!(
            told(&[(&before, AT_OLD), (&after, leads)]).await,
            [
                "2 new www.example",
                "2 missing 10.0.0.1",
                "2 missing www.example"
            ]
        );
    }
    // It opens a port that the first one had.
    let before = [
        (OLD, 443, "", "a"),
        (OLD, 8443, "", "a"),
        (NEW, 443, "", "a"),
    ];
    let after = [
        (OLD, 443, "", "refused"),
        (OLD, 8443, "", "refused"),
        (NEW, 443, "", "a"),
        (NEW, 8443, "", "a"),
    ];
    assert_eq!(
        told(&[(&before, &[]), (&after, &[])]).await,
        ["2 new 10.0.0.2", "2 missing 10.0.0.1", "2 missing 10.0.0.1"]
    );
}

#[tokio::test]
async fn a_certificate_that_is_new_at_several_hosts_has_moved_to_none() {
    let before = everywhere(OLD, "a", &["www.example", "mail.example"]);
    let mut after = everywhere(OLD, "refused", &["www.example", "mail.example"]);
    after.extend(everywhere(NEW, "a", &["www.example"]));
    after.extend(everywhere(OTHER, "a", &["mail.example"]));
    let told = told(&[(&before, &[]), (&after, &[])]).await;
    assert!(
        told.iter().all(|event| !event.contains("moved")),
        "{told:?}"
    );
}

#[tokio::test]
async fn one_of_ten_hosts_is_down_and_an_eleventh_new() {
    let ten: Vec<_> = hosts(11).skip(1).collect();
    let shown = |hosts: &[String]| -> Vec<_> {
        let shown = hosts.iter().map(|host| presenting(host, 443, &["w"], 0));
        let named = shown.clone().map(|look| asking(NAME, look));
        shown.chain(named).collect()
    };
    let mut store = Store::new().await;
    store.scan(batch(shown(&ten))).await;
    let before = store.events().await.len();
    let mut after = everywhere(OLD, "refused", &[NAME]);
    for host in &ten[1..] {
        after.extend(everywhere(host, "w", &[NAME]));
    }
    after.extend(everywhere("10.0.0.11", "w", &[NAME]));
    store.scan(seen(1, &after, &[])).await;
    assert_eq!(
        store.events().await[before..],
        [
            "2 new 10.0.0.11",
            "2 new www.example",
            "2 missing 10.0.0.1",
            "2 missing www.example"
        ]
    );
}

#[tokio::test]
async fn all_that_moved_to_a_host_comes_from_one() {
    let mut before = everywhere(OLD, "a", &[NAME]);
    before.extend(everywhere(OTHER, "a", &[NAME]));
    // Asked in turns: which was asked last is another one for each question.
    let mut after = vec![
        (OLD, 443, "", "refused"),
        (OTHER, 443, "", "refused"),
        (OTHER, 443, NAME, "refused"),
        (OLD, 443, NAME, "refused"),
    ];
    after.extend(everywhere(NEW, "a", &[NAME]));
    let mut store = Store::new().await;
    store.scan(seen(0, &before, &[])).await;
    store.scan(seen(1, &after, &[])).await;
    let events = store.event_rows(&Filter::default()).await;
    let moved: Vec<_> = events.iter().filter_map(|row| row.moved_from).collect();
    assert_eq!(moved, [ip(OLD); 2]);
    assert_eq!(
        store.events().await[4..],
        [
            "2 moved 10.0.0.2",
            "2 moved www.example",
            "2 missing 10.0.0.3",
            "2 missing www.example"
        ]
    );
}

/// A scan that is killed after `earlier`, and gone on with for `later`, with
/// `between` in its middle.
async fn in_two_parts(store: &mut Store, earlier: Batch, between: Option<Batch>, later: Batch) {
    let scan = store.begin().await;
    store.sink.write(scan, &earlier).await.unwrap();
    let end = ended(ScanState::Stopped);
    store.sink.finish(scan, end).await.unwrap();
    if let Some(between) = between {
        store.scan(between).await;
    }
    store.sink.resume(scan, new_scan()).await.unwrap();
    store.sink.write(scan, &later).await.unwrap();
    store.finish(scan).await;
}

#[tokio::test]
async fn what_the_later_part_of_a_scan_shows_again_has_not_moved() {
    let mut down = everywhere(OLD, "refused", &[NAME]);
    down.extend(everywhere(NEW, "a", &[NAME]));
    for back in [&["", NAME][..], &[""], &[NAME]] {
        let mut store = Store::new().await;
        let before = everywhere(OLD, "a", &[NAME]);
        store.scan(seen(0, &before, AT_OLD)).await;
        let back: Vec<_> = back.iter().map(|name| (OLD, 443, *name, "a")).collect();
        let later = seen(2, &back, &[]);
        in_two_parts(&mut store, seen(1, &down, AT_NEW), None, later).await;
        let told = store.events().await;
        assert!(
            told.iter().all(|event| !event.contains("moved")),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_host_has_moved_in_the_later_part_of_a_scan_since_a_scan_in_between() {
    let at_old = everywhere(OLD, "a", &[NAME]);
    let mut at_new = everywhere(OLD, "refused", &[NAME]);
    at_new.extend(everywhere(NEW, "a", &[NAME]));
    let mut store = Store::new().await;
    store.scan(seen(0, &at_old, AT_OLD)).await;
    let between = seen(1, &at_old, AT_OLD);
    let later = seen(2, &at_new, AT_NEW);
    in_two_parts(&mut store, Batch::default(), Some(between), later).await;
    assert_eq!(
        store.events().await[2..],
        ["2 moved 10.0.0.2", "2 moved www.example"]
    );
}

#[tokio::test]
async fn a_host_has_not_moved_in_the_earlier_part_of_a_scan_before_a_scan_in_between() {
    let at_old = everywhere(OLD, "a", &[NAME]);
    let down = everywhere(OLD, "refused", &[NAME]);
    let mut earlier = down.clone();
    earlier.extend(everywhere(NEW, "b", &[NAME]));
    // What is down in the later part is where the name led last.
    for later in [&[][..], &down] {
        let mut store = Store::new().await;
        store.scan(seen(0, &at_old, AT_OLD)).await;
        let mut between = seen(2, &at_old, AT_OLD);
        between.names.clear();
        let earlier = seen(1, &earlier, AT_NEW);
        in_two_parts(&mut store, earlier, Some(between), seen(3, later, &[])).await;
        let told = store.events().await;
        assert!(
            told.iter().all(|event| !event.contains("moved")),
            "{told:?}"
        );
    }
}

async fn count_moved(store: &Store) -> usize {
    let counted = "select count(*) from installations where began = 'moved'";
    let counted = sqlx::query_scalar::<_, i64>(counted);
    let moved = counted.fetch_one(&mut store.raw().await).await.unwrap();
    usize::try_from(moved).unwrap()
}

#[tokio::test]
async fn hosts_that_move_are_not_compared_with_each_other() {
    let mut taken = Vec::new();
    for count in [100, 400] {
        let mut store = Store::new().await;
        let ports = |host: &str, certificate: &str| {
            [443, 8443].map(|number| presenting(host, number, &[certificate], 0))
        };
        let old = hosts(count).flat_map(|host| ports(&host, &format!("of {host}")));
        store.scan(batch(old.collect())).await;
        let looks = hosts(count).flat_map(|host| {
            let new = host.replace("10.0.", "10.1.");
            let down = [443, 8443].map(|number| looking(&host, number, Outcome::Refused, DAY));
            let up = ports(&new, &format!("of {host}"));
            down.into_iter().chain(up)
        });
        let scan = store.begin().await;
        store
            .sink
            .write(scan, &batch(looks.collect()))
            .await
            .unwrap();
        taken.push(steps(&store, scan).await);
        assert_eq!(count_moved(&store).await, 2 * usize::from(count));
    }
    assert!(taken[1] < taken[0] * 6, "of four times as many: {taken:?}");
}

#[tokio::test]
async fn the_names_of_a_host_that_moves_are_not_compared_with_each_other() {
    for is_led in [false, true] {
        let mut taken = Vec::new();
        for count in [100, 400] {
            let names: Vec<_> = (0..count).map(|it| format!("n{it}.example")).collect();
            let asked: Vec<_> = names.iter().map(String::as_str).collect();
            let to = |at| -> Vec<_> {
                let leads = asked.iter().filter(|_| is_led);
                leads.map(|name| (*name, at)).collect()
            };
            let mut store = Store::new().await;
            let before = everywhere(OLD, "a", &asked);
            store.scan(seen(0, &before, &to(OLD))).await;
            let mut after = everywhere(OLD, "refused", &asked);
            let there = if is_led { "b" } else { "a" };
            after.extend(everywhere(NEW, there, &asked));
            let scan = store.begin().await;
            let found = seen(1, &after, &to(NEW));
            store.sink.write(scan, &found).await.unwrap();
            taken.push(steps(&store, scan).await);
            // What is renewed moves by its name alone.
            let nameless = usize::from(!is_led);
            assert_eq!(count_moved(&store).await, count + nameless);
        }
        assert!(taken[1] < taken[0] * 6, "of four times as many: {taken:?}");
    }
}
