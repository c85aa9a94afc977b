//! Listeners that know no TLS: they say a greeting, or nothing at all.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;

/// Listeners on free ports of loopback. They keep every connection open until
/// they are dropped themselves.
pub(crate) struct Plain {
    pub(crate) addresses: Vec<SocketAddr>,
    /// Who came, in order.
    visitors: Receiver<Visit>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    /// The listener's address.
    pub(crate) to: SocketAddr,
    pub(crate) from: SocketAddr,
    pub(crate) at: Instant,
}

impl Plain {
    /// One that says nothing, ever.
    pub(crate) fn silent() -> Self {
        Self::greeting(1, b"")
    }

    /// Some that greet everyone in these bytes.
    pub(crate) fn greeting(count: usize, greeting: &'static [u8]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (visits, visitors) = channel();
        let mut plain = Self {
            addresses: Vec::new(),
            visitors,
            over,
            threads: Vec::new(),
        };
        for _ in 0..count {
            let listener = TcpListener::bind((IpAddr::from(Ipv4Addr::LOCALHOST), 0)).unwrap();
            plain.addresses.push(listener.local_addr().unwrap());
            let (over, visits) = (Arc::clone(&plain.over), visits.clone());
            plain.threads.push(thread::spawn(move || {
                serve(&listener, greeting, &over, &visits);
            }));
        }
        plain
    }

    /// The first one's address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Waits for the next visitor.
    #[track_caller]
    pub(crate) fn wait_for_visit(&self) -> SocketAddr {
        self.next_visit().from
    }

    /// The next visit, of any of them.
    #[track_caller]
    pub(crate) fn next_visit(&self) -> Visit {
        self.visitors
            .recv_timeout(Duration::from_mins(1))
            .expect("nobody connected")
    }

    /// All visits that were not told of yet.
    pub(crate) fn visits_so_far(&self) -> Vec<Visit> {
        self.visitors.try_iter().collect()
    }

    /// How many came to the first one since it was last asked, by clients that
    /// have ended: the connection made here stands in line behind all of theirs.
    pub(crate) fn visits(&self) -> usize {
        let last = TcpStream::connect(self.address())
            .unwrap()
            .local_addr()
            .unwrap();
        std::iter::repeat_with(|| self.wait_for_visit())
            .take_while(|visitor| *visitor != last)
            .count()
    }
}

fn serve(listener: &TcpListener, greeting: &[u8], over: &AtomicBool, visits: &Sender<Visit>) {
    let to = listener.local_addr().unwrap();
    let mut kept = Vec::new();
    while let Ok((mut connection, from)) = listener.accept() {
        if over.load(Ordering::SeqCst) {
            break;
        }
        // A visitor that left at once is a visitor like any other.
        let _ = connection.write_all(greeting);
        kept.push(connection);
        let at = Instant::now();
        visits.send(Visit { to, from, at }).unwrap();
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for (address, thread) in self.addresses.iter().zip(self.threads.drain(..)) {
            // Wakes the thread; where even that fails, it ends with the process.
            if TcpStream::connect(address).is_ok() {
                let _ = thread.join();
            }
        }
    }
}
