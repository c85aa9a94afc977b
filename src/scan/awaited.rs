//! What the inventory has at an address and port → what else to ask there.
//!
//! Pure. A question that nobody asks any more would have its certificate for
//! ever: one in the dialect that the port spoke before, one for a name that no
//! certificate lists any more, all those for names once a port speaks no TLS.
//! So they are asked until their certificates are gone, the ones that were
//! asked longest ago first.

use std::collections::{HashSet, VecDeque};

use super::answers::Answers;
use super::candidates::{Candidate, Candidates, NameSource};
use super::expected::KnownNames;
use super::settings::Depth;
use super::subject::{OtherDialects, Subject, WithoutAName};
use super::wording::Wording;
use crate::domain::{Dialect, OutcomeKind, ServerName};
use crate::store::{Askers, KnownQuestion, Standing};

/// Questions of the inventory that all looks at an address and port of a target
/// ask together, at most: behind a port that is silent now each costs a time-out.
pub(super) const MOST_AWAITED: usize = 8;

/// Questions for which the inventory has certificates.
#[derive(Debug, Default)]
pub(super) struct Awaited<'scan> {
    waiting: VecDeque<Waiting<'scan>>,
    vetted: HashSet<&'scan ServerName>,
    admitted: HashSet<ServerName>,
    /// Those asked in earlier looks.
    before: usize,
    asked: HashSet<Wording>,
    /// How many names that were none are looked up.
    looked_up: usize,
}

#[derive(Clone, Copy, Debug)]
struct Waiting<'scan> {
    known: &'scan KnownQuestion,
    asked_if: AskedIf,
}

/// Whose a question is, the first first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AskedIf {
    /// The target's own, in whatever dialect.
    Own,
    /// For another name, which this scan asks for, or for none.
    Connected,
    /// For another name, which this scan does not ask for: where TLS is spoken
    /// as before it has no reason to.
    NoTls,
}

/// What to do about the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ask(Wording),
    /// See whether the name may be asked for.
    Vet(Candidate),
}

impl<'scan> Awaited<'scan> {
    /// What is known of the subject, and may be asked in its dialects. Other
    /// names belong to a thorough inquiry, and to one that asks for them anyway
    /// or looks for all that is known. Earlier looks have asked so many `before`.
    pub(super) fn new(
        subject: &Subject<'scan>,
        names: &Candidates,
        depth: Depth,
        before: usize,
    ) -> Self {
        let every_name = depth == Depth::Thorough || subject.known_names == KnownNames::All;
        let asked_if = |known: &KnownQuestion| match &known.server_name {
            name if *name == subject.own_name => Some(AskedIf::Own),
            // It may have been renewed, a bad night may be over, and a name that is
            // none asks nobody.
            Some(_) if known.standing != Standing::Current => Some(AskedIf::Connected),
            Some(name) if every_name || names.has_met(name) => Some(AskedIf::Connected),
            Some(_) => Some(AskedIf::NoTls),
            None => (known.askers == Askers::Names
                && subject.without_a_name == WithoutAName::IfKnown)
                .then_some(AskedIf::Connected),
        };
        let is_dialect = |known: &&KnownQuestion| {
            subject.other_dialects == OtherDialects::Tried
                || known.dialect == subject.endpoint.dialect
        };
        let known = subject.known.iter().filter(is_dialect);
        let waiting = known.filter_map(|known| {
            let asked_if = asked_if(known)?;
            Some(Waiting { known, asked_if })
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_by_key(|it| (it.asked_if, it.known.asked_at));
        Self {
            waiting: waiting.into(),
            before,
            ..Self::default()
        }
    }

    /// The next one that nobody has `asked` and that what was `seen` leaves
    /// open.
    pub(super) fn next(&mut self, asked: &HashSet<Wording>, seen: &Answers) -> Option<Next> {
        if self.is_turned_away(seen) {
            return None;
        }
        while self.before + self.asked.len() < MOST_AWAITED
            && let Some(waiting) = self.waiting.pop_front()
        {
            let Waiting { known, asked_if } = waiting;
            let wording = Wording {
                dialect: known.dialect,
                server_name: known.server_name.clone(),
                key_type: None,
            };
            let is_over = asked.contains(&wording)
                || is_told_otherwise(known.dialect, seen)
                || (asked_if == AskedIf::NoTls
                    && seen.observations().any(|it| it.outcome.speaks_tls()));
            if is_over {
                continue;
            }
            let name = known.server_name.as_ref();
            if let Some(name) = name.filter(|_| asked_if != AskedIf::Own) {
                if self.vetted.insert(name) {
                    let candidate = candidate(known, name);
                    if candidate.source == NameSource::Homeless {
                        if self.looked_up == MOST_AWAITED {
                            continue;
                        }
                        self.looked_up += 1;
                    }
                    self.waiting.push_front(waiting);
                    return Some(Next::Vet(candidate));
                }
                if !self.admitted.contains(name) {
                    continue;
                }
            }
            self.asked.insert(wording.clone());
            return Some(Next::Ask(wording));
        }
        None
    }

    /// Whether a server that speaks TLS ended the connection for one of these
    /// without a word: more of them might be too many.
    fn is_turned_away(&self, seen: &Answers) -> bool {
        let mut mine = seen
            .observations()
            .filter(|it| self.asked.contains(&Wording::of(it)));
        mine.any(|cut| {
            let dialect = cut.endpoint.dialect;
            let mut beside = seen
                .observations()
                .filter(|it| it.endpoint.dialect == dialect);
            cut.outcome.is_cut_off() && beside.any(|it| it.outcome.speaks_tls())
        })
    }

    /// Whether it has asked this, for whatever type of key.
    pub(super) fn has_asked(&self, wording: &Wording) -> bool {
        self.asked.contains(&Wording {
            key_type: None,
            ..wording.clone()
        })
    }

    /// The name may be asked for here.
    pub(super) fn admit(&mut self, name: ServerName) {
        self.admitted.insert(name);
    }
}

fn candidate(known: &KnownQuestion, name: &ServerName) -> Candidate {
    Candidate {
        name: name.clone(),
        source: match known.standing {
            Standing::NoSuchName => NameSource::Homeless,
            Standing::Current | Standing::Due | Standing::Missing => NameSource::Known,
        },
    }
}

/// Whether TLS was spoken in a dialect beside which a port speaks no such
/// other: the store knows what that says.
fn is_told_otherwise(dialect: Dialect, seen: &Answers) -> bool {
    let direct = [Dialect::Tls, Dialect::Postgres];
    seen.observations().any(|seen| {
        let spoken = seen.endpoint.dialect;
        let spoke = matches!(
            seen.outcome.kind(),
            OutcomeKind::Certificate | OutcomeKind::NoCertificate
        );
        spoke && spoken != dialect && !(direct.contains(&dialect) && direct.contains(&spoken))
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::{
        Alert, Broken, Host, KeyType, NoCertificate, NotTls, Observation, Outcome, Phase, Pointer,
        Port, Refusal, Target, Timestamp, Zone,
    };
    use crate::pace::Lane;
    use crate::scan::answers::Seen;

    fn known(dialect: Dialect, server_name: Option<&str>, second: i64) -> KnownQuestion {
        KnownQuestion {
            address: IpAddr::from([10, 0, 0, 1]),
            port: Port::HTTPS,
            dialect,
            server_name: server_name.map(|name| name.parse().unwrap()),
            key_type: KeyType::Rsa,
            askers: Askers::Own,
            standing: Standing::Current,
            asked_at: Timestamp::from_seconds(second),
        }
    }

    /// A target by an address, with what is known there.
    fn subject(dialect: Option<Dialect>, known: Vec<KnownQuestion>) -> Subject<'static> {
        let address = IpAddr::from([10, 0, 0, 1]);
        let target = Target {
            host: Host::Address(address),
            port: Port::HTTPS,
            dialect,
        };
        Subject {
            known: known.leak(),
            ..Subject::new(&target, &Zone::default(), address, None, Lane::First)
        }
    }

    /// What was seen at the first question.
    fn seen(subject: &Subject<'_>, outcome: Outcome) -> Answers {
        let observation = Observation {
            endpoint: subject.endpoint.clone(),
            server_name: None,
            left_out: None,
            asked_for: None,
            at: Timestamp::from_seconds(0),
            outcome,
            attempts: Vec::new(),
            pointer: Pointer::default(),
            survey: None,
        };
        let mut seen = Answers::default();
        seen.take(Seen {
            observation,
            key_type: None,
        });
        seen
    }

    fn by_alert() -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, Alert::HANDSHAKE_FAILURE))
    }

    /// What it asks after this answer; names that are `not-here` are not
    /// admitted.
    fn asked(subject: &Subject<'_>, listed: &[&str], depth: Depth, answer: Outcome) -> Vec<String> {
        let listed = listed.iter().map(|it| it.parse().unwrap()).collect();
        let listed = Candidates::new(None, listed);
        let seen = seen(subject, answer);
        let mut awaited = Awaited::new(subject, &listed, depth, 0);
        let mut lines = Vec::new();
        while let Some(next) = awaited.next(&HashSet::new(), &seen) {
            match next {
                Next::Vet(it) if it.name.as_str().starts_with("not-here") => {}
                Next::Vet(it) => awaited.admit(it.name),
                Next::Ask(it) => lines.push(format!(
                    "{} {}",
                    it.dialect,
                    it.server_name.map_or(String::new(), |it| it.to_string())
                )),
            }
        }
        lines
    }

    #[test]
    fn what_is_not_asked_for_otherwise_is_asked_for_where_no_tls_is_spoken() {
        let here = vec![
            known(Dialect::Tls, Some("old.corp"), 1),
            known(Dialect::Tls, Some("listed.corp"), 2),
        ];
        let mut subject = subject(None, here);
        let listed = ["listed.corp"];
        let both = ["tls old.corp", "tls listed.corp"];
        let names = |subject: &_, answer| asked(subject, &listed, Depth::Names, answer);
        let no_cipher = Outcome::NoCertificate(NoCertificate::Anonymous, None);
        for spoken in [by_alert(), no_cipher] {
            assert_eq!(names(&subject, spoken), ["tls listed.corp"]);
        }
        for not_spoken in [
            Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
            Outcome::Silent(Phase::Hello),
            Outcome::TlsRefused(Refusal::Reset(Phase::Hello)),
            Outcome::TlsRefused(Refusal::Closed(Phase::Hello)),
            Outcome::Broken(Broken::Malformed),
        ] {
            let expected = ["tls listed.corp", "tls old.corp"];
            assert_eq!(names(&subject, not_spoken), expected);
        }
        assert_eq!(asked(&subject, &[], Depth::Thorough, by_alert()), both);
        subject.known_names = KnownNames::All;
        assert_eq!(names(&subject, by_alert()), both);
    }

    #[test]
    fn what_is_due_or_missing_is_asked_for_by_every_scan_that_meets_tls() {
        let with = |standing, name, second| KnownQuestion {
            standing,
            ..known(Dialect::Tls, Some(name), second)
        };
        let here = vec![
            known(Dialect::Tls, Some("old.corp"), 1),
            with(Standing::Missing, "missing.corp", 2),
            with(Standing::Due, "due.corp", 3),
            with(Standing::NoSuchName, "homeless.corp", 4),
        ];
        let asked = asked(&subject(None, here), &[], Depth::Names, by_alert());
        assert_eq!(
            asked,
            ["tls missing.corp", "tls due.corp", "tls homeless.corp"]
        );
    }

    #[test]
    fn a_forced_dialect_is_the_only_one() {
        let here = || {
            vec![
                known(Dialect::Smtp, None, 1),
                known(Dialect::Tls, Some("a.corp"), 1),
            ]
        };
        let depth = Depth::Thorough;
        let smtp = subject(Some(Dialect::Smtp), here());
        assert_eq!(asked(&smtp, &[], depth, by_alert()), ["smtp "]);
        let tls = subject(Some(Dialect::Tls), here());
        assert_eq!(asked(&tls, &[], depth, by_alert()), ["tls a.corp"]);
        let any = subject(None, here());
        assert_eq!(asked(&any, &[], depth, by_alert()), ["smtp ", "tls a.corp"]);
    }

    #[test]
    fn of_many_names_those_are_asked_for_that_were_asked_for_longest_ago() {
        let of = |prefix: &str, number: i64| {
            let name = format!("{prefix}{number}.corp");
            known(Dialect::Tls, Some(&name), -number)
        };
        let excluded = (20..40).map(|number| of("not-here", number));
        let here = (0..20).map(|number| of("n", number)).chain(excluded);
        let subject = subject(None, here.collect());
        let asked = asked(&subject, &[], Depth::Thorough, by_alert());
        let oldest = (12..20).rev().map(|number| format!("tls n{number}.corp"));
        assert_eq!(asked, oldest.collect::<Vec<_>>());
        assert_eq!(asked.len(), MOST_AWAITED);
    }

    #[test]
    fn a_name_with_several_types_of_key_is_asked_for_once() {
        let of = |key_type, second| KnownQuestion {
            key_type,
            ..known(Dialect::Tls, Some("a.corp"), second)
        };
        let here = vec![of(KeyType::Rsa, 1), of(KeyType::Ecdsa, 2)];
        let subject = subject(None, here);
        let seen = seen(&subject, by_alert());
        let names = Candidates::default();
        let mut awaited = Awaited::new(&subject, &names, Depth::Thorough, 0);
        let mut asked = HashSet::new();
        let mut count = 0;
        while let Some(next) = awaited.next(&asked, &seen) {
            match next {
                Next::Vet(it) => awaited.admit(it.name),
                Next::Ask(wording) => {
                    count += 1;
                    asked.insert(wording);
                }
            }
        }
        assert_eq!(count, 1);
    }

    #[test]
    fn a_name_asks_without_one_only_what_names_have_asked_and_nobody_else_does() {
        let by_names = KnownQuestion {
            askers: Askers::Names,
            ..known(Dialect::Tls, None, 1)
        };
        let here = vec![known(Dialect::Smtp, None, 1), by_names];
        let mut subject = subject(None, here);
        subject.own_name = Some("own.corp".parse().unwrap());
        let it_asks = |subject: &_| asked(subject, &[], Depth::Thorough, by_alert());
        assert_eq!(it_asks(&subject), [""; 0]);
        subject.without_a_name = WithoutAName::IfKnown;
        assert_eq!(it_asks(&subject), ["tls "]);
    }
}
