//! `docs/servers.md`: a table for each family of servers.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The families' titles, in the order of the document.
const ORDER: [&str; 18] = [
    "Key manager, object store, private authority",
    "One version of the protocol alone",
    "One cipher suite alone",
    "TLS 1.3 with one group or one cipher suite alone",
    "Keys",
    "Chains and records",
    "Mandatory client certificates",
    "Names",
    "Several keys and versions, asked thoroughly",
    "Names, asked thoroughly",
    "Mail",
    "Directories and databases",
    "Files, chat, news, desktops",
    "Intolerant devices",
    "Unusual behaviour",
    "No certificate to be had",
    "Hostile servers",
    "Hostile words before TLS",
];

/// Holds one test back while another rewrites the document.
static WRITING: Mutex<()> = Mutex::new(());

/// What stands before the first section, and the sections by their titles.
struct Document {
    introduction: String,
    sections: Vec<(String, String)>,
}

/// Compares a family's table with that of the document; with
/// `CERTSWEEP_BLESS=1` it is put there.
#[track_caller]
pub(super) fn settle(title: &str, table: &str) {
    assert!(ORDER.contains(&title), "{title:?} has no place in ORDER");
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "docs/servers.md"]
        .iter()
        .collect();
    // A test that failed in here leaves the document whole.
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut document = Document::parse(&fs::read_to_string(&path).unwrap());
    if std::env::var_os("CERTSWEEP_BLESS").is_some() {
        document.put(title, table);
        fs::write(&path, document.text()).unwrap();
    }
    assert_eq!(
        document.section(title),
        Some(table.trim()),
        "{title}: what the scan found is not what docs/servers.md says; \
         if it is right, CERTSWEEP_BLESS=1 writes it down"
    );
}

impl Document {
    fn parse(text: &str) -> Self {
        let mut parts = text.split("\n## ");
        let introduction = parts.next().unwrap_or_default().trim().to_owned();
        let sections = parts.map(|part| {
            let (title, body) = part.split_once('\n').unwrap_or((part, ""));
            (title.to_owned(), body.trim().to_owned())
        });
        Self {
            introduction,
            sections: sections.collect(),
        }
    }

    fn section(&self, title: &str) -> Option<&str> {
        let mut sections = self.sections.iter();
        let (_, body) = sections.find(|(other, _)| other == title)?;
        Some(body)
    }

    fn put(&mut self, title: &str, body: &str) {
        self.sections.retain(|(other, _)| other != title);
        self.sections
            .push((title.to_owned(), body.trim().to_owned()));
        self.sections
            .sort_by_key(|(title, _)| ORDER.iter().position(|other| other == title));
    }

    fn text(&self) -> String {
        let sections = self.sections.iter();
        let sections = sections.map(|(title, body)| format!("\n## {title}\n\n{body}\n"));
        format!("{}\n{}", self.introduction, sections.collect::<String>())
    }
}
