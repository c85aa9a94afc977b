//! Installations → one file for each of their owners: a table, or a message
//! with the table attached.

mod summary;
mod threshold;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::Path;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use crate::appraisal::{Appraisal, Wanted};
use crate::cli::certificate_files::Folder;
use crate::cli::destination::Destination;
use crate::cli::failure::Failure;
use crate::domain::Fingerprint;
use crate::report::check::{Replaced, Unreplaced};
use crate::report::{Format, Head, INSTALLATIONS, Installation, Letter, Mailbox, Report};
use crate::store::{Crossing, Detail, FileMode, SqliteSink};
use summary::Summary;
use threshold::crossings;

/// What is written for an owner.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A table.
    Table(Format),
    /// A message with the table as CSV, from this mailbox.
    Message(Mailbox),
}

/// What a file is called after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// Its owner: the next one takes its place.
    Owner,
    /// Its owner, the day and the table: nothing takes its place.
    Content,
}

/// The installations that are written.
pub(super) struct Source<'a, 'i> {
    pub(super) appraisal: &'a mut Appraisal<'i>,
    pub(super) wanted: &'a Wanted,
    /// Who may read the files.
    pub(super) mode: FileMode,
}

/// The files under way. Each holds two of the system's files open.
struct Owners {
    form: Form,
    head: Head,
    files: BTreeMap<Option<String>, OwnersFile>,
}

/// What one owner gets, all of it known.
struct Contents {
    table: File,
    summary: Summary,
}

/// Bytes of a table that are hashed at a time.
const CHUNK: u64 = 64 * 1024;

/// Octets of a table's hash in its file's name.
const HASH_OCTETS: usize = 8;

/// What one owner gets.
struct OwnersFile {
    report: Report<Installation, File>,
    /// Where the report is written, and read again from.
    spool: File,
    summary: Summary,
}

impl Source<'_, '_> {
    /// Writes a file for each owner into a directory, and tells how many. With
    /// `told`, only of what their owners were not told of yet: once it is
    /// written, they were.
    pub(super) async fn write(
        &mut self,
        form: Form,
        told: Option<&mut SqliteSink>,
        folder: &Path,
        db: &Path,
    ) -> Result<usize, Failure> {
        Folder::make(folder, self.mode)?;
        let untold = match told {
            None => None,
            Some(told) => Some((told.untold(&self.crossings().await?).await?, told)),
        };
        let naming = match untold {
            None => Naming::Owner,
            Some(_) => Naming::Content,
        };
        let now = self.appraisal.now();
        let mut owners = Owners::new(form, self.appraisal.head());
        let mut written = Ok(());
        match &untold {
            None => {
                let visit = |row: Installation| {
                    written = owners.row(&row);
                    match written {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    }
                };
                self.appraisal
                    .installations(self.wanted, Detail::Facts, visit)
                    .await?;
            }
            Some((untold, _)) => {
                let untold: BTreeSet<_> = untold.iter().collect();
                let mut take = |row: &Installation| {
                    let is_untold = crossings(row).iter().any(|it| untold.contains(it));
                    if is_untold && written.is_ok() {
                        written = owners.row(row);
                    }
                };
                self.unreplaced(&mut take).await?;
            }
        }
        written.map_err(|error| Failure::output(&error))?;
        let count = owners.finish(folder, db, self.mode, naming)?;
        if let Some((untold, told)) = untold {
            told.remember_told(untold, now).await?;
        }
        Ok(count)
    }

    /// What nothing has replaced is told of.
    async fn crossings(&mut self) -> Result<Vec<Crossing>, Failure> {
        let mut crossed = BTreeSet::new();
        let mut take = |row: &Installation| crossed.extend(crossings(row));
        self.unreplaced(&mut take).await?;
        Ok(crossed.into_iter().collect())
    }

    /// Reads those that nothing has replaced, whether or not that is wanted too.
    async fn unreplaced(
        &mut self,
        take: &mut (dyn FnMut(&Installation) + Send),
    ) -> Result<(), Failure> {
        let renewed = self.appraisal.renewed_imports(self.wanted).await?;
        let mut replaced = Replaced::beside(renewed);
        if let Some(places) = self.appraisal.places(self.wanted).await? {
            let visit = |row: Installation| {
                replaced.row(row);
                ControlFlow::Continue(())
            };
            self.appraisal
                .installations(&places, Detail::Facts, visit)
                .await?;
            replaced.end();
        }
        let mut unreplaced = Unreplaced::but(replaced);
        let visit = |row: Installation| {
            unreplaced.row(row, take);
            ControlFlow::Continue(())
        };
        self.appraisal
            .installations(self.wanted, Detail::Facts, visit)
            .await?;
        unreplaced.end(take);
        Ok(())
    }
}

impl Owners {
    fn new(form: Form, head: Head) -> Self {
        Self {
            form,
            head,
            files: BTreeMap::new(),
        }
    }

    /// Adds an installation to its owner's file.
    fn row(&mut self, row: &Installation) -> io::Result<()> {
        let owner = owner(row);
        if !self.files.contains_key(&owner) {
            let format = match self.form {
                Form::Table(format) => format,
                Form::Message(_) => Format::Csv,
            };
            let file = OwnersFile::begin(format, self.head.clone())?;
            self.files.insert(owner.clone(), file);
        }
        if let Some(file) = self.files.get_mut(&owner) {
            file.report.row(row)?;
            file.summary.add(row, self.head.now);
        }
        Ok(())
    }

    /// Writes every file into a directory, and tells how many.
    fn finish(
        self,
        folder: &Path,
        db: &Path,
        mode: FileMode,
        naming: Naming,
    ) -> Result<usize, Failure> {
        let failed = |error: io::Error| Failure::output(&error);
        let Self { form, head, files } = self;
        let count = files.len();
        for (owner, file) in files {
            let owner = owner.as_deref();
            let mut contents = file.end().map_err(failed)?;
            let stem = match naming {
                Naming::Owner => stem(owner),
                Naming::Content => {
                    let hash = contents.hash().map_err(failed)?;
                    format!("{}-{}-{hash}", stem(owner), head.now.date())
                }
            };
            let name = format!("{stem}.{}", form.ending());
            let mut destination = Destination::within(folder, &name, db)?.share(mode)?;
            contents
                .write(&form, &head, owner, &mut destination)
                .map_err(failed)?;
            match naming {
                Naming::Owner => destination.finish()?,
                Naming::Content => destination.finish_unless_taken()?,
            }
        }
        Ok(count)
    }
}

impl Form {
    /// How its files' names end.
    fn ending(&self) -> &'static str {
        match self {
            Self::Table(Format::Csv | Format::Excel) => "csv",
            Self::Table(Format::JsonLines) => "jsonl",
            Self::Message(_) => "eml",
        }
    }
}

/// What the table of each owner remembers of its cells, in bytes: there may be
/// hundreds of them.
const MOST_REMEMBERED: usize = 256 << 10;

impl OwnersFile {
    fn begin(format: Format, head: Head) -> io::Result<Self> {
        let spool = tempfile::tempfile()?;
        let report = Report::begin(spool.try_clone()?, format, &INSTALLATIONS, head)?;
        Ok(Self {
            report: report.remembering(MOST_REMEMBERED),
            spool,
            summary: Summary::default(),
        })
    }

    /// Ends the table.
    fn end(self) -> io::Result<Contents> {
        self.report.end()?;
        Ok(Contents {
            table: self.spool,
            summary: self.summary,
        })
    }
}

impl Contents {
    /// The beginning of the table's SHA-256.
    fn hash(&mut self) -> io::Result<String> {
        self.table.rewind()?;
        let mut context = digest::Context::new(&digest::SHA256);
        let mut chunk = Vec::new();
        while (&self.table).take(CHUNK).read_to_end(&mut chunk)? > 0 {
            context.update(&chunk);
            chunk.clear();
        }
        let hash = context.finish();
        let beginning = hash.as_ref().get(..HASH_OCTETS).unwrap_or_default();
        Ok(HEXLOWER.encode(beginning))
    }

    /// Writes it as its owner gets it.
    fn write(
        mut self,
        form: &Form,
        head: &Head,
        owner: Option<&str>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.table.rewind()?;
        let from = match form {
            Form::Table(_) => return io::copy(&mut self.table, out).map(drop),
            Form::Message(from) => from,
        };
        // Most owners are names, and no addresses.
        let to = owner.and_then(|owner| Mailbox::list(owner).ok());
        let letter = Letter {
            from,
            to: &to.unwrap_or_default(),
            subject: &self.summary.subject(),
            date: head.now,
            text: &self.summary.text(owner, head),
            file_name: &format!("{}.csv", stem(owner)),
        };
        let mut out = io::BufWriter::new(out);
        letter.write(&mut out, &mut self.table)?;
        out.flush()
    }
}

fn owner(row: &Installation) -> Option<String> {
    row.judgement.as_ref()?.owner.clone()
}

/// A file name for an owner: what is plain of their text, and its hash, so
/// that no two have the same; never a path.
fn stem(owner: Option<&str>) -> String {
    let Some(owner) = owner else {
        return "unowned".to_owned();
    };
    let mut slug = String::new();
    for character in owner.chars().take(40) {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let hash = Fingerprint::of(owner.as_bytes()).to_string();
    let hash = hash.get(..16).unwrap_or_default();
    match slug.trim_end_matches('-') {
        "" => hash.to_owned(),
        slug => format!("{slug}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::{Timestamp, Trust};
    use crate::judge::{Judgement, Limits};
    use crate::report::tests::rows::{hostile, installation};

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    pub(super) fn owned(owner: Option<&str>, text: &str) -> Installation {
        let mut row = installation(text);
        let judgement = Judgement {
            trust: Trust::Trusted,
            trust_reason: String::new(),
            trusted_by: Vec::new(),
            root: None,
            unsent_not_after: None,
            findings: Vec::new(),
            accepted: Vec::new(),
            owner: owner.map(str::to_owned),
            tags: Vec::new(),
            is_one_of_many: false,
            max_age: Limits::default().max_age,
        };
        row.judgement = Some(judgement.into());
        row
    }

    /// The files written for these rows: names and contents.
    fn written(form: Form, rows: &[Installation]) -> BTreeMap<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let count = write(form, rows, Naming::Owner, now(), folder.path());
        let files = files(folder.path());
        assert_eq!(files.len(), count);
        files
    }

    fn write(
        form: Form,
        rows: &[Installation],
        naming: Naming,
        now: Timestamp,
        folder: &Path,
    ) -> usize {
        let mut owners = Owners::new(form, Head::at(now));
        for row in rows {
            owners.row(row).unwrap();
        }
        let db = folder.join("i.db");
        owners
            .finish(folder, &db, FileMode::default(), naming)
            .unwrap()
    }

    fn files(folder: &Path) -> BTreeMap<String, String> {
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        });
        files.collect()
    }

    #[test]
    fn each_owner_gets_their_rows_and_no_others() {
        let rows = [
            owned(Some("Web"), "a"),
            owned(None, "b"),
            owned(Some("Web"), "c"),
            owned(Some("../Ops"), "d"),
            installation("e"),
        ];
        let files = written(Form::Table(Format::Csv), &rows);
        let counts: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let rows = csv::Reader::from_reader(text.as_bytes()).records().count();
                (name.split_once('-').map_or(&**name, |(slug, _)| slug), rows)
            })
            .collect();
        assert_eq!(counts, [("ops", 1), ("unowned.csv", 2), ("web", 2)]);
    }

    #[test]
    fn a_message_goes_to_the_address_of_its_owner_whatever_the_rows_say() {
        let form = Form::Message("certsweep@localhost".parse().unwrap());
        let owner = "Web\r\nBcc: x@y.example <web@example.com>";
        for text in hostile() {
            let rows = [owned(Some(owner), &text), owned(Some(&text), &text)];
            for (name, message) in written(form.clone(), &rows) {
                let (headers, body) = message.split_once("\r\n\r\n").unwrap();
                assert!(!headers.contains("\nBcc"), "{headers}");
                let addressed = headers.contains("<web@example.com>\r\n");
                assert_eq!(addressed, name.starts_with("web-"), "{headers}");
                assert!(message.is_ascii() && body.contains("text/csv"));
            }
        }
    }

    #[test]
    fn what_was_not_sent_yet_stays_beside_what_comes_later() {
        let form = Form::Message("certsweep@localhost".parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let next_day = Timestamp::from_seconds(now().seconds() + 86_400);
        for (text, now, count) in [
            ("a", now(), 1),
            ("b", now(), 2),
            ("b", now(), 2),
            ("b", next_day, 3),
        ] {
            let before = files(folder.path());
            let rows = [owned(Some("Web"), text)];
            write(form.clone(), &rows, Naming::Content, now, folder.path());
            let after = files(folder.path());
            assert_eq!(after.len(), count, "{:?}", after.keys());
            for (name, message) in before {
                assert_eq!(after[&name], message, "{name}");
            }
        }
        let names: Vec<_> = files(folder.path()).into_keys().collect();
        let days = ["-2026-11-21-", "-2026-11-22-"];
        let of_day = |day: &&str| names.iter().filter(|name| name.contains(*day)).count();
        assert_eq!(days.each_ref().map(of_day), [2, 1], "{names:?}");
    }

    #[test]
    fn a_file_name_is_plain_and_one_owners_alone() {
        assert_eq!(stem(None), "unowned");
        let web = stem(Some("Web team <web@example.com>"));
        assert!(web.starts_with("web-team-web-example-com-"), "{web}");
        let mut stems = BTreeSet::new();
        for owner in [
            "unowned",
            "../../etc/passwd",
            "..",
            "/",
            "",
            "a\0b",
            "a\nb",
            "a/b",
            "A/B",
            "con",
            &"x".repeat(100_000),
            &"\u{202e}".repeat(9),
        ] {
            let stem = stem(Some(owner));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(stem.len() <= 60 && stem.chars().all(plain), "{stem}");
            assert!(stems.insert(stem), "{owner:?}");
        }
    }
}
