use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// A key-exchange group's code point (IANA "TLS Supported Groups"); unknown
/// ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedGroup(pub u16);

/// A word that is no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key-exchange group")]
pub struct UnknownGroup(pub String);

static BY_NAME: LazyLock<HashMap<&'static str, NamedGroup>> = LazyLock::new(|| {
    let groups = (0..=u16::MAX).map(NamedGroup);
    let named = groups.filter_map(|group| Some((group.name()?, group)));
    named.collect()
});

impl NamedGroup {
    /// Whether it is a classical and a post-quantum exchange together
    /// (draft-ietf-tls-ecdhe-mlkem, and the drafts and trials before it).
    #[must_use]
    pub const fn is_hybrid(self) -> bool {
        matches!(self.0, 0x11eb..=0x11ee | 0x6399..=0x639a)
    }

    /// Its name in the registry; `None` for a code point that has none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0001 => "sect163k1",
            0x0002 => "sect163r1",
            0x0003 => "sect163r2",
            0x0004 => "sect193r1",
            0x0005 => "sect193r2",
            0x0006 => "sect233k1",
            0x0007 => "sect233r1",
            0x0008 => "sect239k1",
            0x0009 => "sect283k1",
            0x000a => "sect283r1",
            0x000b => "sect409k1",
            0x000c => "sect409r1",
            0x000d => "sect571k1",
            0x000e => "sect571r1",
            0x000f => "secp160k1",
            0x0010 => "secp160r1",
            0x0011 => "secp160r2",
            0x0012 => "secp192k1",
            0x0013 => "secp192r1",
            0x0014 => "secp224k1",
            0x0015 => "secp224r1",
            0x0016 => "secp256k1",
            0x0017 => "secp256r1",
            0x0018 => "secp384r1",
            0x0019 => "secp521r1",
            0x001a => "brainpoolP256r1",
            0x001b => "brainpoolP384r1",
            0x001c => "brainpoolP512r1",
            0x001d => "x25519",
            0x001e => "x448",
            0x001f => "brainpoolP256r1tls13",
            0x0020 => "brainpoolP384r1tls13",
            0x0021 => "brainpoolP512r1tls13",
            0x0022 => "GC256A",
            0x0023 => "GC256B",
            0x0024 => "GC256C",
            0x0025 => "GC256D",
            0x0026 => "GC512A",
            0x0027 => "GC512B",
            0x0028 => "GC512C",
            0x0029 => "curveSM2",
            0x0100 => "ffdhe2048",
            0x0101 => "ffdhe3072",
            0x0102 => "ffdhe4096",
            0x0103 => "ffdhe6144",
            0x0104 => "ffdhe8192",
            0x0200 => "MLKEM512",
            0x0201 => "MLKEM768",
            0x0202 => "MLKEM1024",
            0x11eb => "SecP256r1MLKEM768",
            0x11ec => "X25519MLKEM768",
            0x11ed => "SecP384r1MLKEM1024",
            0x11ee => "curveSM2MLKEM768",
            0x6399 => "X25519Kyber768Draft00",
            0x639a => "SecP256r1Kyber768Draft00",
            0xff01 => "arbitrary_explicit_prime_curves",
            0xff02 => "arbitrary_explicit_char2_curves",
            _ => return None,
        })
    }
}

impl fmt::Display for NamedGroup {
    /// Its IANA name, else its code point, `0x2a2a`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl FromStr for NamedGroup {
    type Err = UnknownGroup;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = || u16::from_str_radix(text.strip_prefix("0x")?, 16).ok();
        let named = BY_NAME.get(text).copied();
        let group = named.or_else(|| code().map(Self));
        group.ok_or_else(|| UnknownGroup(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_shows_its_name_and_an_unknown_one_its_code_point() {
        assert_eq!(NamedGroup(0x001d).to_string(), "x25519");
        assert_eq!(NamedGroup(0x0017).to_string(), "secp256r1");
        assert_eq!(NamedGroup(0x11ec).to_string(), "X25519MLKEM768");
        assert_eq!(NamedGroup(0x2a2a).to_string(), "0x2a2a");
    }

    #[test]
    fn a_group_reads_as_it_is_written() {
        for group in (0..=u16::MAX).map(NamedGroup) {
            assert_eq!(group.to_string().parse(), Ok(group));
        }
        assert!("x25520".parse::<NamedGroup>().is_err());
    }
}
