//! PEM files that the operator names → certificates and keys, or the file and
//! line where one is wrong.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::targets;
use crate::domain::{Der, printable};
use crate::probe::{ClientIdentity, TrustAnchors};

/// One block of a PEM file (RFC 7468).
struct Block {
    label: String,
    /// Where it begins, counted from 1.
    line: usize,
    contents: Vec<u8>,
}

/// What is wrong in a PEM file, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    what: String,
}

const CERTIFICATE: &str = "CERTIFICATE";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const ENCRYPTED: &str = "decrypt it first: openssl pkey -in FILE -out PLAIN";

/// The identity in the files of `--client-cert` and `--client-key`.
pub(super) fn identity(chain: &Path, key: &Path) -> Result<ClientIdentity, Failure> {
    let certificates = certificates(chain, "--client-cert")?;
    let key_block = key_in(key)?;
    ClientIdentity::new(&certificates, &key_block.contents).map_err(|error| {
        let files = format!("{} with {}", chain.display(), key.display());
        Failure::usage(format_args!("{files}: {error}")).hint(Some(error.hint()))
    })
}

/// The roots in the file of `--ca`.
pub(super) fn anchors(path: &Path) -> Result<TrustAnchors, Failure> {
    let roots = certificates(path, "--ca")?;
    TrustAnchors::new(&roots)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
}

fn certificates(path: &Path, said_by: &str) -> Result<Vec<Der>, Failure> {
    let blocks = blocks_in(path, said_by)?.into_iter();
    let certificates: Vec<Der> = blocks
        .filter(|block| block.label == CERTIFICATE)
        .map(|block| Der::from(block.contents))
        .collect();
    if certificates.is_empty() {
        let nothing = format!("{said_by} {}: no certificate in it", path.display());
        return Err(
            Failure::usage(nothing).hint(Some("a PEM file has -----BEGIN CERTIFICATE----- in it"))
        );
    }
    Ok(certificates)
}

/// The first private key; a file may hold certificates beside it.
fn key_in(path: &Path) -> Result<Block, Failure> {
    let blocks = blocks_in(path, "--client-key")?;
    if let Some(block) = blocks
        .iter()
        .find(|block| block.label.starts_with("ENCRYPTED"))
    {
        let fault = Fault {
            line: block.line,
            what: "the private key is encrypted".to_owned(),
        };
        return Err(fault.into_failure(path).hint(Some(ENCRYPTED)));
    }
    let mut keys = blocks.into_iter();
    keys.find(|block| KEYS.contains(&block.label.as_str()))
        .ok_or_else(|| {
            let nothing = format!("--client-key {}: no private key in it", path.display());
            Failure::usage(nothing).hint(Some("a PEM file has -----BEGIN PRIVATE KEY----- in it"))
        })
}

fn blocks_in(path: &Path, said_by: &str) -> Result<Vec<Block>, Failure> {
    let contents = targets::contents(path, said_by)?;
    let text = String::from_utf8_lossy(&contents);
    blocks(&text).map_err(|fault| {
        let hint = if fault.what.contains("encrypted") {
            ENCRYPTED
        } else {
            "between its BEGIN and END lines a PEM file is base64 and nothing else"
        };
        fault.into_failure(path).hint(Some(hint))
    })
}

/// Every block of a text; what stands around them is nobody's business.
fn blocks(text: &str) -> Result<Vec<Block>, Fault> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim_end).zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(label) = boundary(line, "BEGIN") {
            blocks.push(block(label, number, &mut lines)?);
        }
    }
    Ok(blocks)
}

/// The rest of a block whose BEGIN line was read.
fn block<'a>(
    label: &str,
    line: usize,
    lines: &mut impl Iterator<Item = (&'a str, usize)>,
) -> Result<Block, Fault> {
    let mut base64 = String::new();
    for (text, number) in lines {
        if boundary(text, "END") == Some(label) {
            let whole = format!("-----BEGIN {label}-----\n{base64}-----END {label}-----\n");
            let parsed = pem::parse(whole).map_err(|error| Fault {
                line,
                what: format!("{label}: {error}"),
            })?;
            return Ok(Block {
                label: label.to_owned(),
                line,
                contents: parsed.into_contents(),
            });
        }
        if let Some(what) = impurity(text) {
            return Err(Fault { line: number, what });
        }
        base64.push_str(text);
        base64.push('\n');
    }
    let what = format!("BEGIN {} has no END", printable(label));
    Err(Fault { line, what })
}

/// What is wrong with a line that should be base64.
fn impurity(line: &str) -> Option<String> {
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED") {
        Some("the private key is encrypted".to_owned())
    } else if line.is_empty() {
        Some("an empty line within base64".to_owned())
    } else if line.bytes().all(clean) {
        None
    } else {
        Some("not clean base64".to_owned())
    }
}

/// `-----BEGIN LABEL-----` → LABEL.
fn boundary<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let label = line.strip_prefix("-----")?.strip_prefix(word)?;
    label.strip_prefix(' ')?.strip_suffix("-----")
}

impl Fault {
    fn into_failure(self, path: &Path) -> Failure {
        Failure::usage(format_args!(
            "{}:{}: {}",
            path.display(),
            self.line,
            self.what
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (usize, String) {
        match blocks(text) {
            Ok(blocks) => panic!("{} blocks", blocks.len()),
            Err(Fault { line, what }) => (line, what),
        }
    }

    #[test]
    fn blocks_are_found_between_other_text_whatever_the_line_ends() {
        let text = "subject=x\n-----BEGIN A-----\nAAEC\n-----END A-----\n\n\
                    -----BEGIN B C-----\r\nAwQ=\r\n-----END B C-----";
        let blocks = blocks(text).unwrap();
        let found: Vec<_> = blocks
            .iter()
            .map(|block| (block.label.as_str(), block.line, &block.contents[..]))
            .collect();
        assert_eq!(found, [("A", 2, &[0, 1, 2][..]), ("B C", 6, &[3, 4])]);
    }

    #[test]
    fn what_is_no_clean_base64_is_refused_with_its_line() {
        let begin = "-----BEGIN A-----\n";
        let wrong = |body: &str| fault(&format!("{begin}{body}-----END A-----\n"));
        for (body, line, what) in [
            ("AAEC\nAA C\n", 3, "not clean base64"),
            ("AAE\u{202e}\n", 2, "not clean base64"),
            ("AAEC\n\nAAEC\n", 3, "empty line"),
            ("Proc-Type: 4,ENCRYPTED\n", 2, "encrypted"),
            ("AAECA\n", 1, "A: "),
            ("AA==AAEC\n", 1, "A: "),
        ] {
            let (at, told) = wrong(body);
            assert_eq!(at, line, "{body:?}: {told}");
            assert!(told.contains(what), "{body:?}: {told}");
        }
        let (line, told) = fault("-----BEGIN A-----\nAAEC\n");
        assert_eq!((line, told.as_str()), (1, "BEGIN A has no END"));
        let (line, _) = fault("-----BEGIN A-----\nAAEC\n-----END B-----\n");
        assert_eq!(line, 3);
    }
}
