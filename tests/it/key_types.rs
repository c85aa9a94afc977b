//! A server with certificates of two key types shows one of them to whoever
//! asks openly: what becomes of the other must be known all the same.

use crate::program::{Inventory, Row};
use crate::servers::{Authority, Key, SServer};

/// The state of the certificate of each key type, and the scan that last saw
/// it.
fn told(inventory: &Inventory) -> Vec<(String, String, String)> {
    let told = |row: Row| {
        let cell = |column: &str| row[column].clone();
        (cell("key_type"), cell("state"), cell("scan_id"))
    };
    let mut told: Vec<_> = inventory.installations().into_iter().map(told).collect();
    told.sort();
    told
}

fn line(key_type: &str, state: &str, scan: &str) -> (String, String, String) {
    (key_type.to_owned(), state.to_owned(), scan.to_owned())
}

#[test]
fn a_certificate_that_the_server_no_longer_prefers_is_looked_for_every_time() {
    let authority = Authority::new();
    let [rsa, ecdsa] = [Key::Rsa, Key::Ecdsa].map(|key| authority.identity("dual.sweep.test", key));
    let both = SServer::start(
        &ecdsa,
        &[
            "-dcert".as_ref(),
            rsa.certificate.as_os_str(),
            "-dkey".as_ref(),
            rsa.key.as_os_str(),
        ],
    );
    let place = both.address.to_string();
    let inventory = Inventory::new();
    inventory.sweep(&["--profile", "thorough", &place]);
    inventory.sweep(&[&place]);
    assert_eq!(
        told(&inventory),
        [line("ecdsa", "current", "2"), line("rsa", "current", "2")]
    );

    let _one = SServer::instead_of(both, &ecdsa);
    inventory.sweep(&[&place]);
    assert_eq!(
        told(&inventory),
        [line("ecdsa", "current", "3"), line("rsa", "missing", "2")]
    );
}
