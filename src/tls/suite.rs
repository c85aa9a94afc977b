use crate::domain::{CipherSuite, KeyExchange, KeyType};

/// What a cipher suite before TLS 1.3 says of the handshake, which is all in
/// its registered name: `TLS_<key exchange>_WITH_<cipher>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// How the key is agreed on.
    pub(super) agreement: Agreement,
    /// Whether the server shows a certificate.
    pub(super) authentication: Authentication,
}

/// How a suite agrees on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// The suite alone tells.
    Fixed(KeyExchange),
    /// ServerKeyExchange brings a prime (RFC 5246 section 7.4.3).
    Dhe,
    /// ServerKeyExchange brings a curve (RFC 8422 section 5.4).
    Ecdhe,
    /// A key exchange without a certificate, or one we can't name.
    Unknown,
}

/// Whether a suite has the server show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authentication {
    /// One for a key of this type.
    Key(KeyType),
    /// One for a key that is of no type we ask for, or can't tell.
    Certificate,
    /// Anonymous, pre-shared key, password or Kerberos.
    Other,
}

impl Traits {
    /// A suite that nobody registered is taken to show a certificate, so that
    /// what follows is read.
    pub(super) fn of(suite: CipherSuite) -> Self {
        use Agreement::{Dhe, Ecdhe, Fixed, Unknown};
        use Authentication::{Certificate, Key, Other};
        use KeyType::{Dsa, Ecdsa, Rsa};

        let method = suite
            .name()
            .and_then(|name| name.strip_prefix("TLS_"))
            .and_then(|name| name.split_once("_WITH_"))
            .map_or("", |(method, _)| method);
        let method = method
            .strip_suffix("_EXPORT")
            .or_else(|| method.strip_suffix("_EXPORT1024"))
            .unwrap_or(method);
        let (agreement, authentication) = match method {
            "RSA" | "RSA_PSK" => (Fixed(KeyExchange::Rsa), Key(Rsa)),
            // A certificate for a Diffie-Hellman key.
            "DH_RSA" | "DH_DSS" => (Fixed(KeyExchange::StaticDh), Certificate),
            // Both hold a key of ECDSA's kind (RFC 4492 section 2.1, 2.3).
            "ECDH_RSA" | "ECDH_ECDSA" => (Fixed(KeyExchange::StaticDh), Key(Ecdsa)),
            "DHE_RSA" => (Dhe, Key(Rsa)),
            "DHE_DSS" => (Dhe, Key(Dsa)),
            "ECDHE_RSA" => (Ecdhe, Key(Rsa)),
            "ECDHE_ECDSA" => (Ecdhe, Key(Ecdsa)),
            "SRP_SHA_RSA" => (Unknown, Key(Rsa)),
            "SRP_SHA_DSS" => (Unknown, Key(Dsa)),
            "NULL" | "DH_anon" | "ECDH_anon" | "PSK" | "PSK_DHE" | "DHE_PSK" | "ECDHE_PSK"
            | "KRB5" | "SRP_SHA" | "ECCPWD" => (Unknown, Other),
            _ => (Unknown, Certificate),
        };
        Self {
            agreement,
            authentication,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(code_point: u32) -> (Agreement, Authentication) {
        let traits = Traits::of(CipherSuite(code_point));
        (traits.agreement, traits.authentication)
    }

    #[test]
    fn the_name_of_a_suite_tells_its_key_exchange_and_the_key_it_certifies() {
        use Authentication::{Certificate, Key};
        let rsa = (Agreement::Fixed(KeyExchange::Rsa), Key(KeyType::Rsa));
        assert_eq!(traits(0x002f), rsa);
        assert_eq!(traits(0x0003), rsa, "export");
        assert_eq!(traits(0x0062), rsa, "56-bit export");
        assert_eq!(traits(0x0033), (Agreement::Dhe, Key(KeyType::Rsa)));
        assert_eq!(traits(0x0014), (Agreement::Dhe, Key(KeyType::Rsa)));
        assert_eq!(traits(0x0011), (Agreement::Dhe, Key(KeyType::Dsa)));
        assert_eq!(traits(0xc02f), (Agreement::Ecdhe, Key(KeyType::Rsa)));
        assert_eq!(traits(0xc0ae), (Agreement::Ecdhe, Key(KeyType::Ecdsa)));
        let fixed = Agreement::Fixed(KeyExchange::StaticDh);
        assert_eq!(traits(0xc004), (fixed, Key(KeyType::Ecdsa)));
        assert_eq!(traits(0xc00e), (fixed, Key(KeyType::Ecdsa)), "ECDH_RSA");
        assert_eq!(traits(0x0031), (fixed, Certificate), "DH_RSA");
    }

    #[test]
    fn a_suite_without_a_certificate_is_known() {
        for anonymous in [
            0x0034, 0x0017, 0xc019, 0x008c, 0xd001, 0xc01d, 0x001e, 0xc0aa,
        ] {
            let name = CipherSuite(anonymous).name();
            assert_eq!(traits(anonymous).1, Authentication::Other, "{name:?}");
        }
        for certified in [0x00ac, 0xc01e, 0xc01f, 0x0a0a, 0x0081] {
            let name = CipherSuite(certified).name();
            assert_ne!(traits(certified).1, Authentication::Other, "{name:?}");
        }
    }
}
