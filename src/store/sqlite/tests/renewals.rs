//! What renews what, where that happened and where it did not.

use super::dossiers::{dossiers, dossiers_by, facts, of};
use super::*;

/// A look at a host that finds what has the subject and the names of `old`.
pub(super) fn showing(address: &str, name: &str, day: i64) -> Batch {
    let mut seen = batch(vec![presenting(address, 443, &[name], day * 86_400)]);
    let own = facts(&mut seen, name);
    own.subject = named("old");
    own.alternative_names = vec!["old".to_owned(), "www.old".to_owned()];
    seen
}

#[tokio::test]
async fn a_renewal_is_told_where_it_happened_and_where_it_did_not() {
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|address| presenting(address, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    let mut renewed = showing(both[0], "newer", 1);
    let own = facts(&mut renewed, "newer");
    own.public_key.spki = Some(Fingerprint::of(b"key of old"));
    store.scan(renewed).await;

    let all = dossiers(&store).await;
    let straggler = of(&all, "old", "10.0.0.2");
    assert_eq!(straggler.successor, Some(hash_of("newer")));
    assert_eq!(straggler.same_key, [hash_of("newer")]);
    assert!(straggler.renewals.is_empty() && straggler.predecessor.is_none());
    let renewed = of(&all, "newer", "10.0.0.1");
    assert_eq!(renewed.predecessor, Some(hash_of("old")));
    assert_eq!(renewed.successor, None);
    assert_eq!(renewed.same_key, [hash_of("old")]);
    let [renewal] = renewed.renewals[..] else {
        panic!("{renewed:?}");
    };
    assert_eq!((renewal.seen, renewal.end), (at(86_400), at(86_400 * 3)));
}

#[tokio::test]
async fn a_renewal_stays_known_when_other_places_show_something_else() {
    const DAY: i64 = 86_400;
    let mut store = Store::new().await;
    let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    let old = hosts.map(|host| presenting(host, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    store.scan(showing(hosts[0], "newer", 1)).await;
    let reset = presenting(hosts[1], 443, &["factory's own"], 2 * DAY);
    store.scan(batch(vec![reset])).await;
    // A relative by its subject alone.
    let mut moved_in = batch(vec![presenting(hosts[2], 443, &["stranger"], 3 * DAY)]);
    facts(&mut moved_in, "stranger").subject = named("old");
    store.scan(moved_in).await;
    for known_at in [None, Some(at(4 * DAY))] {
        let filter = Filter {
            known_at,
            ..every_state()
        };
        let all = dossiers_by(&store, &filter).await;
        let straggler = of(&all, "old", hosts[3]);
        assert_eq!(straggler.successor, Some(hash_of("newer")), "{known_at:?}");
    }
}

#[tokio::test]
async fn what_was_renewed_several_times_has_the_one_in_use_for_a_successor() {
    const DAY: i64 = 86_400;
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|host| presenting(host, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    for (day, name) in (1..).zip(["newer", "even newer", "the newest of all"]) {
        store.scan(showing(both[0], name, day)).await;
    }
    for (known_at, successor) in [
        (Some(at(20)), None),
        (Some(at(DAY + 20)), Some("newer")),
        (Some(at(2 * DAY + 20)), Some("even newer")),
        (Some(at(3 * DAY + 20)), Some("the newest of all")),
        (None, Some("the newest of all")),
    ] {
        let filter = Filter {
            known_at,
            ..every_state()
        };
        let all = dossiers_by(&store, &filter).await;
        let straggler = of(&all, "old", both[1]);
        assert_eq!(straggler.successor, successor.map(hash_of), "{known_at:?}");
    }
    let all = dossiers(&store).await;
    let newest = "the newest of all";
    assert_eq!(of(&all, newest, both[0]).successor, None);
    let newer = of(&all, "newer", both[0]);
    assert_eq!(newer.successor, Some(hash_of(newest)));
}

#[tokio::test]
async fn a_renewal_of_another_name_on_the_way_leads_nowhere() {
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|host| presenting(host, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    store.scan(showing(both[0], "newer", 1)).await;
    let mut moved_in = showing(both[0], "the newest", 2);
    facts(&mut moved_in, "the newest").alternative_names = vec!["elsewhere".to_owned()];
    store.scan(moved_in).await;
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "old", both[1]).successor, None);
}

#[tokio::test]
async fn a_renewal_that_was_taken_back_is_no_successor() {
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|host| presenting(host, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    for day in 1..20 {
        store.scan(showing(both[0], "newer", day)).await;
    }
    // What comes back had the other's place for long: each follows the other.
    store.scan(showing(both[0], "old", 20)).await;
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "old", both[1]).successor, None);
    assert_eq!(of(&all, "newer", both[0]).successor, None);
}

#[tokio::test]
async fn a_renewal_counts_once_whatever_becomes_of_what_was_renewed() {
    const DAY: i64 = 86_400;
    let mut store = Store::new().await;
    let see = |chain: &[&str], day: i64| {
        let mut seen = batch(vec![presenting("10.0.0.1", 443, chain, day * DAY)]);
        if chain[0] == "newer" {
            let own = facts(&mut seen, "newer");
            own.subject = named("old");
            own.alternative_names = vec!["old".to_owned(), "www.old".to_owned()];
        }
        seen
    };
    store.scan(see(&["old"], 0)).await;
    store.scan(see(&["newer"], 1)).await;
    // Another chain, a while away, and back.
    store.scan(see(&["newer", "ca"], 2)).await;
    let closed = looking("10.0.0.1", 443, Outcome::Refused, 3 * DAY);
    store.scan(batch(vec![closed])).await;
    store.scan(see(&["newer", "ca"], 4)).await;
    let all = dossiers(&store).await;
    let renewed = of(&all, "newer", "10.0.0.1");
    let seen: Vec<_> = renewed.renewals.iter().map(|it| it.seen).collect();
    assert_eq!(seen, [at(DAY)]);
    assert_eq!(renewed.predecessor, Some(hash_of("old")));
    // What takes the place of a renewal renews nothing by it.
    store.scan(see(&["other"], 5)).await;
    let all = dossiers(&store).await;
    let other = of(&all, "other", "10.0.0.1");
    assert_eq!(other.row.previous, Some(hash_of("newer")));
    assert_eq!((other.renewals.len(), other.predecessor), (1, None));
}

#[tokio::test]
async fn a_renewal_may_write_names_in_other_case_and_usages_in_another_order() {
    let usages = |order: [&str; 2]| Some(order.map(str::to_owned).to_vec());
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|address| presenting(address, 443, &["old"], 10));
    let mut old = batch(old.to_vec());
    facts(&mut old, "old").key_usage = usages(["digitalSignature", "keyEncipherment"]);
    store.scan(old).await;
    let mut renewed = showing(both[0], "newer", 1);
    let own = facts(&mut renewed, "newer");
    own.alternative_names = vec!["OLD".to_owned(), "www.OLD".to_owned()];
    own.key_usage = usages(["keyEncipherment", "digitalSignature"]);
    store.scan(renewed).await;
    assert_eq!(store.events().await[2..], ["2 renewed 10.0.0.1"]);
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "newer", "10.0.0.1").renewals.len(), 1);
    let straggler = of(&all, "old", "10.0.0.2");
    assert_eq!(straggler.successor, Some(hash_of("newer")));
}

#[tokio::test]
async fn another_certificate_in_its_place_is_no_renewal() {
    let mut store = Store::new().await;
    let both = ["10.0.0.1", "10.0.0.2"];
    let old = both.map(|address| presenting(address, 443, &["old"], 10));
    store.scan(batch(old.to_vec())).await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["other"], 20)]))
        .await;
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "old", "10.0.0.2").successor, None);
    let other = of(&all, "other", "10.0.0.1");
    assert!(other.renewals.is_empty());
    assert_eq!(other.row.previous, Some(hash_of("old")));
    assert_eq!(other.predecessor, None);
}
