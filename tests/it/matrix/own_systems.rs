//! The systems that certsweep was made for first.

use super::family::{Family, OPENSSL, PYTHON, Program};
use crate::servers::{Authority, Key, Kmip, S3, SServer, SelfSigned};

const PYKMIP: Program = Program("PyKMIP");

#[test]
fn a_key_manager_an_object_store_and_a_private_authority() {
    let authority = Authority::new();
    let mut family = Family::new("Key manager, object store, private authority");

    let identity = authority.identity("kmip.sweep.test", Key::Rsa);
    let kmip = Kmip::start(&identity, authority.root());
    let chain = [identity.sha256.clone(), identity.issuer_sha256.clone()];
    let name = "KMIP on 5696, client certificate mandatory";
    family.shows(name, PYKMIP, kmip.address, &chain);
    family.keep(kmip);

    let appliance = SelfSigned::new("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let s3 = S3::start(&appliance);
    let name = "S3 endpoint, self-signed certificate";
    family.shows(
        name,
        PYTHON,
        s3.address,
        std::slice::from_ref(&appliance.sha256),
    );
    family.keep((s3, appliance));

    let identity = authority.identity("intranet.sweep.test", Key::Ecdsa);
    let issuers = authority.intermediate().to_str().unwrap();
    let https = SServer::start(&identity, &["-www", "-cert_chain", issuers]);
    let chain = [identity.sha256.clone(), identity.issuer_sha256.clone()];
    let name = "HTTPS, chain that leads to a private root";
    family.shows(name, OPENSSL, https.address, &chain);
    family.keep(https);
    family.check();
}
