use super::ending::Cause;
use super::record::HEADER;

/// What the first bytes of an answer show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Too few bytes to tell.
    Undecided,
    /// A record of TLS, or of SSL 3.0.
    Tls,
    /// Something else, and more of it may come.
    Other,
    /// Something else, and enough of it to recognise.
    OtherWhole,
}

/// HTTP is worth its whole head, for the Server line in it.
const HTTP: &[u8] = b"HTTP/";

impl Opening {
    /// Judges all the bytes received so far.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] | [20..=23] | [20..=23, 3] => Self::Undecided,
            [20..=23, 3, ..] if bytes.len() < HEADER => Self::Undecided,
            [20..=23, 3, ..] => Self::Tls,
            _ if is_whole(bytes) => Self::OtherWhole,
            _ => Self::Other,
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

    #[test]
    fn a_record_header_is_tls() {
        assert_eq!(Opening::of(&[22, 3, 3, 0, 74]), Opening::Tls);
        assert_eq!(Opening::of(&[21, 3, 0, 0, 2, 2, 40]), Opening::Tls);
        for length in 1..HEADER {
            assert_eq!(
                Opening::of(&[22, 3, 1, 0, 74][..length]),
                Opening::Undecided
            );
        }
    }

    #[test]
    fn a_text_is_read_to_the_end_of_its_line_and_http_to_the_end_of_its_head() {
        assert_eq!(Opening::of(b"SSH-2.0-Open"), Opening::Other);
        assert_eq!(Opening::of(b"SSH-2.0-OpenSSH_9.6\r\n"), Opening::OtherWhole);
        assert_eq!(
            Opening::of(b"HTTP/1.1 400 Bad Request\r\nSer"),
            Opening::Other
        );
        let head = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>";
        assert_eq!(Opening::of(head), Opening::OtherWhole);
        assert_eq!(Opening::of(&[b'x'; 512]), Opening::OtherWhole);
        assert_eq!(Opening::of(b"\xff\xfd\x18"), Opening::OtherWhole, "telnet");
        assert_eq!(Opening::of(&[22, 2]), Opening::OtherWhole);
    }
}
