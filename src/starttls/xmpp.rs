//! STARTTLS for XMPP (RFC 6120 section 5).

use crate::domain::Dialect;

use super::markup::{Edge, Fault, Markup, Tag};
use super::said::Said;
use super::{Carriage, Circumstances, Dialogue, Protocol, Turn, Verdict};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Xmpp,
    title: "STARTTLS for XMPP, as a client (RFC 6120)",
    ports: &[5222],
    // XEP-0368 section 3.
    application_protocols: &[b"xmpp-client"],
    greets_with: |_| false,
    begin: |circumstances| begin("jabber:client", circumstances),
};

/// One stream, until TLS begins or is refused.
#[derive(Debug)]
struct Xmpp {
    header: String,
    awaited: Awaited,
    markup: Markup,
    said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The server's own stream header.
    Header,
    /// Its features.
    Features { starttls: Offer },
    /// The go-ahead.
    Proceed,
}

/// Whether the features seen so far have STARTTLS among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Unseen,
    Seen,
}

/// What a tag comes to.
enum Heard {
    Await(Awaited),
    Ask,
    Ready,
    Declined,
    Foreign,
}

/// RFC 6120 section 4.8.1.
const STREAMS: &[u8] = b"http://etherx.jabber.org/streams";
/// RFC 6120 section 5.4.2.
const TLS: &[u8] = b"urn:ietf:params:xml:ns:xmpp-tls";
const STARTTLS: &[u8] = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

/// Begins a stream whose stanzas are in `content`. It has no `from`: that is
/// for those who have an account or a domain.
pub(super) fn begin(content: &str, circumstances: Circumstances<'_>) -> Box<dyn Dialogue> {
    let to = circumstances.host();
    Box::new(Xmpp {
        header: format!(
            "<?xml version='1.0'?><stream:stream to='{to}' version='1.0' xmlns='{content}' \
             xmlns:stream='http://etherx.jabber.org/streams'>"
        ),
        awaited: Awaited::Header,
        markup: Markup::default(),
        said: Said::default(),
    })
}

impl Dialogue for Xmpp {
    fn open(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.header).into_bytes()
    }

    fn feed(&mut self, bytes: &[u8]) -> Turn {
        self.said.hear(bytes);
        self.markup.push(bytes);
        let mut words = Vec::new();
        loop {
            let tag = match self.markup.next() {
                Ok(Some(tag)) => tag,
                Ok(None) if words.is_empty() => return Turn::NeedMore,
                Ok(None) => return Turn::Send(words),
                Err(Fault::TooLarge) => return Turn::Over(Verdict::TooLarge),
                Err(Fault::Malformed) if self.awaited == Awaited::Header => return self.foreign(),
                Err(Fault::Malformed) => return Turn::Over(Verdict::Malformed),
            };
            match self.awaited.hear(&tag) {
                Heard::Await(next) => self.awaited = next,
                Heard::Ask => {
                    self.awaited = Awaited::Proceed;
                    words.extend(STARTTLS);
                }
                Heard::Ready => {
                    return Turn::Ready {
                        words,
                        carriage: Carriage::Bare,
                        early: self.markup.rest().to_vec(),
                    };
                }
                Heard::Declined => return Turn::Over(Verdict::Declined(self.said.to_vec())),
                Heard::Foreign => return self.foreign(),
            }
        }
    }

    fn said(&self) -> &[u8] {
        self.said.as_bytes()
    }
}

impl Xmpp {
    fn foreign(&self) -> Turn {
        Turn::Over(Verdict::Foreign(self.said.to_vec()))
    }
}

impl Awaited {
    fn hear(self, tag: &Tag) -> Heard {
        match (self, tag.edge, tag.depth) {
            (Self::Header, _, _) => Self::header(tag),
            // The stream ends, after whatever error.
            (_, Edge::End, 0) => Heard::Declined,
            (_, Edge::End, 1) if tag.is(STREAMS, b"error") => Heard::Declined,
            (Self::Features { .. }, Edge::Start, 2) if tag.is(TLS, b"starttls") => {
                Heard::Await(Self::Features {
                    starttls: Offer::Seen,
                })
            }
            (Self::Features { starttls }, Edge::End, 1) if tag.is(STREAMS, b"features") => {
                match starttls {
                    Offer::Seen => Heard::Ask,
                    // Unlike a line of mail, an element that was not offered
                    // need not be answered (RFC 6120 section 8.4).
                    Offer::Unseen => Heard::Declined,
                }
            }
            (Self::Proceed, Edge::End, 1) if tag.is(TLS, b"proceed") => Heard::Ready,
            (Self::Proceed, Edge::End, 1) if tag.is(TLS, b"failure") => Heard::Declined,
            _ => Heard::Await(self),
        }
    }

    /// Judges the outermost element. A server of the time before version 1.0
    /// has no features to send (RFC 6120 section 4.7.5).
    fn header(tag: &Tag) -> Heard {
        match &tag.version {
            _ if !tag.is(STREAMS, b"stream") => Heard::Foreign,
            Some(version) if !version.starts_with(b"0.") => Heard::Await(Self::Features {
                starttls: Offer::Unseen,
            }),
            _ => Heard::Declined,
        }
    }
}

impl Tag {
    fn is(&self, namespace: &[u8], name: &[u8]) -> bool {
        self.namespace == namespace && self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    const HEADER: &str = "<?xml version='1.0'?><stream:stream from='example.com' id='1' \
                          version='1.0' xmlns='jabber:client' \
                          xmlns:stream='http://etherx.jabber.org/streams'>";
    const OFFERED: &str = "<stream:features><starttls \
                           xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
                           </stream:features>";

    /// What follows our header, a portion a line.
    fn transcript(text: &str) -> Transcript {
        let header = "C: <?xml version='1.0'?><stream:stream to='example.com' version='1.0' \
                      xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
        Transcript::of_portions(Dialect::Xmpp, &format!("{header}\n{text}"))
    }

    fn asked(answer: &str) -> End {
        transcript(&format!(
            "S: {HEADER}
             S: {OFFERED}
             C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             S: {answer}"
        ))
        .ends()
    }

    #[test]
    fn a_server_that_offers_starttls_goes_ahead() {
        for answer in [
            "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            "<proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"></proceed>",
            " <message/><t:proceed xmlns:t = 'urn:ietf:params:xml:ns:xmpp-tls' />",
        ] {
            assert_eq!(asked(answer), End::Ready, "{answer}");
        }
    }

    #[test]
    fn the_prefixes_are_the_servers_choice() {
        let end = transcript(
            "S: <stream version=\"1.0\" xmlns=\"http://etherx.jabber.org/streams\" xmlns:t=\"urn:ietf:params:xml:ns:xmpp-tls\">
             S: <features><mechanisms xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/><t:starttls/></features>
             C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             S: <t:proceed/>",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn a_server_declines_by_an_error_a_failure_or_without_the_feature() {
        let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>";
        assert_eq!(asked(failure), End::Declined);
        assert_eq!(asked("</stream:stream>"), End::Declined);
        for answer in [
            "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
             </stream:error></stream:stream>",
            "<stream:features/>",
            "<stream:features><starttls/></stream:features>",
            "<stream:features><a><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></a>\
             </stream:features>",
            "</stream:stream>",
        ] {
            let end = transcript(&format!("S: {HEADER}{answer}")).ends();
            assert_eq!(end, End::Declined, "{answer}");
        }
        let old = HEADER.replace(" id='1' version='1.0'", "");
        assert_eq!(transcript(&format!("S: {old}")).ends(), End::Declined);
    }

    #[test]
    fn what_begins_no_stream_is_foreign_and_what_breaks_one_malformed() {
        for banner in [
            "HTTP/1.1 400 Bad Request",
            "<html><body>",
            "<stream version='1.0'>",
            "<!DOCTYPE html>",
            "\x15\x03\x01",
        ] {
            let end = transcript(&format!("S: {banner}")).ends();
            assert_eq!(end, End::Foreign, "{banner}");
        }
        assert_eq!(
            transcript(&format!("S: {HEADER}</a>")).ends(),
            End::Malformed
        );
        assert_eq!(asked("<proceed xmlns=''"), End::Waiting);
        assert_eq!(asked("<proceed <"), End::Malformed);
    }

    #[test]
    fn a_flood_ends() {
        let flooded = |start, more| flooded(Dialect::Xmpp, start, more);
        for more in ["<a>", "<a/>", "text "] {
            assert_eq!(flooded(HEADER, more), End::TooLarge, "{more}");
        }
        assert_eq!(flooded("<stream:stream a='", "a"), End::TooLarge);
        assert_eq!(asked("<proceed a='<'"), End::Malformed);
    }

    #[test]
    fn servers_speak_of_stanzas_of_their_own() {
        let end = Transcript::of_portions(
            Dialect::XmppServer,
            &format!(
                "C: <?xml version='1.0'?><stream:stream to='example.com' version='1.0' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>
                 S: {}
                 S: {OFFERED}
                 C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
                 S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                HEADER.replace("jabber:client", "jabber:server")
            ),
        )
        .ends();
        assert_eq!(end, End::Ready);
    }
}
