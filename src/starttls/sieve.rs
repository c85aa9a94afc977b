//! STARTTLS for ManageSieve (RFC 5804 section 2.2).

use std::str;

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Sieve,
    title: "STARTTLS for ManageSieve (RFC 5804)",
    ports: &[4190],
    application_protocols: &[b"managesieve"],
    greets_with: |greeting| {
        let name = br#""IMPLEMENTATION" "#;
        let first = greeting.get(..name.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(name))
    },
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Awaited> = Script {
    dialect: Dialect::Sieve,
    opening: "",
    first_words: &["\"", "OK", "NO", "BYE"],
    first: Awaited {
        step: Step::Greeting,
        within: None,
    },
    hear: |awaited: Awaited, line: &Line| awaited.hear(line),
};

/// What is waited for, and the response under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Awaited {
    step: Step,
    within: Option<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    StartTls,
}

/// A response that a literal string interrupts: it goes on behind `left`
/// octets, line ends among them (RFC 5804 section 4, `literal-s2c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Literal {
    response: Response,
    left: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Response {
    Capability,
    Ok,
    Refusal,
}

impl Awaited {
    fn hear(self, line: &Line) -> Heard<Self> {
        match self.within {
            None => match Response::of(line) {
                Some(response) => self.read(response, line),
                None => Heard::Malformed,
            },
            Some(Literal { response, left }) => match line.after(left) {
                Some(rest) => self.read(response, &rest),
                None => Heard::Await(self.interrupted(response, left - line.octets())),
            },
        }
    }

    /// Judges a response at the end of one of its lines.
    fn read(self, response: Response, line: &Line) -> Heard<Self> {
        match (self.step, response, literal(line.text())) {
            (_, _, Some(octets)) => Heard::Await(self.interrupted(response, octets)),
            (_, Response::Capability, None) => Heard::Await(Self {
                within: None,
                ..self
            }),
            (Step::Greeting, Response::Ok, None) => Heard::say(
                "STARTTLS\r\n",
                Self {
                    step: Step::StartTls,
                    within: None,
                },
            ),
            (Step::StartTls, Response::Ok, None) => Heard::Ready,
            (_, Response::Refusal, None) => Heard::Declined,
        }
    }

    const fn interrupted(self, response: Response, left: usize) -> Self {
        Self {
            within: Some(Literal { response, left }),
            ..self
        }
    }
}

impl Response {
    /// What a line begins.
    fn of(line: &Line) -> Option<Self> {
        let line = line.upper();
        match line.split(|byte| b" (".contains(byte)).next()? {
            b"OK" => Some(Self::Ok),
            b"NO" | b"BYE" => Some(Self::Refusal),
            [b'"', ..] => Some(Self::Capability),
            _ => None,
        }
    }
}

/// The octets of the literal that a line announces at its end: `{7}`, or
/// `{7+}` as clients write it.
fn literal(text: &[u8]) -> Option<usize> {
    let text = text.strip_suffix(b"}")?;
    let text = text.strip_suffix(b"+").unwrap_or(text);
    let start = text.iter().rposition(|byte| *byte == b'{')?;
    let digits = str::from_utf8(text.get(start + 1..)?).ok()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::super::{Carriage, Circumstances, Turn};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Sieve, text)
    }

    #[test]
    fn a_server_goes_ahead_after_its_capabilities() {
        let end = transcript(
            "S: \"IMPLEMENTATION\" \"Dovecot (Debian) Pigeonhole\"
             S: \"SIEVE\" \"fileinto reject\"
             S: \"STARTTLS\"
             S: OK \"Dovecot ready.\"
             C: STARTTLS
             S: ok (WARNINGS) \"Begin TLS {7}\"",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn a_literal_may_stand_for_a_string_anywhere() {
        // Its octets are counted, so both forms of line ends can't be right.
        let text = b"\"IMPLEMENTATION\" {14}\r\nOK\r\nNO \"no\"\r\n\r\n\"SASL\" {0}\r\n\r\n\
                     OK {4+}\r\na\r\nb\r\n";
        let mut dialogue = (PROTOCOL.begin)(Circumstances {
            server_name: None,
            address: "192.0.2.1".parse().unwrap(),
        });
        assert_eq!(dialogue.feed(text), Turn::Send(b"STARTTLS\r\n".to_vec()));
        assert_eq!(dialogue.feed(b"OK {2}\r\n\r\n"), Turn::NeedMore);
        assert_eq!(
            dialogue.feed(b"\r\nearly"),
            Turn::Ready {
                words: Vec::new(),
                carriage: Carriage::Bare,
                early: b"early".to_vec()
            }
        );
    }

    #[test]
    fn every_refusal_is_a_declination() {
        assert_eq!(transcript("S: BYE \"Too many\"").ends(), End::Declined);
        for reply in ["NO", "NO \"TLS is not available\"", "BYE (TRYLATER)"] {
            let end = transcript(&format!(
                "S: OK
                 C: STARTTLS
                 S: {reply}"
            ))
            .ends();
            assert_eq!(end, End::Declined, "{reply}");
        }
    }

    #[test]
    fn garbage_is_foreign_first_and_malformed_later_and_a_flood_ends() {
        assert_eq!(transcript("S: +OK").ends(), End::Foreign);
        assert_eq!(transcript("S: OKAY").ends(), End::Foreign);
        assert_eq!(transcript("S: \"A\"\nS: what?").ends(), End::Malformed);
        let flooded = |start, more| flooded(Dialect::Sieve, start, more);
        assert_eq!(flooded("\"A\" {99999999}\r\n", "NO\r\n"), End::TooLarge);
        assert_eq!(flooded("\"A\" \"", "x"), End::TooLarge);
    }
}
