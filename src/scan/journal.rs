//! Settled targets → pages of the journal, and back: what a scan that is
//! killed need not ask again.
//!
//! A page is JSON, and names outcomes by their words: it outlives versions of
//! this program, and people can read it. It holds some twenty bytes a target.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::fate::Fate;
use super::no_answer::NoAnswer;
use crate::domain::{OutcomeKind, Port, Timestamp, UnknownOutcome};

/// One line of the journal. Targets are named by their offsets in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A target has its outcome.
    Settled { offset: u32, fate: Fate },
    /// It waits for another look, and nothing spoke at those before.
    Deferred {
        offset: u32,
        earlier: u32,
        best: NoAnswer,
        at: Timestamp,
    },
    /// What became of an address that a name led to.
    Behind {
        address: IpAddr,
        port: Port,
        fate: Fate,
    },
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Seconds since 1970; the entries count from here.
    since: Option<i64>,
    written: Written,
}

/// A page as it is stored.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    since: i64,
    /// Every different outcome on the page, and its detail.
    outcomes: Vec<(String, String)>,
    /// Offset, position among the outcomes, seconds.
    settled: Vec<(u32, usize, i64)>,
    /// Offset, looks that were had, the best of them, seconds.
    deferred: Vec<(u32, u32, NoAnswer, i64)>,
    /// Address, port, position among the outcomes, seconds.
    behind: Vec<(IpAddr, u16, usize, i64)>,
}

/// Why a page can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadPage {
    /// It has another form.
    #[error("not a page of a journal: {0}")]
    Form(#[from] serde_json::Error),
    /// It holds what no page can.
    #[error("a page of a journal can't hold {0}")]
    Content(&'static str),
}

impl Page {
    pub(super) fn is_empty(&self) -> bool {
        let Written {
            settled,
            deferred,
            behind,
            ..
        } = &self.written;
        settled.is_empty() && deferred.is_empty() && behind.is_empty()
    }

    pub(super) fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Settled { offset, fate } => {
                let (outcome, second) = self.place(fate);
                self.written.settled.push((offset, outcome, second));
            }
            Entry::Deferred {
                offset,
                earlier,
                best,
                at,
            } => {
                let line = (offset, earlier, best, self.second(at));
                self.written.deferred.push(line);
            }
            Entry::Behind {
                address,
                port,
                fate,
            } => {
                let (outcome, second) = self.place(fate);
                let line = (address, port.number(), outcome, second);
                self.written.behind.push(line);
            }
        }
    }

    /// The page as it is stored.
    pub(super) fn write(mut self) -> String {
        self.written.since = self.since.unwrap_or_default();
        // Numbers and texts: JSON can hold them all.
        serde_json::to_string(&self.written).unwrap_or_default()
    }

    /// The position of an outcome, and when it was.
    fn place(&mut self, fate: Fate) -> (usize, i64) {
        let second = self.second(fate.at);
        let outcomes = &mut self.written.outcomes;
        let known = outcomes
            .iter()
            .position(|(word, detail)| word == fate.kind.as_str() && *detail == fate.detail);
        let outcome = known.unwrap_or_else(|| {
            outcomes.push((fate.kind.to_string(), fate.detail));
            outcomes.len() - 1
        });
        (outcome, second)
    }

    /// Seconds since the page's first entry.
    fn second(&mut self, at: Timestamp) -> i64 {
        let second = at.seconds();
        second.saturating_sub(*self.since.get_or_insert(second))
    }
}

/// The entries of a stored page, all or none.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, BadPage> {
    let written: Written = serde_json::from_str(text)?;
    let outcomes: Result<Vec<_>, _> = written
        .outcomes
        .into_iter()
        .map(|(word, detail)| Ok((word.parse::<OutcomeKind>()?, detail)))
        .collect();
    let outcomes = outcomes.map_err(|_: UnknownOutcome| BadPage::Content("such an outcome"))?;
    let at = |second: i64| Timestamp::from_seconds(written.since.saturating_add(second));
    let fate = |outcome: usize, second: i64| {
        let (kind, detail) = outcomes
            .get(outcome)
            .ok_or(BadPage::Content("an outcome that is not listed"))?;
        Ok::<_, BadPage>(Fate {
            kind: *kind,
            detail: detail.clone(),
            at: at(second),
        })
    };
    let mut entries = Vec::new();
    // Deferred first: a target of this page may have been settled since.
    for (offset, earlier, best, second) in written.deferred {
        entries.push(Entry::Deferred {
            offset,
            earlier,
            best,
            at: at(second),
        });
    }
    for (offset, outcome, second) in written.settled {
        let fate = fate(outcome, second)?;
        entries.push(Entry::Settled { offset, fate });
    }
    for (address, port, outcome, second) in written.behind {
        let port = Port::new(port).ok_or(BadPage::Content("port 0"))?;
        entries.push(Entry::Behind {
            address,
            port,
            fate: fate(outcome, second)?,
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fate(kind: OutcomeKind, detail: &str, second: i64) -> Fate {
        Fate {
            kind,
            detail: detail.to_owned(),
            at: Timestamp::from_seconds(1_700_000_000 + second),
        }
    }

    fn entries() -> Vec<Entry> {
        let settled = |offset, fate| Entry::Settled { offset, fate };
        vec![
            Entry::Deferred {
                offset: 9,
                earlier: 1,
                best: NoAnswer::Filtered,
                at: Timestamp::from_seconds(1_700_000_000),
            },
            settled(0, fate(OutcomeKind::Certificate, "", 0)),
            settled(1, fate(OutcomeKind::Excluded, "10.0.0.1 \"lab\"", 5)),
            settled(1 << 19, fate(OutcomeKind::Certificate, "", -3)),
            Entry::Behind {
                address: "2001:db8::1".parse().unwrap(),
                port: Port::HTTPS,
                fate: fate(OutcomeKind::Refused, "", 7),
            },
        ]
    }

    fn page(entries: &[Entry]) -> String {
        let mut page = Page::default();
        assert!(page.is_empty());
        for entry in entries {
            page.enter(entry.clone());
        }
        assert!(entries.is_empty() || !page.is_empty());
        page.write()
    }

    #[test]
    fn a_page_reads_back() {
        assert_eq!(read(&page(&entries())).unwrap(), entries());
        assert_eq!(read(&page(&[])).unwrap(), []);
    }

    #[test]
    fn a_target_costs_some_twenty_bytes() {
        let settled = (0..1000).map(|offset| Entry::Settled {
            offset: 1_000_000 + offset,
            fate: fate(OutcomeKind::Filtered, "", i64::from(offset) % 25),
        });
        let page = page(&settled.collect::<Vec<_>>());
        assert!(page.len() < 20_000, "{}", page.len());
    }

    #[test]
    fn no_part_of_a_page_reads_as_a_page() {
        let page = page(&entries());
        for length in 0..page.len() {
            if let Some(part) = page.get(..length) {
                assert!(read(part).is_err(), "{part}");
            }
        }
    }

    #[test]
    fn what_no_page_can_hold_is_refused() {
        let page = page(&entries());
        for (known, other) in [
            ("\"certificate\"", "\"closed\""),
            ("443", "0"),
            ("\"filtered\"", "\"asleep\""),
            ("[0,0,0]", "[0,17,0]"),
            ("\"since\"", "\"until\""),
        ] {
            let damaged = page.replace(known, other);
            assert_ne!(damaged, page, "{known}");
            assert!(read(&damaged).is_err(), "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_on_a_page_it_is_read_or_refused(
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            noise in any::<Vec<u8>>(),
        ) {
            let mut bytes = page(&entries()).into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = read(&String::from_utf8_lossy(&bytes));
            let _ = read(&String::from_utf8_lossy(&noise));
        }
    }
}
