//! The text of a PEM file (RFC 7468) → its blocks, each with its line.

/// One block: its label, its bytes, and the line of its BEGIN.
#[derive(Clone, PartialEq, Eq)]
pub struct PemBlock {
    /// What it says it holds: `CERTIFICATE`, `PKCS7`.
    pub label: String,
    /// The line of its BEGIN, from 1.
    pub line: usize,
    /// What it holds.
    pub contents: Vec<u8>,
}

/// What becomes of the contents of private keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeys {
    /// They are decoded: the operator named the file for them.
    Wanted,
    /// They are never decoded, and nothing is kept of them.
    PassedOver,
}

/// A block that can't be read, and the line where that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BrokenPem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// A block between its BEGIN and its END.
struct Open<'a> {
    label: &'a str,
    line: usize,
    is_passed_over: bool,
    /// Base64, white space left out.
    text: String,
}

/// What is wrong with a key that only a passphrase opens.
pub const ENCRYPTED: &str = "the private key is encrypted";

/// Longest label that is repeated in a message.
const MAX_LABEL: usize = 40;

/// Reads every block; what stands between blocks is explanatory text (RFC
/// 7468 section 2).
///
/// # Errors
/// The first block that is broken, or encrypted within its lines (RFC 1421).
pub fn pem_blocks(file: &[u8], keys: PrivateKeys) -> Result<Vec<PemBlock>, BrokenPem> {
    let mut blocks = Vec::new();
    let mut open: Option<Open<'_>> = None;
    for (line, bytes) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let text = std::str::from_utf8(bytes).unwrap_or("\u{fffd}").trim();
        let text = text.trim_start_matches('\u{feff}');
        let broken = |problem: String| Err(BrokenPem { line, problem });
        open = match (open.take(), boundary(text, "BEGIN"), boundary(text, "END")) {
            (Some(block), Some(_), _) => {
                return broken(format!(
                    "another BEGIN before the END of `{}` from line {}",
                    shown(block.label),
                    block.line
                ));
            }
            (None, Some(label), _) => Some(Open::new(label, line, keys)),
            (Some(block), _, Some(label)) if block.label == label => {
                blocks.push(block.decode()?);
                None
            }
            (Some(block), _, Some(label)) => {
                return broken(format!(
                    "END of `{}` in a block `{}`",
                    shown(label),
                    shown(block.label)
                ));
            }
            (None, _, Some(label)) => {
                return broken(format!("END of `{}` without its BEGIN", shown(label)));
            }
            (Some(mut block), None, None) => {
                block.add(text, line)?;
                Some(block)
            }
            (None, None, None) => None,
        };
    }
    match open {
        None => Ok(blocks),
        Some(block) => Err(BrokenPem {
            line: block.line,
            problem: format!("block `{}` without its END", shown(block.label)),
        }),
    }
}

/// Whether a label is that of a private key, in any of its forms
/// (RFC 7468 sections 10 and 11, and those of older programs).
pub(super) fn is_private_key(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// The label of a boundary line of this kind.
fn boundary<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    let inner = line.strip_prefix("-----")?.strip_suffix("-----")?;
    inner.strip_prefix(kind)?.strip_prefix(' ')
}

impl<'a> Open<'a> {
    fn new(label: &'a str, line: usize, keys: PrivateKeys) -> Self {
        Self {
            label,
            line,
            is_passed_over: keys == PrivateKeys::PassedOver && is_private_key(label),
            text: String::new(),
        }
    }

    fn add(&mut self, text: &str, line: usize) -> Result<(), BrokenPem> {
        if self.is_passed_over {
            return Ok(());
        }
        let broken = |problem: String| Err(BrokenPem { line, problem });
        if text.starts_with("Proc-Type:") && text.ends_with("ENCRYPTED") {
            return broken(if is_private_key(self.label) {
                ENCRYPTED.to_owned()
            } else {
                format!("the block `{}` is encrypted", shown(self.label))
            });
        }
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/= \t".contains(&byte);
        if !text.bytes().all(base64) {
            return broken(format!("not base64, in a block `{}`", shown(self.label)));
        }
        self.text
            .extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
        Ok(())
    }

    fn decode(self) -> Result<PemBlock, BrokenPem> {
        let Self {
            label,
            line,
            is_passed_over,
            text,
        } = self;
        let contents = if is_passed_over {
            Vec::new()
        } else {
            decode(&text).ok_or_else(|| BrokenPem {
                line,
                problem: format!("the base64 of block `{}` is incomplete", shown(label)),
            })?
        };
        Ok(PemBlock {
            label: label.to_owned(),
            line,
            contents,
        })
    }
}

/// The bytes of base64 without white space.
fn decode(base64: &str) -> Option<Vec<u8>> {
    let block = format!("-----BEGIN X-----\n{base64}\n-----END X-----\n");
    pem::parse(block).ok().map(pem::Pem::into_contents)
}

fn shown(label: &str) -> String {
    label.chars().take(MAX_LABEL).collect()
}

#[cfg(test)]
mod tests {
    use super::PrivateKeys::{PassedOver, Wanted};
    use super::*;

    fn broken(file: &str) -> (usize, String) {
        let broken = pem_blocks(file.as_bytes(), PassedOver).err().unwrap();
        (broken.line, broken.problem)
    }

    #[test]
    fn blocks_are_read_between_any_text() {
        let file = "\u{feff}-----BEGIN A-----\r\nYWJj\r\n-----END A-----\r\n\
                    subject=/CN=x \u{1b}\n-----BEGIN B-----\nYW\nJj ZA==\n-----END B-----";
        let blocks = pem_blocks(file.as_bytes(), PassedOver).unwrap();
        let told: Vec<_> = blocks
            .iter()
            .map(|block| (block.label.as_str(), block.line, &block.contents[..]))
            .collect();
        assert_eq!(told, [("A", 1, &b"abc"[..]), ("B", 5, b"abcd")]);
        assert!(
            pem_blocks(b"no block\n\xff\xfe", PassedOver)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_broken_block_is_pointed_at() {
        let (line, problem) = broken("x\n-----BEGIN A-----\nYWJj\nY*Jj\n-----END A-----\n");
        assert_eq!((line, problem.as_str()), (4, "not base64, in a block `A`"));
        assert_eq!(broken("-----BEGIN A-----\nYWJj\n").0, 1);
        assert_eq!(broken("-----BEGIN A-----\nYWJ\n-----END A-----\n").0, 1);
        assert_eq!(broken("-----BEGIN A-----\n-----END B-----\n").0, 2);
        assert_eq!(broken("-----BEGIN A-----\n-----BEGIN A-----\n").0, 2);
        assert_eq!(broken("\n-----END A-----\n").0, 2);
    }

    #[test]
    fn nothing_of_a_private_key_is_kept() {
        let file = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n\
                    -----END RSA PRIVATE KEY-----\n";
        let blocks = pem_blocks(file.as_bytes(), PassedOver).unwrap();
        assert!(blocks[0].contents.is_empty() && is_private_key(&blocks[0].label));
        let refused = pem_blocks(file.as_bytes(), Wanted).err().unwrap();
        assert_eq!(refused.to_string(), format!("line 2: {ENCRYPTED}"));
    }

    #[test]
    fn what_is_encrypted_is_called_by_its_label() {
        let file = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n\
                    -----END CERTIFICATE-----\n";
        let (line, problem) = broken(file);
        assert_eq!(line, 2);
        assert_eq!(problem, "the block `CERTIFICATE` is encrypted");
    }

    #[test]
    fn a_private_key_that_is_wanted_is_decoded() {
        let file = "-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n";
        let blocks = pem_blocks(file.as_bytes(), Wanted).unwrap_or_default();
        assert_eq!(blocks[0].contents, b"abc");
    }
}
