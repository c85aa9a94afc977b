use crate::domain::{Dialect, ServerName};

use super::super::{Carriage, Circumstances, Dialogue, Turn, Verdict, of};

/// A conversation written down: lines of `S: ` (server) and `C: ` (client).
#[derive(Debug)]
pub(in super::super) struct Transcript {
    dialect: Dialect,
    words: Vec<(Side, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// How a dialogue ended, or that it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    Waiting,
    Ready,
    Declined,
    Plain,
    Foreign,
    Malformed,
    TooLarge,
}

/// What became of a dialogue.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    end: End,
    /// Behind the go-ahead, or what the verdict says was said.
    kept: Vec<u8>,
}

/// How the server's bytes come.
#[derive(Clone, Copy, Debug)]
enum Cut {
    AsSaid,
    Portions(usize),
}

const MUTATIONS: usize = 1000;

impl Transcript {
    /// Of a protocol of lines.
    pub(in super::super) fn of_lines(dialect: Dialect, text: &str) -> Self {
        Self::read(dialect, text, "\r\n")
    }

    /// Of a protocol without lines.
    pub(in super::super) fn of_portions(dialect: Dialect, text: &str) -> Self {
        Self::read(dialect, text, "")
    }

    fn read(dialect: Dialect, text: &str, line_end: &str) -> Self {
        let mut words: Vec<(Side, Vec<u8>)> = Vec::new();
        for line in text.lines().map(str::trim_start) {
            let (side, said) = match line.split_at_checked(3) {
                Some(("C: ", said)) => (Side::Client, said),
                Some(("S: ", said)) => (Side::Server, said),
                _ if line.is_empty() => continue,
                _ => panic!("neither `C: ` nor `S: `: {line}"),
            };
            let said = [said, line_end].concat().into_bytes();
            match words.last_mut() {
                Some((last, words)) if *last == side => words.extend(said),
                _ => words.push((side, said)),
            }
        }
        Self { dialect, words }
    }

    /// Holds the dialogue to every word of the client, in whatever portions
    /// the server's come and however its lines end; tries every prefix and
    /// many mutations of them; and tells how it ends.
    #[track_caller]
    pub(in super::super) fn ends(&self) -> End {
        self.plays().end
    }

    /// The same, and what the verdict says was said.
    #[track_caller]
    pub(in super::super) fn says(&self) -> (End, String) {
        let played = self.plays();
        (played.end, String::from_utf8(played.kept).unwrap())
    }

    #[track_caller]
    fn plays(&self) -> Played {
        let played = self.play(Cut::AsSaid, b"");
        assert_eq!(self.play(Cut::Portions(1), b"").end, played.end);
        assert_eq!(
            self.with_bare_line_feeds().play(Cut::AsSaid, b"").end,
            played.end
        );
        if played.end == End::Ready {
            for early in [&b"\x15\x03\x01\x00\x02\x02\x28"[..], b"\r\n", b"<"] {
                let played = self.play(Cut::AsSaid, early);
                assert_eq!(played.kept, early, "what came early belongs to TLS");
            }
        }
        self.survives_prefixes();
        self.survives_mutations();
        played
    }

    /// Plays it once; behind the server's last word comes `early`.
    #[track_caller]
    fn play(&self, cut: Cut, early: &[u8]) -> Played {
        let mut dialogue = begin(self.dialect);
        let mut said = dialogue.open();
        let mut turn = Turn::NeedMore;
        let last = self
            .words
            .iter()
            .rposition(|(side, _)| *side == Side::Server);
        for (place, (side, words)) in self.words.iter().enumerate() {
            match side {
                Side::Client => {
                    let said = std::mem::take(&mut said);
                    assert_eq!(
                        String::from_utf8_lossy(&said),
                        String::from_utf8_lossy(words)
                    );
                }
                Side::Server => {
                    assert_eq!(
                        String::from_utf8_lossy(&said),
                        "",
                        "the client spoke unasked"
                    );
                    let early = if Some(place) == last { early } else { b"" };
                    let words = [words, early].concat();
                    let played = feed(dialogue.as_mut(), &words, cut);
                    said = played.0;
                    turn = played.1;
                }
            }
        }
        let (end, kept) = end_of(turn);
        assert!(dialogue.said().len() <= Verdict::MAX_SAID && kept.len() <= Verdict::MAX_SAID);
        assert!(
            said.is_empty(),
            "left unsaid: {:?}",
            String::from_utf8_lossy(&said)
        );
        Played { end, kept }
    }

    fn with_bare_line_feeds(&self) -> Self {
        let mut words = self.words.clone();
        for (side, words) in &mut words {
            if *side == Side::Server {
                *words = String::from_utf8(words.clone())
                    .unwrap()
                    .replace("\r\n", "\n")
                    .into_bytes();
            }
        }
        Self { words, ..*self }
    }

    fn server(&self) -> Vec<u8> {
        let server = self.words.iter().filter(|(side, _)| *side == Side::Server);
        server.flat_map(|(_, words)| words.clone()).collect()
    }

    fn survives_prefixes(&self) {
        let server = self.server();
        for length in 0..server.len() {
            survives(self.dialect, &server[..length], length / 2 + 1);
        }
    }

    fn survives_mutations(&self) {
        let server = self.server();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        };
        for _ in 0..MUTATIONS {
            let mut bytes = server.clone();
            for _ in 0..=random(4) {
                let place = random(bytes.len());
                match random(3) {
                    0 => bytes[place] = u8::try_from(random(256)).unwrap(),
                    1 if bytes.len() > 1 => drop(bytes.remove(place)),
                    _ => bytes.insert(place, u8::try_from(random(256)).unwrap()),
                }
            }
            survives(self.dialect, &bytes, 1 + random(40));
        }
    }
}

/// How the dialogue with a server ends that says `start`, then `more` without
/// end.
pub(in super::super) fn flooded(dialect: Dialect, start: &str, more: &str) -> End {
    let mut dialogue = begin(dialect);
    dialogue.open();
    let mut turn = dialogue.feed(start.as_bytes());
    let more = more.repeat(1024 / more.len() + 1);
    for _ in 0..1024 {
        match turn {
            Turn::NeedMore | Turn::Send(_) => turn = dialogue.feed(more.as_bytes()),
            Turn::Ready { .. } | Turn::Over(_) => break,
        }
    }
    end_of(turn).0
}

/// Begins a dialogue with `example.com` at 192.0.2.1.
pub(in super::super) fn begin(dialect: Dialect) -> Box<dyn Dialogue> {
    let name: ServerName = "example.com".parse().unwrap();
    (of(dialect).unwrap().begin)(Circumstances {
        server_name: Some(&name),
        address: "192.0.2.1".parse().unwrap(),
    })
}

/// Whatever the bytes, how they are cut does not change what comes of them.
fn survives(dialect: Dialect, bytes: &[u8], portion: usize) {
    let by = |portion: usize| {
        let mut dialogue = begin(dialect);
        dialogue.open();
        let (words, turn) = feed(dialogue.as_mut(), bytes, Cut::Portions(portion));
        assert!(dialogue.said().len() <= Verdict::MAX_SAID);
        match end_of(turn).0 {
            end @ (End::Waiting | End::Ready) => (end, words),
            // What is said to a server that ends it depends on whether there
            // was time to say it.
            end => (end, Vec::new()),
        }
    };
    assert_eq!(by(portion), by(bytes.len().max(1)));
}

/// Feeds what the server says until the dialogue ends, and tells what the
/// client said to it, and the last turn.
fn feed(dialogue: &mut dyn Dialogue, bytes: &[u8], cut: Cut) -> (Vec<u8>, Turn) {
    let portion = match cut {
        Cut::AsSaid => bytes.len(),
        Cut::Portions(portion) => portion,
    };
    let mut said = Vec::new();
    let mut turn = Turn::NeedMore;
    for bytes in bytes.chunks(portion) {
        turn = dialogue.feed(bytes);
        match &turn {
            Turn::NeedMore => {}
            Turn::Send(words) => said.extend(words),
            Turn::Ready { words, .. } => {
                said.extend(words);
                break;
            }
            Turn::Over(_) => break,
        }
    }
    (said, turn)
}

/// The end, and what was kept of the server's words.
fn end_of(turn: Turn) -> (End, Vec<u8>) {
    match turn {
        Turn::NeedMore | Turn::Send(_) => (End::Waiting, Vec::new()),
        Turn::Ready {
            carriage, early, ..
        } => {
            assert_eq!(carriage, Carriage::Bare);
            (End::Ready, early)
        }
        Turn::Over(Verdict::Declined(said)) => (End::Declined, said),
        Turn::Over(Verdict::Plain(said)) => (End::Plain, said),
        Turn::Over(Verdict::Foreign(said)) => (End::Foreign, said),
        Turn::Over(Verdict::Malformed) => (End::Malformed, Vec::new()),
        Turn::Over(Verdict::TooLarge) => (End::TooLarge, Vec::new()),
    }
}
