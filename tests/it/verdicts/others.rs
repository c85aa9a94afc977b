//! What others make of the corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use tempfile::TempDir;

use super::authority::NAME;
use super::corpus::Case;

/// An answer to each case, in their order: `None` where the chain is accepted,
/// else why it is not.
pub(super) struct Answers {
    pub(super) openssl: Vec<Option<String>>,
    /// Where an interpreter that has it was named.
    pub(super) cryptography: Option<Vec<Option<String>>>,
    pub(super) webpki: Vec<Option<String>>,
}

pub(super) fn ask(cases: &[Case]) -> Answers {
    let folder = TempDir::new().unwrap();
    let folders: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| lay_out(case, &folder.path().join(number.to_string())))
        .collect();
    Answers {
        openssl: folders.iter().map(|folder| openssl(folder)).collect(),
        cryptography: cryptography(&folders),
        webpki: cases.iter().map(webpki).collect(),
    }
}

/// Whether OpenSSL has a signature algorithm of that name.
pub(super) fn openssl_knows(algorithm: &str) -> bool {
    let mut command = Command::new("openssl");
    let output = command.args(["list", "-signature-algorithms"]).output();
    let output = output.expect("openssl (tests/run installs it)");
    String::from_utf8_lossy(&output.stdout).contains(algorithm)
}

/// Writes a case as files.
fn lay_out(case: &Case, folder: &Path) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    let bundle = |ders: &[Vec<u8>]| {
        let blocks = ders
            .iter()
            .map(|der| pem::Pem::new("CERTIFICATE", &der[..]).to_string());
        blocks.collect::<String>()
    };
    let (leaf, sent) = case.chain.split_first().unwrap();
    write("leaf.der", leaf);
    write("leaf.pem", bundle(std::slice::from_ref(leaf)).as_bytes());
    write("sent.pem", bundle(sent).as_bytes());
    write("roots.pem", bundle(&case.roots).as_bytes());
    write("at", case.at.seconds().to_string().as_bytes());
    write("name", NAME.as_bytes());
    for (number, der) in sent.iter().enumerate() {
        write(&format!("sent-{number:02}.der"), der);
    }
    for (number, der) in case.roots.iter().enumerate() {
        write(&format!("root-{number:02}.der"), der);
    }
    folder.to_owned()
}

fn openssl(folder: &Path) -> Option<String> {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args([
        "verify",
        "-purpose",
        "sslserver",
        "-no-CApath",
        "-no-CAstore",
    ]);
    command.args([
        "-CAfile",
        "roots.pem",
        "-attime",
        &fs::read_to_string(folder.join("at")).unwrap(),
    ]);
    if fs::metadata(folder.join("sent.pem")).unwrap().len() > 0 {
        command.args(["-untrusted", "sent.pem"]);
    }
    let output = command
        .arg("leaf.pem")
        .output()
        .expect("openssl (tests/run installs it)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(said)
}

/// The Python that has the package; `tests/soak/verdicts` names one.
const INTERPRETER: &str = "CERTSWEEP_CRYPTOGRAPHY_PYTHON";

fn cryptography(folders: &[PathBuf]) -> Option<Vec<Option<String>>> {
    let interpreter = std::env::var_os(INTERPRETER)?;
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/it/verdicts/verify.py"]
        .iter()
        .collect();
    let mut command = Command::new(interpreter);
    let output = command
        .arg(script)
        .args(folders)
        .output()
        .expect("the interpreter that the environment names");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = said
        .lines()
        .map(|line| (!line.is_empty()).then(|| line.to_owned()))
        .collect();
    assert_eq!(answers.len(), folders.len());
    Some(answers)
}

/// rustls-webpki with everything that was sent and every root, left to search.
fn webpki(case: &Case) -> Option<String> {
    let verify = || {
        let ders: Vec<_> = case
            .chain
            .iter()
            .map(|der| CertificateDer::from(&der[..]))
            .collect();
        let roots: Vec<_> = case
            .roots
            .iter()
            .map(|der| CertificateDer::from(&der[..]))
            .collect();
        let anchors = roots.iter().map(webpki::anchor_from_trusted_cert);
        let anchors: Vec<_> = anchors.collect::<Result<_, _>>()?;
        let seconds = u64::try_from(case.at.seconds()).unwrap();
        webpki::EndEntityCert::try_from(&ders[0])?.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &ders[1..],
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        )?;
        Ok::<_, webpki::Error>(())
    };
    verify().err().map(|error| format!("{error:?}"))
}
