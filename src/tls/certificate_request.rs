use crate::domain::TlsVersion;

use super::codec::{Malformed, Reader};

/// Names kept of one CertificateRequest: the stores of browsers hold about 150
/// authorities.
const MAX_ISSUERS: usize = 512;
/// Bytes kept of them together: Windows sends 16 kB at most.
const MAX_ISSUER_BYTES: usize = 32 << 10;
/// An 8-bit length has no larger value.
const MAX_TYPES: usize = 0xff;
/// A 16-bit length has no larger value.
const MAX_U16: usize = 0xffff;

/// The authorities a CertificateRequest names (RFC 5246 section 7.4.4), as
/// sent, the first ones up to a limit. None where it does not read: that a
/// certificate was asked for is known without them.
pub(super) fn acceptable_issuers(version: TlsVersion, body: &[u8]) -> Vec<Vec<u8>> {
    distinguished_names(version, body).unwrap_or_default()
}

fn distinguished_names(version: TlsVersion, body: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut reader = Reader::new(body);
    let _certificate_types = reader.sub_u8(MAX_TYPES)?;
    if version >= TlsVersion::TLS_1_2 {
        let _signature_algorithms = reader.sub_u16(MAX_U16)?;
    }
    let list = reader.sub_u16(MAX_U16)?;
    reader.finish()?;
    let mut names = Vec::new();
    keep_names(list, &mut names)?;
    Ok(names)
}

/// Adds the names of a list, DER each behind its length, the first ones up to
/// a limit. Where the list does not read, those before are there.
pub(super) fn keep_names(mut list: Reader<'_>, names: &mut Vec<Vec<u8>>) -> Result<(), Malformed> {
    let mut bytes = 0;
    while !list.is_empty() {
        let name = list.sub_u16(MAX_U16)?.rest();
        bytes += name.len();
        if names.len() < MAX_ISSUERS && bytes <= MAX_ISSUER_BYTES {
            names.push(name.to_vec());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: TlsVersion = TlsVersion::TLS_1_1;
    const NEW: TlsVersion = TlsVersion::TLS_1_2;

    #[test]
    fn the_names_stand_behind_the_signature_algorithms_where_there_are_any() {
        let names = [b"one".to_vec(), b"another".to_vec()];
        let list = b"\x00\x0e\x00\x03one\x00\x07another";
        let old = [b"\x02\x01\x40", &list[..]].concat();
        let new = [b"\x02\x01\x40\x00\x02\x04\x01", &list[..]].concat();
        assert_eq!(acceptable_issuers(TlsVersion::SSL_3, &old), names);
        assert_eq!(acceptable_issuers(OLD, &old), names);
        assert_eq!(acceptable_issuers(NEW, &new), names);
        for (version, body) in [(NEW, &old), (OLD, &new)] {
            assert_eq!(acceptable_issuers(version, body), Vec::<Vec<u8>>::new());
        }
        for length in 0..new.len() {
            let cut_short = acceptable_issuers(NEW, &new[..length]);
            assert_eq!(cut_short, Vec::<Vec<u8>>::new(), "{length}");
        }
    }

    #[test]
    fn the_first_names_are_kept_up_to_the_limits() {
        let request = |name: &[u8], count: usize| {
            let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
            let entry = [&length(name.len()), name].concat();
            let list = entry.repeat(count);
            [&[1, 1], &length(list.len())[..], &list].concat()
        };
        let kept = |name: &[u8], count| acceptable_issuers(OLD, &request(name, count)).len();
        assert_eq!(kept(b"name", MAX_ISSUERS), MAX_ISSUERS);
        assert_eq!(kept(b"name", MAX_ISSUERS + 1), MAX_ISSUERS);
        assert_eq!(kept(&[7; 1024], 32), 32);
        assert_eq!(kept(&[7; 1024], 33), 32);
    }
}
