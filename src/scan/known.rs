//! Chains → what is read in them, each read once in a scan.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::domain::{Chain, Der, Fingerprint};
use crate::x509::{self, Certificate};

/// What a scan has read: a chain on many hosts is told by its bytes alone, and
/// one authority above many leaves is read once. When full, it starts anew.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By their traces: of those with the same, the latest.
    chains: HashMap<u64, Read>,
    certificates: HashMap<Fingerprint, Arc<Certificate>>,
    bytes: usize,
}

/// A chain that was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// The same bytes, kept once.
    pub(super) chain: Chain,
    /// What they say, leaf first.
    pub(super) certificates: Arc<[Arc<Certificate>]>,
}

/// Bytes of certificates and chains that are kept; what is read in them takes
/// about as much again.
const MOST_BYTES: usize = 32 << 20;

impl Known {
    /// A chain, read; certificates that nobody read before are told to `new`.
    pub(super) fn read(&mut self, chain: &Chain, mut new: impl FnMut(&Certificate)) -> Read {
        let trace = trace(chain);
        if let Some(read) = self.chains.get(&trace)
            && read.chain == *chain
        {
            return read.clone();
        }
        if self.bytes > MOST_BYTES {
            *self = Self::default();
        }
        let certificates = chain.iter().map(|der| self.certificate(der, &mut new));
        let certificates: Arc<[Arc<Certificate>]> = certificates.collect();
        self.bytes += size_of::<Read>() + size_of_val(&*certificates);
        let ders = certificates.iter().map(|it| it.der.clone()).collect();
        let read = Read {
            chain: Chain::from_wire(ders).unwrap_or_else(|| chain.clone()),
            certificates,
        };
        self.chains.insert(trace, read.clone());
        read
    }

    fn certificate(&mut self, der: &Der, new: &mut impl FnMut(&Certificate)) -> Arc<Certificate> {
        let fingerprint = der.fingerprint();
        if let Some(certificate) = self.certificates.get(&fingerprint) {
            return Arc::clone(certificate);
        }
        let certificate = Arc::new(x509::parse(der));
        new(&certificate);
        self.bytes += der.as_bytes().len();
        self.certificates
            .insert(fingerprint, Arc::clone(&certificate));
        certificate
    }
}

/// What tells most chains apart without a look at all of their bytes: the
/// length and the last bytes of each certificate, which are its signature.
fn trace(chain: &Chain) -> u64 {
    let mut hasher = DefaultHasher::new();
    for der in chain.iter() {
        let bytes = der.as_bytes();
        bytes.len().hash(&mut hasher);
        bytes.last_chunk::<32>().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(members: &[&[u8]]) -> Chain {
        Chain::from_wire(members.iter().map(|bytes| Der::from(*bytes)).collect()).unwrap()
    }

    /// The members of a chain, and how many of them nobody had read before.
    fn read(known: &mut Known, chain: &Chain) -> (Vec<Fingerprint>, usize) {
        let mut new = 0;
        let read = known.read(chain, |_| new += 1);
        assert_eq!(read.chain, *chain);
        let members = read.certificates.iter().map(|it| it.fingerprint);
        (members.collect(), new)
    }

    #[test]
    fn a_certificate_is_read_once_in_whatever_chains_it_comes() {
        let mut known = Known::default();
        let (one, other) = (chain(&[b"a", b"ca"]), chain(&[b"b", b"ca"]));
        assert_eq!(read(&mut known, &one).1, 2);
        assert_eq!(read(&mut known, &one.clone()).1, 0);
        assert_eq!(read(&mut known, &other).1, 1);
        assert_eq!(read(&mut known, &chain(&[b"ca", b"a"])).1, 0);
    }

    #[test]
    fn chains_with_the_same_trace_are_not_taken_for_each_other() {
        let mut known = Known::default();
        let signed = |first: u8| [&[first][..], &[7; 32]].concat();
        let (one, other) = (chain(&[&signed(1)]), chain(&[&signed(2)]));
        assert_eq!(trace(&one), trace(&other));
        for chain in [&one, &other, &one] {
            let (members, _) = read(&mut known, chain);
            assert_eq!(members, [chain.leaf().fingerprint()]);
        }
    }

    #[test]
    fn the_bytes_of_a_chain_are_kept_once() {
        let mut known = Known::default();
        let first = known.read(&chain(&[b"a", b"ca"]), |_| {}).chain;
        let again = known.read(&chain(&[b"a", b"ca"]), |_| {}).chain;
        let place = |chain: &Chain| chain.leaf().as_bytes().as_ptr();
        assert_eq!(place(&first), place(&again));
    }
}
