//! Threads that each look after their own sockets.
//!
//! On Linux each has a table of descriptors of its own as well (unshare(2),
//! CLONE_FILES): the system's limit of open descriptors then holds for each of
//! them by itself, and none waits for another at the table.

use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Event loops, a thread each, until this is dropped. A thread that is stuck
/// then is left to itself.
///
/// A task that is spawned on one of them must make its sockets, and whatever
/// else has a descriptor, itself, and drop them itself: a descriptor of one
/// table means another file, or none, in the next. There is one set of event
/// loops at a time.
pub(crate) struct EventLoops {
    loops: Vec<EventLoop>,
    end: CancellationToken,
}

struct EventLoop {
    runtime: Handle,
    table: Table,
    thread: JoinHandle<()>,
    /// Nothing ever comes here; it is closed when the runtime is gone.
    over: Receiver<Infallible>,
}

/// How long the threads have for their end. What they do takes none of it; one
/// that is stuck in writing to a pipe would take for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// The descriptors that a thread sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Own,
    Shared,
}

impl EventLoops {
    /// Begins so many.
    pub(crate) fn begin(count: NonZeroUsize) -> io::Result<Self> {
        // All before the first thread has a table of its own: what wakes a
        // loop is a descriptor too, and every thread wakes every loop.
        let runtimes: io::Result<Vec<_>> = (0..count.get()).map(|_| Idle::begin()).collect();
        let mut loops = Self {
            loops: Vec::new(),
            end: CancellationToken::new(),
        };
        for runtime in runtimes? {
            loops.add(runtime)?;
        }
        Ok(loops)
    }

    fn add(&mut self, mut idle: Idle) -> io::Result<()> {
        let Some(handle) = idle.0.as_ref().map(|runtime| runtime.handle().clone()) else {
            return Ok(());
        };
        let end = self.end.clone();
        let (tell, told) = sync_channel(1);
        let (is_running, over) = sync_channel(0);
        let thread = thread::Builder::new().name("network".to_owned());
        let thread = thread.spawn(move || {
            // Nobody waits for it where there was no thread.
            let _ = tell.send(own_table());
            if let Some(runtime) = idle.0.take() {
                runtime.block_on(end.cancelled());
            }
            drop(is_running);
        })?;
        self.loops.push(EventLoop {
            runtime: handle,
            table: told.recv().unwrap_or(Table::Shared),
            thread,
            over,
        });
        Ok(())
    }

    /// Where to spawn.
    pub(crate) fn runtimes(&self) -> Vec<Handle> {
        self.loops.iter().map(|it| it.runtime.clone()).collect()
    }

    /// How many tables of descriptors they have between them.
    pub(crate) fn tables(&self) -> NonZeroUsize {
        let own = self.loops.iter().filter(|it| it.table == Table::Own);
        let own = own.count();
        let shared = usize::from(own < self.loops.len());
        NonZeroUsize::new(own + shared).unwrap_or(NonZeroUsize::MIN)
    }
}

impl Drop for EventLoops {
    fn drop(&mut self) {
        self.end.cancel();
        let end = Instant::now() + PATIENCE;
        for EventLoop { thread, over, .. } in self.loops.drain(..) {
            let left = end.saturating_duration_since(Instant::now());
            // Nobody else has what is in its table, and it ends with the program.
            if over.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
                // A panic there has been told where it was.
                let _ = thread.join();
            }
        }
    }
}

/// A runtime that has no thread yet. Where the descriptors do not suffice for
/// all of them, those that began are dropped by a task, which may not wait.
struct Idle(Option<Runtime>);

impl Idle {
    fn begin() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Gives this thread a table of its own, if the system lets it.
#[cfg(target_os = "linux")]
fn own_table() -> Table {
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    #[expect(unsafe_code, reason = "no safe call gives a thread its own table")]
    // SAFETY: it asks that no thread uses a descriptor of a table that is not
    // its own. What is open now is in both tables under the same numbers, and
    // stays so on each side until that side closes it: the runtimes, and what
    // wakes them. What is opened from now on stays on its side, since tasks
    // here make and drop their own sockets, and bring and hand out none, as
    // `EventLoops` demands of whoever spawns them.
    let unshared = unsafe { unshare_unsafe(UnshareFlags::FILES) };
    match unshared {
        Ok(()) => Table::Own,
        Err(_) => Table::Shared,
    }
}

/// Other systems have one table a process.
#[cfg(not(target_os = "linux"))]
fn own_table() -> Table {
    Table::Shared
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd, RawFd};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    use super::*;

    fn two() -> EventLoops {
        EventLoops::begin(NonZeroUsize::new(2).unwrap()).unwrap()
    }

    /// Whether this thread has something open at a number.
    #[cfg(target_os = "linux")]
    fn is_open(descriptor: RawFd) -> bool {
        File::open(format!("/proc/thread-self/fd/{descriptor}")).is_ok()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_one_opens_no_other_sees() {
        let loops = two();
        assert_eq!(loops.tables().get(), 2);
        let [first, second] = &loops.runtimes()[..] else {
            panic!("two were asked for");
        };
        let (tell, mut told) = mpsc::channel(1);
        let (go_on, mut wait) = mpsc::channel::<()>(1);
        let opener = first.spawn(async move {
            // Beyond what the test's own threads have open.
            let files: Vec<_> = (0..500).map(|_| File::open("/dev/null").unwrap()).collect();
            let last = files.last().unwrap().as_raw_fd();
            tell.send(last).await.unwrap();
            wait.recv().await;
            is_open(last)
        });
        let last = told.recv().await.unwrap();
        assert!(!second.spawn(async move { is_open(last) }).await.unwrap());
        assert!(!is_open(last));
        drop(go_on);
        assert!(opener.await.unwrap());
    }

    #[tokio::test]
    async fn those_that_began_before_one_that_did_not_end_quietly() {
        drop(Idle::begin().unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn they_wake_each_other_and_write_into_nobody_elses_file() {
        let loops = two();
        let files: Vec<_> = (0..100).map(|_| tempfile::tempfile().unwrap()).collect();
        let (to_second, mut at_second) = mpsc::channel(1);
        let (to_first, mut at_first) = mpsc::channel(1);
        let (to_us, mut here) = mpsc::channel(1);
        let [first, second] = &loops.runtimes()[..] else {
            panic!("two were asked for");
        };
        let one = first.spawn(async move {
            let _files: Vec<_> = (0..50).map(|_| tempfile::tempfile().unwrap()).collect();
            for number in 0..1000 {
                to_second.send(number).await.unwrap();
                assert_eq!(at_first.recv().await, Some(number));
            }
        });
        let other = second.spawn(async move {
            while let Some(number) = at_second.recv().await {
                to_us.send(number).await.unwrap();
                to_first.send(number).await.unwrap();
            }
        });
        let mut heard = 0;
        while here.recv().await.is_some() {
            heard += 1;
        }
        one.await.unwrap();
        other.await.unwrap();
        assert_eq!(heard, 1000);
        for file in &files {
            assert_eq!(file.metadata().unwrap().len(), 0);
        }
    }

    #[tokio::test]
    async fn a_thread_that_is_stuck_holds_nobody_up() {
        let loops = two();
        let [first, second] = &loops.runtimes()[..] else {
            panic!("two were asked for");
        };
        let (go_on, wait) = sync_channel::<()>(0);
        let (tell, mut told) = mpsc::channel(1);
        first.spawn(async move {
            tell.send(()).await.unwrap();
            // As a write to a pipe that nobody reads.
            let _ = wait.recv();
        });
        told.recv().await.unwrap();
        let (is_dropped, dropped) = tokio::sync::oneshot::channel::<()>();
        second.spawn(async move {
            let _is_dropped = is_dropped;
            std::future::pending::<()>().await;
        });
        drop(loops);
        assert!(dropped.await.is_err(), "the other one is joined");
        drop(go_on);
    }

    #[tokio::test]
    async fn each_has_connections() {
        let loops = two();
        for runtime in loops.runtimes() {
            let talked = runtime.spawn(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let dialled = tokio::spawn(async move {
                    let socket = std::net::TcpStream::connect(address).unwrap();
                    socket.set_nonblocking(true).unwrap();
                    let mut socket = TcpStream::from_std(socket).unwrap();
                    socket.write_all(b"hello").await.unwrap();
                    socket
                });
                let (mut accepted, _) = listener.accept().await.unwrap();
                let mut hello = [0; 5];
                accepted.read_exact(&mut hello).await.unwrap();
                drop(dialled.await.unwrap());
                hello
            });
            assert_eq!(&talked.await.unwrap(), b"hello");
        }
    }
}
