//! A target → what is known of it: resolves, vets names, asks.

use std::mem;
use std::net::IpAddr;

use tokio::sync::OnceCell;

use super::breaker::Sign;
use super::candidates::{Candidate, NameSource};
use super::claims::Claim;
use super::inquiry::{Inquiry, Step};
use super::look::Look;
use super::name_service::LookupFailure;
use super::neighbours::Place;
use super::settings::Pointers;
use super::subject::{Subject, WithoutAName};
use super::verdict::Verdict;
use super::whereabouts::Whereabouts;
use super::worker::Bench;
use crate::domain::{Host, Observation, Outcome, Pointer, ServerName, Target, Unresolved};
use crate::net::Dialer;
use crate::pace::Lane;
use crate::probe::{Knock, Probe};
use crate::resolve::{LookupError, Resolver};
use crate::store::{Askers, KnownQuestion};

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
            return self.cut(target, seen, look);
        }
        match &target.host {
            Host::Address(address) if seen.is_empty() => {
                let known = self.ask_first(*address, target, look).await;
                self.weigh(target, known, look)
            }
            Host::Address(address) => {
                let addresses = [*address];
                let asked = self.ask_all(&addresses, None, target, seen, look);
                let known = Box::pin(asked).await;
                self.weigh(target, known, look)
            }
            Host::Name(name) => match self.look_up(name, look).await {
                Some(Ok(addresses)) => {
                    let asked = self.ask_all(&addresses, Some(name), target, seen, look);
                    let known = Box::pin(asked).await;
                    self.weigh(target, known, look)
                }
                Some(Err(error)) => self.unresolved(target, error, seen, look),
                None => self.cut(target, seen, look),
            },
        }
    }

    /// Asks at an address of which nothing is known: where nobody takes the
    /// connection, nothing else is asked, and no more was held than that.
    async fn ask_first(&self, address: IpAddr, target: &Target, look: &Look) -> Vec<Observation> {
        let subject = self.subject(target, address, None, look);
        let address = subject.endpoint.address;
        self.directory.meet(address);
        if !self.may_go_on(address, look) {
            return Vec::new();
        }
        let _place = self.neighbours_place(address).await;
        let way = self.guard.way();
        let knock = self.prober.knock(&subject.endpoint, subject.lane, &way);
        let knock = knock.await;
        let approach = self.settings.approach.at(address);
        if knock.is_answered() {
            let listed = self.directory.names_at(address);
            let mut inquiry = Inquiry::new(approach, subject, listed, Vec::new());
            let asking = self.inquire(&mut inquiry, Some(knock), address, target, look);
            Box::pin(asking).await;
            inquiry.into_observations().collect()
        } else {
            let probe = subject.first_probe(approach);
            let observation = self.prober.run_behind(knock, probe).await;
            self.note(&observation, look);
            vec![observation]
        }
    }

    /// Asks the DNS for a target's name, and notes how it does.
    async fn look_up(
        &self,
        name: &ServerName,
        look: &mut Look,
    ) -> Option<Result<Vec<IpAddr>, LookupError>> {
        let answer = self.addresses(name).await?;
        look.lookup_failure = match &answer {
            Ok(_) | Err(LookupError::Unresolved(Unresolved::NoSuchName | Unresolved::NoData)) => {
                None
            }
            Err(LookupError::Unresolved(Unresolved::ServerFailure)) => Some(LookupFailure::Refusal),
            Err(LookupError::Resolver(_)) => Some(LookupFailure::Silence),
        };
        if look.lookup_failure.is_none() {
            self.guard.name_answered();
        }
        Some(answer)
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
        let mut known = Vec::new();
        for address in addresses {
            let subject = self.subject(target, *address, own_name, look);
            let address = subject.endpoint.address;
            let here = seen.extract_if(.., |seen| seen.endpoint.address == address);
            let here = here.collect();
            self.directory.meet(address);
            let listed = self.directory.names_at(address);
            let approach = self.settings.approach.at(address);
            let mut inquiry = Inquiry::new(approach, subject, listed, here);
            self.inquire(&mut inquiry, None, address, target, look)
                .await;
            known.extend(inquiry.into_observations());
        }
        // Addresses that the name has led to before, and does no more.
        known.extend(seen);
        known
    }

    /// What a look is about at an address.
    fn subject(
        &self,
        target: &Target,
        address: IpAddr,
        own_name: Option<&ServerName>,
        look: &Look,
    ) -> Subject<'_> {
        let zone = &self.settings.zone;
        let lane = match look.earlier {
            0 => Lane::First,
            _ => Lane::FollowUp,
        };
        let mut subject = Subject::new(target, zone, address, own_name, lane);
        let known = self
            .expected
            .questions(subject.endpoint.address.to_canonical(), target.port);
        subject.known = known;
        subject.known_names = self.expected.names();
        let by_names = |known: &KnownQuestion| known.askers == Askers::Names;
        if own_name.is_some() && known.iter().any(by_names) {
            subject.without_a_name = self.without_a_name(address, target, look);
        }
        subject
    }

    /// When a target that is a name asks an address without one: where the
    /// address is a target, or another name's asks, only if it has to.
    fn without_a_name(&self, address: IpAddr, target: &Target, look: &Look) -> WithoutAName {
        let Target { port, dialect, .. } = *target;
        let itself = Target {
            host: Host::Address(address),
            port,
            dialect,
        };
        let claim = Claim {
            address,
            port,
            dialect,
            name: None,
        };
        if self.plan.contains(&itself) || !self.claims.claim(claim, look.index) {
            WithoutAName::IfDeclined
        } else {
            WithoutAName::IfKnown
        }
    }

    /// Takes an inquiry to its end, or to the scan's; its first question may
    /// have knocked already. A question that the stop takes, be it a target's
    /// first or its last, cuts the scan short; one that hours take puts the rest
    /// off.
    async fn inquire(
        &self,
        inquiry: &mut Inquiry<'_>,
        mut knock: Option<Knock<D::Stream>>,
        address: IpAddr,
        target: &Target,
        look: &Look,
    ) {
        let pointer = OnceCell::new();
        while let Some(step) = inquiry.next() {
            // What has begun is ended.
            if knock.is_none() && !self.may_go_on(address, look) {
                return;
            }
            match step {
                Step::Ask(probe) => {
                    let observation = self.ask(probe, knock.take(), &pointer, look).await;
                    inquiry.answered(observation);
                }
                Step::Vet(candidate) => {
                    if self.may_ask(&candidate, address, target, look).await {
                        inquiry.admit(candidate);
                    }
                }
                Step::Locate(name) => {
                    inquiry.located(self.locate(&name, address).await);
                }
                Step::Survey(probe) => {
                    let seen = inquiry.to_survey();
                    let _place = self.neighbours_place(address).await;
                    let survey = self.prober.survey(&probe, seen, &self.stop);
                    let (survey, others) = Box::pin(survey).await;
                    inquiry.surveyed(survey, others);
                }
            }
        }
    }

    /// Whether the look may ask another question at an address.
    fn may_go_on(&self, address: IpAddr, look: &Look) -> bool {
        if self.stop.is_cancelled() {
            look.cut_short();
            return false;
        }
        if self.settings.hours.are_over_at(address) {
            look.wait_for(address);
            return false;
        }
        if self.guard.is_open() {
            look.interrupt();
            return false;
        }
        true
    }

    async fn ask(
        &self,
        probe: Probe,
        knock: Option<Knock<D::Stream>>,
        pointer: &OnceCell<Pointer>,
        look: &Look,
    ) -> Observation {
        let address = probe.endpoint.address;
        let mut observation = if let Some(knock) = knock {
            self.prober.run_behind(knock, probe).await
        } else {
            let _place = self.neighbours_place(address).await;
            self.prober.run(probe, &self.guard.way()).await
        };
        self.note(&observation, look);
        let connected = observation.outcome.kind().connected();
        if connected && self.settings.pointers == Pointers::LookUp {
            let pointer = pointer.get_or_init(async || {
                let pointer = self.unless_stopped(self.resolver.pointer(address));
                pointer.await.unwrap_or_default()
            });
            observation.pointer.clone_from(Box::pin(pointer).await);
        }
        observation
    }

    /// A place among the neighbours, where there are too few.
    async fn neighbours_place(&self, address: IpAddr) -> Option<Place> {
        tokio::select! {
            biased;
            // As a rule at once, without a place in the queue for the stop.
            place = self.settings.neighbours.place(address) => place,
            () = self.stop.cancelled() => None,
        }
    }

    /// Tells the guard what an observation says of the way there.
    fn note(&self, observation: &Observation, look: &Look) {
        if let Some(sign) = self.guard.sign(observation) {
            self.guard.see(sign);
            look.note_answer(matches!(sign, Sign::Answer(..)));
        }
        if observation.outcome == Outcome::NotAttempted && !self.stop.is_cancelled() {
            let address = observation.endpoint.address;
            if self.settings.hours.are_over_at(address) {
                look.wait_for(address);
            } else {
                look.interrupt();
            }
        }
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
        let leads = async || self.locate(name, address).await;
        let itself = Target {
            host: Host::Name(name.clone()),
            port,
            dialect,
        };
        let is_target = self.plan.contains(&itself);
        let is_not_ours = match candidate.source {
            NameSource::Listed => is_target && self.directory.leads(name, address),
            NameSource::Discovered if leads().await != Whereabouts::Here => true,
            // Where it leads no more, that is told of by where it does, if it
            // leads anywhere.
            NameSource::Homeless if is_target => leads().await != Whereabouts::Nowhere,
            NameSource::Discovered | NameSource::Known | NameSource::Homeless => is_target,
        };
        if is_not_ours {
            return false;
        }
        let claim = Claim {
            address,
            port,
            dialect,
            name: Some(name.clone()),
        };
        self.claims.claim(claim, look.index)
    }

    /// Where the DNS has a name lead, as seen from an address.
    async fn locate(&self, name: &ServerName, address: IpAddr) -> Whereabouts {
        let answer = self.addresses(name).await;
        answer.map_or(Whereabouts::Unknown, |answer| {
            Whereabouts::of(&answer, address)
        })
    }

    /// Where the DNS has a name lead; `None` if the scan stops first.
    async fn addresses(&self, name: &ServerName) -> Option<Result<Vec<IpAddr>, LookupError>> {
        Box::pin(self.unless_stopped(self.resolver.addresses(name))).await
    }

    /// What the DNS says; `None` if the scan stops first.
    pub(super) async fn unless_stopped<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            answer = answer => Some(answer),
        }
    }
}
