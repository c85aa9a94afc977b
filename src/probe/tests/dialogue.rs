//! Questions in dialects that begin with other words.

use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::network::{Manner, Simulated, Then, Word, endpoint, pacer, probe, words};
use crate::domain::{
    Broken, Dialect, Endpoint, NotTls, Observation, Outcome, OutcomeKind, Phase, Refusal,
};
use crate::probe::{Probe, Prober, Timeouts};
use crate::starttls::{Carriage, Circumstances, Dialogue, Protocol, Turn, Verdict};
use crate::tls::tests::servers::Wanted;
use crate::tls::tests::transcript::{LEAF, full_flight, records};

/// The server says `hello`, the client `go`, the server `yes`; a line each.
static GREETER: Protocol = Protocol {
    dialect: Dialect::Smtp,
    title: "a greeter",
    ports: &[25],
    application_protocols: &[],
    greets_with: |said| said.starts_with(b"hel"),
    begin: |_| Box::new(Stub::new(b"")),
};

/// The client says `go`, the server `yes`.
static ASKER: Protocol = Protocol {
    dialect: Dialect::Ldap,
    title: "an asker",
    ports: &[389],
    application_protocols: &[],
    greets_with: |_| false,
    begin: asker,
};

fn asker(circumstances: Circumstances<'_>) -> Box<dyn Dialogue> {
    assert_eq!(circumstances.address, endpoint().address);
    Box::new(Stub::new(b"go\n"))
}

fn stubs(dialect: Dialect) -> Option<&'static Protocol> {
    match dialect {
        Dialect::Smtp => Some(&GREETER),
        Dialect::Ldap => Some(&ASKER),
        _ => None,
    }
}

#[derive(Debug)]
struct Stub {
    opening: &'static [u8],
    said: Vec<u8>,
    unread: Vec<u8>,
}

impl Stub {
    fn new(opening: &'static [u8]) -> Self {
        Self {
            opening,
            said: Vec::new(),
            unread: Vec::new(),
        }
    }
}

impl Dialogue for Stub {
    fn open(&mut self) -> Vec<u8> {
        self.opening.to_vec()
    }

    fn feed(&mut self, bytes: &[u8]) -> Turn {
        self.said.extend(bytes);
        self.unread.extend(bytes);
        let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') else {
            return Turn::NeedMore;
        };
        let early = self.unread.split_off(end + 1);
        let line = std::mem::replace(&mut self.unread, early);
        let said = self.said.clone();
        match &line[..] {
            b"hello\n" => Turn::Send(b"go\n".to_vec()),
            b"yes\n" => Turn::Ready {
                words: b"now\n".to_vec(),
                carriage: Carriage::Bare,
                early: std::mem::take(&mut self.unread),
            },
            b"no\n" => Turn::Over(Verdict::Declined(said)),
            b"plain\n" => Turn::Over(Verdict::Plain(said)),
            b"odd\n" => Turn::Over(Verdict::Malformed),
            b"long\n" => Turn::Over(Verdict::TooLarge),
            _ => Turn::Over(Verdict::Foreign(said)),
        }
    }

    fn said(&self) -> &[u8] {
        &self.said
    }
}

/// What a peer that is asked in a dialect makes of a probe, and how long that
/// took.
async fn observe_in(
    dialect: Dialect,
    behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static,
) -> (Observation, Duration) {
    observe_within(Timeouts::default(), dialect, behaviour).await
}

async fn observe_within(
    timeouts: Timeouts,
    dialect: Dialect,
    behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static,
) -> (Observation, Duration) {
    let dialer = Simulated::new(behaviour);
    let prober = Prober::new(dialer, pacer(|_, _| None), timeouts).speaking(stubs);
    let probe = Probe {
        endpoint: Endpoint {
            dialect,
            ..endpoint()
        },
        ..probe()
    };
    let begun = Instant::now();
    let observation = prober.run(probe, &CancellationToken::new()).await;
    (observation, begun.elapsed())
}

/// All goes well until TLS, in the greeter's words.
fn agreed() -> Vec<Word> {
    vec![
        Word::Says(b"hello\n"),
        Word::Hears(b"go\n"),
        Word::Says(b"yes\n"),
        Word::Hears(b"now\n"),
    ]
}

/// These words, and then nothing more.
fn only(words: Vec<Word>) -> Manner {
    Manner::Talk(words, Box::new(Manner::Say(Vec::new(), Then::Wait)))
}

fn leaf(outcome: &Outcome) -> &[u8] {
    let Outcome::Certificate(presented) = outcome else {
        panic!("{outcome:?}");
    };
    presented.chain.leaf().as_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_found_behind_the_words_of_a_late_greeting() {
    let (server, expected) = Wanted::version(&TLS12).build();
    let (observation, took) = observe_in(Dialect::Smtp, move |_| {
        let words = [vec![Word::Waits(Duration::from_secs(9))], agreed()].concat();
        Manner::Talk(words, Box::new(Manner::Speak(server.clone())))
    })
    .await;
    assert_eq!(leaf(&observation.outcome), expected);
    assert_eq!(observation.endpoint.dialect, Dialect::Smtp);
    assert_eq!(took, Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn each_rung_repeats_the_words() {
    let (server, expected) = Wanted::version(&TLS13).build();
    let (observation, _) = observe_in(Dialect::Ldap, move |_| {
        let words = vec![
            Word::Hears(b"go\n"),
            Word::Says(b"yes\n"),
            Word::Hears(b"now\n"),
        ];
        Manner::Talk(words, Box::new(Manner::Speak(server.clone())))
    })
    .await;
    assert_eq!(leaf(&observation.outcome), expected);
    assert_eq!(observation.attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_the_last_word_belong_to_tls() {
    let flight: &'static [u8] = Vec::leak([b"yes\n", &records(&full_flight(), 1000)[..]].concat());
    let (observation, _) = observe_in(Dialect::Ldap, move |_| only(vec![Word::Says(flight)])).await;
    assert_eq!(leaf(&observation.outcome), LEAF);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_costs_the_time_of_a_greeting_or_of_an_answer() {
    for (dialect, time) in [
        (Dialect::Smtp, Timeouts::default().greeting),
        (Dialect::Ldap, Timeouts::default().handshake),
    ] {
        let (observation, took) = observe_in(dialect, |_| only(Vec::new())).await;
        assert_eq!(observation.outcome, Outcome::Silent(Phase::Starttls));
        assert_eq!(observation.attempts.len(), 1);
        assert_eq!(took, time);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hello_behind_the_words_has_a_time_of_its_own_within_the_targets() {
    let waits = || {
        let words = [vec![Word::Waits(Duration::from_secs(9))], agreed()].concat();
        only(words)
    };
    let (observation, took) = observe_in(Dialect::Smtp, move |_| waits()).await;
    assert_eq!(observation.outcome, Outcome::Silent(Phase::Hello));
    assert_eq!(took, Duration::from_secs(9 + 5));

    for (target, phase) in [(11, Phase::Hello), (7, Phase::Starttls)] {
        let timeouts = Timeouts {
            target: Duration::from_secs(target),
            ..Timeouts::default()
        };
        let (observation, took) = observe_within(timeouts, Dialect::Smtp, move |_| waits()).await;
        assert_eq!(observation.outcome, Outcome::Silent(phase));
        assert_eq!(took, timeouts.target);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_before_a_word_is_a_refusal_and_no_rung_follows() {
    let ends = [
        (Then::Close, Refusal::Closed(Phase::Starttls)),
        (Then::Reset, Refusal::Reset(Phase::Starttls)),
    ];
    for (then, refusal) in ends {
        for dialect in [Dialect::Smtp, Dialect::Ldap] {
            let (observation, _) = observe_in(dialect, move |_| Manner::Leave(then)).await;
            assert_eq!(observation.outcome, Outcome::TlsRefused(refusal));
            assert_eq!(observation.attempts.len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_end_without_tls_say_why() {
    let said = |words: &[u8]| words.to_vec();
    let cases: [(&'static [u8], Outcome); 5] = [
        (
            b"hello\nno\n",
            Outcome::NotTls(NotTls::StarttlsDeclined, said(b"hello\nno\n")),
        ),
        (b"plain\n", Outcome::NotTls(NotTls::Other, said(b"plain\n"))),
        (
            b"SSH-2.0-x\n",
            Outcome::NotTls(NotTls::Foreign, said(b"SSH-2.0-x\n")),
        ),
        (b"odd\n", Outcome::Broken(Broken::Malformed)),
        (b"long\n", Outcome::Broken(Broken::TooLarge)),
    ];
    for (words, expected) in cases {
        let piecemeal: Vec<Word> = words
            .split_inclusive(|byte| *byte == b'\n')
            .map(Word::Says)
            .flat_map(|word| [word, Word::Waits(Duration::from_millis(1))])
            .collect();
        let (observation, _) = observe_in(Dialect::Smtp, move |_| only(piecemeal.clone())).await;
        assert_eq!(observation.outcome, expected);
        assert_eq!(observation.attempts.len(), 1);
        let (observation, _) =
            observe_in(Dialect::Smtp, move |_| Manner::Greet(words.to_vec())).await;
        assert_eq!(
            observation.outcome.kind(),
            expected.kind(),
            "said and reset"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_in_the_middle_of_a_line_has_said_what_it_speaks() {
    let cases: [(&'static [u8], NotTls); 2] = [(b"hel", NotTls::Other), (b"SSH-", NotTls::Foreign)];
    for (words, detail) in cases {
        let (observation, _) =
            observe_in(Dialect::Smtp, move |_| Manner::Greet(words.to_vec())).await;
        assert_eq!(observation.outcome, Outcome::NotTls(detail, words.to_vec()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_drips_to_the_deadline_is_broken_and_not_another_protocol() {
    let drip = || {
        let bytes = b"hello".chunks(1);
        let words = bytes.flat_map(|byte| [Word::Says(byte), Word::Waits(Duration::from_secs(3))]);
        only(words.collect())
    };
    let (observation, took) = observe_in(Dialect::Smtp, move |_| drip()).await;
    assert_eq!(observation.outcome, Outcome::Broken(Broken::Deadline));
    assert_eq!(observation.attempts.len(), 1);
    assert_eq!(took, Timeouts::default().greeting);
}

#[tokio::test(start_paused = true)]
async fn a_rung_whose_words_lead_nowhere_is_the_last() {
    let (server, _) = Wanted::version(&TLS13).build();
    let (observation, _) = observe_in(Dialect::Smtp, move |n| match n {
        0 => Manner::Talk(agreed(), Box::new(Manner::Speak(server.clone()))),
        _ => only(vec![Word::Says(b"odd\n")]),
    })
    .await;
    assert_eq!(observation.outcome.kind(), OutcomeKind::TlsRefused);
    assert_eq!(
        words(&observation.attempts)[1],
        "tls1.3: broken (malformed)"
    );
    assert_eq!(observation.attempts.len(), 2);
}
