//! One endpoint → everything that can be asked of it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::domain::{
    Dialect, Endpoint, KeyType, Observation, Outcome, OutcomeKind, Pointer, ServerName, Survey,
    Target,
};
use crate::judge::Judgement;
use crate::net::Dialer;
use crate::pace::Lane;
use crate::probe::{
    ClientIdentity, Handshake, Handshaken, Probe, Prober, TrustAnchors, Verdict, dialects,
};
use crate::tls::{Alpn, Ladder};
use crate::x509::{self, Certificate};

/// What to find out, at each address of a target.
pub(super) struct Examiner<D> {
    pub(super) prober: Prober<D>,
    pub(super) target: Target,
    pub(super) server_name: Option<ServerName>,
    pub(super) ladder: Ladder,
    pub(super) client: Option<Client>,
    pub(super) stop: CancellationToken,
}

/// What complete handshakes are made with.
pub(super) struct Client {
    pub(super) identity: Option<ClientIdentity>,
    pub(super) anchors: Option<TrustAnchors>,
}

/// All that one address had to say.
pub(super) struct Examination {
    pub(super) endpoint: Endpoint,
    pub(super) pointer: Pointer,
    /// Every question, in order.
    pub(super) looks: Vec<Look>,
    pub(super) survey: Option<Survey>,
    /// Without the client's certificate, then with it.
    pub(super) handshakes: Vec<Handshaken>,
}

/// One question and its answer.
pub(super) struct Look {
    pub(super) observation: Observation,
    /// The chain it showed, leaf first, read; empty without one.
    pub(super) chain: Vec<Arc<Certificate>>,
    /// What is to be said of the chain; `None` until it is judged.
    pub(super) judgement: Option<Judgement>,
}

impl<D: Dialer> Examiner<D> {
    /// Asks everything, a question after the other.
    pub(super) async fn examine(&self, endpoint: Endpoint) -> Examination {
        let mut examination = Examination {
            looks: self.opening(&endpoint).await,
            endpoint,
            pointer: Pointer::default(),
            survey: None,
            handshakes: Vec::new(),
        };
        let Some(main) = examination.best() else {
            return examination;
        };
        let outcome = &main.observation.outcome;
        let speaks = dialects::may_be_tls(outcome);
        let unreachable = (!outcome.kind().connected()).then(|| outcome.clone());
        let question = self.question(&main.observation.endpoint, self.server_name.as_ref());
        if speaks {
            let further = self.further(main, &question).await;
            let (survey, others) = self.survey(surveyed(main, &further)).await;
            examination.survey = Some(survey);
            examination.looks.extend(further);
            examination.looks.extend(others);
        }
        if let Some(client) = &self.client {
            examination.handshakes = match unreachable {
                Some(outcome) => vec![Handshaken::unreachable(outcome)],
                None if speaks => self.handshakes(&question, client).await,
                None => Vec::new(),
            };
        }
        examination.endpoint = question.endpoint;
        examination
    }

    /// The main question, in one dialect or two.
    async fn opening(&self, endpoint: &Endpoint) -> Vec<Look> {
        let own = self.server_name.as_ref();
        let first = self.ask(self.question(endpoint, own)).await;
        let second = match self.target.dialect {
            Some(_forced) => None,
            None => dialects::second(endpoint.dialect, &first.observation.outcome),
        };
        let mut looks = vec![first];
        if let Some(dialect) = second {
            let endpoint = Endpoint {
                dialect,
                ..endpoint.clone()
            };
            looks.push(self.ask(self.question(&endpoint, own)).await);
        }
        looks
    }

    /// The other types of key, and the certificate for no name.
    async fn further(&self, main: &Look, question: &Probe) -> Vec<Look> {
        let mut looks = Vec::new();
        if let Some(shown) = main.key_type() {
            let others = dialects::KEY_TYPES
                .into_iter()
                .filter(|other| *other != shown);
            let ladders = others.filter_map(|other| question.ladder.clone().restricted_to(other));
            for ladder in ladders {
                let restricted = Probe {
                    ladder,
                    ..question.clone()
                };
                looks.push(self.ask(restricted).await);
            }
        }
        if question.server_name.is_some() {
            looks.push(self.ask(self.question(&question.endpoint, None)).await);
        }
        looks
    }

    /// What else the server accepts of who asks the question of a look, and
    /// the certificates that it showed meanwhile.
    async fn survey(&self, look: &Look) -> (Survey, Vec<Look>) {
        let seen = &look.observation;
        let question = self.question(&seen.endpoint, seen.server_name.as_ref());
        let survey = self.prober.survey(&question, Some(seen), &self.stop);
        let (survey, others) = survey.await;
        (survey, others.into_iter().map(Look::at).collect())
    }

    async fn handshakes(&self, question: &Probe, client: &Client) -> Vec<Handshaken> {
        let alpn = match question.ladder.first().alpn {
            // Nothing is said over it, so there is nothing to agree on.
            Alpn::WEB => Alpn::Withheld,
            own => own,
        };
        let bare = Handshake {
            endpoint: &question.endpoint,
            server_name: question.server_name.as_ref(),
            alpn,
            identity: None,
            anchors: client.anchors.as_ref(),
            lane: Lane::FollowUp,
        };
        let mut handshakes = vec![self.prober.handshake(&bare, &self.stop).await];
        if client.identity.is_some() {
            let with = Handshake {
                identity: client.identity.as_ref(),
                ..bare
            };
            handshakes.push(self.prober.handshake(&with, &self.stop).await);
        }
        handshakes
    }

    fn question(&self, endpoint: &Endpoint, server_name: Option<&ServerName>) -> Probe {
        Probe {
            endpoint: endpoint.clone(),
            server_name: server_name.cloned(),
            ladder: dialects::ladder(&self.ladder, endpoint.dialect, endpoint.port),
            lane: Lane::First,
        }
    }

    async fn ask(&self, probe: Probe) -> Look {
        Look::at(self.prober.run(probe, &self.stop).await)
    }
}

impl Examination {
    /// The look that the main question comes to: of two dialects the one that
    /// found more.
    pub(super) fn best(&self) -> Option<&Look> {
        let own = self.looks.first()?.observation.server_name.as_ref();
        self.looks
            .iter()
            .map(|look| (look, &look.observation))
            .filter(|(_, seen)| seen.asked_for.is_none() && seen.server_name.as_ref() == own)
            .min_by_key(|(_, seen)| seen.outcome.kind())
            .map(|(look, _)| look)
    }

    /// Whether any question was answered with a certificate.
    pub(super) fn found(&self) -> bool {
        self.looks.iter().any(|look| !look.chain.is_empty())
    }

    /// What the server makes of the client: its certificate's handshake, or
    /// the only one.
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.handshakes.last().map(|handshaken| &handshaken.verdict)
    }
}

impl Look {
    fn at(observation: Observation) -> Self {
        let chain = match &observation.outcome {
            Outcome::Certificate(presented) => {
                let chain = &presented.chain;
                let ders = std::iter::once(chain.leaf()).chain(chain.rest());
                ders.map(|der| Arc::new(x509::parse(der))).collect()
            }
            _ => Vec::new(),
        };
        Self {
            observation,
            chain,
            judgement: None,
        }
    }

    /// The type of the leaf's key.
    pub(super) fn key_type(&self) -> Option<KeyType> {
        let leaf = self.chain.first()?;
        Some(match &leaf.facts {
            Ok(facts) => facts.public_key.key_type,
            Err(_) => KeyType::Unparsed,
        })
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.observation.endpoint.dialect
    }
}

/// The look that a survey belongs to: the main one, unless only another found
/// a certificate. A server that does not know the name refuses every version.
fn surveyed<'a>(main: &'a Look, further: &'a [Look]) -> &'a Look {
    let mut looks = std::iter::once(main).chain(further);
    let shown = looks.find(|look| {
        let seen = &look.observation;
        seen.asked_for.is_none() && seen.outcome.kind() == OutcomeKind::Certificate
    });
    shown.unwrap_or(main)
}
