//! A network of simulated peers, a simulated DNS and an inventory in memory,
//! all under tokio's paused clock.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use certsweep::domain::{
    Fingerprint, LocalFault, Observation, Outcome, OutcomeKind, Pointer, ScanId, ServerName, Tally,
    Timestamp, Unresolved,
};
use certsweep::net::{DialError, Dialer};
use certsweep::pace::Pass;
use certsweep::resolve::{LookupError, Resolver};
use certsweep::store::{
    AddressRun, Batch, Checkpoint, Lead, Milestone, NameLook, NewScan, ScanEnd, Sink, Step,
    StoreError,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// What listens at an address.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// Nothing answers the SYN.
    Dark,
    /// RST.
    Closed,
    /// ICMP says no.
    Unreachable,
    /// The dial fails on our side.
    OutOfDescriptors,
    /// The same, for want of a network.
    NoRoute,
    /// The dial meets a bug.
    Bug,
    /// Accepts, and says nothing.
    Silent,
    /// Says this, whatever it hears.
    Says(Vec<u8>),
    /// Says this to a hello that names one of these servers, and else the
    /// last.
    SaysTo(Vec<(&'static str, Vec<u8>)>, Vec<u8>),
}

/// The simulated network.
#[derive(Clone)]
pub(crate) struct Network {
    peer: Arc<dyn Fn(SocketAddr, usize) -> Peer + Send + Sync>,
    dials: Arc<Mutex<Vec<(Instant, SocketAddr)>>>,
    descriptors: Arc<Semaphore>,
}

impl Network {
    /// A network whose peers are given by address and by how often the
    /// address was dialled before.
    pub(crate) fn new(peer: impl Fn(SocketAddr, usize) -> Peer + Send + Sync + 'static) -> Self {
        Self {
            peer: Arc::new(peer),
            dials: Arc::default(),
            descriptors: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// The same for a program that may have so many connections open.
    pub(crate) fn with_descriptors(self, most: usize) -> Self {
        Self {
            descriptors: Arc::new(Semaphore::new(most)),
            ..self
        }
    }

    /// Every dial so far, in order.
    pub(crate) fn dials(&self) -> Vec<(Instant, SocketAddr)> {
        self.dials.lock().unwrap().clone()
    }

    /// The most dials of one group that any second saw, sliding.
    pub(crate) fn peak<K: std::hash::Hash + Eq>(&self, group: impl Fn(SocketAddr) -> K) -> usize {
        let mut groups: HashMap<K, Vec<Instant>> = HashMap::new();
        for (at, address) in self.dials() {
            groups.entry(group(address)).or_default().push(at);
        }
        let second = std::time::Duration::from_secs(1);
        let peak = |times: &Vec<Instant>| {
            let within = |first: &Instant| {
                times
                    .iter()
                    .filter(|at| **at >= *first && **at < *first + second)
                    .count()
            };
            times.iter().map(within).max().unwrap_or(0)
        };
        groups.values().map(peak).max().unwrap_or(0)
    }
}

impl Dialer for Network {
    type Stream = DuplexStream;

    fn apart(&self) -> Self {
        self.clone()
    }

    async fn dial(&self, pass: Pass) -> Result<DuplexStream, DialError> {
        let address = pass.endpoint().socket_address();
        let earlier = {
            let mut dials = self.dials.lock().unwrap();
            let earlier = dials
                .iter()
                .filter(|(_, dialled)| *dialled == address)
                .count();
            dials.push((Instant::now(), address));
            earlier
        };
        let Ok(descriptor) = Arc::clone(&self.descriptors).try_acquire_owned() else {
            return Err(DialError::Local(LocalFault::Exhausted("EMFILE".into())));
        };
        let (ours, theirs) = duplex(1 << 16);
        match (self.peer)(address, earlier) {
            Peer::Dark => std::future::pending().await,
            Peer::Closed => Err(DialError::Refused),
            Peer::Unreachable => Err(DialError::Unreachable),
            Peer::OutOfDescriptors => Err(DialError::Local(LocalFault::Exhausted("EMFILE".into()))),
            Peer::NoRoute => Err(DialError::Local(LocalFault::Network("ENETDOWN".into()))),
            Peer::Bug => panic!("a bug at {address}"),
            Peer::Silent => {
                tokio::spawn(answer(theirs, descriptor, |_| Vec::new()));
                Ok(ours)
            }
            Peer::Says(bytes) => {
                tokio::spawn(answer(theirs, descriptor, move |_| bytes.clone()));
                Ok(ours)
            }
            Peer::SaysTo(names, otherwise) => {
                tokio::spawn(answer(theirs, descriptor, move |hello| {
                    let known = names.iter().find(|(name, _)| holds(hello, name));
                    known.map_or(&otherwise, |(_, bytes)| bytes).clone()
                }));
                Ok(ours)
            }
        }
    }
}

/// Waits for the first bytes, answers, and holds the line until it is cut.
async fn answer(
    mut stream: DuplexStream,
    _open: OwnedSemaphorePermit,
    to: impl Fn(&[u8]) -> Vec<u8> + Send,
) {
    let mut buffer = [0; 4096];
    let Ok(length) = stream.read(&mut buffer).await else {
        return;
    };
    if stream.write_all(&to(&buffer[..length])).await.is_err() {
        return;
    }
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

/// Whether a hello has a name in it, with its length before (RFC 6066 section
/// 3), so that `a.sim` is not in `aa.sim`.
fn holds(hello: &[u8], name: &str) -> bool {
    let length = u16::try_from(name.len()).unwrap().to_be_bytes();
    let wanted = [&length, name.as_bytes()].concat();
    hello
        .windows(wanted.len())
        .any(|window| window == &wanted[..])
}

/// A fatal alert of this description (RFC 8446 section 6).
pub(crate) fn alert(description: u8) -> Vec<u8> {
    vec![0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description]
}

/// The TLS 1.2 flight of a server with this chain: ServerHello, Certificate,
/// ServerHelloDone, each in a record of its own (RFC 5246 section 7.4).
pub(crate) fn flight(chain: &[&[u8]]) -> Vec<u8> {
    let mut hello = vec![0x03, 0x03];
    hello.extend([0x5a; 32]);
    hello.push(0);
    // TLS_RSA_WITH_AES_128_CBC_SHA, null compression, no extensions.
    hello.extend([0x00, 0x2f, 0x00]);
    let mut list = Vec::new();
    for der in chain {
        list.extend(u24(der.len()));
        list.extend(*der);
    }
    let certificate = [&u24(list.len())[..], &list].concat();
    [
        message(2, &hello),
        message(11, &certificate),
        message(14, &[]),
    ]
    .concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let message = [&[kind][..], &u24(body.len()), body].concat();
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[0x16, 0x03, 0x03][..], &length, &message].concat()
}

fn u24(length: usize) -> [u8; 3] {
    let [_, bytes @ ..] = u32::try_from(length).unwrap().to_be_bytes();
    bytes
}

/// The simulated DNS.
#[derive(Clone)]
pub(crate) struct Names {
    answer: Arc<Answer>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

/// What a name resolves to, by how often it was asked before.
type Answer = dyn Fn(&str, usize) -> Result<Vec<IpAddr>, LookupError> + Send + Sync;

impl Names {
    pub(crate) fn new(
        answer: impl Fn(&str, usize) -> Result<Vec<IpAddr>, LookupError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Arc::new(answer),
            asked: Arc::default(),
        }
    }

    /// How often each name was asked for.
    pub(crate) fn asked(&self) -> HashMap<String, usize> {
        self.asked.lock().unwrap().clone()
    }

    /// These names, and no others.
    pub(crate) fn of(names: &[(&str, &[&str])]) -> Self {
        let address = |text: &&str| text.parse().unwrap();
        let known: HashMap<_, Vec<_>> = names
            .iter()
            .map(|(name, addresses)| {
                let addresses = addresses.iter().map(address).collect();
                ((*name).to_owned(), addresses)
            })
            .collect();
        Self::new(move |name, _| {
            let found = known.get(name).cloned();
            found.ok_or(LookupError::Unresolved(Unresolved::NoSuchName))
        })
    }
}

impl Resolver for Names {
    async fn addresses(&self, name: &ServerName) -> Result<Vec<IpAddr>, LookupError> {
        let earlier = {
            let mut asked = self.asked.lock().unwrap();
            let times = asked.entry(name.as_str().to_owned()).or_default();
            *times += 1;
            *times - 1
        };
        (self.answer)(name.as_str(), earlier)
    }

    async fn pointer(&self, address: IpAddr) -> Pointer {
        Pointer::Name(format!("host-{address}.sim"))
    }
}

/// An inventory in memory that can fail at a chosen write.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    stored: Arc<Mutex<Stored>>,
}

/// What it was given.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) observations: Vec<Observation>,
    pub(crate) coverage: Vec<AddressRun>,
    pub(crate) names: Vec<NameLook>,
    pub(crate) leads: Vec<Lead>,
    pub(crate) certificates: usize,
    pub(crate) end: Option<ScanEnd>,
    started_at: Option<Timestamp>,
    pub(crate) fail_at: Option<usize>,
    pub(crate) busy_until: usize,
    /// What was stored of how far the scan has come.
    pub(crate) milestones: Vec<Milestone>,
    writes: usize,
    /// The call that fails, counted from 1.
    pub(crate) fail_call: Option<usize>,
    pub(crate) calls: usize,
}

impl Stored {
    /// Counts a call, and fails the chosen one.
    fn call(&mut self, operation: &'static str) -> Result<(), StoreError> {
        self.calls += 1;
        if self.fail_call == Some(self.calls) {
            return Err(StoreError::DiskFull { operation });
        }
        Ok(())
    }

    /// The certificates that endpoints showed.
    fn leaves(&self) -> Vec<Fingerprint> {
        let observations = self.observations.iter();
        let leaves = observations.filter_map(|seen| match &seen.outcome {
            Outcome::Certificate(presented) => Some(presented.chain.leaf().fingerprint()),
            _ => None,
        });
        leaves.collect()
    }

    /// From where another scan goes on.
    fn checkpoint(&self) -> Checkpoint {
        let done = |milestone: &&Milestone| milestone.step == Step::Done;
        let done = self.milestones.iter().rfind(done);
        let block = done.map_or(0, |milestone| milestone.block + 1);
        let of_block = self.milestones.iter().filter(|it| it.block == block);
        let pages = of_block.filter_map(|milestone| match &milestone.step {
            Step::Page(page) => Some(page.clone()),
            Step::Done => None,
        });
        Checkpoint {
            started_at: self.started_at.expect("a scan that has begun"),
            block,
            outcomes: done.map_or_else(Tally::default, |milestone| milestone.outcomes),
            pages: pages.collect(),
            certificates: self.leaves(),
        }
    }
}

impl Memory {
    pub(crate) fn failing_at(write: usize) -> Self {
        let memory = Self::default();
        memory.stored.lock().unwrap().fail_at = Some(write);
        memory
    }

    pub(crate) fn stored(&self) -> std::sync::MutexGuard<'_, Stored> {
        self.stored.lock().unwrap()
    }
}

impl Sink for Memory {
    fn begin(&mut self, record: NewScan) -> BoxFuture<'_, Result<ScanId, StoreError>> {
        let mut stored = self.stored();
        let begun = stored.call("beginning").map(|()| ScanId::new(1));
        stored.started_at = Some(record.started_at);
        async { begun }.boxed()
    }

    fn resume(&mut self, _: ScanId, _: NewScan) -> BoxFuture<'_, Result<Checkpoint, StoreError>> {
        let checkpoint = self.stored().checkpoint();
        async { Ok(checkpoint) }.boxed()
    }

    fn write<'a>(
        &'a mut self,
        _: ScanId,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut stored = self.stored();
        if let Err(error) = stored.call("writing") {
            return async { Err(error) }.boxed();
        }
        stored.writes += 1;
        if stored.writes <= stored.busy_until {
            return async {
                Err(StoreError::Busy {
                    operation: "writing",
                    holders: Vec::new(),
                })
            }
            .boxed();
        }
        if stored.fail_at == Some(stored.writes) {
            return async {
                Err(StoreError::DiskFull {
                    operation: "writing",
                })
            }
            .boxed();
        }
        stored
            .observations
            .extend(batch.observations.iter().cloned());
        stored.certificates += batch.certificates.len();
        stored.coverage.extend(batch.coverage.iter().cloned());
        stored.names.extend(batch.names.iter().cloned());
        stored.leads.extend(batch.leads.iter().cloned());
        stored.milestones.extend(batch.milestone.clone());
        async { Ok(()) }.boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let closed = self.stored().call("closing");
        async { closed }.boxed()
    }

    fn finish(&mut self, _: ScanId, end: ScanEnd) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut stored = self.stored();
        let finished = stored.call("ending");
        stored.end = finished.is_ok().then_some(end);
        async { finished }.boxed()
    }
}

/// How many addresses of the ledger had an outcome.
pub(crate) fn covered(runs: &[AddressRun], kind: OutcomeKind) -> u128 {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    runs.iter()
        .filter(|run| run.outcome == kind)
        .map(|run| number(run.last) - number(run.first) + 1)
        .sum()
}
