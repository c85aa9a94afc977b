//! A server of TLS 1.3 that agrees on a key as it should (rustls does that
//! for it), and then says under that key whatever a test has it say.

use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::version::TLS13;
use rustls::{CipherSuite, KeyLog, ServerConfig, ServerConnection, SupportedCipherSuite};

use super::servers::Wanted;

/// Seals records as a server of one connection.
pub(crate) struct Script {
    suite: CipherSuite,
    key: [u8; 16],
    iv: [u8; 12],
    sequence: u64,
}

/// What agrees on the key.
pub(crate) struct Scripted(ServerConfig);

/// The suite of most scripts.
pub(crate) const SUITE: SupportedCipherSuite = TLS13_AES_128_GCM_SHA256;

impl Scripted {
    pub(crate) fn new(suite: SupportedCipherSuite) -> Self {
        let wanted = Wanted {
            suite: Some(suite),
            ..Wanted::version(&TLS13)
        };
        let (config, _) = wanted.build();
        Self((*config).clone())
    }

    /// The answer to `hello` up to the ServerHello, and the key it led to.
    pub(crate) fn answer(&self, hello: &[u8]) -> (Vec<u8>, Script) {
        let secret = Arc::new(Secret::default());
        let mut config = self.0.clone();
        config.key_log = secret.clone();
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        server.read_tls(&mut &hello[..]).unwrap();
        server.process_new_packets().unwrap();
        let mut sent = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut sent).unwrap();
        }
        let server_hello = 5 + usize::from(u16::from_be_bytes([sent[3], sent[4]]));
        sent.truncate(server_hello);
        let suite = server.negotiated_cipher_suite().unwrap().suite();
        let secret = secret.0.lock().unwrap().clone();
        (sent, Script::new(suite, &secret))
    }
}

impl Script {
    fn new(suite: CipherSuite, secret: &[u8]) -> Self {
        let secret = Prk::new_less_safe(HKDF_SHA256, secret);
        let expand = |info: &[u8], out: &mut [u8]| {
            let info = [info];
            let expanded = secret.expand(&info, Length(out.len()));
            expanded.unwrap().fill(out).unwrap();
        };
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand(b"\x00\x10\x09tls13 key\x00", &mut key);
        expand(b"\x00\x0c\x08tls13 iv\x00", &mut iv);
        Self {
            suite,
            key,
            iv,
            sequence: 0,
        }
    }

    /// The next sealed record.
    pub(crate) fn seal(&mut self, content: u8, bytes: &[u8]) -> Vec<u8> {
        self.seal_padded(content, bytes, 0)
    }

    /// The next sealed record, with so many zeros behind its content.
    pub(crate) fn seal_padded(&mut self, content: u8, bytes: &[u8], zeros: usize) -> Vec<u8> {
        let mut inner = [bytes, &[content], &vec![0; zeros]].concat();
        let tag = if self.suite == CipherSuite::TLS13_AES_128_CCM_8_SHA256 {
            8
        } else {
            16
        };
        let length = u16::try_from(inner.len() + tag).unwrap().to_be_bytes();
        let header = [23, 3, 3, length[0], length[1]];
        let mut nonce = self.iv;
        for (byte, sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= sequence;
        }
        self.sequence += 1;
        if self.suite == SUITE.suite() {
            let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).unwrap());
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_append_tag(nonce, Aad::from(header), &mut inner)
                .unwrap();
        } else {
            let key = UnboundCipherKey::new(&AES_128, &self.key).unwrap();
            let block: Vec<u8> = [&[2], &nonce[..], &[0, 0, 1]].concat();
            let block = block.as_slice().try_into().unwrap();
            EncryptingKey::ctr(key)
                .unwrap()
                .less_safe_encrypt(&mut inner, EncryptionContext::Iv128(block))
                .unwrap();
            inner.extend(vec![0xee; tag]);
        }
        [&header[..], &inner].concat()
    }

    /// A handshake stream in sealed records of at most `size` bytes.
    pub(crate) fn handshake(&mut self, stream: &[u8], size: usize) -> Vec<u8> {
        let pieces = stream.chunks(size);
        pieces.flat_map(|piece| self.seal(22, piece)).collect()
    }
}

#[derive(Debug, Default)]
struct Secret(Mutex<Vec<u8>>);

impl KeyLog for Secret {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if label == "SERVER_HANDSHAKE_TRAFFIC_SECRET" {
            *self.0.lock().unwrap() = secret.to_vec();
        }
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
