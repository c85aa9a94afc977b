mod absence;
mod alternation;
mod answers;
mod chains;
mod orders;
mod replay;

use super::*;
use crate::domain::{
    Attempt, Dialect, Endpoint, Observation, Outcome, Phase, Pointer, Port, Refusal, ScanId,
    Timestamp, Zone,
};
use crate::store::sqlite::interval::SessionWords;
use crate::store::sqlite::relatives::tests::relatives;

/// One question, asked again and again.
struct Question {
    history: History,
    relatives: Relatives,
    next: i64,
}

const DAY: i64 = 86_400;

fn moment(scan: i64, at: i64) -> Moment {
    Moment {
        at: Timestamp::from_seconds(at),
        scan: ScanId::new(scan),
    }
}

fn answer(certificate: i64, chain: i64) -> Answer {
    Answer {
        certificate,
        chain,
        session: Arc::new(SessionWords {
            tls_version: "TLSv1.2".to_owned(),
            cipher_suite: format!("by {certificate}"),
            client_auth: Some("none".to_owned()),
            ..SessionWords::default()
        }),
        truncated: None,
        ocsp_staple: None,
        offered: None,
    }
}

fn broken_off(answer: Answer) -> Answer {
    Answer {
        truncated: Some("reset at flight".to_owned()),
        ..answer
    }
}

/// A failed look with hellos of these versions, heard or not.
fn failed_look(hellos: &[(&str, OutcomeKind)], outcome: Outcome) -> FailedLook {
    let attempts = hellos.iter().map(|(offered, met)| Attempt {
        offered: offered.parse().unwrap(),
        resort: None,
        outcome: *met,
        detail: String::new(),
    });
    let address = std::net::IpAddr::from([10, 0, 0, 1]);
    FailedLook::of(&Observation {
        endpoint: Endpoint::tcp(
            Zone::default(),
            address,
            Port::new(443).unwrap(),
            Dialect::Tls,
        ),
        server_name: None,
        left_out: None,
        asked_for: None,
        at: Timestamp::from_seconds(0),
        outcome,
        attempts: attempts.collect(),
        pointer: Pointer::default(),
        survey: None,
    })
}

fn refused() -> Outcome {
    Outcome::TlsRefused(Refusal::Closed(Phase::Hello))
}

impl Question {
    /// Answered first with certificate and chain 1, by scan 1 at second 0.
    fn new() -> Self {
        Self::answered_with(answer(1, 1))
    }

    fn answered_with(answer: Answer) -> Self {
        let history = History::begin(answer, moment(1, 0), &mut || 1);
        let mut question = Self {
            history,
            relatives: Relatives::default(),
            next: 2,
        };
        question.store();
        question
    }

    fn answer(&mut self, answer: Answer, moment: Moment) {
        // It says something of every version.
        let look = FailedLook::of_another_dialect();
        let mut ids = || {
            self.next += 1;
            self.next - 1
        };
        self.history
            .answered(answer, &look, moment, &self.relatives, &mut ids);
    }

    /// A scan a day, each of which sees one of these certificates.
    fn days(&mut self, first: i64, certificates: impl IntoIterator<Item = i64>) {
        for (day, certificate) in (first..).zip(certificates) {
            self.answer(answer(certificate, certificate), moment(day, day * DAY));
            self.store();
        }
    }

    fn fail(&mut self, outcome: OutcomeKind, moment: Moment) {
        let look = FailedLook::unconnected(outcome);
        self.history.unanswered(outcome, &look, moment);
    }

    /// What a batch leaves for the next one.
    fn store(&mut self) {
        let forgotten = std::mem::take(&mut self.history.forgotten);
        let intervals = &mut self.history.intervals;
        intervals.retain(|it| it.watched && !forgotten.contains(&it.id));
        for interval in intervals.iter_mut() {
            interval.is_new = false;
            interval.changed = false;
            interval.failures_changed = false;
        }
        self.history.look_changed = false;
        self.history.way_changed = false;
        let latest = intervals.iter().filter(|it| it.seen.is_none());
        assert_eq!(latest.count(), 1, "{intervals:?}");
    }

    /// `2 replaced current` for each interval, in the order they began.
    fn tell(&self) -> Vec<String> {
        let mut intervals: Vec<_> = self.history.intervals.iter().collect();
        intervals.sort_by_key(|it| it.id);
        let line = |it: &&Interval| {
            let began = it.began.map_or("unsaid", EventKind::as_str);
            let state = match (it.ended, it.missing) {
                (Some(end), _) => end.how.as_str(),
                (None, Some(_)) => "missing",
                (None, None) => "current",
            };
            format!("{} {began} {state}", it.certificate)
        };
        intervals.iter().map(line).collect()
    }

    fn changed(&self) -> usize {
        self.history.changed_intervals().count()
    }

    fn current(&self) -> Vec<i64> {
        let current = self.history.intervals.iter().filter(|it| it.is_current());
        current.map(|it| it.certificate).collect()
    }
}
