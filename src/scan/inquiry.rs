//! What was seen at one address and port → what to ask there next.
//!
//! Pure: it neither asks nor waits. In this order:
//!
//! 1. The first question, in the dialect that is forced on the port or that
//!    the port takes by number, for the target's own name if it has one.
//! 2. Where no dialect is forced, the same in another dialect: by a direct
//!    hello if the server does not speak the port's dialect, or in the
//!    dialect in which it greeted a direct hello. What follows is asked in
//!    the dialect that found more.
//! 3. The further names, once it is clear that TLS may be spoken: the
//!    operator's, then those by which the address is known.
//! 4. For each name that gave a certificate, the same for each other type of
//!    key.
//! 5. What else the endpoint accepts.
//!
//! 4, 5 and the second half of 3 belong to [`Depth::Thorough`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use super::no_answer::NoAnswer;
use super::settings::{Depth, Settings};
use crate::domain::{
    Dialect, Endpoint, KeyType, NotTls, Observation, Outcome, OutcomeKind, Phase, Refusal,
    ServerName, Survey, Target, Zone,
};
use crate::pace::Lane;
use crate::probe::Probe;
use crate::starttls;
use crate::tls::{Alpn, Ladder};
use crate::x509;

/// Names beyond the operator's that one address is asked for: servers with
/// more are those of content networks, which show a certificate to any name.
pub(super) const MOST_DISCOVERED: usize = 8;

/// Names that are looked up to find those: a certificate may list thousands,
/// and somebody else's DNS answers for each.
const MOST_LOOKED_UP: usize = 32;

/// The types of key that a hello can ask for.
pub(super) const KEY_TYPES: [KeyType; 3] = [KeyType::Rsa, KeyType::Ecdsa, KeyType::Eddsa];

/// The questions of one look at one address and port of a target.
#[derive(Debug)]
pub(super) struct Inquiry<'scan> {
    settings: &'scan Settings,
    subject: Subject,
    /// Names that may be asked for.
    names: Vec<ServerName>,
    /// Names that are still to be vetted.
    candidates: VecDeque<Candidate>,
    /// Every name that came up.
    met: HashSet<ServerName>,
    looked_up: usize,
    discovered: usize,
    seen: Vec<Seen>,
    surveyed: bool,
}

/// What an inquiry is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// In the dialect of the first question.
    pub(super) endpoint: Endpoint,
    pub(super) other_dialects: OtherDialects,
    /// The target's, where it is a name.
    pub(super) own_name: Option<ServerName>,
    /// Where the first question queues.
    pub(super) lane: Lane,
}

/// Whether a dialect other than the first may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherDialects {
    Tried,
    /// The operator forced the first.
    Never,
}

/// An answer, the best to its question.
#[derive(Debug)]
struct Seen {
    observation: Observation,
    /// Whether the question is not to be asked in this look any more.
    asked: bool,
    /// The leaf's, where that is of interest.
    key_type: Option<KeyType>,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Ask this, and tell by [`Inquiry::answered`].
    Ask(Probe),
    /// See whether the name may be asked for here: if so, [`Inquiry::admit`].
    Vet(Candidate),
    /// Find out what else this question's server accepts, and tell by
    /// [`Inquiry::surveyed`].
    Survey(Probe),
}

/// A name that may be worth asking for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: ServerName,
    pub(super) source: NameSource,
}

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameSource {
    /// The operator.
    Listed,
    /// The network: it counts only if it resolves to the address.
    Discovered,
}

impl Subject {
    /// What a target is about at an endpoint that it leads to.
    pub(super) fn new(
        target: &Target,
        zone: &Zone,
        address: IpAddr,
        own_name: Option<&ServerName>,
        lane: Lane,
    ) -> Self {
        Self {
            endpoint: Endpoint::tcp(zone.clone(), address, target.port, first_dialect(target)),
            other_dialects: match target.dialect {
                Some(_) => OtherDialects::Never,
                None => OtherDialects::Tried,
            },
            own_name: own_name.cloned(),
            lane,
        }
    }
}

/// The dialect of a target's first question.
pub(super) fn first_dialect(target: &Target) -> Dialect {
    let by_number = || starttls::by_port(target.port).map(|protocol| protocol.dialect);
    target.dialect.or_else(by_number).unwrap_or_default()
}

impl<'scan> Inquiry<'scan> {
    /// An inquiry about the subject and the names that the operator `listed`
    /// for it, which goes on where earlier looks have `seen` something.
    pub(super) fn new(
        settings: &'scan Settings,
        subject: Subject,
        listed: Vec<ServerName>,
        seen: Vec<Observation>,
    ) -> Self {
        let mut inquiry = Self {
            settings,
            met: subject.own_name.iter().cloned().collect(),
            subject,
            names: Vec::new(),
            candidates: VecDeque::new(),
            looked_up: 0,
            discovered: 0,
            seen: Vec::new(),
            surveyed: false,
        };
        for name in listed {
            inquiry.consider(name, NameSource::Listed);
        }
        for observation in seen {
            let key_type = inquiry.learn(&observation);
            inquiry.seen.push(Seen {
                asked: NoAnswer::to(&observation).is_none(),
                observation,
                key_type,
            });
        }
        inquiry
    }

    /// The next step; `None` when nothing is left to ask.
    pub(super) fn next(&mut self) -> Option<Step> {
        let own_name = self.subject.own_name.as_ref();
        let opening = [Some(self.subject.endpoint.dialect), self.other_dialect()];
        let mut opening = opening.into_iter().flatten();
        if let Some(probe) = opening.find_map(|dialect| self.unasked(dialect, own_name, None)) {
            return Some(Step::Ask(probe));
        }
        let spoken = self.spoken()?;
        self.next_name(spoken)
            .or_else(|| self.next_key_type(spoken))
            .or_else(|| self.survey(spoken))
    }

    /// Takes an answer. Of two to one question the better stands, of equal
    /// ones the later.
    pub(super) fn answered(&mut self, mut observation: Observation) {
        self.share_chain(&mut observation.outcome);
        let key_type = self.learn(&observation);
        let is_same = |seen: &&mut Seen| is_same_question(&seen.observation, &observation);
        match self.seen.iter_mut().find(is_same) {
            Some(seen) => {
                seen.asked = true;
                if observation.outcome.kind() <= seen.observation.outcome.kind() {
                    seen.observation = observation;
                    seen.key_type = key_type;
                }
            }
            None => self.seen.push(Seen {
                observation,
                asked: true,
                key_type,
            }),
        }
    }

    /// The candidate may be asked for here.
    pub(super) fn admit(&mut self, candidate: Candidate) {
        if candidate.source == NameSource::Discovered {
            self.discovered += 1;
        }
        self.names.push(candidate.name);
    }

    /// Takes what else the server accepts.
    pub(super) fn surveyed(&mut self, survey: Option<Survey>) {
        self.surveyed = true;
        let Some(spoken) = self.spoken() else { return };
        if let Some(shown) = self.seen.iter_mut().find(|seen| seen.is_open_in(spoken)) {
            shown.observation.survey = survey;
        }
    }

    /// What was seen, earlier looks included.
    pub(super) fn into_observations(self) -> impl Iterator<Item = Observation> {
        self.seen.into_iter().map(|seen| seen.observation)
    }

    /// A probe for this question, unless it was asked.
    fn unasked(
        &self,
        dialect: Dialect,
        server_name: Option<&ServerName>,
        key_type: Option<KeyType>,
    ) -> Option<Probe> {
        let asked = |seen: &Seen| {
            let of = &seen.observation;
            seen.asked
                && of.endpoint.dialect == dialect
                && of.server_name.as_ref() == server_name
                && of.asked_for == key_type
        };
        if self.seen.iter().any(asked) {
            return None;
        }
        let ladder = self.ladder(dialect);
        Some(Probe {
            endpoint: Endpoint {
                dialect,
                ..self.subject.endpoint.clone()
            },
            server_name: server_name.cloned(),
            ladder: match key_type {
                Some(key_type) => ladder.restricted_to(key_type),
                None => ladder,
            },
            lane: if self.seen.is_empty() {
                self.subject.lane
            } else {
                Lane::FollowUp
            },
        })
    }

    /// What is offered in a dialect.
    fn ladder(&self, dialect: Dialect) -> Ladder {
        let ladder = self.settings.ladder.clone();
        match dialect {
            // Without the words of its dialect, a port may insist on the
            // application protocol that stands for them.
            Dialect::Tls => match starttls::by_port(self.subject.endpoint.port) {
                Some(protocol) if !protocol.application_protocols.is_empty() => {
                    ladder.offering(Alpn::Offered(protocol.application_protocols))
                }
                Some(_) | None => ladder,
            },
            // It counts aborted handshakes, and locks out who makes too many.
            Dialect::Mysql if self.settings.depth != Depth::Thorough => {
                Ladder::of_one(ladder.first().offered).offering(Alpn::Withheld)
            }
            _ => ladder.offering(Alpn::Withheld),
        }
    }

    /// The dialect of the second question, if the answer to the first calls
    /// for one.
    fn other_dialect(&self) -> Option<Dialect> {
        if self.subject.other_dialects == OtherDialects::Never {
            return None;
        }
        let dialect = self.subject.endpoint.dialect;
        match (&self.first_answer(dialect)?.outcome, dialect) {
            (Outcome::NotTls(NotTls::Other | NotTls::Foreign, said), Dialect::Tls) => {
                starttls::recognised(said).map(|protocol| protocol.dialect)
            }
            (_, Dialect::Tls) => None,
            (outcome, _) => does_not_speak(outcome).then_some(Dialect::Tls),
        }
    }

    /// The dialect in which the server may speak TLS, if it may.
    fn spoken(&self) -> Option<Dialect> {
        let first = self.first_answer(self.subject.endpoint.dialect);
        let other = self.other_dialect();
        let second = other.and_then(|dialect| self.first_answer(dialect));
        let better = first
            .into_iter()
            .chain(second)
            .min_by_key(|seen| seen.outcome.kind())?;
        may_speak_tls(&better.outcome).then_some(better.endpoint.dialect)
    }

    /// The answer for the target's own name in a dialect.
    fn first_answer(&self, dialect: Dialect) -> Option<&Observation> {
        let seen = self.seen.iter().map(|seen| &seen.observation);
        let mut own = seen.filter(|seen| seen.server_name == self.subject.own_name);
        own.find(|seen| seen.endpoint.dialect == dialect && seen.asked_for.is_none())
    }

    fn next_name(&mut self, dialect: Dialect) -> Option<Step> {
        let mut names = self.names.iter();
        if let Some(probe) = names.find_map(|name| self.unasked(dialect, Some(name), None)) {
            return Some(Step::Ask(probe));
        }
        while let Some(candidate) = self.candidates.pop_front() {
            match candidate.source {
                NameSource::Discovered if self.discovered >= MOST_DISCOVERED => {}
                NameSource::Listed | NameSource::Discovered => return Some(Step::Vet(candidate)),
            }
        }
        None
    }

    fn next_key_type(&self, dialect: Dialect) -> Option<Step> {
        let shown = self.seen.iter().filter(|seen| seen.is_open_in(dialect));
        let questions = shown.filter_map(|seen| Some((seen, seen.key_type?)));
        questions
            .flat_map(|(seen, shown)| {
                let others = KEY_TYPES.into_iter().filter(move |other| *other != shown);
                others.map(move |other| (seen.observation.server_name.as_ref(), other))
            })
            .find_map(|(name, other)| self.unasked(dialect, name, Some(other)))
            .map(Step::Ask)
    }

    fn survey(&self, dialect: Dialect) -> Option<Step> {
        if self.surveyed || self.settings.depth != Depth::Thorough {
            return None;
        }
        let shown = self.seen.iter().find(|seen| seen.is_open_in(dialect))?;
        let Observation {
            endpoint,
            server_name,
            survey: None,
            ..
        } = &shown.observation
        else {
            return None;
        };
        Some(Step::Survey(Probe {
            endpoint: endpoint.clone(),
            server_name: server_name.clone(),
            ladder: self.ladder(dialect),
            lane: Lane::FollowUp,
        }))
    }

    /// Takes the names and the type of key that an answer tells of.
    fn learn(&mut self, observation: &Observation) -> Option<KeyType> {
        if self.settings.depth != Depth::Thorough {
            return None;
        }
        if let Some(pointer) = &observation.pointer {
            self.discover(pointer);
        }
        let Outcome::Certificate(presented) = &observation.outcome else {
            return None;
        };
        let Ok(facts) = x509::parse(presented.chain.leaf()).facts else {
            return Some(KeyType::Unparsed);
        };
        for name in &facts.alternative_names {
            self.discover(name);
        }
        Some(facts.public_key.key_type)
    }

    /// A name from the network: any text. Wildcards and addresses are no
    /// server names.
    fn discover(&mut self, text: &str) {
        if self.looked_up < MOST_LOOKED_UP
            && let Ok(name) = text.parse()
            && self.consider(name, NameSource::Discovered)
        {
            self.looked_up += 1;
        }
    }

    fn consider(&mut self, name: ServerName, source: NameSource) -> bool {
        let is_new = self.met.insert(name.clone());
        if is_new {
            self.candidates.push_back(Candidate { name, source });
        }
        is_new
    }

    /// Holds the chain that a server shows to many names once.
    fn share_chain(&self, outcome: &mut Outcome) {
        let Outcome::Certificate(new) = outcome else {
            return;
        };
        let chains = self
            .seen
            .iter()
            .filter_map(|seen| match &seen.observation.outcome {
                Outcome::Certificate(known) => Some(&known.chain),
                _ => None,
            });
        if let Some(same) = chains.into_iter().find(|chain| **chain == new.chain) {
            new.chain = same.clone();
        }
    }
}

impl Seen {
    /// Whether it is a certificate of the server's own choice in a dialect.
    fn is_open_in(&self, dialect: Dialect) -> bool {
        let seen = &self.observation;
        seen.endpoint.dialect == dialect
            && seen.asked_for.is_none()
            && seen.outcome.kind() == OutcomeKind::Certificate
    }
}

/// Of the answers in two dialects at one address, those that are told of: the
/// first dialect's always, the other's only where it found more. So a server
/// that is dark, or speaks neither, is one endpoint.
pub(super) fn drop_fruitless(observations: &mut Vec<Observation>, first: Dialect) {
    let mut best: HashMap<(IpAddr, Dialect), OutcomeKind> = HashMap::new();
    for seen in observations.iter() {
        let kind = seen.outcome.kind();
        let place = (seen.endpoint.address, seen.endpoint.dialect);
        let best = best.entry(place).or_insert(kind);
        *best = kind.min(*best);
    }
    observations.retain(|seen| {
        let Endpoint {
            address, dialect, ..
        } = seen.endpoint;
        dialect == first || best.get(&(address, dialect)) < best.get(&(address, first))
    });
}

fn is_same_question(one: &Observation, other: &Observation) -> bool {
    one.endpoint == other.endpoint
        && one.server_name == other.server_name
        && one.asked_for == other.asked_for
}

/// Whether a server left a dialogue the way one does that speaks another
/// protocol: a direct hello may do better. One that declined speaks it, and
/// one that did not take the connection is not asked again.
fn does_not_speak(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::NotTls(NotTls::Foreign, _)
            | Outcome::Silent(Phase::Starttls)
            | Outcome::TlsRefused(
                Refusal::Closed(Phase::Starttls) | Refusal::Reset(Phase::Starttls)
            )
    )
}

/// Whether a hello was sent and not answered in plain text, so that another
/// name may find more.
fn may_speak_tls(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Certificate(_) | Outcome::NoCertificate(..) | Outcome::Broken(_) => true,
        Outcome::Silent(phase) => *phase > Phase::Starttls,
        Outcome::TlsRefused(
            Refusal::Alert(phase, _)
            | Refusal::Closed(phase)
            | Refusal::Reset(phase)
            | Refusal::Stalled(phase)
            | Refusal::Malformed(phase)
            | Refusal::TooLarge(phase),
        ) => *phase > Phase::Starttls,
        Outcome::NotTls(..)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => false,
    }
}
