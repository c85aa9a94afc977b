//! Servers up to TLS 1.2 that agree to a single cipher suite.

use super::family::{Family, JSSE, OPENSSL};
use crate::servers::{Authority, Jsse, Key, SServer, SelfSigned};

#[test]
fn one_cipher_suite_alone() {
    let authority = Authority::new();
    let rsa = authority.identity("suite.sweep.test", Key::Rsa);
    let ecdsa = authority.identity("suite.sweep.test", Key::Ecdsa);
    let dss = SelfSigned::fixture("dsa-2048.pem");
    let mut family = Family::new("One cipher suite alone");
    let files = |identity: &crate::servers::Identity| {
        (
            identity.certificate.clone(),
            identity.key.clone(),
            identity.sha256.clone(),
        )
    };
    let rsa_files = files(&rsa);
    let ecdsa_files = files(&ecdsa);
    let dss_files = (dss.certificate.clone(), dss.key.clone(), dss.sha256.clone());
    for (suite, (certificate, key, sha256)) in [
        ("DHE-RSA-AES128-SHA", &rsa_files),
        ("DHE-RSA-AES256-SHA256", &rsa_files),
        ("DHE-RSA-CAMELLIA128-SHA", &rsa_files),
        ("DHE-DSS-AES128-SHA", &dss_files),
        ("DHE-DSS-AES256-GCM-SHA384", &dss_files),
        ("AES128-SHA", &rsa_files),
        ("AES256-GCM-SHA384", &rsa_files),
        ("CAMELLIA256-SHA", &rsa_files),
        ("ECDHE-ECDSA-AES128-CCM8", &ecdsa_files),
        ("ECDHE-ECDSA-AES256-CCM", &ecdsa_files),
        ("ECDHE-RSA-AES128-SHA", &rsa_files),
        ("ECDHE-RSA-CHACHA20-POLY1305", &rsa_files),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", &ecdsa_files),
        ("DHE-RSA-CHACHA20-POLY1305", &rsa_files),
        ("ECDHE-ARIA256-GCM-SHA384", &rsa_files),
        ("NULL-SHA256", &rsa_files),
    ] {
        let cipher = format!("{suite}:@SECLEVEL=0");
        let options = ["-tls1_2", "-cipher", &cipher];
        let server = SServer::showing(certificate, key, &options);
        family.shows(suite, OPENSSL, server.address, std::slice::from_ref(sha256));
        family.keep(server);
    }

    let kinds = [
        "TLSv1.2/SSL_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLSv1.2/TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLSv1.2/SSL_RSA_WITH_RC4_128_SHA",
        "TLSv1/SSL_RSA_WITH_RC4_128_MD5",
        "SSLv3/SSL_RSA_WITH_RC4_128_MD5",
        "TLSv1.1/SSL_RSA_WITH_DES_CBC_SHA",
        "TLSv1/SSL_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLSv1/SSL_RSA_EXPORT_WITH_DES40_CBC_SHA",
        "TLSv1/SSL_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
        "SSLv3/SSL_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLSv1/SSL_RSA_WITH_NULL_MD5",
    ];
    let jsse = Jsse::start(&rsa.key_store("changeit"), "changeit", &kinds);
    let chain = [rsa.sha256.clone(), rsa.issuer_sha256.clone()];
    for (kind, address) in kinds.iter().zip(&jsse.addresses) {
        let suite = kind.replace('/', ": ");
        family.shows(suite, JSSE, *address, &chain);
    }
    family.keep(jsse);
    family.keep(dss);
    family.check();
}
