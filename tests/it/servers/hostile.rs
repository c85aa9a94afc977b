//! Servers that waste a client's time and memory, or break off in the middle.
//!
//! They live in this process. What one does depends on the address that is
//! dialled, so that one listener is a whole network of them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::simulation::flight;

/// What a server does in the place of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Takes the connection, and never says a word.
    Tarpit,
    /// One byte a second.
    Drip,
    /// One byte a second, from behind its certificate on.
    DripBehindCertificate,
    /// Its certificate, and then nothing.
    SilentBehindCertificate,
    /// Records without content.
    EmptyRecords,
    /// Records of a message that never ends.
    EndlessMessage,
    Warnings,
    HelloRequests,
    CipherChanges,
    /// A record that is said to be longer than it is.
    ShortRecord,
    /// A record that is said to be longer than any may be.
    LongRecord,
    /// A list of certificates that is said to be shorter than it is.
    ShortList,
    /// A list that is said to be longer than its message.
    LongList,
    /// A handshake of 20 MB, no end of a first certificate in it.
    LargeCertificate,
    /// The same, and a certificate stands first.
    LargeChain,
    /// The same, in messages that nobody asked for behind the certificate.
    LargeRest,
    Garbage,
    CloseAtOnce,
    CloseAfterHello,
    ResetAtOnce,
    ResetAfterHello,
    ResetInServerHello,
    ResetInCertificate,
    ResetBehindCertificate,
}

impl Trouble {
    /// Whether it comes after a certificate.
    pub(crate) fn shows_first(self) -> bool {
        matches!(
            self,
            Self::DripBehindCertificate
                | Self::SilentBehindCertificate
                | Self::ShortList
                | Self::LongList
                | Self::LargeChain
                | Self::LargeRest
                | Self::ResetBehindCertificate
        )
    }
}

/// What it says before TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// None.
    Direct,
    /// SMTP up to its reply to STARTTLS.
    Smtp,
    /// Lines of a greeting that has no end.
    EndlessGreeting,
    /// A line that has no end.
    EndlessLine,
    /// A greeting, one byte a second.
    DrippingGreeting,
    /// A greeting, and then nothing.
    SilentAfterGreeting,
    GarbageForGreeting,
    CloseInGreeting,
    ResetInGreeting,
    ResetAfterGreeting,
    ResetAfterStartTls,
}

/// How one server behaves.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) words: Words,
    pub(crate) then: Then,
}

/// What it does when TLS may begin.
#[derive(Clone)]
pub(crate) enum Then {
    /// Speaks TLS, as a server should.
    Serve(Arc<ServerConfig>),
    /// Makes trouble, and shows this certificate (DER) if it comes to that.
    Trouble(Trouble, Arc<[u8]>),
}

/// Running servers, until dropped.
pub(crate) struct Hostile {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// The behaviour of whoever listens at an address.
type Map = dyn Fn(SocketAddr) -> Behaviour + Send + Sync;

impl Hostile {
    /// Serves whoever comes to these listeners.
    pub(crate) fn start(
        listeners: Vec<TcpListener>,
        behaviour: impl Fn(SocketAddr) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let stop = CancellationToken::new();
        let until = stop.clone();
        let behaviour: Arc<Map> = Arc::new(behaviour);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for listener in listeners {
                    tokio::spawn(listen(listener, Arc::clone(&behaviour)));
                }
                until.cancelled().await;
            });
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn listen(listener: TcpListener, behaviour: Arc<Map>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let behaviour = behaviour(stream.local_addr().unwrap());
        tokio::spawn(async move {
            // A client that leaves has had enough.
            let _ = meet(stream, &behaviour).await;
        });
    }
}

/// Meets one client, to the bitter end.
async fn meet(mut stream: TcpStream, behaviour: &Behaviour) -> io::Result<()> {
    let end = match speak(&mut stream, behaviour.words).await? {
        End::Wait => match &behaviour.then {
            Then::Serve(config) => {
                let acceptor = TlsAcceptor::from(Arc::clone(config));
                // A scanner leaves before the handshake is done.
                return acceptor.accept(stream).await.map(|_| ());
            }
            Then::Trouble(trouble, certificate) => make(*trouble, &mut stream, certificate).await?,
        },
        end => end,
    };
    match end {
        End::Reset => stream.set_zero_linger(),
        End::Close => Ok(()),
        End::Wait => stream.read_to_end(&mut Vec::new()).await.map(|_| ()),
    }
}

/// How it goes on when all is said.
enum End {
    Reset,
    Close,
    /// What the client does next decides.
    Wait,
}

/// Says what comes before TLS.
async fn speak(stream: &mut TcpStream, words: Words) -> io::Result<End> {
    const GREETING: &[u8] = b"220 mail.sweep.test ESMTP\r\n";
    match words {
        Words::Direct => return Ok(End::Wait),
        Words::EndlessGreeting => flood(stream, b"220-one more line of terms of use\r\n").await?,
        Words::EndlessLine => flood(stream, b"220 mail.sweep.test ESMTP and so on").await?,
        Words::DrippingGreeting => drip(stream, GREETING).await?,
        Words::GarbageForGreeting => flood(stream, &[0xa5, 0x5a, 0x00, 0xff]).await?,
        Words::CloseInGreeting => {
            stream.write_all(b"220-mail.sweep.test").await?;
            return Ok(End::Close);
        }
        Words::ResetInGreeting => {
            stream.write_all(b"220-mail.sweep.test").await?;
            return Ok(End::Reset);
        }
        _ => stream.write_all(GREETING).await?,
    }
    let mut lines = BufReader::new(&mut *stream);
    let mut line = String::new();
    lines.read_line(&mut line).await?;
    match words {
        Words::SilentAfterGreeting => {
            lines.read_to_end(&mut Vec::new()).await?;
        }
        Words::ResetAfterGreeting => return Ok(End::Reset),
        _ => {}
    }
    stream
        .write_all(b"250-mail.sweep.test\r\n250 STARTTLS\r\n")
        .await?;
    BufReader::new(&mut *stream).read_line(&mut line).await?;
    stream.write_all(b"220 go ahead\r\n").await?;
    if words == Words::ResetAfterStartTls {
        return Ok(End::Reset);
    }
    Ok(End::Wait)
}

async fn make(trouble: Trouble, stream: &mut TcpStream, certificate: &[u8]) -> io::Result<End> {
    match trouble {
        Trouble::CloseAtOnce => {
            // Not dropped: with a hello unread, that would be a reset.
            stream.shutdown().await?;
            return Ok(End::Wait);
        }
        Trouble::ResetAtOnce => return Ok(End::Reset),
        _ => {}
    }
    let mut hello = [0; 4096];
    if stream.read(&mut hello).await? == 0 {
        return Ok(End::Close);
    }
    let whole = flight(&[certificate]);
    // Without its last record, which is ServerHelloDone.
    let shown = &whole[..whole.len() - 9];
    let server_hello = &whole[..SERVER_HELLO];
    match trouble {
        Trouble::Tarpit | Trouble::CloseAtOnce | Trouble::ResetAtOnce => {}
        Trouble::Drip => drip(stream, &whole).await?,
        Trouble::DripBehindCertificate => {
            stream.write_all(shown).await?;
            drip(stream, &whole[shown.len()..]).await?;
        }
        Trouble::SilentBehindCertificate => stream.write_all(shown).await?,
        Trouble::EmptyRecords => flood(stream, &[22, 3, 3, 0, 0]).await?,
        Trouble::EndlessMessage => {
            stream
                .write_all(&[22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff])
                .await?;
            flood(stream, &record(&[0; 1 << 14])).await?;
        }
        Trouble::Warnings => flood(stream, &[21, 3, 3, 0, 2, 1, 90]).await?,
        Trouble::HelloRequests => flood(stream, &record(&[0, 0, 0, 0])).await?,
        Trouble::CipherChanges => flood(stream, &[20, 3, 3, 0, 1, 1]).await?,
        Trouble::ShortRecord => stream.write_all(&[22, 3, 3, 0x40, 0, 2, 0, 0, 70]).await?,
        Trouble::LongRecord => stream.write_all(&[22, 3, 3, 0xff, 0xff, 2, 0]).await?,
        Trouble::ShortList => stream.write_all(&lying(&whole, -1)).await?,
        Trouble::LongList => stream.write_all(&lying(&whole, 1000)).await?,
        Trouble::LargeCertificate => {
            stream.write_all(server_hello).await?;
            // Of this length: the message, the list, the certificate.
            let lengths = [11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9];
            stream.write_all(&record(&lengths)).await?;
            large(stream).await?;
        }
        Trouble::LargeChain => {
            stream.write_all(server_hello).await?;
            let [_, high, middle, low] = u32::try_from(certificate.len()).unwrap().to_be_bytes();
            let lengths = [11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, high, middle, low];
            stream
                .write_all(&record(&[&lengths, certificate].concat()))
                .await?;
            large(stream).await?;
        }
        Trouble::LargeRest => {
            stream.write_all(shown).await?;
            // A ServerKeyExchange of 16 MB.
            stream.write_all(&record(&[12, 0xff, 0xff, 0xff])).await?;
            large(stream).await?;
        }
        Trouble::Garbage => flood(stream, &[0xa5, 0x5a, 0x00, 0xff, 0x13]).await?,
        Trouble::CloseAfterHello => return Ok(End::Close),
        Trouble::ResetAfterHello => return Ok(End::Reset),
        Trouble::ResetInServerHello => return cut(stream, &whole[..20]).await,
        Trouble::ResetInCertificate => {
            return cut(stream, &whole[..SERVER_HELLO + certificate.len() / 2]).await;
        }
        Trouble::ResetBehindCertificate => return cut(stream, shown).await,
    }
    Ok(End::Wait)
}

/// Bytes of the first record of a flight: header, message, two of version, 32
/// of random, no session, suite, compression.
const SERVER_HELLO: usize = 5 + 4 + 2 + 32 + 1 + 2 + 1;

/// A handshake record.
fn record(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[22, 3, 3][..], &length, content].concat()
}

/// The flight with another length of its list of certificates.
fn lying(flight: &[u8], by: i32) -> Vec<u8> {
    let mut bytes = flight.to_vec();
    let at = SERVER_HELLO + 5 + 4;
    let length = i32::from_be_bytes([0, bytes[at], bytes[at + 1], bytes[at + 2]]);
    bytes[at..at + 3].copy_from_slice(&(length + by).to_be_bytes()[1..]);
    bytes
}

/// The same over and over, as fast as it is taken.
async fn flood(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let bytes = bytes.repeat((1 << 14) / bytes.len() + 1);
    loop {
        stream.write_all(&bytes).await?;
    }
}

/// 20 MB of handshake records.
async fn large(stream: &mut TcpStream) -> io::Result<()> {
    let portion = record(&[0; 1 << 14]);
    for _ in 0..(20 << 20 >> 14) {
        stream.write_all(&portion).await?;
    }
    Ok(())
}

async fn drip(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Says this, then resets: on loopback it has arrived by then.
async fn cut(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<End> {
    stream.write_all(bytes).await?;
    Ok(End::Reset)
}
