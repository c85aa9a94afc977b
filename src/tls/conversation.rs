use std::ops::ControlFlow;

use crate::domain::{Alert, Phase, ServerName, TlsVersion};

use super::capture::{Capture, CaptureConfig};
use super::classic::Classic;
use super::ending::{Cause, End, Ending};
use super::hello::ClientHello;
use super::opening::Opening;
use super::rung::{Rung, Shape};
use super::sslv2::{self, SslV2};

/// Our side of TLS: what every conversation shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    capture: CaptureConfig,
}

/// One connection's worth of TLS, from our ClientHello to the last byte of
/// the server's flight that tells something. Bytes in, bytes out.
#[derive(Debug)]
pub struct Conversation {
    /// How our hello was written, which tells what may answer it.
    asked: Shape,
    /// The first bytes, until they show what the peer speaks.
    first: Option<Vec<u8>>,
    /// The error of SSL 2.0 that it began with, if it did.
    refused: Option<Alert>,
    /// Who reads TLS; `None` once it is over.
    engine: Option<Engine>,
    /// Bytes read so far.
    received: usize,
}

/// What to do after some bytes were fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    NeedMore,
    /// Write these, then read on.
    Send(Vec<u8>),
    /// Nothing more is to be learnt: reset the connection.
    Done(Ending),
}

/// No conversation could be opened: a fault of this machine, which has no
/// random numbers, or of the program, which asked for a hello there is none of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no ClientHello can be made: {0}")]
pub struct UnableToOpen(pub String);

#[derive(Debug)]
enum Engine {
    Classic(Box<Classic>),
    SslV2(Box<SslV2>),
    Capture(Box<Capture>),
}

/// Bytes read in one conversation: room for the largest message, its records
/// and all that stands beside it, and an end to endless ones.
const MAX_RECEIVED: usize = 2 << 20;

impl Client {
    /// A client without a certificate, for any number of conversations.
    #[must_use]
    pub fn new() -> Self {
        Self {
            capture: CaptureConfig::new(),
        }
    }

    /// Opens a conversation and gives the bytes of its ClientHello. `random`
    /// fills the hello in clear; rustls draws its own.
    pub fn open(
        &self,
        rung: Rung,
        server_name: Option<&ServerName>,
        random: [u8; 32],
    ) -> Result<(Conversation, Vec<u8>), UnableToOpen> {
        if !rung.is_available() {
            return Err(UnableToOpen(format!("{rung:?} is not available")));
        }
        let (engine, hello) = if rung.offered.contains(TlsVersion::TLS_1_3) {
            let opened = self.capture.open(rung, server_name);
            let (capture, hello) = opened.map_err(|error| UnableToOpen(error.to_string()))?;
            (Engine::Capture(Box::new(capture)), hello)
        } else {
            let hello = ClientHello {
                rung,
                server_name,
                random,
            };
            (Engine::Classic(Box::default()), hello.encode())
        };
        let conversation = Conversation {
            asked: rung.shape(),
            first: Some(Vec::new()),
            refused: None,
            engine: Some(engine),
            received: 0,
        };
        Ok((conversation, hello))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Conversation {
    /// Takes what was read. After [`Step::Done`] it is over: further bytes
    /// are left unread, and the answer is [`Step::NeedMore`].
    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        if self.engine.is_none() {
            return Step::NeedMore;
        }
        self.received = self.received.saturating_add(bytes.len());
        let fed = match self.first.take() {
            None => self.read(bytes),
            Some(mut first) => {
                first.extend(bytes);
                self.begin(first)
            }
        };
        match fed {
            ControlFlow::Break(cause) => Step::Done(self.finish(cause)),
            ControlFlow::Continue(_) if self.received > MAX_RECEIVED => {
                Step::Done(self.finish(Cause::TooLarge))
            }
            ControlFlow::Continue(outgoing) if outgoing.is_empty() => Step::NeedMore,
            ControlFlow::Continue(outgoing) => Step::Send(outgoing),
        }
    }

    /// Ends it from the transport's side, with what is known so far.
    pub fn end(&mut self, end: End) -> Ending {
        let greeting = self.first.take();
        self.finish(match (end, greeting, self.refused) {
            (_, Some(_), Some(alert)) => Cause::Alert(alert),
            (_, Some(first), None) if Opening::of(&first, self.asked) == Opening::Other => {
                not_tls(first)
            }
            (End::Closed, ..) => Cause::Closed,
            (End::Reset, ..) => Cause::Reset,
            (End::Deadline, ..) if self.received == 0 => Cause::Silence,
            (End::Deadline, ..) => Cause::Stalled,
        })
    }

    /// Takes all that has come so far, until it shows what the peer speaks.
    fn begin(&mut self, mut first: Vec<u8>) -> ControlFlow<Cause, Vec<u8>> {
        let mut opening = Opening::of(&first, self.asked);
        if let (Opening::SslV2Error(alert), None) = (opening, self.refused) {
            self.refused = Some(alert);
            first.drain(..sslv2::ERROR_RECORD);
            opening = Opening::of(&first, self.asked);
        }
        match (opening, self.refused) {
            (Opening::Tls, _) => self.read(&first),
            (Opening::SslV2, _) => {
                self.engine = Some(Engine::SslV2(Box::default()));
                self.read(&first)
            }
            (Opening::SslV2Error(alert), _) | (Opening::OtherWhole, Some(alert)) => {
                ControlFlow::Break(Cause::Alert(alert))
            }
            (Opening::OtherWhole, None) => ControlFlow::Break(not_tls(first)),
            (Opening::Undecided | Opening::Other, _) => {
                self.first = Some(first);
                ControlFlow::Continue(Vec::new())
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) -> ControlFlow<Cause, Vec<u8>> {
        match &mut self.engine {
            Some(Engine::Classic(classic)) => classic.feed(bytes).map_continue(|()| Vec::new()),
            Some(Engine::SslV2(sslv2)) => sslv2.feed(bytes).map_continue(|()| Vec::new()),
            Some(Engine::Capture(capture)) => capture.feed(bytes),
            None => ControlFlow::Continue(Vec::new()),
        }
    }

    fn finish(&mut self, cause: Cause) -> Ending {
        match self.engine.take() {
            Some(Engine::Classic(classic)) => classic.ending(cause),
            Some(Engine::SslV2(sslv2)) => sslv2.ending(cause),
            Some(Engine::Capture(capture)) => capture.ending(cause),
            None => Ending {
                cause,
                phase: Phase::Hello,
                session: None,
                certificates: None,
            },
        }
    }
}

fn not_tls(mut first: Vec<u8>) -> Cause {
    first.truncate(Cause::MAX_NOT_TLS);
    Cause::NotTls(first)
}
