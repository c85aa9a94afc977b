/// Bytes → lines, bounded in length, number and sum.
///
/// Invariants: of what was pushed, `pending` is the part that no line handed
/// out so far covers; `number` and `bytes` count those lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    number: usize,
    bytes: usize,
}

/// One line as it came, its end included.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line(Vec<u8>);

/// More came than the limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood;

/// RFC 7162 section 4 has IMAP servers keep to 8192 octets, more than any
/// other protocol of lines allows; web servers stop at 8 kB as well.
pub(super) const MAX_LINE: usize = 8192;
/// Terms of use in the greetings of FTP fill a few screens.
pub(super) const MAX_LINES: usize = 1000;
/// Bytes of all lines together: far above any greeting, and little enough for
/// thousands of servers at once.
pub(super) const MAX_BYTES: usize = 64 << 10;

impl Lines {
    /// Takes what has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
    }

    /// The next line, if it has come whole.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Flood> {
        let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') else {
            return if self.pending.len() > MAX_LINE {
                Err(Flood)
            } else {
                Ok(None)
            };
        };
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        self.number += 1;
        self.bytes += line.len();
        if line.len() > MAX_LINE || self.number > MAX_LINES || self.bytes > MAX_BYTES {
            return Err(Flood);
        }
        Ok(Some(Line(line)))
    }

    /// What no line has covered yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.pending
    }
}

impl Line {
    /// Without its end, which is CRLF or, where a server is careless, LF.
    pub(super) fn text(&self) -> &[u8] {
        let text = self.0.strip_suffix(b"\n").unwrap_or(&self.0);
        text.strip_suffix(b"\r").unwrap_or(text)
    }

    /// Its text, where letters count in either case.
    pub(super) fn upper(&self) -> Vec<u8> {
        self.text().to_ascii_uppercase()
    }

    /// The line that is left behind its first `octets`; `None` when they
    /// cover it.
    pub(super) fn after(&self, octets: usize) -> Option<Self> {
        match self.0.get(octets..) {
            None | Some([]) => None,
            Some(rest) => Some(Self(rest.to_vec())),
        }
    }

    /// Its length in octets, its end included.
    pub(super) fn octets(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &mut Lines) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            texts.push(String::from_utf8(line.text().to_vec()).unwrap());
        }
        texts
    }

    #[test]
    fn a_line_ends_with_crlf_or_lf_and_the_rest_waits() {
        let mut lines = Lines::default();
        lines.push(b"one\r\ntwo\n\r\nthr");
        assert_eq!(texts(&mut lines), ["one", "two", ""]);
        assert_eq!(lines.rest(), b"thr");
        lines.push(b"ee\n");
        assert_eq!(texts(&mut lines), ["three"]);
    }

    #[test]
    fn a_flood_ends_by_length_by_number_and_by_sum() {
        let of = |bytes: Vec<u8>| {
            let mut lines = Lines::default();
            lines.push(&bytes);
            while lines.next()?.is_some() {}
            Ok(())
        };
        assert_eq!(of(vec![b'a'; MAX_LINE]), Ok(()));
        assert_eq!(of(vec![b'a'; MAX_LINE + 1]), Err(Flood));
        assert_eq!(of(b"\n".repeat(MAX_LINES)), Ok(()));
        assert_eq!(of(b"\n".repeat(MAX_LINES + 1)), Err(Flood));
        let kilobyte = [&[b'a'; 1023][..], b"\n"].concat();
        assert_eq!(of(kilobyte.repeat(MAX_BYTES >> 10)), Ok(()));
        assert_eq!(of(kilobyte.repeat((MAX_BYTES >> 10) + 1)), Err(Flood));
    }
}
