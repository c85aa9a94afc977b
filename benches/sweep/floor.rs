//! The least that a sweep costs this machine: one epoll, no certificate kept,
//! nothing parsed, nothing stored. What `benches/sweep/run` measures the
//! program against.
//!
//!     floor FIRST COUNT PORT IN_FLIGHT TIMEOUT_MS fresh|recycled
//!
//! `fresh` opens a socket for each target, `recycled` frees the same few by
//! connecting them to nowhere. Prints how many of each end it came to.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement may fail loudly, and has a clock of its own"
)]

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use certsweep::tls::{Client, Ladder};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words[at].parse::<u32>().unwrap();
    let mut floor = Floor::new(
        words[0].parse().unwrap(),
        number(1),
        words[2].parse().unwrap(),
        Duration::from_millis(number(4).into()),
        words[5] == "recycled",
    );
    floor.sweep(usize::try_from(number(3)).unwrap());
    let [certificate, refused, filtered, other] = floor.ends;
    println!(
        r#"{{"certificate":{certificate},"refused":{refused},"filtered":{filtered},"other":{other}}}"#
    );
}

/// How a target ended; its number is its place in the count.
#[derive(Clone, Copy)]
enum End {
    Certificate,
    Refused,
    Filtered,
    Other,
}

struct Floor {
    targets: std::ops::Range<u32>,
    port: u16,
    timeout: Duration,
    recycles: bool,
    epoll: OwnedFd,
    hello: Vec<u8>,
    slots: Vec<Slot>,
    /// What is under way, the earliest deadline first.
    deadlines: VecDeque<(Instant, usize, u32)>,
    under_way: usize,
    ends: [u32; 4],
    received: Vec<u8>,
}

/// A place for one connection at a time.
#[derive(Default)]
struct Slot {
    socket: Option<OwnedFd>,
    under_way: bool,
    /// Which of its connections this is.
    turn: u32,
    said_hello: bool,
    /// What came, where the certificate did not come at once.
    early: Vec<u8>,
}

impl Floor {
    fn new(first: Ipv4Addr, count: u32, port: u16, timeout: Duration, recycles: bool) -> Self {
        let rung = Ladder::fast().first();
        let (_, hello) = Client::new().open(rung, None, [7; 32]).unwrap();
        Self {
            targets: first.to_bits()..first.to_bits() + count,
            port,
            timeout,
            recycles,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).unwrap(),
            hello,
            slots: Vec::new(),
            deadlines: VecDeque::new(),
            under_way: 0,
            ends: [0; 4],
            received: vec![0; 1 << 14],
        }
    }

    fn sweep(&mut self, in_flight: usize) {
        self.slots.resize_with(in_flight, Slot::default);
        for slot in 0..in_flight {
            self.begin(slot);
        }
        let mut events = Vec::with_capacity(1024);
        while self.under_way > 0 {
            events.clear();
            let wait = self
                .deadlines
                .front()
                .map(|(due, ..)| due.saturating_duration_since(Instant::now()));
            let wait = wait.unwrap_or_default().try_into().unwrap();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, buffer, Some(&wait)).unwrap();
            for event in &events {
                let slot = usize::try_from(event.data.u64()).unwrap();
                self.advance(slot, event.flags);
            }
            self.expire();
        }
    }

    /// Dials the next target, passing over those that end at once.
    fn begin(&mut self, slot: usize) {
        while let Some(target) = self.targets.next() {
            let socket = match self.slots[slot].socket.take() {
                Some(socket) => socket,
                None => self.open(slot),
            };
            let target = SocketAddrV4::new(Ipv4Addr::from_bits(target), self.port);
            let dialled = rustix::net::connect(&socket, &target);
            self.slots[slot].socket = Some(socket);
            if dialled == Err(Errno::INPROGRESS) || dialled.is_ok() {
                self.under_way += 1;
                self.slots[slot].under_way = true;
                let turn = self.slots[slot].turn;
                self.deadlines
                    .push_back((Instant::now() + self.timeout, slot, turn));
                return;
            }
            self.ends[End::Other as usize] += 1;
            self.free(slot);
        }
    }

    fn open(&self, slot: usize) -> OwnedFd {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
        sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
        let events = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(
            &self.epoll,
            &socket,
            EventData::new_u64(slot as u64),
            events,
        )
        .unwrap();
        socket
    }

    /// Goes on with a connection as far as it comes.
    fn advance(&mut self, slot: usize, flags: EventFlags) {
        let place = &mut self.slots[slot];
        // A recycled socket is told of the end of the connection before.
        let Some(socket) = place.socket.as_ref().filter(|_| place.under_way) else {
            return;
        };
        let socket = socket.as_fd();
        if !place.said_hello {
            match rustix::net::send(socket, &self.hello, SendFlags::NOSIGNAL) {
                Ok(_) => place.said_hello = true,
                // Of a connection that a recycled socket had before.
                Err(Errno::AGAIN) => return,
                Err(Errno::CONNREFUSED) => return self.end(slot, End::Refused),
                Err(_) => return self.end(slot, End::Other),
            }
        }
        if flags.contains(EventFlags::IN) {
            match receive(socket, &mut self.received, &mut place.early) {
                None => (),
                Some(end) => self.end(slot, end),
            }
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((due, slot, turn)) = self.deadlines.front().copied() {
            let under_way = self.slots[slot].turn == turn;
            if under_way && due > now {
                return;
            }
            self.deadlines.pop_front();
            if under_way {
                self.end(slot, End::Filtered);
            }
        }
    }

    fn end(&mut self, slot: usize, end: End) {
        self.ends[end as usize] += 1;
        self.under_way -= 1;
        self.free(slot);
        self.begin(slot);
    }

    /// Resets the slot's connection.
    fn free(&mut self, slot: usize) {
        let place = &mut self.slots[slot];
        place.turn += 1;
        place.under_way = false;
        place.said_hello = false;
        place.early.clear();
        if self.recycles {
            let socket = place.socket.as_ref().unwrap();
            rustix::net::connect_unspec(socket).unwrap();
        } else {
            place.socket = None;
        }
    }
}

/// Reads what is there; how the connection ends, if it does.
fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], early: &mut Vec<u8>) -> Option<End> {
    let received = match rustix::net::recv(socket, &mut *buffer, RecvFlags::empty()) {
        Ok((0, _)) => return Some(End::Other),
        Ok((length, _)) => &buffer[..length],
        Err(Errno::AGAIN) => return None,
        Err(_) => return Some(End::Other),
    };
    if early.is_empty() && holds_certificate(received) {
        return Some(End::Certificate);
    }
    early.extend_from_slice(received);
    holds_certificate(early).then_some(End::Certificate)
}

/// Whether a whole Certificate message (RFC 5246 section 7.4.2) has come, in
/// a flight whose messages have a record each or share the first.
fn holds_certificate(flight: &[u8]) -> bool {
    const RECORD_HEADER: usize = 5;
    const MESSAGE_HEADER: usize = 4;
    let mut rest = flight;
    while let [22, _, _, high, low, _, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((record, behind)) = rest[RECORD_HEADER..].split_at_checked(length) else {
            return false;
        };
        let mut messages = record;
        while let [kind, high, middle, low, ..] = *messages {
            if kind == 11 {
                return true;
            }
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            messages = messages.get(MESSAGE_HEADER + length..).unwrap_or_default();
        }
        rest = behind;
    }
    false
}
