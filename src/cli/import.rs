use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::domain::{clock, counted, printable};
use crate::store::{Import, Opened, SqliteSink};
use crate::x509::{self, Certificate, Skipped};

/// Keep certificates that no network shows, so that their end is watched
///
/// Either every file is read well and all certificates are stored, or nothing
/// is. Private keys are passed over and never stored. Importing a certificate
/// again changes nothing but the time of its latest import.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep import clients.pem backup.p7b
  certsweep import --label 'KMIP client of vault-2' client.der")]
pub(super) struct Arguments {
    /// Certificates: PEM with any number of them, DER, or PKCS#7
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// A text to keep with them
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

/// Largest file that is read: a mistaken name must not fill the memory. A
/// hundred thousand certificates fit.
const MAX_FILE: u64 = 256 << 20;

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let mut certificates = Vec::new();
        for path in &self.files {
            let (found, skipped) = read(path)?;
            certificates.extend(found);
            if let Some(note) = note(path, &skipped) {
                context.printer.note(&note);
            }
        }
        let (mut sink, opened) = SqliteSink::open_or_create(&context.db()).await?;
        if let Some(mode) = context.config.file_mode {
            sink.share(mode)?;
        }
        if opened == Opened::Created {
            let path = sink.path().display();
            context.printer.note(&format!("new inventory {path}"));
        }
        let import = Import {
            certificates,
            label: self.label,
            at: clock::now(),
        };
        let imported = sink.import(import).await;
        let closed = sink.close().await;
        let imported = imported?;
        closed?;
        context.printer.say(&format!(
            "imported {}, {} of them new",
            counted(imported.certificates, "certificate"),
            imported.new
        ))?;
        Ok(Exit::Done)
    }
}

fn read(path: &Path) -> Result<(Vec<Certificate>, Vec<Skipped>), Failure> {
    let shown = printable(&path.to_string_lossy());
    let nothing = "nothing was imported";
    let bytes = contents(path)
        .map_err(|error| Failure::usage(format_args!("{shown}: {error}")).hint(Some(nothing)))?;
    let found = x509::certificates_in(&bytes).map_err(|error| {
        let problem = printable(&error.to_string());
        Failure::usage(format_args!("{shown}: {problem}"))
            .hint(Some("nothing was imported; PEM, DER and PKCS#7 are read"))
    })?;
    Ok((found.certificates, found.skipped))
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

/// What is said of the blocks that were passed over.
fn note(path: &Path, skipped: &[Skipped]) -> Option<String> {
    let first = skipped.first()?;
    let keys = skipped.iter().filter(|block| block.is_private_key());
    let keys = match keys.count() {
        0 => String::new(),
        1 => ", a private key among them".to_owned(),
        several => format!(", {several} private keys among them"),
    };
    Some(format!(
        "{}: passed over what is no certificate ({}{keys}), first in line {}: {}",
        printable(&path.to_string_lossy()),
        counted(skipped.len(), "block"),
        first.line,
        printable(&first.label)
    ))
}
