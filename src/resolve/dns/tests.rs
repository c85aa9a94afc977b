use std::collections::HashMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{CNAME, NS, PTR, SOA};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::*;

/// What a [`Server`] says to a question.
#[derive(Clone, Debug)]
enum Answer {
    Records(Vec<RData>),
    Code(ResponseCode),
    /// No answer, but one record of who has authority.
    Authority(ResponseCode, RData),
    /// It never answers.
    Silence,
}

/// A name server on loopback that knows some answers and, of everything
/// else, that it does not exist.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<(String, RecordType), usize>>>,
}

impl Server {
    async fn start(answers: impl IntoIterator<Item = (&str, RecordType, Answer)>) -> Self {
        let answers: HashMap<_, _> = answers
            .into_iter()
            .map(|(name, kind, answer)| ((name.to_owned(), kind), answer))
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::<Mutex<HashMap<_, usize>>>::default();
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut datagram = [0; 4096];
            loop {
                let (length, client) = socket.recv_from(&mut datagram).await.unwrap();
                let request = Message::from_bytes(&datagram[..length]).unwrap();
                let query = request.queries[0].clone();
                let key = (query.name().to_string(), query.query_type());
                *count.lock().unwrap().entry(key.clone()).or_default() += 1;
                let answer = answers
                    .get(&key)
                    .cloned()
                    .unwrap_or(Answer::Code(ResponseCode::NXDomain));
                let mut response = request.into_response();
                match answer {
                    Answer::Silence => continue,
                    Answer::Code(code) => response.metadata.response_code = code,
                    Answer::Authority(code, data) => {
                        response.metadata.response_code = code;
                        response.add_authority(Record::from_rdata(Name::root(), 300, data));
                    }
                    Answer::Records(records) => {
                        response.add_answers(
                            records
                                .into_iter()
                                .map(|data| Record::from_rdata(query.name().clone(), 300, data)),
                        );
                    }
                }
                let bytes = response.to_bytes().unwrap();
                socket.send_to(&bytes, client).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn times_asked(&self, name: &str, kind: RecordType) -> usize {
        let key = (name.to_owned(), kind);
        self.asked.lock().unwrap().get(&key).copied().unwrap_or(0)
    }

    fn queries(&self) -> usize {
        self.asked.lock().unwrap().values().sum()
    }

    fn name_server(&self) -> NameServer {
        self.address.to_string().parse().unwrap()
    }

    /// Asks this server alone, as `--resolver` does.
    fn resolver(&self, family: AddressFamily) -> DnsResolver {
        DnsResolver::new(Settings {
            name_server: Some(self.name_server()),
            family,
        })
        .unwrap()
    }

    /// Asks it as the system's server, with a hosts file and a search list.
    fn system_resolver(&self, hosts: &str, search: &[&str]) -> DnsResolver {
        let search = search.iter().map(|name| Name::from_str(name).unwrap());
        let servers = vec![connections(self.name_server())];
        let config = ResolverConfig::from_parts(None, search.collect(), servers);
        let mut known = Hosts::default();
        known.read_hosts_conf(hosts.as_bytes()).unwrap();
        DnsResolver::assemble(config, ResolverOpts::default(), known, AddressFamily::Any).unwrap()
    }
}

fn records(addresses: &[&str]) -> Answer {
    let data = addresses
        .iter()
        .map(|address| RData::from(address.parse::<IpAddr>().unwrap()));
    Answer::Records(data.collect())
}

fn pointer(name: Name) -> Answer {
    Answer::Records(vec![RData::PTR(PTR(name))])
}

async fn pointer_of(resolver: &DnsResolver, last: u8) -> Pointer {
    resolver.pointer(IpAddr::from([192, 0, 2, last])).await
}

async fn addresses(resolver: &DnsResolver, name: &str) -> Result<Vec<String>, LookupError> {
    let addresses = resolver.addresses(&name.parse().unwrap()).await?;
    Ok(addresses.iter().map(ToString::to_string).collect())
}

fn unresolved(why: Unresolved) -> Result<Vec<String>, LookupError> {
    Err(LookupError::Unresolved(why))
}

#[tokio::test]
async fn a_name_has_the_addresses_of_both_families_or_of_the_chosen_one() {
    let server = Server::start([
        ("a.example.", RecordType::A, records(&["192.0.2.1"])),
        ("a.example.", RecordType::AAAA, records(&["2001:db8::1"])),
    ])
    .await;
    for (family, expected, queries) in [
        (AddressFamily::Any, &["192.0.2.1", "2001:db8::1"][..], 2),
        (AddressFamily::Ipv4, &["192.0.2.1"], 1),
        (AddressFamily::Ipv6, &["2001:db8::1"], 1),
    ] {
        let before = server.queries();
        let resolver = server.resolver(family);
        assert_eq!(addresses(&resolver, "a.example").await.unwrap(), expected);
        assert_eq!(server.queries() - before, queries);
    }
}

#[tokio::test]
async fn addresses_are_canonical_each_once_and_not_too_many() {
    let many: Vec<_> = (0..50).map(|n| format!("192.0.2.{n}")).collect();
    let more: Vec<_> = (0..40).map(|n| format!("2001:db8::{n}")).collect();
    let borrowed = |list: &[String]| records(&list.iter().map(String::as_str).collect::<Vec<_>>());
    let server = Server::start([
        (
            "same.example.",
            RecordType::A,
            records(&["192.0.2.1", "192.0.2.1"]),
        ),
        (
            "same.example.",
            RecordType::AAAA,
            records(&["::ffff:192.0.2.1"]),
        ),
        ("many.example.", RecordType::A, borrowed(&many)),
        ("many.example.", RecordType::AAAA, borrowed(&more)),
    ])
    .await;
    let resolver = server.resolver(AddressFamily::Any);
    assert_eq!(
        addresses(&resolver, "same.example").await.unwrap(),
        ["192.0.2.1"]
    );
    let many = addresses(&resolver, "many.example").await.unwrap();
    assert_eq!(many.len(), MAX_ADDRESSES);
    // A mapped address is no IPv6 address.
    let ipv6 = server.resolver(AddressFamily::Ipv6);
    assert!(addresses(&ipv6, "same.example").await.is_err());
}

#[tokio::test]
async fn the_ways_of_having_no_address_are_told_apart() {
    use ResponseCode::{NXDomain, NoError, Refused, ServFail};
    let both =
        |name, code| [RecordType::A, RecordType::AAAA].map(|kind| (name, kind, Answer::Code(code)));
    let mut answers = Vec::new();
    answers.extend(both("none.example.", NXDomain));
    answers.extend(both("nodata.example.", NoError));
    answers.extend(both("broken.example.", ServFail));
    answers.extend(both("refused.example.", Refused));
    answers.push(("half.example.", RecordType::A, Answer::Code(NoError)));
    answers.push(("half.example.", RecordType::AAAA, Answer::Code(ServFail)));
    let server = Server::start(answers).await;
    let resolver = server.resolver(AddressFamily::Any);
    for (name, why) in [
        ("none.example", Unresolved::NoSuchName),
        ("nodata.example", Unresolved::NoData),
        ("broken.example", Unresolved::ServerFailure),
        ("refused.example", Unresolved::ServerFailure),
        ("half.example", Unresolved::ServerFailure),
    ] {
        assert_eq!(addresses(&resolver, name).await, unresolved(why), "{name}");
    }
}

#[tokio::test]
async fn the_addresses_of_one_family_count_though_the_other_fails() {
    let server = Server::start([
        ("v4.example.", RecordType::A, records(&["192.0.2.1"])),
        (
            "v4.example.",
            RecordType::AAAA,
            Answer::Code(ResponseCode::ServFail),
        ),
        (
            "v6.example.",
            RecordType::A,
            Answer::Code(ResponseCode::NXDomain),
        ),
        ("v6.example.", RecordType::AAAA, records(&["2001:db8::1"])),
    ])
    .await;
    let resolver = server.resolver(AddressFamily::Any);
    assert_eq!(
        addresses(&resolver, "v4.example").await.unwrap(),
        ["192.0.2.1"]
    );
    assert_eq!(
        addresses(&resolver, "v6.example").await.unwrap(),
        ["2001:db8::1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_resolver_is_our_fault_after_five_seconds_at_most() {
    let server = Server::start([
        ("a.example.", RecordType::A, Answer::Silence),
        ("a.example.", RecordType::AAAA, Answer::Silence),
    ])
    .await;
    let resolver = server.resolver(AddressFamily::Any);
    let start = Instant::now();
    let answer = addresses(&resolver, "a.example").await;
    assert!(
        matches!(answer, Err(LookupError::Resolver(_))),
        "{answer:?}"
    );
    assert!(start.elapsed() <= ADDRESSES_TIMEOUT);
}

#[tokio::test]
async fn look_ups_of_one_name_at_the_same_time_make_one_query() {
    let server = Server::start([
        ("a.example.", RecordType::A, records(&["192.0.2.1"])),
        ("a.example.", RecordType::AAAA, records(&["2001:db8::1"])),
    ])
    .await;
    let resolver = server.resolver(AddressFamily::Any);
    let together = join_all((0..100).map(|_| addresses(&resolver, "a.example"))).await;
    assert!(
        together
            .iter()
            .all(|answer| answer.as_ref().unwrap().len() == 2)
    );
    assert_eq!(server.times_asked("a.example.", RecordType::A), 1);
    assert_eq!(server.times_asked("a.example.", RecordType::AAAA), 1);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_to_live() {
    let server = Server::start([("a.example.", RecordType::A, records(&["192.0.2.1"]))]).await;
    let resolver = server.resolver(AddressFamily::Ipv4);
    for _ in 0..3 {
        assert!(addresses(&resolver, "a.example").await.is_ok());
    }
    assert_eq!(server.queries(), 1);
}

#[tokio::test]
async fn a_name_in_the_hosts_file_is_not_asked_for() {
    let server =
        Server::start([("db.example.", RecordType::AAAA, records(&["2001:db8::1"]))]).await;
    let hosts = "192.0.2.7 db.example DB # comment\n192.0.2.8 db.example\n";
    let resolver = server.system_resolver(hosts, &["corp.example."]);
    for name in ["db.example", "DB.Example"] {
        let known = addresses(&resolver, name).await.unwrap();
        assert_eq!(known, ["192.0.2.7", "192.0.2.8"]);
    }
    assert_eq!(addresses(&resolver, "db").await.unwrap(), ["192.0.2.7"]);
    assert_eq!(server.queries(), 0);
    // A chosen resolver answers alone.
    let chosen = server.resolver(AddressFamily::Any);
    assert_eq!(
        addresses(&chosen, "db.example").await.unwrap(),
        ["2001:db8::1"]
    );
}

#[tokio::test]
async fn a_single_label_is_looked_for_in_the_search_domains_in_their_order() {
    let server = Server::start([
        (
            "intranet.b.example.",
            RecordType::A,
            records(&["192.0.2.2"]),
        ),
        (
            "intranet.c.example.",
            RecordType::A,
            records(&["192.0.2.3"]),
        ),
        ("www.a.a.example.", RecordType::A, records(&["192.0.2.4"])),
    ])
    .await;
    let search = ["a.example.", "b.example.", "c.example."];
    let resolver = server.system_resolver("", &search);
    assert_eq!(
        addresses(&resolver, "intranet").await.unwrap(),
        ["192.0.2.2"]
    );
    assert_eq!(
        addresses(&resolver, "www.a").await,
        unresolved(Unresolved::NoSuchName)
    );
    assert_eq!(server.times_asked("www.a.a.example.", RecordType::A), 0);
}

#[tokio::test]
async fn localhost_needs_no_name_server() {
    let server = Server::start([]).await;
    let resolver = server.resolver(AddressFamily::Any);
    let expected = ["127.0.0.1", "::1"];
    assert_eq!(addresses(&resolver, "localhost").await.unwrap(), expected);
    let nobody = ResolverConfig::from_name_servers(Vec::new());
    let options = ResolverOpts::default();
    let alone =
        DnsResolver::assemble(nobody, options, Hosts::default(), AddressFamily::Any).unwrap();
    assert_eq!(addresses(&alone, "localhost").await.unwrap(), expected);
    let answer = addresses(&alone, "a.example").await;
    assert!(
        matches!(answer, Err(LookupError::Resolver(_))),
        "{answer:?}"
    );
    assert_eq!(server.queries(), 0);
}

#[tokio::test]
async fn a_pointer_is_the_name_without_its_final_dot() {
    let name = pointer(Name::from_ascii("db.example.").unwrap());
    let server = Server::start([("1.2.0.192.in-addr.arpa.", RecordType::PTR, name)]).await;
    let resolver = server.resolver(AddressFamily::Any);
    let db = Pointer::Name("db.example".to_owned());
    assert_eq!(pointer_of(&resolver, 1).await, db);
    assert_eq!(pointer_of(&resolver, 1).await, db);
    assert_eq!(
        server.times_asked("1.2.0.192.in-addr.arpa.", RecordType::PTR),
        1
    );
}

#[tokio::test]
async fn only_the_dns_that_knows_says_that_an_address_has_no_name() {
    let hostile = Name::from_labels([&[0x1b_u8; 60][..], &[b'\n'; 60][..], b"example"]).unwrap();
    // An alias is followed (RFC 2317).
    let alias = |last: &str| {
        let zone = Name::from_ascii(format!("{last}.0-15.2.0.192.in-addr.arpa.")).unwrap();
        Answer::Records(vec![RData::CNAME(CNAME(zone))])
    };
    let soa = SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, 5);
    let no_data = Answer::Authority(ResponseCode::NoError, RData::SOA(soa.clone()));
    let no_name = Answer::Authority(ResponseCode::NXDomain, RData::SOA(soa));
    // A lame server refers to those above it (RFC 2308 section 2.2).
    let upwards = Answer::Authority(ResponseCode::NoError, RData::NS(NS(Name::root())));
    let cases = [
        (1, no_name, Pointer::Absent),
        (2, Answer::Code(ResponseCode::NXDomain), Pointer::Absent),
        (3, no_data, Pointer::Absent),
        (4, Answer::Code(ResponseCode::NoError), Pointer::Absent),
        (5, pointer(Name::root()), Pointer::Absent),
        (6, pointer(hostile), Pointer::Absent),
        (7, upwards, Pointer::Untold),
        (8, Answer::Code(ResponseCode::ServFail), Pointer::Untold),
        (9, Answer::Code(ResponseCode::Refused), Pointer::Untold),
        (10, Answer::Code(ResponseCode::FormErr), Pointer::Untold),
        (11, alias("11"), Pointer::Absent),
        (12, alias("12"), Pointer::Untold),
    ];
    let names = cases
        .each_ref()
        .map(|(last, ..)| format!("{last}.2.0.192.in-addr.arpa."));
    let answers = names.iter().zip(&cases);
    let answers =
        answers.map(|(name, (_, answer, _))| (name.as_str(), RecordType::PTR, answer.clone()));
    let failing = (
        "12.0-15.2.0.192.in-addr.arpa.",
        RecordType::PTR,
        Answer::Code(ResponseCode::ServFail),
    );
    let server = Server::start(answers.chain([failing])).await;
    let resolver = server.resolver(AddressFamily::Any);
    for (last, answer, expected) in &cases {
        assert_eq!(pointer_of(&resolver, *last).await, *expected, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_resolver_delays_a_pointer_by_two_seconds_at_most() {
    let server =
        Server::start([("1.2.0.192.in-addr.arpa.", RecordType::PTR, Answer::Silence)]).await;
    let resolver = server.resolver(AddressFamily::Any);
    let start = Instant::now();
    assert_eq!(pointer_of(&resolver, 1).await, Pointer::Untold);
    assert!(start.elapsed() <= POINTER_TIMEOUT + Duration::from_millis(1));
}
