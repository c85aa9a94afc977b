use crate::domain::Alert;

use super::ending::Cause;
use super::record::HEADER;
use super::rung::Shape;
use super::sslv2;

/// What the first bytes of an answer show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Too few bytes to tell.
    Undecided,
    /// A record of TLS, or of SSL 3.0.
    Tls,
    /// A SERVER-HELLO of SSL 2.0.
    SslV2,
    /// An ERROR of SSL 2.0, in the words of an alert. More may follow it.
    SslV2Error(Alert),
    /// Something else, and more of it may come.
    Other,
    /// Something else, and enough of it to recognise.
    OtherWhole,
}

/// HTTP is worth its whole head, for the Server line in it.
const HTTP: &[u8] = b"HTTP/";

impl Opening {
    /// Judges all the bytes received so far, in answer to a hello of this
    /// shape: only one in a frame of SSL 2.0 is answered in its kind, but for
    /// an error.
    pub(super) fn of(bytes: &[u8], asked: Shape) -> Self {
        match bytes {
            [] | [20..=23] | [20..=23, 3] => Self::Undecided,
            [20..=23, 3, ..] if bytes.len() < HEADER => Self::Undecided,
            [20..=23, 3, ..] => Self::Tls,
            _ if sslv2::begins_error(bytes) => Self::Undecided,
            _ => match (sslv2::error(bytes), asked) {
                (Some(alert), _) => Self::SslV2Error(alert),
                (None, Shape::Extended | Shape::Plain) => Self::other(bytes),
                (None, Shape::Version2) => match sslv2::begins_server_hello(bytes) {
                    None => Self::Undecided,
                    Some(true) => Self::SslV2,
                    Some(false) => Self::other(bytes),
                },
            },
        }
    }

    fn other(bytes: &[u8]) -> Self {
        if is_whole(bytes) {
            Self::OtherWhole
        } else {
            Self::Other
        }
    }
}

/// A text is whole with its first line, HTTP with its head, anything else at
/// once, and everything at the limit of what is kept.
fn is_whole(bytes: &[u8]) -> bool {
    let ends = |end: &[u8]| bytes.windows(end.len()).any(|window| window == end);
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if bytes.len() >= Cause::MAX_NOT_TLS {
        true
    } else if bytes.starts_with(HTTP) {
        ends(b"\r\n\r\n") || ends(b"\n\n")
    } else {
        ends(b"\n") || !bytes.first().is_some_and(printable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 3] = [Shape::Extended, Shape::Plain, Shape::Version2];

    #[test]
    fn a_record_header_is_tls() {
        for shape in SHAPES {
            assert_eq!(Opening::of(&[22, 3, 3, 0, 74], shape), Opening::Tls);
            assert_eq!(Opening::of(&[21, 3, 0, 0, 2, 2, 40], shape), Opening::Tls);
            for length in 1..HEADER {
                let part = &[22, 3, 1, 0, 74][..length];
                assert_eq!(Opening::of(part, shape), Opening::Undecided);
            }
        }
    }

    #[test]
    fn a_text_is_read_to_the_end_of_its_line_and_http_to_the_end_of_its_head() {
        for shape in SHAPES {
            let opening = |bytes: &[u8]| Opening::of(bytes, shape);
            assert_eq!(opening(b"SSH-2.0-Open"), Opening::Other);
            assert_eq!(opening(b"SSH-2.0-OpenSSH_9.6\r\n"), Opening::OtherWhole);
            assert_eq!(opening(b"220 mail.example"), Opening::Other);
            assert_eq!(opening(b"HTTP/1.1 400 Bad Request\r\nSer"), Opening::Other);
            let head = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>";
            assert_eq!(opening(head), Opening::OtherWhole);
            assert_eq!(opening(&[b'x'; 512]), Opening::OtherWhole);
            assert_eq!(opening(b"\xff\xfd\x18"), Opening::OtherWhole, "telnet");
            assert_eq!(opening(&[22, 2, 0, 0]), Opening::OtherWhole);
        }
    }

    #[test]
    fn a_server_hello_of_ssl_2_0_is_one_where_it_was_asked_for() {
        let hello = [0x83, 0xff, 4, 0, 1];
        assert_eq!(Opening::of(&hello, Shape::Version2), Opening::SslV2);
        for length in 1..3 {
            let opening = Opening::of(&hello[..length], Shape::Version2);
            assert_eq!(opening, Opening::Undecided);
        }
        assert_eq!(Opening::of(&hello, Shape::Plain), Opening::OtherWhole);
        let padded = [0x03, 0xff, 2, 4, 0, 1];
        assert_eq!(Opening::of(&padded, Shape::Version2), Opening::SslV2);
    }

    #[test]
    fn an_error_of_ssl_2_0_is_one_whatever_was_asked() {
        let error = [0x80, 3, 0, 0, 1];
        let refused = Opening::SslV2Error(Alert::HANDSHAKE_FAILURE);
        for shape in SHAPES {
            assert_eq!(Opening::of(&error, shape), refused);
            for length in 1..error.len() {
                let opening = Opening::of(&error[..length], shape);
                assert_eq!(opening, Opening::Undecided);
            }
        }
    }
}
