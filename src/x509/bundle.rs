//! A PEM file → the certificates in it, all of them or none.

use crate::domain::Der;

/// The certificates of a PEM file (RFC 7468), in its order. Blocks of another
/// kind and the text between blocks are passed over.
///
/// # Errors
/// The first certificate block that is not clean base64 between its two
/// lines, or has no end.
pub fn certificates_in_bundle(file: &[u8]) -> Result<Vec<Der>, BrokenBundle> {
    let mut certificates = Vec::new();
    let mut block: Option<Block> = None;
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        block = match (block, Boundary::read(line)) {
            (None, Some(Boundary::Begin(label))) => Some(Block::new(label, number)),
            (None, _) => None,
            (Some(block), Some(Boundary::End(label))) if label == block.label => {
                certificates.extend(block.finish()?);
                None
            }
            (Some(block), Some(_)) => return Err(block.endless()),
            (Some(mut block), None) => {
                block.add(line, number)?;
                Some(block)
            }
        };
    }
    match block {
        Some(block) if block.is_certificate => Err(block.endless()),
        _ => Ok(certificates),
    }
}

/// Why a PEM file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenBundle {
    /// A line of a certificate's block holds something else than base64.
    #[error("line {line} is not base64")]
    NotBase64 {
        /// The line, counted from 1.
        line: usize,
    },
    /// A block's lines are base64 each, and no whole of it.
    #[error("the base64 that begins in line {line} is cut or badly padded")]
    Cut {
        /// The line of its BEGIN, counted from 1.
        line: usize,
    },
    /// A block without an END line of its own.
    #[error("the block that begins in line {line} has no end")]
    Endless {
        /// The line of its BEGIN, counted from 1.
        line: usize,
    },
}

/// A line that begins or ends a block.
enum Boundary<'a> {
    Begin(&'a [u8]),
    End(&'a [u8]),
}

impl<'a> Boundary<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"-----")?;
        let begin = line.strip_prefix(b"-----BEGIN ").map(Self::Begin);
        begin.or_else(|| line.strip_prefix(b"-----END ").map(Self::End))
    }
}

/// A block that has begun.
struct Block<'a> {
    label: &'a [u8],
    is_certificate: bool,
    begins: usize,
    base64: Vec<u8>,
}

impl<'a> Block<'a> {
    fn new(label: &'a [u8], begins: usize) -> Self {
        Self {
            label,
            // RFC 7468 section 5.1 tells of the older label.
            is_certificate: label == b"CERTIFICATE" || label == b"X509 CERTIFICATE",
            begins,
            base64: Vec::new(),
        }
    }

    /// Adds a line; those of other kinds of blocks may be anything.
    fn add(&mut self, line: &[u8], number: usize) -> Result<(), BrokenBundle> {
        let in_alphabet =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if !self.is_certificate {
            return Ok(());
        }
        if !line.iter().all(in_alphabet) {
            return Err(BrokenBundle::NotBase64 { line: number });
        }
        self.base64.extend_from_slice(line);
        Ok(())
    }

    /// Its bytes; `None` for a block of another kind.
    fn finish(self) -> Result<Option<Der>, BrokenBundle> {
        if !self.is_certificate {
            return Ok(None);
        }
        let cut = BrokenBundle::Cut { line: self.begins };
        let base64 = String::from_utf8(self.base64).map_err(|_| cut.clone())?;
        let text = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        let block = pem::parse(text).map_err(|_| cut.clone())?;
        if block.contents().is_empty() {
            return Err(cut);
        }
        Ok(Some(Der::from(block.into_contents())))
    }

    fn endless(self) -> BrokenBundle {
        BrokenBundle::Endless { line: self.begins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "Some CA\n=======\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\nAwQ=\r\n-----END CERTIFICATE-----\r\n\
        -----BEGIN PRIVATE KEY-----\nnot our business\n-----END PRIVATE KEY-----\n\
        -----BEGIN X509 CERTIFICATE-----\nBQYH\n-----END X509 CERTIFICATE-----";

    fn bytes(file: &str) -> Result<Vec<Vec<u8>>, BrokenBundle> {
        let certificates = certificates_in_bundle(file.as_bytes())?;
        Ok(certificates
            .iter()
            .map(|der| der.as_bytes().to_vec())
            .collect())
    }

    #[test]
    fn every_certificate_is_taken_in_order_and_nothing_else() {
        assert_eq!(bytes(TWO), Ok(vec![vec![0, 1, 2, 3, 4], vec![5, 6, 7]]));
        assert_eq!(bytes(""), Ok(Vec::new()));
        assert_eq!(bytes("just text\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_block_that_is_not_clean_is_refused_with_its_line() {
        let broken = TWO.replace("AwQ=", "Aw!=");
        assert_eq!(bytes(&broken), Err(BrokenBundle::NotBase64 { line: 5 }));
        let padded = TWO.replace("AwQ=", "AwQ");
        assert_eq!(bytes(&padded), Err(BrokenBundle::Cut { line: 3 }));
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        assert_eq!(bytes(empty), Err(BrokenBundle::Cut { line: 1 }));
        let cut = TWO.replace("-----END X509 CERTIFICATE-----", "");
        assert_eq!(bytes(&cut), Err(BrokenBundle::Endless { line: 10 }));
        let nested = TWO.replacen("-----END CERTIFICATE-----\r\n", "", 1);
        assert_eq!(bytes(&nested), Err(BrokenBundle::Endless { line: 3 }));
    }

    #[test]
    fn a_file_cut_anywhere_is_taken_or_refused() {
        for end in 0..TWO.len() {
            let _ = certificates_in_bundle(&TWO.as_bytes()[..end]);
        }
    }
}
