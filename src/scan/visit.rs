//! A target → what is known of it: resolves, vets names, asks.

use std::mem;
use std::net::IpAddr;

use tokio::sync::OnceCell;

use super::breaker::Sign;
use super::candidates::{Candidate, NameSource};
use super::claims::Claim;
use super::inquiry::{Inquiry, Step, Subject};
use super::look::Look;
use super::settings::Pointers;
use super::verdict::{Verdict, cut};
use super::worker::Bench;
use crate::domain::{Host, Observation, Outcome, ServerName, Target};
use crate::net::Dialer;
use crate::pace::Lane;
use crate::probe::Probe;
use crate::resolve::Resolver;

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// One visit to a target, and what it comes to.
    pub(super) async fn look(&self, target: &Target, look: &mut Look) -> Verdict {
        if let Some(exclusion) = self.plan.excluded(target) {
            return Verdict::Settled(Outcome::Excluded(exclusion.why()), Vec::new());
        }
        if self.recency.is_fresh(target) {
            return Verdict::Settled(Outcome::Fresh, Vec::new());
        }
        let seen = mem::take(&mut look.seen).into_vec();
        if look.best.is_some() && self.stop.is_cancelled() {
            return cut(target, seen, look);
        }
        match &target.host {
            Host::Address(address) => {
                let known = self.ask_all(&[*address], None, target, seen, look).await;
                self.weigh(target, known, look)
            }
            Host::Name(name) => match self.unless_stopped(self.resolver.addresses(name)).await {
                Some(Ok(addresses)) => {
                    let asked = self.ask_all(&addresses, Some(name), target, seen, look);
                    let known = asked.await;
                    self.weigh(target, known, look)
                }
                Some(Err(error)) => self.unresolved(target, error, seen, look),
                None => cut(target, seen, look),
            },
        }
    }

    /// Asks at each address what has not been answered yet; returns all that
    /// is known.
    async fn ask_all(
        &self,
        addresses: &[IpAddr],
        own_name: Option<&ServerName>,
        target: &Target,
        mut seen: Vec<Observation>,
        look: &Look,
    ) -> Vec<Observation> {
        let lane = match look.earlier {
            0 => Lane::First,
            _ => Lane::FollowUp,
        };
        let mut known = Vec::new();
        for address in addresses {
            let mut subject = Subject::new(target, &self.settings.zone, *address, own_name, lane);
            let address = subject.endpoint.address;
            let known_here = self.expected.questions(address.to_canonical(), target.port);
            subject.known = known_here.to_vec();
            let here = seen.extract_if(.., |seen| seen.endpoint.address == address);
            let here = here.collect();
            self.directory.meet(address);
            let listed = self.directory.names_at(address);
            let approach = self.settings.approach.at(address);
            let mut inquiry = Inquiry::new(approach, subject, listed, here);
            self.inquire(&mut inquiry, address, target, look).await;
            known.extend(inquiry.into_observations());
        }
        // Addresses that the name has led to before, and does no more.
        known.extend(seen);
        known
    }

    /// Takes an inquiry to its end, or to the scan's. A question that the
    /// stop takes, be it a target's first or its last, cuts the scan short.
    async fn inquire(
        &self,
        inquiry: &mut Inquiry<'_>,
        address: IpAddr,
        target: &Target,
        look: &Look,
    ) {
        let pointer = OnceCell::new();
        while let Some(step) = inquiry.next() {
            if self.stop.is_cancelled() {
                look.cut_short();
                return;
            }
            if self.guard.is_open() {
                look.interrupt();
                return;
            }
            match step {
                Step::Ask(probe) => inquiry.answered(self.ask(probe, &pointer, look).await),
                Step::Vet(candidate) => {
                    if self.may_ask(&candidate, address, target, look).await {
                        inquiry.admit(candidate);
                    }
                }
                Step::Survey(probe) => {
                    let seen = inquiry.to_survey();
                    let (survey, others) = self.prober.survey(&probe, seen, &self.stop).await;
                    inquiry.surveyed(survey, others);
                }
            }
        }
    }

    async fn ask(
        &self,
        probe: Probe,
        pointer: &OnceCell<Option<String>>,
        look: &Look,
    ) -> Observation {
        let address = probe.endpoint.address;
        let mut observation = self.prober.run(probe, &self.guard.way()).await;
        match self.guard.sign(&observation) {
            Some(sign) => {
                self.guard.see(sign);
                look.note_answer(matches!(sign, Sign::Answer(..)));
            }
            None if observation.outcome == Outcome::NotAttempted && !self.stop.is_cancelled() => {
                look.interrupt();
            }
            None => {}
        }
        let connected = observation.outcome.kind().connected();
        if connected && self.settings.pointers == Pointers::LookUp {
            let pointer = pointer.get_or_init(async || {
                let pointer = self.unless_stopped(self.resolver.pointer(address));
                pointer.await.flatten()
            });
            observation.pointer.clone_from(pointer.await);
        }
        observation
    }

    /// Whether a name is to be asked for at an address of this target, and by
    /// it: not if it is excluded, nor if another target does.
    async fn may_ask(
        &self,
        candidate: &Candidate,
        address: IpAddr,
        target: &Target,
        look: &Look,
    ) -> bool {
        let name = &candidate.name;
        let Target { port, dialect, .. } = *target;
        if self.plan.exclusions().covers_name(name, port).is_some() {
            return false;
        }
        let leads_here = match candidate.source {
            NameSource::Listed => self.directory.leads(name, address),
            NameSource::Discovered => self.leads(name, address).await,
        };
        if candidate.source == NameSource::Discovered && !leads_here {
            return false;
        }
        let itself = Target {
            host: Host::Name(name.clone()),
            port,
            dialect,
        };
        if leads_here && self.plan.contains(&itself) {
            return false;
        }
        let claim = Claim {
            address,
            port,
            dialect,
            name: name.clone(),
        };
        self.claims.claim(claim, look.index)
    }

    /// Whether the DNS has a name lead to an address.
    async fn leads(&self, name: &ServerName, address: IpAddr) -> bool {
        let answer = self.unless_stopped(self.resolver.addresses(name)).await;
        let addresses = answer.and_then(Result::ok).unwrap_or_default();
        let mut addresses = addresses.iter().map(IpAddr::to_canonical);
        addresses.any(|led_to| led_to == address)
    }

    /// What the DNS says; `None` if the scan stops first.
    async fn unless_stopped<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            answer = answer => Some(answer),
        }
    }
}
