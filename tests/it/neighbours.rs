//! A network of the machine's own in which more hosts are than the system's
//! neighbour table holds: it forgets none of them in favour of another at once,
//! and a call to one that has no room in it just gets no answer.

use crate::program::Inventory;
use crate::servers::Network;

#[test]
fn every_host_of_a_crowded_network_is_found() {
    let network = Network::new();
    network.attach_to_a_crowd();
    let inventory = Inventory::in_namespace(&network.client);
    // 1,152 that are there, and 64 that are not.
    let words = "10.78.0.0-10.78.4.127:443 10.78.200.0-10.78.200.63:443 --retries 0 \
        --rate unlimited --rate-per-host unlimited --rate-per-network unlimited";
    let words: Vec<_> = words.split_whitespace().collect();
    let run = inventory.run("scan", &words).exits(0);
    let told = inventory.latest_outcomes();
    assert_eq!(told.get("refused"), Some(&1152), "{told:?}");
    assert!(run.stderr.contains("gc_thresh3"), "{run}");
}
