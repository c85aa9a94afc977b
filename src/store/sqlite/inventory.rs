//! What the inventory is asked → which rows answer it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::super::inventory::MAX_SHOWN;
use super::super::{
    AddressLook, CertificateHash, ChainId, Dark, Detail, Dossier, Filter, FingerprintPrefix,
    Inventory, KeyHost, KnownQuestion, KnownTarget, NameRow, Period, ScanSpan, StoreError,
};
use super::address::AddressKey;
use super::query::Query;
use super::reader::{PAGES_WAITING, SqliteInventory};
use super::{
    authorities, chains, dossiers, events, kin, known, links, pages, renewed, report, row, select,
    visits,
};
use crate::domain::{Der, Fingerprint, Port, ServerName, Timestamp, Zone};
use crate::judge::Links;
use crate::report::{
    CertificateUse, Coverage, EndpointLook, EndpointRow, EventRow, Installation, InstallationState,
    QuestionRow, ScanRow,
};

impl Inventory for SqliteInventory {
    fn installations<'a>(
        &'a self,
        filter: &'a Filter,
        detail: Detail,
        visit: &'a mut (dyn FnMut(Installation) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (send, mut pages) = mpsc::channel(PAGES_WAITING);
            let read = self.dossiers(filter, detail, send);
            let visited = async move {
                while let Some(page) = pages.recv().await {
                    let mut rows = page.into_iter().map(|dossier| dossier.row);
                    if rows.try_for_each(&mut *visit).is_break() {
                        break;
                    }
                }
            };
            let (read, ()) = tokio::join!(read, visited);
            read
        })
    }

    fn dossiers<'a>(
        &'a self,
        filter: &'a Filter,
        detail: Detail,
        send: mpsc::Sender<Vec<Dossier>>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (inventory, filter) = (self.clone(), filter.clone());
            // Rows become dossiers on one processor while another judges.
            let streamed = AbortOnDropHandle::new(tokio::spawn(async move {
                pages::stream(&inventory, &filter, detail, send).await
            }));
            match streamed.await {
                Ok(streamed) => self.reading.judge(streamed),
                // Nothing ends it early but dropping this.
                Err(failed) => resume_unwind(failed.into_panic()),
            }
        })
    }

    fn ders<'a>(
        &'a self,
        certificates: &'a [Fingerprint],
    ) -> BoxFuture<'a, Result<HashMap<Fingerprint, Der>, StoreError>> {
        Box::pin(async move {
            let read = match self.connection("reading certificates").await {
                Ok(mut connection) => dossiers::ders(&mut connection, certificates).await,
                Err(error) => Err(error),
            };
            self.reading.judge(read)
        })
    }

    fn chains<'a>(
        &'a self,
        chains: &'a [ChainId],
    ) -> BoxFuture<'a, Result<HashMap<ChainId, Vec<Fingerprint>>, StoreError>> {
        Box::pin(async move {
            let read = match self.connection("reading chains").await {
                Ok(mut connection) => chains::members(&mut connection, chains).await,
                Err(error) => Err(error),
            };
            self.reading.judge(read)
        })
    }

    fn links<'a>(
        &'a self,
        basis: Fingerprint,
        chains: &'a [ChainId],
    ) -> BoxFuture<'a, Result<HashMap<ChainId, Links>, StoreError>> {
        Box::pin(async move {
            let read = match self.connection("reading links").await {
                Ok(mut connection) => links::find(&mut connection, basis, chains).await,
                Err(error) => Err(error),
            };
            self.reading.judge(read)
        })
    }

    fn authorities(&self, at: Option<Timestamp>) -> BoxFuture<'_, Result<Vec<Der>, StoreError>> {
        Box::pin(authorities::read(self, at))
    }

    fn renewed_imports(
        &self,
        at: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<HashSet<Fingerprint>, StoreError>> {
        Box::pin(renewed::imports(self, at))
    }

    fn key_hosts<'a>(
        &'a self,
        keys: &'a [Fingerprint],
        at: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Vec<KeyHost>, StoreError>> {
        Box::pin(async move {
            let read = match self.connection("reading hosts of keys").await {
                Ok(mut connection) => kin::key_hosts(&mut connection, keys, at).await,
                Err(error) => Err(error),
            };
            self.reading.judge(read)
        })
    }

    fn hosts_of_key(
        &self,
        key: Fingerprint,
        at: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Vec<KeyHost>, StoreError>> {
        Box::pin(async move {
            let read = match self.connection("reading hosts of a key").await {
                Ok(mut connection) => kin::hosts_of_key(&mut connection, key, at).await,
                Err(error) => Err(error),
            };
            self.reading.judge(read)
        })
    }

    fn endpoints<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EndpointRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut query = visits::select_endpoints();
        select::endpoints(&mut query, filter);
        query.push(visits::ENDPOINT_ORDER);
        let operation = "reading endpoints";
        Box::pin(self.visit_pages(operation, query, visits::endpoint, visit))
    }

    fn endpoint_looks<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EndpointLook) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut query = visits::select_endpoint_looks();
        select::endpoints(&mut query, filter);
        query.push(visits::ENDPOINT_ORDER);
        let operation = "reading endpoints";
        Box::pin(self.visit_pages(operation, query, visits::endpoint_look, visit))
    }

    fn coverage<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(Coverage) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let query = visits::select_coverage(filter);
            let mut gathered: Option<Coverage> = None;
            let mut stopped = ControlFlow::Continue(());
            let mut gather = |part: Coverage| {
                if let Some(whole) = &mut gathered
                    && visits::is_same_place(whole, &part)
                {
                    visits::merge(whole, part);
                    return ControlFlow::Continue(());
                }
                stopped = gathered
                    .replace(part)
                    .map_or(ControlFlow::Continue(()), &mut *visit);
                stopped
            };
            let operation = "reading the ledger";
            self.stream(operation, query, visits::coverage_part, &mut gather)
                .await?;
            if let (ControlFlow::Continue(()), Some(last)) = (stopped, gathered) {
                // It is the last one, whatever the visitor says.
                let _ = visit(last);
            }
            Ok(())
        })
    }

    fn scans<'a>(
        &'a self,
        visit: &'a mut (dyn FnMut(ScanRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let operation = "reading scans";
        let query = Query::new(visits::SELECT_SCANS);
        Box::pin(self.stream(operation, query, visits::scan, visit))
    }

    fn known<'a>(
        &'a self,
        zone: &'a Zone,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<KnownTarget>, StoreError>> {
        Box::pin(async move {
            let operation = "reading what is known";
            let endpoints = known::select_endpoints(zone, at);
            let mut targets = self.list(operation, endpoints, known::endpoint).await?;
            let names = known::select_names(zone, at);
            targets.extend(self.list(operation, names, known::name).await?);
            Ok(targets)
        })
    }

    fn known_questions<'a>(
        &'a self,
        zone: &'a Zone,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<KnownQuestion>, StoreError>> {
        let operation = "reading which questions are known";
        let query = known::select_questions(zone, at);
        Box::pin(self.list(operation, query, known::question))
    }

    fn dark<'a>(
        &'a self,
        zone: &'a Zone,
        period: Period,
    ) -> BoxFuture<'a, Result<Dark, StoreError>> {
        Box::pin(async move {
            let operation = "reading the ledger";
            let addresses = known::select_dark_addresses(zone, period);
            let run = |row: &SqliteRow| {
                let (first, last) = (row::address(row, 1)?, row::address(row, 2)?);
                Ok((row::port(row, 0)?, first, last))
            };
            let names = known::select_dark_names(zone, period);
            let name = |row: &SqliteRow| Ok((row::word(row, 0)?, row::port(row, 1)?));
            Ok(Dark {
                addresses: self.list(operation, addresses, run).await?,
                names: self.list(operation, names, name).await?,
            })
        })
    }

    fn certificate<'a>(
        &'a self,
        prefix: &'a FingerprintPrefix,
    ) -> BoxFuture<'a, Result<Vec<CertificateUse>, StoreError>> {
        let mut query = report::select_certificates();
        query
            .push(" where c.sha256 between ")
            .push_bind(prefix.first().to_vec())
            .push(" and ")
            .push_bind(prefix.last().to_vec())
            .push(" order by c.sha256 limit ")
            .push_bind(MAX_SHOWN);
        Box::pin(self.list("reading a certificate", query, report::certificate_use))
    }

    fn installations_of<'a>(
        &'a self,
        certificate: Fingerprint,
        visit: &'a mut (dyn FnMut(Installation) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let filter = Filter {
                certificates: vec![CertificateHash::Sha256(certificate)],
                states: vec![
                    InstallationState::Current,
                    InstallationState::Missing,
                    InstallationState::Gone,
                ],
                ..Filter::default()
            };
            self.installations(&filter, Detail::Facts, visit).await
        })
    }

    fn events<'a>(
        &'a self,
        span: ScanSpan,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EventRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let query = events::select_span(span, filter);
        Box::pin(self.stream("reading events", query, events::event, visit))
    }

    fn life(&self, certificate: Fingerprint) -> BoxFuture<'_, Result<Vec<EventRow>, StoreError>> {
        let query = events::select_life(certificate, MAX_SHOWN);
        Box::pin(async move {
            let mut events = self.list("reading events", query, events::event).await?;
            events.reverse();
            Ok(events)
        })
    }

    fn endpoint(
        &self,
        address: IpAddr,
        port: Port,
    ) -> BoxFuture<'_, Result<Vec<EndpointRow>, StoreError>> {
        let mut query = visits::select_endpoints();
        query
            .push(" where e.address = ")
            .push_bind(AddressKey::from(address).to_blob())
            .push(" and e.port = ")
            .push_bind(i64::from(port.number()))
            .push(visits::ENDPOINT_ORDER);
        Box::pin(self.list_pages("reading an endpoint", query, visits::endpoint))
    }

    fn questions<'a>(
        &'a self,
        endpoint: &'a EndpointRow,
    ) -> BoxFuture<'a, Result<Vec<QuestionRow>, StoreError>> {
        let mut query = visits::select_questions();
        query
            .push(" where e.address = ")
            .push_bind(AddressKey::from(endpoint.ip).to_blob())
            .push(" and e.port = ")
            .push_bind(i64::from(endpoint.port.number()))
            .push(" and e.zone = ")
            .push_bind(endpoint.zone.to_string())
            .push(" and e.dialect = ")
            .push_bind(endpoint.dialect.clone())
            .push(" order by q.server_name, q.key_type limit ")
            .push_bind(MAX_SHOWN);
        Box::pin(self.list("reading questions", query, visits::question))
    }

    fn address(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<AddressLook>, StoreError>> {
        let key = AddressKey::from(address);
        let mut query = Query::new(visits::SELECT_ADDRESS_LOOKS);
        query
            .push(" where c.network_address = ")
            .push_bind(key.network().to_blob())
            .push(" and c.first_address <= ")
            .push_bind(key.to_blob())
            .push(" and c.last_address >= ")
            .push_bind(key.to_blob())
            .push(" order by c.zone, c.port");
        Box::pin(self.list("reading the ledger", query, visits::address_look))
    }

    fn pruned_before(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let query = Query::new("select before from pruned");
        let read = |row: &SqliteRow| row::time(row, 0);
        Box::pin(async move {
            Ok(self
                .list("reading what was pruned", query, read)
                .await?
                .pop())
        })
    }

    fn name<'a>(&'a self, name: &'a ServerName) -> BoxFuture<'a, Result<Vec<NameRow>, StoreError>> {
        let mut query = Query::new(visits::SELECT_NAMES);
        query
            .push(" where c.name = ")
            .push_bind(name.to_string())
            .push(" order by c.zone, c.port");
        Box::pin(self.list("reading the ledger of names", query, visits::name))
    }
}
