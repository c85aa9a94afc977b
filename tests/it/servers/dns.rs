//! A name server for the few names of a test (RFC 1035), over UDP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

const TYPE_A: u16 = 1;
const TYPE_PTR: u16 = 12;
const TYPE_AAAA: u16 = 28;
const NOT_FOUND: u8 = 3;

/// What it knows: a name's addresses, or a reverse name's name.
type Zone = BTreeMap<String, Record>;

enum Record {
    /// One answer for each look-up; the last stands for all that follow.
    Addresses(Vec<Vec<IpAddr>>),
    Pointer(String),
}

/// How often each type of each name was asked for.
type Asked = BTreeMap<(String, u16), usize>;

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
        let answers = names
            .iter()
            .map(|(name, address)| (*name, vec![vec![*address]]));
        Self::answering(socket, answers)
    }

    /// The same with names that have several addresses, and others at the next
    /// look-up.
    pub(crate) fn answering<'name>(
        socket: UdpSocket,
        names: impl IntoIterator<Item = (&'name str, Vec<Vec<IpAddr>>)>,
    ) -> Self {
        let mut zone = Zone::new();
        for (name, answers) in names {
            for address in answers.iter().flatten() {
                if let IpAddr::V4(address) = address {
                    let [a, b, c, d] = address.octets();
                    zone.entry(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
                        .or_insert_with(|| Record::Pointer(name.to_owned()));
                }
            }
            zone.insert(name.to_owned(), Record::Addresses(answers));
        }
        let address = socket.local_addr().unwrap();
        let listening = socket.try_clone().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 1500];
            let mut asked = Asked::new();
            while let Ok((length, client)) = listening.recv_from(&mut buffer) {
                if until.load(Ordering::SeqCst) {
                    break;
                }
                if let Some(reply) = reply(&buffer[..length], &zone, &mut asked) {
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
fn reply(query: &[u8], zone: &Zone, asked: &mut Asked) -> Option<Vec<u8>> {
    let (name, end) = read_name(query)?;
    let name = name.to_lowercase();
    let record_type = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    let known = zone.get(&name);
    let times = asked.entry((name, record_type)).or_default();
    let (data, seconds) = match known {
        Some(Record::Addresses(answers)) => {
            let answer = answers.get(*times).or(answers.last())?;
            let data = answer.iter().filter_map(|one| address(*one, record_type));
            (data.collect(), if answers.len() > 1 { 0 } else { 60 })
        }
        Some(Record::Pointer(name)) if record_type == TYPE_PTR => (vec![write_name(name)], 60),
        Some(Record::Pointer(_)) | None => (Vec::new(), 60),
    };
    *times += 1;
    let code = if known.is_some() { 0 } else { NOT_FOUND };

    let mut reply = query[..2].to_vec();
    // A response, authoritative, recursion desired and available.
    reply.extend([0x85, 0x80 | code]);
    reply.extend([0, 1, 0, u8::try_from(data.len()).ok()?, 0, 0, 0, 0]);
    reply.extend(query.get(12..end + 4)?);
    for data in data {
        // The name is the one at offset 12, class IN.
        reply.extend([0xc0, 12]);
        reply.extend(record_type.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, seconds]);
        reply.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

/// An address as a record of this type holds it, if one does.
fn address(address: IpAddr, record_type: u16) -> Option<Vec<u8>> {
    match (address, record_type) {
        (IpAddr::V4(address), TYPE_A) => Some(address.octets().to_vec()),
        (IpAddr::V6(address), TYPE_AAAA) => Some(address.octets().to_vec()),
        _ => None,
    }
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
