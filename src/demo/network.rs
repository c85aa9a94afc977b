use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::roster::{Blueprint, Roster};
use super::server::Server;
use super::{DemoError, DemoHost};
use crate::domain::{Der, OutcomeKind, Timestamp};

/// A small network of TLS servers on loopback, and a few that are none.
///
/// It serves as long as it lives; dropping it stops every server.
pub struct Network {
    hosts: Vec<DemoHost>,
    root: Der,
    /// The closed port: bound, so that nobody else gets it, and never
    /// listening, so that the system refuses every connection to it.
    _closed: TcpSocket,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl Network {
    /// Makes the certificates, dated around `now`, and starts the servers.
    ///
    /// Dropping the future stops those that already run.
    pub async fn start(now: Timestamp) -> Result<Self, DemoError> {
        let roster = spawn_blocking(move || Roster::draw_up(now))
            .await
            .map_err(DemoError::Unfinished)??;
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();

        let mut hosts = Vec::with_capacity(roster.blueprints.len() + 1);
        for blueprint in roster.blueprints {
            hosts.push(open(blueprint, &tasks, &stop).await?);
        }
        let (closed, host) = closed_port()?;
        hosts.push(host);
        Ok(Self {
            hosts,
            root: Der::from(roster.root.as_ref()),
            _closed: closed,
            tasks,
            stop: guard,
        })
    }

    /// Everything there is to find on it.
    #[must_use]
    pub fn hosts(&self) -> &[DemoHost] {
        &self.hosts
    }

    /// The certificate of the authority that vouches for most of the hosts;
    /// none of them sends it.
    #[must_use]
    pub fn root(&self) -> &Der {
        &self.root
    }

    /// Stops every server and waits until the last connection has ended.
    pub async fn stop(self) {
        drop(self.stop);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

async fn open(
    blueprint: Blueprint,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<DemoHost, DemoError> {
    let server = Server::open(blueprint.service)
        .await
        .map_err(DemoError::Listen)?;
    let address = server.address().map_err(DemoError::Listen)?;
    tasks.spawn(server.run(tasks.clone(), stop.clone()));
    Ok(DemoHost {
        address,
        description: blueprint.description,
        outcome: blueprint.outcome,
        certificates: blueprint.certificates,
    })
}

fn closed_port() -> Result<(TcpSocket, DemoHost), DemoError> {
    let bind = || {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    };
    let (socket, address) = bind().map_err(DemoError::Listen)?;
    let host = DemoHost {
        address,
        description: "closed: nobody listens",
        outcome: OutcomeKind::Refused,
        certificates: Vec::new(),
    };
    Ok((socket, host))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use rustls::ProtocolVersion;
    use rustls::version::{TLS12, TLS13};
    use tokio::io::AsyncReadExt;

    use super::super::client::{Client, connect, schemes, verify};
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    fn host<'a>(network: &'a Network, description: &str) -> &'a DemoHost {
        network
            .hosts()
            .iter()
            .find(|host| host.description.starts_with(description))
            .unwrap()
    }

    #[tokio::test]
    async fn every_host_shows_each_of_its_certificates_to_whom_it_is_for() {
        let network = Network::start(now()).await.unwrap();
        for host in network.hosts() {
            let shows = host.outcome == OutcomeKind::Certificate;
            assert_eq!(shows, host.leaf().is_some(), "{host}");
            for installed in &host.certificates {
                let client = Client {
                    schemes: schemes(installed.key_type),
                    server_name: installed.server_name.as_ref().map(ToString::to_string),
                    ..Client::new()
                };
                let visit = client.visit(host.address).await;
                assert_eq!(visit.leaf(), Some(installed.fingerprint), "{host}");
            }
            if shows {
                let visit = Client::new().visit(host.address).await;
                assert_eq!(visit.leaf(), host.leaf(), "{host}");
            }
        }
        network.stop().await;
    }

    #[tokio::test]
    async fn hosts_do_what_their_descriptions_say() {
        let network = Network::start(now()).await.unwrap();
        let address = |description| host(&network, description).address;
        let root = network.root().as_bytes();

        let shop = Client::new().visit(address("web shop")).await;
        assert_eq!(verify(&shop.chain, root, "www.shop.demo", now()), Ok(()));
        assert_eq!(
            Client::new().visit(address("intranet")).await.chain.len(),
            1
        );
        assert_eq!(Client::new().visit(address("printer")).await.chain.len(), 1);
        let applications = Client::new().visit(address("applications")).await;
        assert_eq!(
            verify(&applications.chain, root, "x.apps.demo", now()),
            Ok(())
        );

        let modern = address("interface");
        let session = Client::only(&TLS13).visit(modern).await.session;
        assert_eq!(session.unwrap(), ProtocolVersion::TLSv1_3);
        assert!(Client::only(&TLS12).visit(modern).await.was_refused());

        let board = address("control board");
        let session = Client::only(&TLS12).visit(board).await.session;
        assert_eq!(session.unwrap(), ProtocolVersion::TLSv1_2);
        assert!(Client::only(&TLS13).visit(board).await.was_refused());

        for version in [&TLS12, &TLS13] {
            let visit = Client::only(version).visit(address("key manager")).await;
            assert!(visit.was_refused());
            assert_eq!(visit.chain.len(), 2);
        }

        let stranger = Client {
            server_name: Some("red.demo".to_owned()),
            ..Client::new()
        };
        let visit = stranger.visit(address("hosting")).await;
        assert_eq!(visit.leaf(), host(&network, "hosting").leaf());

        let refused = connect(address("closed")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        network.stop().await;
    }

    #[tokio::test]
    async fn stopping_ends_every_connection_and_closes_every_port() {
        let network = Network::start(now()).await.unwrap();
        let hosts = network.hosts().to_vec();
        let mail = host(&network, "mail relay").address;
        let mut stream = connect(mail).await.unwrap();
        stream.read_exact(&mut [0; 3]).await.unwrap();

        network.stop().await;

        assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 13);
        for host in hosts {
            let error = connect(host.address).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{host}");
        }
    }

    #[tokio::test]
    async fn dropping_the_network_stops_it_too() {
        let network = Network::start(now()).await.unwrap();
        let mut stream = connect(host(&network, "mail relay").address).await.unwrap();
        stream.read_exact(&mut [0; 3]).await.unwrap();
        let tasks = network.tasks.clone();

        drop(network);

        tasks.close();
        tasks.wait().await;
        assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 13);
    }
}
