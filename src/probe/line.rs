use std::future::poll_fn;
use std::io;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout_at};

use crate::pace::Slot;
use crate::starttls::{BrokenCarriage, Carriage, Dialogue, Protocol, Turn, Verdict};
use crate::tls::{Cause, Conversation, End, Ending, Step};

use super::classify::{self, Finish};

/// A connection on which the ClientHello may be sent.
pub(super) struct Line<S> {
    // Dropped first, so that the slot is given back after the reset.
    stream: S,
    carriage: Carriage,
    /// What came behind the last word before TLS.
    early: Vec<u8>,
    #[expect(dead_code, reason = "held until the stream is dropped")]
    slot: Slot,
}

/// One read takes an ordinary flight whole.
const RECEIVE_BUFFER: usize = 8192;

/// What a read of a line brought.
pub(super) enum Received {
    /// Bytes of TLS; none where the carriage has only begun a frame.
    Bytes(Vec<u8>),
    /// What the carriage can't read on, behind these bytes of TLS.
    Broken(Vec<u8>),
    /// FIN.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// A connection that begins with TLS.
    pub(super) fn direct(stream: S, slot: Slot) -> Self {
        Self {
            stream,
            carriage: Carriage::default(),
            early: Vec::new(),
            slot,
        }
    }

    /// The same connection once a dialogue has led to TLS, or how it ended
    /// without.
    pub(super) async fn after(
        mut self,
        protocol: &Protocol,
        mut dialogue: Box<dyn Dialogue>,
        opening: &[u8],
        deadline: Instant,
    ) -> Result<Self, Finish> {
        let talked = talk(&mut self.stream, dialogue.as_mut(), opening);
        let end = match timeout_at(deadline, talked).await {
            Ok(Ok(Talked::Ready { carriage, early })) => {
                return Ok(Self {
                    carriage,
                    early,
                    ..self
                });
            }
            Ok(Ok(Talked::Over(verdict))) => return Err(Finish::Over(verdict)),
            Ok(Ok(Talked::Closed)) => End::Closed,
            Ok(Err(error)) => classify::end(&error).map_err(Finish::Local)?,
            Err(_elapsed) => End::Deadline,
        };
        Err(cut_short(protocol, dialogue.said(), end))
    }

    /// Writes bytes of TLS.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let packed = self.carriage.pack(bytes);
        self.stream.write_all(&packed).await
    }

    /// The next bytes of TLS.
    ///
    /// Cancel safe: bytes that were read are returned.
    pub(super) async fn read(&mut self) -> io::Result<Received> {
        let mut received = mem::take(&mut self.early);
        if received.is_empty() {
            received = receive(&mut self.stream).await?;
            if received.is_empty() {
                return Ok(Received::Closed);
            }
        }
        Ok(match self.carriage.unpack(&received) {
            Ok(bytes) => Received::Bytes(bytes),
            Err(BrokenCarriage { before }) => Received::Broken(before),
        })
    }

    /// Moves bytes until the conversation is over, or the connection, or its
    /// time.
    pub(super) async fn converse(
        mut self,
        mut conversation: Conversation,
        hello: Vec<u8>,
        deadline: Instant,
    ) -> Finish {
        let exchanged = self.exchange(&mut conversation, hello);
        let end = match timeout_at(deadline, exchanged).await {
            Ok(Ok(ending)) => return Finish::Ended(Box::new(ending)),
            Ok(Err(error)) => match classify::end(&error) {
                Ok(end) => end,
                Err(fault) => return Finish::Local(fault),
            },
            Err(_elapsed) => End::Deadline,
        };
        Finish::Ended(Box::new(conversation.end(end)))
    }

    async fn exchange(
        &mut self,
        conversation: &mut Conversation,
        hello: Vec<u8>,
    ) -> io::Result<Ending> {
        let mut sent = self.write(hello).await;
        loop {
            match self.read().await? {
                Received::Bytes(bytes) => match conversation.feed(&bytes) {
                    Step::NeedMore => (),
                    Step::Send(outgoing) => sent = self.write(outgoing).await,
                    Step::Done(ending) => return Ok(ending),
                },
                Received::Broken(before) => return Ok(broken_off(conversation, &before)),
                Received::Closed => {
                    // A peer that would not take our bytes may have said
                    // something first, so they are looked at only now.
                    sent?;
                    return Ok(conversation.end(End::Closed));
                }
            }
        }
    }
}

/// The next bytes; none once the peer has closed.
///
/// The buffer is on the stack, so that all connections of a thread share it:
/// thousands of them wait, each for the first byte.
///
/// Cancel safe: bytes that were read are returned.
async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    poll_fn(|context| {
        let mut buffer = [MaybeUninit::uninit(); RECEIVE_BUFFER];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        let received = Pin::new(&mut *stream).poll_read(context, &mut buffer);
        received.map_ok(|()| buffer.filled().to_vec())
    })
    .await
}

/// The end of a conversation whose carriage breaks behind these bytes.
fn broken_off(conversation: &mut Conversation, before: &[u8]) -> Ending {
    match conversation.feed(before) {
        Step::Done(ending) => ending,
        Step::NeedMore | Step::Send(_) => Ending {
            cause: Cause::Malformed,
            ..conversation.end(End::Closed)
        },
    }
}

/// How the words before TLS ended.
enum Talked {
    Ready { carriage: Carriage, early: Vec<u8> },
    Over(Verdict),
    Closed,
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    dialogue: &mut dyn Dialogue,
    opening: &[u8],
) -> io::Result<Talked> {
    let mut sent = stream.write_all(opening).await;
    loop {
        let received = receive(stream).await?;
        if received.is_empty() {
            sent?;
            return Ok(Talked::Closed);
        }
        match dialogue.feed(&received) {
            Turn::NeedMore => (),
            Turn::Send(words) => sent = stream.write_all(&words).await,
            Turn::Ready {
                words,
                carriage,
                early,
            } => {
                stream.write_all(&words).await?;
                return Ok(Talked::Ready { carriage, early });
            }
            Turn::Over(verdict) => return Ok(Talked::Over(verdict)),
        }
    }
}

/// A dialogue that was left in the middle: by a server that leaves, and then
/// what it had said tells whether it speaks the protocol; or by us, in the
/// middle of words that may be the protocol's.
fn cut_short(protocol: &Protocol, said: &[u8], end: End) -> Finish {
    if said.is_empty() {
        Finish::Wordless(end)
    } else if end == End::Deadline {
        Finish::Unfinished
    } else if (protocol.greets_with)(said) {
        Finish::Over(Verdict::Plain(said.to_vec()))
    } else {
        Finish::Over(Verdict::Foreign(said.to_vec()))
    }
}
