use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::ControlFlow;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::{
    ChainId, Dark, Dossier, Filter, FingerprintPrefix, KeyHost, KnownQuestion, KnownTarget, Period,
    StoreError,
};
use crate::domain::{Der, Fingerprint, OutcomeKind, Port, ScanId, ServerName, Timestamp, Zone};
use crate::judge::Links;
use crate::report::{
    CertificateUse, Coverage, EndpointLook, EndpointRow, EventRow, Installation, QuestionRow,
    ScanRow,
};

/// Tells what is known across scans, also while one runs.
///
/// Lists are streamed to `visit`, which may end them with
/// [`ControlFlow::Break`]; memory does not grow with their length. Each call
/// sees the inventory as it stood at one moment, and several may see the same:
/// [`SqliteInventory::at_one_moment`](super::SqliteInventory::at_one_moment).
pub trait Inventory: Send + Sync {
    /// Installations, sorted by zone, address (numerically, IPv4 first), port
    /// and name; imports come last.
    fn installations<'a>(
        &'a self,
        filter: &'a Filter,
        detail: Detail,
        visit: &'a mut (dyn FnMut(Installation) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The same in pages of [`super::PAGE`], with what a judgement asks for.
    /// Ends early, and in order, when nobody receives any more.
    fn dossiers<'a>(
        &'a self,
        filter: &'a Filter,
        detail: Detail,
        pages: mpsc::Sender<Vec<Dossier>>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The bytes of these certificates, of those that are known.
    fn ders<'a>(
        &'a self,
        certificates: &'a [Fingerprint],
    ) -> BoxFuture<'a, Result<HashMap<Fingerprint, Der>, StoreError>>;

    /// The certificates of these chains, leaf first, of those that are known.
    fn chains<'a>(
        &'a self,
        chains: &'a [ChainId],
    ) -> BoxFuture<'a, Result<HashMap<ChainId, Vec<Fingerprint>>, StoreError>>;

    /// What was kept of these chains when they were last judged on this
    /// `basis`: [`Assessor::basis`](crate::judge::Assessor::basis).
    fn links<'a>(
        &'a self,
        basis: Fingerprint,
        chains: &'a [ChainId],
    ) -> BoxFuture<'a, Result<HashMap<ChainId, Links>, StoreError>>;

    /// The authorities' certificates that any endpoint presented or that were
    /// imported: until now, or by a moment; a bounded number of them.
    fn authorities(&self, at: Option<Timestamp>) -> BoxFuture<'_, Result<Vec<Der>, StoreError>>;

    /// The imports that a later import, or what is installed on the network, has
    /// renewed since they were last imported: now, or by a moment. What renews
    /// ends later, and is for the same: [`Purpose::renews`].
    ///
    /// [`Purpose::renews`]: crate::domain::Purpose::renews
    fn renewed_imports(
        &self,
        at: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<HashSet<Fingerprint>, StoreError>>;

    /// Where these keys are in use now, or were at a moment: at most
    /// [`super::MAX_KIN`] places each, in any order.
    fn key_hosts<'a>(
        &'a self,
        keys: &'a [Fingerprint],
        at: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Vec<KeyHost>, StoreError>>;

    /// The same of a key that is in more places: at most
    /// [`super::MAX_KEY_HOSTS`].
    fn hosts_of_key(
        &self,
        key: Fingerprint,
        at: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Vec<KeyHost>, StoreError>>;

    /// Endpoints, sorted like installations. Filters on certificates let an
    /// endpoint through that has an installation which passes them all.
    fn endpoints<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EndpointRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// When each of them was last looked at, in the same order.
    fn endpoint_looks<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EndpointLook) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The ledger by network and port, sorted by zone, network and port,
    /// names last in each zone. Only the filters on zone, network, port, name
    /// and scan apply.
    fn coverage<'a>(
        &'a self,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(Coverage) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What a zone had at a moment, sorted: endpoints, but for those whose
    /// certificates had all gone, and those earlier targets that are names
    /// with a certificate. Later scans don't change the answer.
    fn known<'a>(
        &'a self,
        zone: &'a Zone,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<KnownTarget>, StoreError>>;

    /// The questions of a zone that had a certificate at a moment, if one open
    /// question there may not bring it; in ascending order. Later scans change
    /// nothing but when they were last asked.
    fn known_questions<'a>(
        &'a self,
        zone: &'a Zone,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<KnownQuestion>, StoreError>>;

    /// What was dark in a zone when it was looked at in the period.
    fn dark<'a>(
        &'a self,
        zone: &'a Zone,
        period: Period,
    ) -> BoxFuture<'a, Result<Dark, StoreError>>;

    /// Every scan, oldest first.
    fn scans<'a>(
        &'a self,
        visit: &'a mut (dyn FnMut(ScanRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The certificates, installed or only sent along, whose SHA-256 begins
    /// so: at most 100, with their DER.
    fn certificate<'a>(
        &'a self,
        prefix: &'a FingerprintPrefix,
    ) -> BoxFuture<'a, Result<Vec<CertificateUse>, StoreError>>;

    /// Where a certificate is or was installed, gone ones included, sorted
    /// like installations.
    fn installations_of<'a>(
        &'a self,
        certificate: Fingerprint,
        visit: &'a mut (dyn FnMut(Installation) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What changed on the network, kind by kind in the order of
    /// [`EventKind::ALL`], then sorted like installations. The filter on scans
    /// asks for the one that saw the event.
    ///
    /// [`EventKind::ALL`]: crate::report::EventKind::ALL
    fn events<'a>(
        &'a self,
        span: ScanSpan,
        filter: &'a Filter,
        visit: &'a mut (dyn FnMut(EventRow) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The events that a certificate had a part in, that of another which took
    /// its place included: the latest 100, oldest first.
    fn life(&self, certificate: Fingerprint) -> BoxFuture<'_, Result<Vec<EventRow>, StoreError>>;

    /// The endpoints at an address and port, one for each zone and dialect.
    fn endpoint(
        &self,
        address: IpAddr,
        port: Port,
    ) -> BoxFuture<'_, Result<Vec<EndpointRow>, StoreError>>;

    /// The questions at one endpoint of those, by name and key type: at most
    /// 100.
    fn questions<'a>(
        &'a self,
        endpoint: &'a EndpointRow,
    ) -> BoxFuture<'a, Result<Vec<QuestionRow>, StoreError>>;

    /// What the ledger says of an address, by zone and port.
    fn address(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<AddressLook>, StoreError>>;

    /// The moment up to which what was over was pruned; `None` where nothing
    /// ever was. What was never looked at since then may have been before.
    fn pruned_before(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// What the ledger says of a target that is a name, by zone and port.
    fn name<'a>(&'a self, name: &'a ServerName) -> BoxFuture<'a, Result<Vec<NameRow>, StoreError>>;
}

/// Most rows of what a person reads: candidates for a fingerprint's beginning,
/// questions at an endpoint.
pub(super) const MAX_SHOWN: u32 = 100;

/// Scans after one, up to another, in the order in which they last ran: that
/// of [`ScanRow::run`]. Of a scan that ran before one of these and went on
/// after it, each part belongs to its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanSpan {
    /// The scan before the first; `None`: from the beginning.
    pub after: Option<ScanId>,
    /// The last scan.
    pub until: ScanId,
}

/// How much of each certificate is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What reports say of it.
    Facts,
    /// The bytes too.
    FactsAndDer,
}

/// The ledger's word on one address at one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLook {
    /// From where it was looked at.
    pub zone: Zone,
    /// The port.
    pub port: Port,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out.
    pub detail: String,
    /// The scan that says so.
    pub scan: ScanId,
    /// When.
    pub at: Timestamp,
}

/// The ledger's word on one name at one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// From where it was looked at.
    pub zone: Zone,
    /// The port.
    pub port: Port,
    /// What became of it: the best of its addresses'.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out: why the name has no address.
    pub detail: String,
    /// The scan that says so.
    pub scan: ScanId,
    /// When.
    pub at: Timestamp,
}
