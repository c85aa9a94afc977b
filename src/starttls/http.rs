//! Plain HTTP/1.1 (RFC 9112), of which the Server header is read.
//!
//! No TLS comes of it: what is wanted is which server answers.

use crate::domain::Dialect;

use super::lines::{Flood, Line, Lines};
use super::said::Said;
use super::script::may_begin;
use super::{Circumstances, Dialogue, Protocol, Turn, Verdict};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Http,
    title: "plain HTTP, of which the Server header is read (RFC 9112)",
    ports: &[80],
    application_protocols: &[],
    greets_with: |_| false,
    begin: |circumstances| Box::new(Http::new(circumstances)),
};

/// One request and the head of its response.
#[derive(Debug)]
struct Http {
    request: String,
    lines: Lines,
    said: Said,
    head: Head,
}

/// The lines of a head that stay the same from one look to the next; its date
/// and its cookies don't.
#[derive(Debug, Default)]
struct Head {
    status: Option<Vec<u8>>,
    server: Option<Vec<u8>>,
}

impl Http {
    fn new(circumstances: Circumstances<'_>) -> Self {
        let host = circumstances.host();
        let request = format!(
            "HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: certsweep\r\nConnection: close\r\n\r\n"
        );
        Self {
            request,
            lines: Lines::default(),
            said: Said::default(),
            head: Head::default(),
        }
    }
}

impl Dialogue for Http {
    fn open(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request).into_bytes()
    }

    fn feed(&mut self, bytes: &[u8]) -> Turn {
        self.said.hear(bytes);
        self.lines.push(bytes);
        if self.head.status.is_none() && !may_begin(self.lines.rest(), &["HTTP/"]) {
            return Turn::Over(Verdict::Foreign(self.said.to_vec()));
        }
        loop {
            match self.lines.next() {
                Ok(Some(line)) if line.text().is_empty() => break,
                Ok(Some(line)) => self.head.take(&line),
                Ok(None) => return Turn::NeedMore,
                Err(Flood) if self.head.status.is_none() => return Turn::Over(Verdict::TooLarge),
                // It is HTTP, and nothing behind would change that.
                Err(Flood) => break,
            }
        }
        Turn::Over(Verdict::Plain(self.head.to_vec()))
    }

    fn said(&self) -> &[u8] {
        self.said.as_bytes()
    }
}

impl Head {
    fn take(&mut self, line: &Line) {
        if self.status.is_none() {
            self.status = Some(line.text().to_vec());
        } else if self.server.is_none() && line.upper().starts_with(b"SERVER:") {
            self.server = Some(line.text().to_vec());
        }
    }

    /// The status line and the Server header, each on its own line.
    fn to_vec(&self) -> Vec<u8> {
        let mut said = Said::default();
        for line in [&self.status, &self.server].into_iter().flatten() {
            said.hear(line);
            said.hear(b"\r\n");
        }
        said.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn answered(head: &str) -> Transcript {
        let request = "C: HEAD / HTTP/1.1
                       C: Host: example.com
                       C: User-Agent: certsweep
                       C: Connection: close
                       C: ";
        Transcript::of_lines(Dialect::Http, &format!("{request}\n{head}"))
    }

    #[test]
    fn the_status_line_and_the_server_header_are_kept() {
        let (end, said) = answered(
            "S: HTTP/1.1 301 Moved Permanently
             S: Date: Sat, 21 Nov 2026 10:00:00 GMT
             S: server: Apache/2.4.62 (Debian)
             S: Server: another
             S: Location: https://example.com/
             S: ",
        )
        .says();
        assert_eq!(end, End::Plain);
        assert_eq!(
            said,
            "HTTP/1.1 301 Moved Permanently\r\nserver: Apache/2.4.62 (Debian)\r\n"
        );
    }

    #[test]
    fn a_server_may_hide_its_name() {
        let (end, said) = answered("S: HTTP/1.0 200 OK\nS: X-Server: no\nS: ").says();
        assert_eq!((end, said.as_str()), (End::Plain, "HTTP/1.0 200 OK\r\n"));
    }

    #[test]
    fn what_is_no_http_is_foreign() {
        for banner in [
            "<html>",
            "SSH-2.0-OpenSSH_9.2",
            "220 ready",
            "ICY 200 OK",
            "",
        ] {
            assert_eq!(answered(&format!("S: {banner}")).ends(), End::Foreign);
        }
    }

    #[test]
    fn a_head_without_end_is_read_up_to_a_bound() {
        let flooded = |start, more| flooded(Dialect::Http, start, more);
        assert_eq!(flooded("HTTP/1.1 200 OK\r\n", "X: y\r\n"), End::Plain);
        assert_eq!(flooded("HTTP/1.1 200 OK\r\nX: ", "y"), End::Plain);
        assert_eq!(flooded("HTTP/1.1 200 ", "OK"), End::TooLarge);
    }
}
