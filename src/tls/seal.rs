//! A record under the server's handshake key → what is in it.

use std::fmt;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use rustls::crypto::tls13::{HkdfExpander, OkmBlock};
use rustls::{CipherSuite, Tls13CipherSuite};

use super::codec::{write_code_points, write_u8_prefixed};
use super::record::HEADER;

/// Opens the records of one connection, in order (RFC 8446 section 5.2).
pub(super) struct Seal {
    key: Key,
    iv: [u8; IV],
    opened: u64,
}

/// A record that does not open: not sealed with this key, or empty inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unopened;

enum Key {
    Authenticated(Box<LessSafeKey>),
    Counter { key: Box<DecryptingKey>, tag: usize },
}

const IV: usize = aead::NONCE_LEN;

impl Seal {
    /// The seal of the server's handshake traffic secret; `None` for a suite
    /// that we do not offer.
    pub(super) fn new(suite: &Tls13CipherSuite, secret: &[u8]) -> Option<Self> {
        let expander = suite.hkdf_provider.expander_for_okm(&OkmBlock::new(secret));
        let mut iv = [0; IV];
        expand_label(&*expander, b"iv", &mut iv)?;
        Some(Self {
            key: Key::new(suite.common.suite, &*expander)?,
            iv,
            opened: 0,
        })
    }

    /// The content type and the content of the next record.
    pub(super) fn open<'a>(
        &mut self,
        header: [u8; HEADER],
        sealed: &'a mut [u8],
    ) -> Result<(u8, &'a [u8]), Unopened> {
        let nonce = self.nonce();
        self.opened += 1;
        let inner = self.key.open(nonce, header, sealed).ok_or(Unopened)?;
        // Zeros may follow the content type (RFC 8446 section 5.4).
        let end = inner.iter().rposition(|byte| *byte != 0).ok_or(Unopened)?;
        let (content, kind) = inner.split_at(end);
        let kind = kind.first().ok_or(Unopened)?;
        Ok((*kind, content))
    }

    /// RFC 8446 section 5.3.
    fn nonce(&self) -> [u8; IV] {
        let mut nonce = self.iv;
        let sequence = self.opened.to_be_bytes();
        for (byte, sequence) in nonce.iter_mut().rev().zip(sequence.iter().rev()) {
            *byte ^= sequence;
        }
        nonce
    }
}

impl Key {
    fn new(suite: CipherSuite, expander: &dyn HkdfExpander) -> Option<Self> {
        let algorithm = match suite {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => &aead::AES_128_GCM,
            CipherSuite::TLS13_AES_256_GCM_SHA384 => &aead::AES_256_GCM,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => &aead::CHACHA20_POLY1305,
            CipherSuite::TLS13_AES_128_CCM_SHA256 => return Self::counter(expander, 16),
            CipherSuite::TLS13_AES_128_CCM_8_SHA256 => return Self::counter(expander, 8),
            _ => return None,
        };
        let mut key = vec![0; algorithm.key_len()];
        expand_label(expander, b"key", &mut key)?;
        let key = UnboundKey::new(algorithm, &key).ok()?;
        Some(Self::Authenticated(Box::new(LessSafeKey::new(key))))
    }

    fn counter(expander: &dyn HkdfExpander, tag: usize) -> Option<Self> {
        let mut key = [0; 16];
        expand_label(expander, b"key", &mut key)?;
        let key = UnboundCipherKey::new(&cipher::AES_128, &key).ok()?;
        let key = Box::new(DecryptingKey::ctr(key).ok()?);
        Some(Self::Counter { key, tag })
    }

    fn open<'a>(
        &self,
        nonce: [u8; IV],
        header: [u8; HEADER],
        sealed: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        match self {
            Self::Authenticated(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let opened = key.open_in_place(nonce, Aad::from(header), sealed);
                opened.ok().map(|inner| &*inner)
            }
            // AES-CCM encrypts in counter mode from block 1 on (RFC 3610
            // section 2.3). Its tag stays unread: nothing else of what a
            // server claims is verified here either.
            Self::Counter { key, tag } => {
                let length = sealed.len().checked_sub(*tag)?;
                let (encrypted, _tag) = sealed.split_at_mut(length);
                let block = FixedLength::from(first_block(nonce));
                let opened = key.decrypt(encrypted, DecryptionContext::Iv128(block));
                opened.ok().map(|inner| &*inner)
            }
        }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

/// The counter block 1 of AES-CCM: how many bytes count, less one; the nonce;
/// the counter.
fn first_block(nonce: [u8; IV]) -> [u8; 16] {
    const COUNTER: [u8; 3] = [0, 0, 1];
    let mut block = [0; 16];
    let bytes = [2].into_iter().chain(nonce).chain(COUNTER);
    block
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    block
}

/// HKDF-Expand-Label without a context (RFC 8446 section 7.1).
fn expand_label(expander: &dyn HkdfExpander, label: &[u8], out: &mut [u8]) -> Option<()> {
    let mut info = Vec::with_capacity(32);
    write_code_points(&mut info, &[u16::try_from(out.len()).ok()?]);
    write_u8_prefixed(&mut info, |info| {
        info.extend(b"tls13 ");
        info.extend(label);
    });
    write_u8_prefixed(&mut info, |_no_context| ());
    expander.expand_slice(&[&info], out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38C, example 3: the same counter blocks as in TLS.
    #[test]
    fn a_published_example_of_aes_ccm_opens() {
        let key: Vec<u8> = (0x40..0x50).collect();
        let key = UnboundCipherKey::new(&cipher::AES_128, &key).unwrap();
        let key = Key::Counter {
            key: Box::new(DecryptingKey::ctr(key).unwrap()),
            tag: 8,
        };
        let nonce: Vec<u8> = (0x10..0x1c).collect();
        let mut sealed = [
            0xe3, 0xb2, 0x01, 0xa9, 0xf5, 0xb7, 0x1a, 0x7a, 0x9b, 0x1c, 0xea, 0xec, 0xcd, 0x97,
            0xe7, 0x0b, 0x61, 0x76, 0xaa, 0xd9, 0xa4, 0x42, 0x8a, 0xa5, 0x48, 0x43, 0x92, 0xfb,
            0xc1, 0xb0, 0x99, 0x51,
        ];
        let opened = key.open(nonce.try_into().unwrap(), [0; HEADER], &mut sealed);
        let expected: Vec<u8> = (0x20..0x38).collect();
        assert_eq!(opened, Some(&expected[..]));
    }
}
