#![no_main]
//! Any bytes after the hello of TLS 1.3, which rustls reads.

use std::sync::LazyLock;

use certsweep::tls::Client;
use certsweep_fuzz::ending;
use libfuzzer_sys::fuzz_target;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

fuzz_target!(|bytes: &[u8]| {
    ending(&CLIENT, "tls1.3", bytes, usize::MAX);
    ending(&CLIENT, "tls1.3", bytes, 5);
});
