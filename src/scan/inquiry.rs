//! What was seen at one address and port → what to ask there next.
//!
//! Pure: it neither asks nor waits. In this order:
//!
//! 1. The first question, in the port's dialect, for the target's own name if
//!    it has one.
//! 2. The same in a second dialect, if the answer calls for one and none is
//!    forced on the port. What follows is asked in the dialect that found
//!    more.
//! 3. Without a name, if the server refused the target's own as unknown: it
//!    may have a certificate for those who name none.
//! 4. The further names, once it is clear that TLS may be spoken: the
//!    operator's, then those by which the address is known.
//! 5. Wherever it connects and turns nobody away, what the inventory has
//!    certificates for there and none of these asked: see `awaited`. What the
//!    server's default certificate says of such a name: see `unplaced`.
//! 6. For each name that gave a certificate, the same for each other type of
//!    key of which a certificate is known there: it may be over, though the
//!    server prefers to show another one. Thoroughly, for every other type.
//! 7. What else the endpoint accepts.
//!
//! 7 and the second half of 4 belong to [`Depth::Thorough`].

use std::collections::{HashSet, VecDeque};

use super::answers::{Answers, Seen};
use super::awaited::{Awaited, Next};
use super::candidates::{Candidate, Candidates};
use super::dialects;
use super::no_answer::NoAnswer;
use super::settings::{Approach, Depth};
use super::subject::Subject;
use super::unplaced::Unplaced;
use super::whereabouts::Whereabouts;
use super::wording::Wording;
use crate::domain::{
    Alert, Dialect, Endpoint, KeyType, LeftOut, Observation, Outcome, Refusal, ServerName, Survey,
};
use crate::pace::Lane;
use crate::probe::{self, Probe};
use crate::x509;

/// Further names that may meet silence where the first question did: each
/// costs a time-out, and a tarpit would take them all.
const MOST_SILENT_NAMES: usize = 2;

/// The questions of one look at one address and port of a target.
#[derive(Debug)]
pub(super) struct Inquiry<'scan> {
    approach: &'scan Approach,
    subject: Subject<'scan>,
    candidates: Candidates,
    /// Names that are to be asked for next.
    admitted: VecDeque<ServerName>,
    /// What the inventory has there, once that is asked for.
    awaited: Option<Awaited<'scan>>,
    /// How much of that earlier looks have asked for.
    awaited_before: usize,
    /// What is not to be asked in this look any more.
    asked: HashSet<Wording>,
    seen: Answers,
    /// An answer that waits for where its name leads.
    unplaced: Option<Unplaced>,
    surveyed: bool,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Ask this, and tell by [`Inquiry::answered`].
    Ask(Probe),
    /// See whether the name may be asked for here: if so, [`Inquiry::admit`].
    Vet(Candidate),
    /// See where the DNS has the name lead, and tell by [`Inquiry::located`].
    Locate(ServerName),
    /// Find out what else this question's server accepts, and tell by
    /// [`Inquiry::surveyed`].
    Survey(Probe),
}

impl<'scan> Inquiry<'scan> {
    /// An inquiry about the subject and the names that the operator `listed`
    /// for it, which goes on where earlier looks have `seen` something.
    pub(super) fn new(
        approach: &'scan Approach,
        subject: Subject<'scan>,
        listed: Vec<ServerName>,
        seen: Vec<Observation>,
    ) -> Self {
        let candidates = Candidates::new(subject.own_name.as_ref(), listed);
        let open = seen.iter().filter(|seen| seen.asked_for.is_none());
        let further = open.filter_map(|seen| seen.server_name.as_ref());
        let awaited_before = further.filter(|name| !candidates.has_met(name)).count();
        let mut inquiry = Self {
            approach,
            awaited: None,
            awaited_before,
            candidates,
            subject,
            admitted: VecDeque::new(),
            asked: HashSet::new(),
            seen: Answers::default(),
            unplaced: None,
            surveyed: false,
        };
        for observation in seen {
            if NoAnswer::to(&observation).is_none() {
                inquiry.asked.insert(Wording::of(&observation));
            }
            let key_type = inquiry.learn(&observation);
            inquiry.seen.take_beside(Seen {
                observation,
                key_type,
            });
        }
        inquiry
    }

    /// The next step; `None` when nothing is left to ask.
    pub(super) fn next(&mut self) -> Option<Step> {
        if let Some(unplaced) = &self.unplaced {
            return Some(Step::Locate(unplaced.name().clone()));
        }
        let first = Some(self.subject.endpoint.dialect);
        let second = dialects::second(&self.subject, &self.seen);
        let mut opening = first.into_iter().chain(second).map(|dialect| Wording {
            dialect,
            server_name: self.subject.own_name.clone(),
            key_type: None,
        });
        if let Some(step) = opening.find_map(|wording| self.ask(wording)) {
            return Some(step);
        }
        let spoken = dialects::spoken(&self.subject, &self.seen);
        let for_names = |inquiry: &mut Self| {
            let spoken = spoken?;
            let without = inquiry.without_a_name(spoken);
            without.or_else(|| inquiry.next_name(spoken))
        };
        for_names(self)
            .or_else(|| self.next_awaited())
            .or_else(|| self.next_key_type(spoken))
            .or_else(|| self.survey())
    }

    /// Takes an answer. Of two to one question the better stands, of equal
    /// ones the later.
    pub(super) fn answered(&mut self, observation: Observation) {
        let wording = Wording::of(&observation);
        let awaited = self.awaited.as_ref();
        let is_awaited = awaited.is_some_and(|it| it.has_asked(&wording));
        if is_awaited && self.is_further(&wording) {
            self.unplaced = Unplaced::of(&observation, &self.seen);
        }
        self.asked.insert(wording);
        if self.unplaced.is_none() {
            self.take(observation);
        }
    }

    /// Takes where the name leads that was to be located.
    pub(super) fn located(&mut self, whereabouts: Whereabouts) {
        if let Some(unplaced) = self.unplaced.take() {
            self.take(unplaced.placed(whereabouts));
        }
    }

    /// The candidate may be asked for here.
    pub(super) fn admit(&mut self, candidate: Candidate) {
        match &mut self.awaited {
            Some(awaited) if candidate.source.is_inventory() => awaited.admit(candidate.name),
            _ => {
                self.candidates.admit(&candidate);
                self.admitted.push_back(candidate.name);
            }
        }
    }

    /// The answer that a survey belongs to: the first certificate.
    pub(super) fn to_survey(&self) -> Option<&Observation> {
        let spoken = dialects::spoken(&self.subject, &self.seen)?;
        let shown = self.seen.shown_in(spoken).next()?;
        Some(&shown.observation)
    }

    /// Takes what else the server accepts, and the certificates that it showed
    /// meanwhile: they stand beside the better answer to the same question.
    pub(super) fn surveyed(&mut self, survey: Survey, others: Vec<Observation>) {
        self.surveyed = true;
        let spoken = dialects::spoken(&self.subject, &self.seen);
        let shown = spoken.and_then(|spoken| self.seen.first_shown_in(spoken));
        if let Some(shown) = shown {
            shown.survey = Some(survey);
        }
        for observation in others {
            let seen = self.hear(observation);
            self.seen.take_beside(seen);
        }
    }

    /// What was seen, earlier looks included.
    pub(super) fn into_observations(self) -> impl Iterator<Item = Observation> {
        self.seen.into_observations()
    }

    /// Asks, unless that was asked, or no hello can.
    fn ask(&self, wording: Wording) -> Option<Step> {
        if self.asked.contains(&wording) {
            return None;
        }
        self.probe(wording).map(Step::Ask)
    }

    /// The probe that asks this; `None` where no set of the ladder can.
    fn probe(&self, wording: Wording) -> Option<Probe> {
        let endpoint = &self.subject.endpoint;
        let Approach { ladder, depth, .. } = self.approach;
        let first = endpoint.dialect;
        let ladder = dialects::ladder(ladder, first, wording.dialect, endpoint.port, *depth);
        let ladder = match wording.key_type {
            Some(key_type) => ladder.restricted_to(key_type),
            None if self.is_further(&wording) && self.met_silence(wording.dialect) => {
                Some(dialects::first_rung(&ladder))
            }
            None => Some(ladder),
        };
        Some(Probe {
            endpoint: Endpoint {
                dialect: wording.dialect,
                ..endpoint.clone()
            },
            server_name: wording.server_name,
            ladder: ladder?,
            lane: if self.seen.is_empty() {
                self.subject.lane
            } else {
                Lane::FollowUp
            },
        })
    }

    /// The question that names nobody, where the own name is not known.
    fn without_a_name(&self, dialect: Dialect) -> Option<Step> {
        if !self.is_unknown(dialect) {
            return None;
        }
        self.ask(Wording {
            dialect,
            server_name: None,
            key_type: None,
        })
    }

    /// Whether the server does not know the target's own name.
    fn is_unknown(&self, dialect: Dialect) -> bool {
        let declined = Alert::UNRECOGNIZED_NAME;
        self.subject
            .first_answer(&self.seen, dialect)
            .is_some_and(|seen| {
                matches!(&seen.outcome,
                Outcome::TlsRefused(Refusal::Alert(_, alert)) if *alert == declined)
            })
    }

    /// The target's own name, where it was asked without one.
    fn left_out(&self, seen: &Observation) -> Option<LeftOut> {
        let own_name = self.subject.own_name.as_ref();
        let name = own_name.filter(|_| seen.server_name.is_none()).cloned()?;
        Some(if self.is_unknown(seen.endpoint.dialect) {
            LeftOut::Declined(name)
        } else {
            LeftOut::Beside(name)
        })
    }

    /// Whether it asks for a name that is not the target's own.
    fn is_further(&self, wording: &Wording) -> bool {
        wording.server_name.is_some() && wording.server_name != self.subject.own_name
    }

    /// Whether the first question was left hanging after its hellos.
    fn met_silence(&self, dialect: Dialect) -> bool {
        let first = self.subject.first_answer(&self.seen, dialect);
        first.is_some_and(|seen| dialects::is_silence(&seen.outcome))
    }

    /// Whether further names met nothing but the silence that the first
    /// question did, often enough.
    fn is_tarpit(&self, dialect: Dialect) -> bool {
        let seen = self.seen.observations();
        let mut further = seen.filter(|seen| self.is_further(&Wording::of(seen)));
        self.met_silence(dialect)
            && further.clone().count() >= MOST_SILENT_NAMES
            && further.all(|seen| dialects::is_silence(&seen.outcome))
    }

    fn next_name(&mut self, dialect: Dialect) -> Option<Step> {
        if self.is_tarpit(dialect) {
            return None;
        }
        while let Some(name) = self.admitted.pop_front() {
            let wording = Wording {
                dialect,
                server_name: Some(name),
                key_type: None,
            };
            if let Some(step) = self.ask(wording) {
                return Some(step);
            }
        }
        self.candidates.next().map(Step::Vet)
    }

    /// What the inventory has there, as long as connections come about.
    fn next_awaited(&mut self) -> Option<Step> {
        let mut seen = self.seen.observations();
        if !seen.all(|seen| seen.outcome.kind().connected()) {
            return None;
        }
        let (subject, names, depth) = (&self.subject, &self.candidates, self.approach.depth);
        let begin = || Awaited::new(subject, names, depth, self.awaited_before);
        let awaited = self.awaited.get_or_insert_with(begin);
        match awaited.next(&self.asked, &self.seen)? {
            Next::Vet(candidate) => Some(Step::Vet(candidate)),
            Next::Ask(wording) => self.ask(wording),
        }
    }

    fn next_key_type(&self, spoken: Option<Dialect>) -> Option<Step> {
        let every = self.approach.depth == Depth::Thorough;
        let questions = self.seen.shown();
        let questions = questions.filter_map(|seen| Some((&seen.observation, seen.key_type?)));
        questions
            .flat_map(|(seen, shown)| {
                let others = if every && spoken == Some(seen.endpoint.dialect) {
                    probe::dialects::KEY_TYPES.to_vec()
                } else {
                    self.subject.known_key_types(seen)
                };
                let others = others.into_iter().filter(move |other| *other != shown);
                others.map(|other| Wording {
                    key_type: Some(other),
                    ..Wording::of(seen)
                })
            })
            .find_map(|wording| self.ask(wording))
    }

    fn survey(&self) -> Option<Step> {
        if self.surveyed || self.approach.depth != Depth::Thorough {
            return None;
        }
        let shown = self.to_survey()?;
        if shown.survey.is_some() {
            return None;
        }
        self.probe(Wording::of(shown)).map(Step::Survey)
    }

    fn take(&mut self, observation: Observation) {
        let seen = self.hear(observation);
        self.seen.take(seen);
    }

    /// Takes of an answer what the next questions follow from.
    fn hear(&mut self, mut observation: Observation) -> Seen {
        observation.left_out = self.left_out(&observation);
        self.seen.share_chain(&mut observation.outcome);
        Seen {
            key_type: self.learn(&observation),
            observation,
        }
    }

    /// Takes the names and the type of key that an answer tells of.
    fn learn(&mut self, observation: &Observation) -> Option<KeyType> {
        let is_thorough = self.approach.depth == Depth::Thorough;
        if !is_thorough && self.subject.known.is_empty() {
            return None;
        }
        if is_thorough && let Some(pointer) = observation.pointer.name() {
            self.candidates.discover(pointer);
        }
        let Outcome::Certificate(presented) = &observation.outcome else {
            return None;
        };
        let Ok(facts) = x509::parse(presented.chain.leaf()).facts else {
            return Some(KeyType::Unparsed);
        };
        if is_thorough {
            for name in &facts.alternative_names {
                self.candidates.discover(name);
            }
        }
        Some(facts.public_key.key_type)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::net::IpAddr;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::domain::{
        Broken, Chain, CipherSuite, Der, Host, NotTls, OutcomeKind, Phase, Pointer, Port,
        Presented, Session, Target, Timestamp, TlsVersion, Zone,
    };
    use crate::scan::subject::{OtherDialects, WithoutAName};
    use crate::store::{Askers, KnownQuestion, Standing};
    use crate::tls::Ladder;

    fn approach(depth: Depth) -> Approach {
        Approach {
            ladder: Ladder::default(),
            retries: 1,
            depth,
        }
    }

    fn subject(
        first: Dialect,
        other_dialects: OtherDialects,
        own_name: Option<&str>,
    ) -> Subject<'static> {
        let target = Target {
            host: Host::Address(IpAddr::from([10, 0, 0, 1])),
            port: Port::HTTPS,
            dialect: Some(first),
        };
        let own_name = own_name.map(|name| name.parse().unwrap());
        let address = IpAddr::from([10, 0, 0, 1]);
        Subject {
            other_dialects,
            ..Subject::new(
                &target,
                &Zone::default(),
                address,
                own_name.as_ref(),
                Lane::First,
            )
        }
    }

    fn direct() -> Subject<'static> {
        subject(Dialect::Tls, OtherDialects::Tried, None)
    }

    fn names(names: &[&str]) -> Vec<ServerName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    /// A chain of one certificate with an ECDSA key.
    fn certificate(names: &[&str]) -> Outcome {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key);
        let leaf = Der::from(&certificate.unwrap().der()[..]);
        Outcome::Certificate(Box::new(Presented {
            chain: Chain::from_wire(vec![leaf]).unwrap(),
            session: Session {
                version: TlsVersion::TLS_1_2,
                cipher_suite: CipherSuite(0xc02b),
                key_exchange: None,
                alpn: None,
                client_auth: None,
                acceptable_issuers: Vec::new(),
                ocsp_staple: None,
            },
            truncated: None,
        }))
    }

    fn refused() -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, Alert::HANDSHAKE_FAILURE))
    }

    fn answer(probe: &Probe, outcome: Outcome) -> Observation {
        Observation {
            endpoint: probe.endpoint.clone(),
            server_name: probe.server_name.clone(),
            left_out: None,
            asked_for: probe.ladder.key_type(),
            at: Timestamp::from_seconds(0),
            outcome,
            attempts: Vec::new(),
            pointer: Pointer::Name("ptr.corp".to_owned()),
            survey: None,
        }
    }

    /// Takes the inquiry to its end; every name is admitted but those that
    /// are `not-here`. What was done, a line a step.
    fn run(inquiry: &mut Inquiry<'_>, server: impl Fn(&Probe) -> Outcome) -> Vec<String> {
        let mut steps = Vec::new();
        while let Some(step) = inquiry.next() {
            assert!(steps.len() < 100, "it does not end: {steps:?}");
            steps.push(match step {
                Step::Ask(probe) => {
                    let mut line = probe.endpoint.dialect.to_string();
                    line.extend(probe.server_name.iter().map(|name| format!(" {name}")));
                    line.extend(probe.ladder.key_type().map(|it| format!(" {it}")));
                    inquiry.answered(answer(&probe, server(&probe)));
                    line
                }
                Step::Vet(candidate) => {
                    let line = format!("vet {}", candidate.name);
                    if !candidate.name.as_str().starts_with("not-here") {
                        inquiry.admit(candidate);
                    }
                    line
                }
                Step::Locate(name) => {
                    let whereabouts = match name.as_str().split_once('-') {
                        Some(("elsewhere", _)) => Whereabouts::Elsewhere,
                        Some(("unknown", _)) => Whereabouts::Unknown,
                        _ => Whereabouts::Here,
                    };
                    inquiry.located(whereabouts);
                    format!("locate {name}")
                }
                Step::Survey(probe) => {
                    inquiry.surveyed(Survey::default(), Vec::new());
                    format!("survey {}", probe.endpoint.dialect)
                }
            });
        }
        steps
    }

    #[test]
    fn without_further_names_it_is_one_question() {
        let approach = approach(Depth::Names);
        let mut inquiry = Inquiry::new(&approach, direct(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |_| certificate(&["a.corp"]));
        assert_eq!(steps, ["tls"]);
        assert_eq!(inquiry.into_observations().count(), 1);
    }

    #[test]
    fn names_are_asked_for_where_tls_may_be_spoken() {
        let approach = approach(Depth::Names);
        let listed = names(&["a.corp", "not-here.corp"]);
        for (outcome, more) in [
            (certificate(&[]), true),
            (refused(), true),
            (Outcome::Silent(Phase::Hello), true),
            (Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()), false),
            (Outcome::Refused, false),
            (Outcome::Filtered, false),
            (Outcome::NotAttempted, false),
        ] {
            let mut inquiry = Inquiry::new(&approach, direct(), listed.clone(), Vec::new());
            let steps = run(&mut inquiry, |_| outcome.clone());
            let expected = ["tls", "vet a.corp", "tls a.corp", "vet not-here.corp"];
            let expected = if more { &expected[..] } else { &expected[..1] };
            assert_eq!(steps, expected, "{outcome:?}");
        }
    }

    #[test]
    fn a_thorough_look_asks_for_known_names_and_other_types_of_key() {
        let approach = approach(Depth::Thorough);
        let mut inquiry = Inquiry::new(&approach, direct(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match &probe.server_name {
            _ if probe.ladder.key_type().is_some() => refused(),
            None => certificate(&["a.corp", "*.corp", "10.0.0.1", "not-here.corp"]),
            Some(name) if name.as_str() == "a.corp" => certificate(&["a.corp", "b.corp"]),
            Some(_) => refused(),
        });
        assert_eq!(
            steps,
            [
                "tls",
                "vet ptr.corp",
                "tls ptr.corp",
                "vet a.corp",
                "tls a.corp",
                "vet not-here.corp",
                "vet b.corp",
                "tls b.corp",
                "tls rsa",
                "tls eddsa",
                "tls a.corp rsa",
                "tls a.corp eddsa",
                "survey tls",
            ]
        );
        let mut observations = inquiry.into_observations();
        let first = observations.next().unwrap();
        assert_eq!(first.survey, Some(Survey::default()));
        assert!(observations.all(|later| later.survey.is_none()));
    }

    #[test]
    fn where_several_types_of_key_are_known_each_is_asked_for() {
        let approach = approach(Depth::Names);
        let known = |server_name: Option<&str>, key_type| KnownQuestion {
            address: IpAddr::from([10, 0, 0, 1]),
            port: Port::HTTPS,
            dialect: Dialect::Tls,
            server_name: server_name.map(|name| name.parse().unwrap()),
            key_type,
            askers: Askers::Own,
            standing: Standing::Current,
            asked_at: Timestamp::from_seconds(0),
        };
        let subject = Subject {
            known: &[
                known(None, KeyType::Rsa),
                known(None, KeyType::Ecdsa),
                known(Some("a.corp"), KeyType::Ecdsa),
                known(Some("a.corp"), KeyType::Eddsa),
                known(Some("b.corp"), KeyType::Rsa),
            ],
            ..direct()
        };
        let listed = names(&["a.corp"]);
        let mut inquiry = Inquiry::new(&approach, subject.clone(), listed, Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.ladder.key_type() {
            None => certificate(&["san.corp"]),
            Some(_) => refused(),
        });
        assert_eq!(
            steps,
            [
                "tls",
                "vet a.corp",
                "tls a.corp",
                "tls rsa",
                "tls a.corp eddsa"
            ]
        );
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        assert_eq!(run(&mut inquiry, |_| refused()), ["tls"], "it shows none");
    }

    /// A question for which the inventory has a certificate.
    fn known(dialect: Dialect, server_name: Option<&str>) -> KnownQuestion {
        KnownQuestion {
            address: IpAddr::from([10, 0, 0, 1]),
            port: Port::HTTPS,
            dialect,
            server_name: server_name.map(|name| name.parse().unwrap()),
            key_type: KeyType::Rsa,
            askers: Askers::Own,
            standing: Standing::Current,
            asked_at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn what_is_known_is_asked_in_the_dialect_that_it_came_in_unless_another_speaks_tls() {
        let approach = approach(Depth::Names);
        let subject = |of| Subject {
            known: vec![known(of, None)].leak(),
            ..direct()
        };
        let said = || Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec());
        for (outcome, expected) in [
            (said(), &["tls", "smtp"][..]),
            (refused(), &["tls", "smtp"]),
            (Outcome::Silent(Phase::Hello), &["tls", "smtp"]),
            (certificate(&[]), &["tls"]),
            (Outcome::Refused, &["tls"]),
            (Outcome::Filtered, &["tls"]),
            (Outcome::NotAttempted, &["tls"]),
        ] {
            let smtp = subject(Dialect::Smtp);
            let mut inquiry = Inquiry::new(&approach, smtp, Vec::new(), Vec::new());
            let steps = run(&mut inquiry, |_| outcome.clone());
            assert_eq!(steps, expected, "{outcome:?}");
        }
        let postgres = subject(Dialect::Postgres);
        let mut inquiry = Inquiry::new(&approach, postgres, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |_| certificate(&[]));
        assert_eq!(steps, ["tls", "postgres"], "it takes both");
    }

    /// What was seen for a name of the inventory.
    fn seen_for(name: &str, subject: &Subject<'_>, server: impl Fn(&Probe) -> Outcome) -> String {
        let approach = approach(Depth::Thorough);
        let known = vec![known(Dialect::Tls, Some(name))].leak();
        let subject = Subject {
            known,
            ..subject.clone()
        };
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, server);
        let locate = format!("locate {name}");
        let locates = steps.iter().filter(|step| **step == locate).count();
        let mut seen = inquiry.into_observations();
        let seen = seen.find(|it| {
            it.server_name
                .as_ref()
                .is_some_and(|it| it.as_str() == name)
        });
        let outcome = seen.map_or("nothing".to_owned(), |it| match it.outcome {
            Outcome::NoCertificate(why, session) => {
                assert!(session.is_some(), "TLS was spoken");
                format!("none: {why:?}")
            }
            outcome => outcome.kind().to_string(),
        });
        format!("{outcome}, {locates} looked up")
    }

    #[test]
    fn the_default_certificate_says_of_a_name_that_leads_elsewhere_that_it_has_none() {
        let default = certificate(&["default.corp"]);
        let to_all = |probe: &Probe| match probe.ladder.key_type() {
            None => default.clone(),
            Some(_) => refused(),
        };
        for (name, expected) in [
            ("here.corp", "certificate, 1 looked up"),
            ("elsewhere-a.corp", "none: Default, 1 looked up"),
            ("unknown-a.corp", "none: Unplaced, 1 looked up"),
        ] {
            assert_eq!(seen_for(name, &direct(), to_all), expected);
        }
        let own = subject(Dialect::Tls, OtherDialects::Tried, Some("elsewhere-a.corp"));
        let own_name = seen_for("elsewhere-a.corp", &own, to_all);
        assert_eq!(
            own_name, "certificate, 0 looked up",
            "the target leads here"
        );
    }

    #[test]
    fn the_default_certificate_of_another_key_type_is_no_names_that_leads_elsewhere() {
        let default = certificate(&["default.corp"]);
        let own = certificate(&["elsewhere-a.corp"]);
        let name = Some("elsewhere-a.corp".parse().unwrap());
        let approach = approach(Depth::Thorough);
        let subject = Subject {
            known: vec![known(Dialect::Tls, Some("elsewhere-a.corp"))].leak(),
            ..direct()
        };
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        run(&mut inquiry, |probe| {
            let is_its = probe.server_name == name && probe.ladder.key_type().is_none();
            if is_its { own.clone() } else { default.clone() }
        });
        let seen = inquiry.into_observations();
        let its = seen.filter(|seen| seen.server_name == name);
        let certificates = its.filter(|seen| seen.outcome.kind() == OutcomeKind::Certificate);
        let asked_for: Vec<_> = certificates.map(|seen| seen.asked_for).collect();
        assert_eq!(asked_for, [None]);
    }

    #[test]
    fn a_certificate_of_its_own_or_for_it_is_a_names_wherever_it_leads() {
        let default = certificate(&["default.corp"]);
        let another = certificate(&["another.corp"]);
        let of = |probe: &Probe, name: &str| {
            let asked = probe.server_name.as_ref();
            asked.is_some_and(|asked| asked.as_str() == name)
        };
        let own = |probe: &Probe| {
            let is_its = of(probe, "elsewhere-a.corp");
            if is_its {
                another.clone()
            } else {
                default.clone()
            }
        };
        let seen = seen_for("elsewhere-a.corp", &direct(), own);
        assert_eq!(seen, "certificate, 0 looked up", "nobody else is shown it");
        let for_all = certificate(&["elsewhere-a.corp"]);
        let seen = seen_for("elsewhere-a.corp", &direct(), |_| for_all.clone());
        assert_eq!(seen, "certificate, 0 looked up");
        let seen = seen_for("elsewhere-a.corp", &direct(), |probe| {
            match probe.server_name {
                Some(_) => refused(),
                None => default.clone(),
            }
        });
        assert_eq!(seen, "tls-refused, 0 looked up");
    }

    #[test]
    fn names_with_certificates_are_asked_for_where_no_tls_is_spoken_any_more() {
        let approach = approach(Depth::Names);
        let names_of = ["a.corp", "b.corp", "c.corp", "d.corp", "not-here.corp"];
        let said = Outcome::NotTls(NotTls::Other, b"HTTP/1.1 400".to_vec());
        for (outcome, silent) in [(said, false), (Outcome::Silent(Phase::Hello), true)] {
            let subject = Subject {
                known: &names_of.map(|it| known(Dialect::Tls, Some(it))),
                ..direct()
            };
            let listed = names(&names_of);
            let mut inquiry = Inquiry::new(&approach, subject, listed, Vec::new());
            let steps = run(&mut inquiry, |probe| {
                let is_first = probe.server_name.is_none() || !silent;
                assert!(is_first || probe.ladder.rungs().count() == 1);
                outcome.clone()
            });
            for name in &names_of[..4] {
                assert!(steps.contains(&format!("tls {name}")), "{steps:?}");
            }
            assert!(!steps.contains(&"tls not-here.corp".to_owned()));
        }
    }

    #[test]
    fn what_was_shown_without_a_name_is_asked_for_beside_a_name_and_not_in_its_place() {
        let approach = approach(Depth::Names);
        let nameless = KnownQuestion {
            askers: Askers::Names,
            ..known(Dialect::Tls, None)
        };
        let subject = Subject {
            known: &[nameless],
            without_a_name: WithoutAName::IfKnown,
            ..subject(Dialect::Tls, OtherDialects::Tried, Some("own.corp"))
        };
        let mut inquiry = Inquiry::new(&approach, subject.clone(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |_| certificate(&[]));
        assert_eq!(steps, ["tls own.corp", "tls"]);
        let told = inquiry.into_observations().map(|seen| seen.left_out);
        let beside = LeftOut::Beside("own.corp".parse().unwrap());
        assert!(told.eq([None, Some(beside)]), "it is known");

        let unknown = Refusal::Alert(Phase::Hello, Alert::UNRECOGNIZED_NAME);
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.server_name {
            Some(_) => Outcome::TlsRefused(unknown),
            None => certificate(&[]),
        });
        assert_eq!(steps, ["tls own.corp", "tls"], "once");
        let mut told = inquiry.into_observations();
        assert!(
            told.any(|seen| seen.declined_name().is_some()),
            "it is not known"
        );
    }

    #[test]
    fn eight_questions_of_the_inventory_are_asked_in_all_looks_of_a_scan() {
        let approach = approach(Depth::Names);
        let names: Vec<_> = (0..20).map(|number| format!("n{number}.corp")).collect();
        let known: Vec<_> = names
            .iter()
            .map(|name| known(Dialect::Tls, Some(name)))
            .collect();
        let subject = Subject {
            known: &known,
            ..direct()
        };
        let said = |_: &Probe| Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec());
        let mut inquiry = Inquiry::new(&approach, subject.clone(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, said);
        let asked = steps.iter().filter(|step| step.starts_with("tls n"));
        assert_eq!(asked.count(), 8);
        let seen = inquiry.into_observations().collect();
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), seen);
        assert_eq!(run(&mut inquiry, said), [""; 0], "another look");
    }

    #[test]
    fn key_types_are_asked_for_in_the_dialect_that_the_inventory_knows_too() {
        let approach = approach(Depth::Names);
        let of = |key_type| KnownQuestion {
            key_type,
            ..known(Dialect::Smtp, None)
        };
        let subject = Subject {
            known: &[KeyType::Ecdsa, KeyType::Rsa].map(of),
            ..direct()
        };
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.endpoint.dialect {
            Dialect::Smtp => certificate(&[]),
            _ => Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
        });
        assert_eq!(steps, ["tls", "smtp", "smtp rsa"]);
    }

    #[test]
    fn a_server_that_turns_a_name_away_is_asked_for_no_more_of_them() {
        let approach = approach(Depth::Thorough);
        let known = ["a.corp", "b.corp"].map(|it| known(Dialect::Tls, Some(it)));
        let subject = Subject {
            known: &known,
            ..direct()
        };
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.server_name {
            Some(_) => Outcome::TlsRefused(Refusal::Reset(Phase::Hello)),
            None => refused(),
        });
        let asked = steps.iter().filter(|step| step.contains("b.corp"));
        assert_eq!(asked.count(), 0, "{steps:?}");
    }

    #[test]
    fn a_listed_name_that_is_turned_away_keeps_no_other_from_being_asked_for() {
        let approach = approach(Depth::Thorough);
        let known = [known(Dialect::Tls, Some("a.corp"))];
        let subject = Subject {
            known: &known,
            ..direct()
        };
        let listed = names(&["stale.corp"]);
        let mut inquiry = Inquiry::new(&approach, subject, listed, Vec::new());
        let steps = run(&mut inquiry, |probe| match &probe.server_name {
            Some(name) if name.as_str() == "stale.corp" => {
                Outcome::TlsRefused(Refusal::Reset(Phase::Hello))
            }
            _ => refused(),
        });
        assert!(steps.contains(&"tls a.corp".to_owned()), "{steps:?}");
    }

    #[test]
    fn no_more_names_are_asked_for_once_a_connection_fails() {
        let approach = approach(Depth::Thorough);
        let known = ["a.corp", "b.corp"].map(|it| known(Dialect::Tls, Some(it)));
        let subject = Subject {
            known: &known,
            ..direct()
        };
        let mut inquiry = Inquiry::new(&approach, subject, Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.server_name {
            Some(_) => Outcome::Filtered,
            None => Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
        });
        assert_eq!(steps, ["tls", "vet a.corp", "tls a.corp"]);
    }

    #[test]
    fn a_certificate_that_only_the_survey_met_is_kept_beside_the_first() {
        let approach = approach(Depth::Thorough);
        let mut inquiry = Inquiry::new(&approach, direct(), Vec::new(), Vec::new());
        while let Some(step) = inquiry.next() {
            match step {
                Step::Ask(probe) if probe.ladder.key_type().is_some() => {
                    inquiry.answered(answer(&probe, refused()));
                }
                Step::Ask(probe) => inquiry.answered(answer(&probe, certificate(&[]))),
                Step::Vet(_) => {}
                Step::Locate(_) => panic!("the inventory is empty"),
                Step::Survey(probe) => {
                    let other = answer(&probe, certificate(&["b.corp"]));
                    inquiry.surveyed(Survey::default(), vec![other]);
                }
            }
        }
        let seen: Vec<_> = inquiry.into_observations().collect();
        let found = |seen: &&Observation| seen.outcome.kind() == OutcomeKind::Certificate;
        assert_eq!(seen.iter().filter(found).count(), 2);
        assert_eq!(seen[0].survey, Some(Survey::default()));
    }

    #[test]
    fn what_follows_is_asked_in_the_dialect_that_found_more() {
        let approach = approach(Depth::Names);
        let on_port = |other| subject(Dialect::Smtp, other, Some("own.corp"));
        let listed = names(&["own.corp", "a.corp"]);
        let server = |probe: &Probe| match probe.endpoint.dialect {
            Dialect::Tls => certificate(&[]),
            _ => Outcome::NotTls(NotTls::Foreign, b"\x15\x03\x01".to_vec()),
        };
        let tried = on_port(OtherDialects::Tried);
        let mut inquiry = Inquiry::new(&approach, tried, listed.clone(), Vec::new());
        let steps = run(&mut inquiry, server);
        assert_eq!(
            steps,
            ["smtp own.corp", "tls own.corp", "vet a.corp", "tls a.corp"]
        );

        let forced = on_port(OtherDialects::Never);
        let mut inquiry = Inquiry::new(&approach, forced, listed, Vec::new());
        assert_eq!(run(&mut inquiry, server), ["smtp own.corp"]);
    }

    #[test]
    fn names_are_asked_behind_an_alert_to_a_direct_hello() {
        let approach = approach(Depth::Names);
        let subject = subject(Dialect::Smtp, OtherDialects::Tried, None);
        let mut inquiry = Inquiry::new(&approach, subject, names(&["a.corp"]), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.endpoint.dialect {
            Dialect::Tls => refused(),
            _ => Outcome::TlsRefused(Refusal::Closed(Phase::Starttls)),
        });
        assert_eq!(steps, ["smtp", "tls", "vet a.corp", "tls a.corp"]);
    }

    #[test]
    fn a_server_that_does_not_know_the_name_is_asked_without_one() {
        let approach = approach(Depth::Names);
        let unknown = Refusal::Alert(Phase::Hello, Alert::UNRECOGNIZED_NAME);
        let own = || subject(Dialect::Tls, OtherDialects::Tried, Some("own.corp"));
        let mut inquiry = Inquiry::new(&approach, own(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |probe| match probe.server_name {
            Some(_) => Outcome::TlsRefused(unknown),
            None => certificate(&[]),
        });
        assert_eq!(steps, ["tls own.corp", "tls"]);
        let seen: Vec<_> = inquiry.into_observations().collect();
        let kinds = seen.iter().map(|seen| seen.outcome.kind());
        assert!(kinds.eq([OutcomeKind::TlsRefused, OutcomeKind::Certificate]));
        let own_name = own().own_name;
        assert_eq!(
            (&seen[0].left_out, &seen[0].server_name),
            (&None, &own_name)
        );
        assert_eq!(
            (&seen[1].left_out, &seen[1].server_name),
            (&own_name.map(LeftOut::Declined), &None)
        );

        for outcome in [refused(), certificate(&[])] {
            let mut inquiry = Inquiry::new(&approach, own(), Vec::new(), Vec::new());
            let steps = run(&mut inquiry, |_| outcome.clone());
            assert_eq!(steps, ["tls own.corp"], "{outcome:?}");
        }
        let mut inquiry = Inquiry::new(&approach, direct(), Vec::new(), Vec::new());
        let steps = run(&mut inquiry, |_| Outcome::TlsRefused(unknown));
        assert_eq!(steps, ["tls"], "it named none");
    }

    #[test]
    fn only_a_targets_own_name_is_told_of_where_it_is_declined() {
        let approach = approach(Depth::Thorough);
        let unknown = Refusal::Alert(Phase::Hello, Alert::UNRECOGNIZED_NAME);
        let told = |own_name: Option<&str>| {
            let subject = subject(Dialect::Tls, OtherDialects::Tried, own_name);
            let mut inquiry = Inquiry::new(&approach, subject, names(&["a.corp"]), Vec::new());
            run(&mut inquiry, |probe| match probe.server_name {
                Some(_) => Outcome::TlsRefused(unknown),
                None => certificate(&["b.corp"]),
            });
            let told = inquiry.into_observations();
            told.filter_map(|seen| Some((seen.declined_name()?.clone(), seen.asked_for)))
                .collect::<Vec<_>>()
        };
        let own_name = &names(&["own.corp"])[0];
        let asked = [None, Some(KeyType::Rsa), Some(KeyType::Eddsa)];
        let asked = asked.map(|key_type| (own_name.clone(), key_type));
        assert_eq!(told(Some("own.corp")), asked);
        assert_eq!(told(None), []);
    }

    #[test]
    fn a_tarpit_is_asked_for_two_more_names_by_one_hello_each() {
        let approach = approach(Depth::Names);
        let listed = names(&["a.corp", "b.corp", "c.corp", "d.corp"]);
        for silence in [
            Outcome::Silent(Phase::Hello),
            Outcome::Broken(Broken::Deadline),
        ] {
            let rungs = RefCell::new(Vec::new());
            let mut inquiry = Inquiry::new(&approach, direct(), listed.clone(), Vec::new());
            let steps = run(&mut inquiry, |probe| {
                rungs.borrow_mut().push(probe.ladder.rungs().count());
                silence.clone()
            });
            assert_eq!(
                steps,
                [
                    "tls",
                    "vet a.corp",
                    "tls a.corp",
                    "vet b.corp",
                    "tls b.corp"
                ]
            );
            let rungs = rungs.into_inner();
            assert!(rungs[0] > 1);
            assert_eq!(rungs[1..], [1, 1]);
        }
    }

    #[test]
    fn a_server_that_answers_to_one_name_is_asked_for_all() {
        let approach = approach(Depth::Names);
        let listed = names(&["a.corp", "b.corp", "c.corp", "d.corp"]);
        let mut inquiry = Inquiry::new(&approach, direct(), listed, Vec::new());
        let steps = run(&mut inquiry, |probe| match &probe.server_name {
            Some(name) if name.as_str() == "b.corp" => certificate(&[]),
            _ => Outcome::Silent(Phase::Hello),
        });
        assert_eq!(steps.last().unwrap(), "tls d.corp");
    }

    #[test]
    fn a_later_look_asks_what_was_not_answered_and_keeps_what_was() {
        let approach = approach(Depth::Names);
        let listed = names(&["a.corp", "b.corp"]);
        let mut first = Inquiry::new(&approach, direct(), listed.clone(), Vec::new());
        run(&mut first, |probe| match &probe.server_name {
            Some(name) if name.as_str() == "a.corp" => Outcome::Filtered,
            _ => certificate(&[]),
        });
        let seen: Vec<_> = first.into_observations().collect();
        assert_eq!(seen.len(), 3);
        let mut later = Inquiry::new(&approach, direct(), listed, seen.clone());
        let steps = run(&mut later, |_| Outcome::Unreachable);
        assert_eq!(steps, ["vet a.corp", "tls a.corp", "vet b.corp"]);
        let known: Vec<_> = later.into_observations().collect();
        assert_eq!(known, seen, "what was better stands");
    }

    #[test]
    fn only_the_first_connection_waits_behind_other_targets() {
        let approach = approach(Depth::Names);
        let mut inquiry = Inquiry::new(&approach, direct(), names(&["a.corp"]), Vec::new());
        let mut lanes = Vec::new();
        while let Some(step) = inquiry.next() {
            match step {
                Step::Ask(probe) => {
                    lanes.push(probe.lane);
                    inquiry.answered(answer(&probe, refused()));
                }
                Step::Vet(candidate) => inquiry.admit(candidate),
                Step::Survey(_) | Step::Locate(_) => panic!("not asked for"),
            }
        }
        assert_eq!(lanes, [Lane::First, Lane::FollowUp]);
    }
}
