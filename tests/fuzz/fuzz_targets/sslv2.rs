#![no_main]
//! Any bytes after a hello in the framing of SSLv2.

use std::sync::LazyLock;

use certsweep::tls::Client;
use certsweep_fuzz::same_in_portions;
use libfuzzer_sys::fuzz_target;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

fuzz_target!(|bytes: &[u8]| {
    same_in_portions(&CLIENT, "ssl2", bytes);
    same_in_portions(&CLIENT, "tls1.0+ssl3+ssl2", bytes);
});
