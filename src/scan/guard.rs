//! The breaker and the quarantine among the workers: whoever sees a sign tells
//! it, and takes the looks that become good by it.

mod names;

use std::collections::BTreeMap;
use std::mem;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::breaker::{self, Breaker, Custody, Outages, Sign};
use super::canaries::Canaries;
use super::expected::Expected;
use super::name_service::NameService;
use super::quarantine::{Place, Quarantine};
use super::trouble::SlowedNetwork;
use crate::domain::{Dialect, Endpoint, Observation, Port, Zone};
use crate::pace::Network;

/// Watches over the looks `H` of a scan.
pub(super) struct Guard<H> {
    state: Mutex<State<H>>,
    expected: Arc<Expected>,
    /// Whether canaries are to be asked may have changed.
    changed: Notify,
    /// When names are tried next may have changed.
    names_changed: Notify,
    /// Whether any network was ever slowed: a question before every look.
    any_slowed: AtomicBool,
    stop: CancellationToken,
}

struct State<H> {
    breaker: Breaker<Unanswered<H>>,
    quarantine: Quarantine<H>,
    names: NameService<H>,
    released: Released<H>,
    /// Looks out of the hours of their networks.
    put_off: Vec<H>,
    /// Networks that were slowed, and how many of their targets nobody has
    /// vouched for.
    slowed: BTreeMap<Network, u64>,
    /// Cancelled when first dials are not to be made: in an outage, and when
    /// the scan stops. Counted here, since its own count is behind a lock.
    way: Arc<CancellationToken>,
}

/// Looks that wait for nobody any more.
#[derive(Debug)]
pub(super) struct Released<H> {
    /// Somebody has vouched for them: they are told.
    pub(super) vouched: Vec<H>,
    /// Those of slowed networks that nobody vouches for: they are told as
    /// that.
    pub(super) suspected: Vec<H>,
    /// They are to be had again.
    pub(super) again: Vec<H>,
}

/// A look that got no answer.
#[derive(Debug)]
struct Unanswered<H> {
    look: H,
    place: Option<Place>,
}

impl<H> Guard<H> {
    pub(super) fn new(expected: Arc<Expected>, stop: &CancellationToken) -> Self {
        let canaries = Canaries::new(expected.targets());
        Self {
            state: Mutex::new(State {
                breaker: Breaker::new(canaries, Instant::now()),
                quarantine: Quarantine::new(),
                names: NameService::new(),
                released: Released::default(),
                put_off: Vec::new(),
                slowed: BTreeMap::new(),
                way: Arc::new(stop.child_token()),
            }),
            expected,
            changed: Notify::new(),
            names_changed: Notify::new(),
            any_slowed: AtomicBool::new(false),
            stop: stop.clone(),
        }
    }

    /// What keeps first dials from being made.
    pub(super) fn way(&self) -> Arc<CancellationToken> {
        Arc::clone(&self.state().way)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().breaker.is_open()
    }

    pub(super) fn outages(&self) -> Outages {
        self.state().breaker.outages(Instant::now())
    }

    /// What an observation tells of the way, if anything.
    pub(super) fn sign(&self, seen: &Observation) -> Option<Sign> {
        Sign::of(seen, &self.expected)
    }

    /// Takes a sign.
    pub(super) fn see(&self, sign: Sign) {
        let mut state = self.state();
        let now = Instant::now();
        let before = state.breaker.doubted_from();
        let vouched = state.breaker.see(sign, now);
        state.pass_on(vouched);
        if let Sign::Answer(address, port) = sign
            && !state.breaker.is_open()
        {
            let vouched = state.quarantine.answered(address, port, now);
            state.released.vouched.extend(vouched);
        }
        if state.breaker.doubted_from() != before || state.quarantine.is_doubted() {
            self.changed.notify_one();
        }
    }

    /// An endpoint answers.
    pub(super) fn hear(&self, endpoint: &Endpoint) {
        self.see(Sign::Answer(endpoint.address, endpoint.port));
    }

    /// Where a look is without an answer that began then.
    pub(super) fn place(&self, address: IpAddr, port: Port, began: Instant) -> Place {
        let is_known = self.expected.contains(address, port);
        Place {
            network: Network::of(address),
            weight: if is_known { breaker::OF_KNOWN } else { 1 },
            began,
        }
    }

    /// Decides on a look without an answer that began after so many outages.
    pub(super) fn take(&self, look: H, place: Option<Place>, outages: u32) -> Custody<H> {
        let mut state = self.state();
        let custody = match state.breaker.take(Unanswered { look, place }, outages) {
            Custody::Held => Custody::Held,
            Custody::Again(unanswered) => Custody::Again(unanswered.look),
            Custody::Told(unanswered) => state.quarantine_or_tell(unanswered),
        };
        if state.quarantine.is_doubted() {
            self.changed.notify_one();
        }
        custody
    }

    /// Whether a network is slowed: what is silent there says nothing.
    pub(super) fn is_slowed(&self, network: Network) -> bool {
        self.any_slowed.load(Ordering::Relaxed) && self.state().quarantine.is_slowed(network)
    }

    /// Sets a look aside, if its network is slowed; else returns it.
    pub(super) fn set_aside(&self, network: Network, look: H) -> Option<H> {
        self.state().quarantine.set_aside(network, look)
    }

    /// The looks that were released since this was last asked, if any.
    pub(super) fn released(&self) -> Option<Released<H>> {
        let mut state = self.state();
        (!state.released.is_empty()).then(|| mem::take(&mut state.released))
    }

    /// Puts a look off that is out of the hours of its network.
    pub(super) fn put_off(&self, look: H) {
        self.state().put_off.push(look);
    }

    /// The looks that are put off.
    pub(super) fn take_put_off(&self) -> Vec<H> {
        mem::take(&mut self.state().put_off)
    }

    /// Returns when canaries are to be asked: those of some networks, or, if
    /// these are none, those of all.
    ///
    /// Cancel safe.
    pub(super) async fn doubted(&self) -> Vec<Network> {
        loop {
            let (networks, from) = {
                let mut state = self.state();
                let networks = state.quarantine.take_doubted();
                (networks, state.breaker.doubted_from())
            };
            if !networks.is_empty() {
                return networks;
            }
            match from {
                None => self.changed.notified().await,
                Some(from) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(from) => return Vec::new(),
                },
            }
        }
    }

    /// Whom to ask, one first of all.
    pub(super) fn canaries(&self, zone: &Zone) -> Vec<Endpoint> {
        let canaries = self.state().breaker.canaries().into_iter();
        canaries.map(|it| canary(zone, it)).collect()
    }

    /// Those of one network.
    pub(super) fn canaries_in(&self, network: Network, zone: &Zone) -> Vec<Endpoint> {
        let canaries = self.state().quarantine.canaries(network);
        canaries.into_iter().map(|it| canary(zone, it)).collect()
    }

    /// A canary of a network answered.
    pub(super) fn reassure(&self, network: Network) {
        let mut state = self.state();
        let vouched = state.quarantine.reassure(network, Instant::now());
        state.released.vouched.extend(vouched);
    }

    /// No canary may be asked. Returns the looks that nobody vouches for.
    pub(super) fn let_doubt_be(&self) -> Vec<H> {
        let unvouched = self.state().breaker.let_doubt_be(Instant::now());
        unvouched.into_iter().map(|it| it.look).collect()
    }

    /// The same of one network.
    pub(super) fn let_doubt_be_in(&self, network: Network) -> Vec<H> {
        self.state().quarantine.let_doubt_be(network)
    }

    /// No canary of a network answered, asked since then, and others did: it
    /// is slowed, unless somebody has answered there meanwhile.
    pub(super) fn slow(&self, network: Network, asked: Instant) -> bool {
        let mut state = self.state();
        let slowed = state.quarantine.slow(network, asked, Instant::now());
        if slowed {
            state.slowed.entry(network).or_default();
            self.any_slowed.store(true, Ordering::Relaxed);
        }
        slowed
    }

    /// A target of a slowed network is told though nobody vouches for it.
    pub(super) fn suspect(&self, network: Network) {
        *self.state().slowed.entry(network).or_default() += 1;
    }

    /// The networks that were slowed.
    pub(super) fn slowed(&self) -> Vec<SlowedNetwork> {
        let slowed = &self.state().slowed;
        let network = |(network, silent): (&Network, &u64)| SlowedNetwork {
            network: network.to_string(),
            silent: *silent,
        };
        slowed.iter().map(network).collect()
    }

    /// No canary of a network answers to the last: what is held of it is told.
    pub(super) fn give_up(&self, network: Network) {
        let mut state = self.state();
        let told = state.quarantine.give_up(network, Instant::now());
        state.released.suspected.extend(told);
    }

    /// Nothing is left of the block but what is held, and nobody who might
    /// vouch for that. Returns the slowed networks that are to be told about.
    pub(super) fn give_up_doubt(&self) -> Vec<Network> {
        let mut state = self.state();
        let held = state.breaker.give_up_doubt();
        state.pass_on(held);
        let told = state.quarantine.come_back(Instant::now());
        state.released.vouched.extend(told);
        let told = state.names.give_up_doubt();
        state.released.vouched.extend(told);
        if state.quarantine.is_doubted() {
            self.changed.notify_one();
        }
        state.quarantine.returned()
    }

    /// Returns the looks that come back from a slowed network, when it is time.
    ///
    /// Cancel safe.
    pub(super) async fn returning(&self) -> Vec<H> {
        let next = self.state().quarantine.next_return();
        match next {
            None => std::future::pending().await,
            Some(next) => sleep_until(next).await,
        }
        self.state().quarantine.returning(Instant::now())
    }

    /// No canary answered, asked since then: no first dial goes out. Returns
    /// the looks to be had again, unless somebody has answered meanwhile.
    pub(super) fn open(&self, asked: Instant) -> Option<Vec<H>> {
        let mut state = self.state();
        let again = state.breaker.open(asked, Instant::now())?;
        state.way.cancel();
        // Without a network a resolver may have said anything.
        let unnamed = state.names.give_up_doubt();
        let again = again.into_iter().map(|it| it.look);
        Some(again.chain(unnamed).collect())
    }

    /// The network is back.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.breaker.close(Instant::now());
        state.quarantine.doubt_again();
        state.way = Arc::new(self.stop.child_token());
    }

    /// Nothing more is held, since the scan is over: what was had is to be
    /// told. Returns the looks that were not, or not to their end.
    pub(super) fn empty(&self) -> Vec<H> {
        let mut state = self.state();
        let held = state.breaker.empty();
        state
            .released
            .vouched
            .extend(held.into_iter().map(|it| it.look));
        let held = state.quarantine.empty();
        state.released.vouched.extend(held);
        let mut left = mem::take(&mut state.released.again);
        left.append(&mut state.put_off);
        left.append(&mut state.quarantine.empty_aside());
        left.append(&mut state.names.empty());
        left
    }

    fn state(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> State<H> {
    /// Others answer: what becomes of looks is for their networks to decide.
    fn pass_on(&mut self, unanswered: Vec<Unanswered<H>>) {
        for unanswered in unanswered {
            if let Custody::Told(look) = self.quarantine_or_tell(unanswered) {
                self.released.vouched.push(look);
            }
        }
    }

    fn quarantine_or_tell(&mut self, unanswered: Unanswered<H>) -> Custody<H> {
        let Unanswered { look, place } = unanswered;
        let told = match place {
            Some(place) => self.quarantine.take(place, look),
            None => Some(look),
        };
        told.map_or(Custody::Held, Custody::Told)
    }
}

impl<H> Released<H> {
    fn is_empty(&self) -> bool {
        self.vouched.is_empty() && self.suspected.is_empty() && self.again.is_empty()
    }
}

impl<H> Default for Released<H> {
    fn default() -> Self {
        Self {
            vouched: Vec::new(),
            suspected: Vec::new(),
            again: Vec::new(),
        }
    }
}

/// The dialect matters to nobody: nothing is said.
fn canary(zone: &Zone, (address, port): (IpAddr, Port)) -> Endpoint {
    Endpoint::tcp(zone.clone(), address, port, Dialect::Tls)
}
