#![no_main]
//! Any bytes after any hello in clear.

use std::sync::LazyLock;

use certsweep::tls::Client;
use certsweep_fuzz::same_in_portions;
use libfuzzer_sys::fuzz_target;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);
const SETS: [&str; 4] = ["tls1.2+tls1.1+tls1.0", "tls1.0", "tls1.0+ssl3", "ssl3"];

fuzz_target!(|input: (u8, &[u8])| {
    let (set, bytes) = input;
    let set = SETS[usize::from(set) % SETS.len()];
    same_in_portions(&CLIENT, set, bytes);
});
