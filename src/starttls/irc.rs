//! STARTTLS for IRC (IRCv3, the extension `tls`; retired, still installed).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Irc,
    title: "STARTTLS for IRC (IRCv3 tls)",
    ports: &[6667],
    application_protocols: &[b"irc"],
    greets_with,
    begin: |_| SCRIPT.begin(),
};

/// A server need not greet, so the client speaks at once. Many drop what they
/// don't know before a client has registered, and STARTTLS without a word; to
/// CAP they answer, and so tell that they have none.
static SCRIPT: Script<Awaited> = Script {
    dialect: Dialect::Irc,
    opening: "CAP LS\r\nSTARTTLS\r\n",
    first_words: &[":", "@", "PING ", "NOTICE ", "ERROR "],
    first: Awaited::Capabilities,
    hear,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The answer to CAP, then that to STARTTLS.
    Capabilities,
    /// The answer to STARTTLS.
    StartTls,
}

/// A message of IRC (RFC 2812 section 2.3.1, IRCv3 message tags) without tags
/// and sender.
struct Message<'a> {
    command: &'a [u8],
    parameters: &'a [u8],
}

/// Judges one message. Numbers by IRCv3 `tls` and RFC 2812 section 5.
fn hear(awaited: Awaited, line: &Line) -> Heard<Awaited> {
    let Some(message) = message(line.text()) else {
        return Heard::Malformed;
    };
    match (awaited, message.command.to_ascii_uppercase().as_slice()) {
        // RPL_STARTTLS.
        (_, b"670") => Heard::Ready,
        (Awaited::Capabilities, b"CAP") if message.names(b"TLS") => Heard::Await(Awaited::StartTls),
        // ERR_UNKNOWNCOMMAND and ERR_NOTREGISTERED: the first is CAP's, unless
        // it names the other.
        (Awaited::Capabilities, b"421" | b"451") if !message.names(b"STARTTLS") => {
            Heard::Await(Awaited::StartTls)
        }
        // ERR_STARTTLS, and the word before the server closes.
        (_, b"421" | b"451" | b"691" | b"ERROR") | (Awaited::Capabilities, b"CAP") => {
            Heard::Declined
        }
        // Some hear no command before this is answered.
        (_, b"PING") => Heard::Say([b"PONG ", message.parameters, b"\r\n"].concat(), awaited),
        _ => Heard::Await(awaited),
    }
}

impl Message<'_> {
    /// Whether one of the words of its parameters is this one, in capitals.
    fn names(&self, name: &[u8]) -> bool {
        let words = self.parameters.split(|byte| b" :".contains(byte));
        words
            .into_iter()
            .any(|word| word.eq_ignore_ascii_case(name))
    }
}

fn message(text: &[u8]) -> Option<Message<'_>> {
    let mut rest = text;
    for sign in [b'@', b':'] {
        if rest.first() == Some(&sign) {
            rest = split_word(rest).1;
        }
    }
    let (command, parameters) = split_word(rest);
    let letters = command.iter().all(u8::is_ascii_alphabetic);
    let number = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
    (!command.is_empty() && (letters || number)).then_some(Message {
        command,
        parameters,
    })
}

/// A word and what stands behind the spaces after it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_ascii_start())
}

/// Most servers say unasked that they look up the client's name.
fn greets_with(greeting: &[u8]) -> bool {
    if greeting.starts_with(b"NOTICE AUTH :") {
        return true;
    }
    let first = greeting.split(|byte| *byte == b'\n').next();
    first.is_some_and(|line| {
        line.starts_with(b":")
            && message(line).is_some_and(|message| {
                message.command == b"NOTICE" && message.parameters.contains(&b':')
            })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Irc, text)
    }

    #[test]
    fn a_server_goes_ahead_with_whatever_it_says_before() {
        let end = transcript(
            "C: CAP LS
             C: STARTTLS
             S: :irc.example.net NOTICE * :*** Looking up your hostname...
             S: @time=2026-11-21T10:00:00Z :irc.example.net NOTICE * :*** Found
             S: NOTICE AUTH :*** Checking Ident
             S: :irc.example.net CAP * LS :multi-prefix tls sasl
             S: :irc.example.net 670 * :STARTTLS successful, proceed with TLS handshake",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn a_ping_gets_its_pong() {
        let end = transcript(
            "C: CAP LS
             C: STARTTLS
             S: PING :8B4F2C
             C: PONG :8B4F2C
             S: :irc.example.net 670 * :go",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn every_refusal_is_a_declination() {
        for reply in [
            ":irc.example.net 691 * :STARTTLS failed",
            ":irc.example.net 421 * STARTTLS :Unknown command",
            ":irc.example.net 421 * CAP :Unknown command\nS: :irc.example.net 421 * x :Unknown",
            ":irc.example.net 451 * :Register\nS: :irc.example.net 451 * :You have not registered",
            ":irc.example.net CAP * LS :multi-prefix sasl",
            ":irc.example.net CAP * LS :tls\nS: :irc.example.net 451 * :Register first",
            "ERROR :Closing Link: 192.0.2.1 (Throttled)",
        ] {
            let end = transcript(&format!("C: CAP LS\nC: STARTTLS\nS: {reply}")).ends();
            assert_eq!(end, End::Declined, "{reply}");
        }
    }

    #[test]
    fn garbage_is_foreign_first_and_malformed_later_and_a_flood_ends() {
        for banner in [
            "220 ESMTP",
            ":",
            ": ",
            ":a",
            ":a b1",
            "HTTP/1.1 400 Bad Request",
        ] {
            let end = transcript(&format!("C: CAP LS\nC: STARTTLS\nS: {banner}")).ends();
            assert_eq!(end, End::Foreign, "{banner}");
        }
        let end = transcript(
            "C: CAP LS
             C: STARTTLS
             S: NOTICE AUTH :hello
             S: 67O",
        )
        .ends();
        assert_eq!(end, End::Malformed);
        assert_eq!(
            flooded(Dialect::Irc, "", "NOTICE AUTH :x\r\n"),
            End::TooLarge
        );
        assert_eq!(flooded(Dialect::Irc, "", "PING :x\r\n"), End::TooLarge);
    }
}
