use crate::domain::{CipherSuite, KeyExchange};

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
    Certificate,
    /// Anonymous, pre-shared key, password or Kerberos.
    Other,
}

impl Traits {
    /// A suite that nobody registered is taken to show a certificate, so that
    /// what follows is read.
    pub(super) fn of(suite: CipherSuite) -> Self {
        use Agreement::{Dhe, Ecdhe, Fixed, Unknown};
        use Authentication::{Certificate, Other};

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
            "RSA" | "RSA_PSK" => (Fixed(KeyExchange::Rsa), Certificate),
            "DH_RSA" | "DH_DSS" | "ECDH_RSA" | "ECDH_ECDSA" => {
                (Fixed(KeyExchange::StaticDh), Certificate)
            }
            "DHE_RSA" | "DHE_DSS" => (Dhe, Certificate),
            "ECDHE_RSA" | "ECDHE_ECDSA" => (Ecdhe, Certificate),
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

    fn traits(code_point: u16) -> (Agreement, Authentication) {
        let traits = Traits::of(CipherSuite(code_point));
        (traits.agreement, traits.authentication)
    }

    #[test]
    fn the_name_of_a_suite_tells_its_key_exchange() {
        use Authentication::Certificate;
        let rsa = Agreement::Fixed(KeyExchange::Rsa);
        assert_eq!(traits(0x002f), (rsa, Certificate));
        assert_eq!(traits(0x0003), (rsa, Certificate), "export");
        assert_eq!(traits(0x0062), (rsa, Certificate), "56-bit export");
        assert_eq!(traits(0x0033), (Agreement::Dhe, Certificate));
        assert_eq!(traits(0x0011), (Agreement::Dhe, Certificate), "export");
        assert_eq!(traits(0xc02f), (Agreement::Ecdhe, Certificate));
        let fixed = Agreement::Fixed(KeyExchange::StaticDh);
        assert_eq!(traits(0xc004), (fixed, Certificate));
    }

    #[test]
    fn a_suite_without_a_certificate_is_known() {
        for anonymous in [
            0x0034, 0x0017, 0xc019, 0x008c, 0xd001, 0xc01d, 0x001e, 0xc0aa,
        ] {
            let name = CipherSuite(anonymous).name();
            assert_eq!(traits(anonymous).1, Authentication::Other, "{name:?}");
        }
        assert_eq!(traits(0x00ac).1, Authentication::Certificate, "RSA_PSK");
        assert_eq!(traits(0xc01e).1, Authentication::Certificate, "SRP_SHA_RSA");
        assert_eq!(traits(0x0a0a).1, Authentication::Certificate, "unknown");
    }
}
