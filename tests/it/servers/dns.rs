//! A name server for the few names of a test (RFC 1035), over UDP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

const TYPE_A: u16 = 1;
const TYPE_PTR: u16 = 12;
const NOT_FOUND: u8 = 3;

/// What it knows: a name's address, or a reverse name's name.
type Zone = BTreeMap<String, Record>;

/// One answer.
#[derive(Clone)]
enum Record {
    Address(Ipv4Addr),
    Pointer(String),
}

/// A running name server: NXDOMAIN for all that is not in its zone.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    socket: UdpSocket,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// Answers with one address for each of these names, and with the first
    /// of an address's names for its PTR.
    pub(crate) fn start(names: &[(&str, IpAddr)]) -> Self {
        Self::at(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), names)
    }

    /// The same, at this socket.
    pub(crate) fn at(socket: UdpSocket, names: &[(&str, IpAddr)]) -> Self {
        let mut zone = Zone::new();
        for (name, address) in names {
            let IpAddr::V4(address) = address else {
                panic!("{address}: only A records here")
            };
            let [a, b, c, d] = address.octets();
            zone.insert((*name).to_owned(), Record::Address(*address));
            zone.entry(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
                .or_insert_with(|| Record::Pointer((*name).to_owned()));
        }
        let address = socket.local_addr().unwrap();
        let listening = socket.try_clone().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, client)) = listening.recv_from(&mut buffer) {
                if until.load(Ordering::SeqCst) {
                    break;
                }
                if let Some(reply) = reply(&buffer[..length], &zone) {
                    // A client that is gone needs no answer.
                    let _ = listening.send_to(&reply, client);
                }
            }
        });
        Self {
            address,
            socket,
            over,
            thread: Some(thread),
        }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread, from the network that it listens on.
        if self.socket.send_to(&[], self.address).is_ok() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

/// The reply to a query of one question; `None` for what is no query.
fn reply(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let (name, end) = read_name(query)?;
    let record_type = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    let known = zone.get(&name.to_lowercase());
    let data = match (known, record_type) {
        (Some(Record::Address(address)), TYPE_A) => Some(address.octets().to_vec()),
        (Some(Record::Pointer(name)), TYPE_PTR) => Some(write_name(name)),
        _ => None,
    };
    let code = if known.is_some() { 0 } else { NOT_FOUND };

    let mut reply = query[..2].to_vec();
    // A response, authoritative, recursion desired and available.
    reply.extend([0x85, 0x80 | code]);
    reply.extend([0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    reply.extend(query.get(12..end + 4)?);
    if let Some(data) = data {
        // The name is the one at offset 12, class IN, kept for a minute.
        reply.extend([0xc0, 12]);
        reply.extend(record_type.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

/// The question's name, and where its type begins.
fn read_name(query: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(std::str::from_utf8(query.get(at..at + length)?).ok()?);
        at += length;
    }
}

fn write_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

#[test]
fn the_name_server_knows_its_names_and_no_others() {
    let address = Ipv4Addr::new(127, 9, 8, 7);
    let dns = Dns::start(&[("one.sweep.test", address.into())]);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ask = |name: &str, record_type: u16| {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(write_name(name));
        query.extend(record_type.to_be_bytes());
        query.extend([0, 1]);
        socket.send_to(&query, dns.address).unwrap();
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    };
    assert!(ask("One.sweep.test", TYPE_A).ends_with(&[0, 4, 127, 9, 8, 7]));
    assert!(ask("7.8.9.127.in-addr.arpa", TYPE_PTR).ends_with(&write_name("one.sweep.test")));
    assert_eq!(ask("two.sweep.test", TYPE_A)[3] & 0x0f, NOT_FOUND);
    assert_eq!(
        ask("one.sweep.test", 28)[6..8],
        [0, 0],
        "no AAAA, and no error"
    );
}
