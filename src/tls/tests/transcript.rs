//! The bytes a server sends, encoded by hand: an encoder of its own, so that
//! the reader is not tested against itself.

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &length24(body.len())[..], body].concat()
}

/// A record of TLS 1.2.
pub(crate) fn record(content: u8, bytes: &[u8]) -> Vec<u8> {
    record_of(0x0303, content, bytes)
}

/// A record of another version.
pub(crate) fn record_of(version: u16, content: u8, bytes: &[u8]) -> Vec<u8> {
    [
        &[content][..],
        &version.to_be_bytes(),
        &length16(bytes.len()),
        bytes,
    ]
    .concat()
}

/// A handshake stream cut into records of at most `size` bytes.
pub(crate) fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    handshake
        .chunks(size)
        .flat_map(|chunk| record(22, chunk))
        .collect()
}

/// A record with one alert.
pub(crate) fn alert(level: u8, description: u8) -> Vec<u8> {
    record(21, &[level, description])
}

/// ServerHello: extensions as they stand behind their length.
pub(crate) fn server_hello(version: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([0x55; 32]);
    body.push(32);
    body.extend([0x66; 32]);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    message(2, &body)
}

/// Certificate.
pub(crate) fn certificate(certificates: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = certificates
        .iter()
        .flat_map(|der| [&length24(der.len())[..], der].concat())
        .collect();
    message(11, &[&length24(list.len())[..], &list].concat())
}

/// CertificateStatus with an OCSP response.
pub(crate) fn certificate_status(response: &[u8]) -> Vec<u8> {
    message(
        22,
        &[&[1], &length24(response.len())[..], response].concat(),
    )
}

/// ServerKeyExchange over a named curve.
pub(crate) fn named_curve(group: u16) -> Vec<u8> {
    let group = group.to_be_bytes();
    message(
        12,
        &[&[3], &group[..], &[65], &[4; 65], &[8, 4, 0, 2, 9, 9]].concat(),
    )
}

/// ServerKeyExchange with a prime.
pub(crate) fn prime(prime: &[u8]) -> Vec<u8> {
    let length = length16(prime.len());
    message(12, &[&length[..], prime, &[0, 1, 2, 0, 1, 5]].concat())
}

/// CertificateRequest of TLS 1.2.
pub(crate) fn certificate_request() -> Vec<u8> {
    message(13, &[1, 1, 0, 2, 4, 1, 0, 0])
}

/// CertificateRequest of a version that has no signature algorithms in it,
/// with the names of authorities.
pub(crate) fn old_certificate_request(names: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = names
        .iter()
        .flat_map(|name| [&length16(name.len())[..], name].concat())
        .collect();
    message(13, &[&[2, 1, 2], &length16(list.len())[..], &list].concat())
}

/// SERVER-HELLO of SSL 2.0 behind a header of two bytes, field by field as
/// draft-hickman-netscape-ssl-00 has them.
pub(crate) fn sslv2_server_hello(certificate: &[u8], kinds: &[u8]) -> Vec<u8> {
    let message = sslv2_message(certificate, kinds);
    let [high, low] = length16(message.len());
    [&[0x80 | high, low], &message[..]].concat()
}

/// The same behind a header of three bytes, with so many bytes of padding.
pub(crate) fn padded_sslv2_server_hello(certificate: &[u8], padding: u8) -> Vec<u8> {
    let message = sslv2_message(certificate, SSLV2_RC4);
    let [high, low] = length16(message.len() + usize::from(padding));
    let pad = vec![0; padding.into()];
    [&[high, low, padding], &message[..], &pad].concat()
}

fn sslv2_message(certificate: &[u8], kinds: &[u8]) -> Vec<u8> {
    const CONNECTION_ID: [u8; 16] = [9; 16];
    [
        &[4, 0, 1, 0, 2][..],
        &length16(certificate.len()),
        &length16(kinds.len()),
        &length16(CONNECTION_ID.len()),
        certificate,
        kinds,
        &CONNECTION_ID,
    ]
    .concat()
}

/// SSL_CK_RC4_128_WITH_MD5, then SSL_CK_DES_192_EDE3_CBC_WITH_MD5.
pub(crate) const SSLV2_RC4: &[u8] = &[1, 0, 0x80, 7, 0, 0xc0];
/// NO-CIPHER-ERROR of SSL 2.0.
pub(crate) const SSLV2_ERROR: &[u8] = &[0x80, 3, 0, 0, 1];

/// ServerHelloDone.
pub(crate) fn done() -> Vec<u8> {
    message(14, &[])
}

/// ALPN h2.
pub(crate) const ALPN_H2: &[u8] = &[0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
/// The leaf of [`full_flight`].
pub(crate) const LEAF: &[u8] = b"the leaf, whatever it is";
/// What follows the leaf in [`full_flight`].
pub(crate) const INTERMEDIATE: &[u8] = b"its issuer";

/// A flight with everything in it, as handshake bytes.
pub(crate) fn full_flight() -> Vec<u8> {
    [
        server_hello(0x0303, 0xc02f, ALPN_H2),
        certificate(&[LEAF, INTERMEDIATE]),
        certificate_status(b"staple"),
        named_curve(0x0017),
        certificate_request(),
        done(),
    ]
    .concat()
}

fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_be_bytes()
}

fn length24(length: usize) -> [u8; 3] {
    let [.., high, middle, low] = length.to_be_bytes();
    [high, middle, low]
}
