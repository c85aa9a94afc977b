use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::str::FromStr;

/// Who may open the files that are made here: their owner, and at most their
/// group. The default is the owner alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(u32);

/// A text that is no mode, or one that would let in too many or too few.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileMode {
    /// It is not three or four octal digits.
    #[error("`{0}` is not a file mode")]
    NotOctal(String),
    /// Everybody on the machine could open the file.
    #[error("the file mode `{0}` lets everybody in")]
    World(String),
    /// None of those that make sense for a file that is written and read.
    #[error("the file mode `{0}` is none of 0600, 0640 and 0660")]
    Unusable(String),
}

/// The bits of everybody who is neither owner nor group.
const WORLD: u32 = 0o007;
/// The bits of those who may read.
const READ: u32 = 0o444;
/// The bits that chmod(2) sets.
const PERMISSIONS: u32 = 0o7777;

impl FileMode {
    /// Only the owner reads and writes.
    pub const OWNER: Self = Self(0o600);
    /// The group reads too.
    pub const GROUP_READS: Self = Self(0o640);
    /// The group reads and writes too.
    pub const GROUP_WRITES: Self = Self(0o660);

    const KNOWN: [Self; 3] = [Self::OWNER, Self::GROUP_READS, Self::GROUP_WRITES];

    /// Gives the file at `path` this mode; only its owner may, if it has
    /// another.
    pub fn apply(self, path: &Path) -> io::Result<()> {
        if Self::bits_of(path)? == self.0 {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(self.0))
    }

    /// Whether the file at `path` lets in more people than this mode.
    pub fn is_exceeded_by(self, path: &Path) -> io::Result<bool> {
        Ok(Self::bits_of(path)? & !self.0 & 0o077 != 0)
    }

    /// The mode of the file at `path`; `None` where it is none of these.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let bits = Self::bits_of(path).ok()?;
        Self::KNOWN.into_iter().find(|mode| mode.0 == bits)
    }

    /// The mode of a folder whose files have this one: whoever reads them also
    /// gets to them.
    #[must_use]
    pub fn folder_bits(self) -> u32 {
        self.0 | (self.0 & READ) >> 2
    }

    /// The mode for chmod(2).
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    fn bits_of(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.mode() & PERMISSIONS)
    }
}

impl Default for FileMode {
    fn default() -> Self {
        Self::OWNER
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl FromStr for FileMode {
    type Err = InvalidFileMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_octal = text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        let bits = u32::from_str_radix(text, 8).ok();
        let bits = bits.filter(|_| is_octal && matches!(text.len(), 3 | 4));
        let bits = bits.ok_or_else(|| InvalidFileMode::NotOctal(text.to_owned()))?;
        if bits & WORLD != 0 {
            return Err(InvalidFileMode::World(text.to_owned()));
        }
        let unusable = || InvalidFileMode::Unusable(text.to_owned());
        let mode = Self::KNOWN.into_iter().find(|mode| mode.0 == bits);
        mode.ok_or_else(unusable)
    }
}

impl InvalidFileMode {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "\"0600\" is for the owner alone, with \"0640\" the group reads, with \"0660\" it writes too"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_opens_to_the_group_at_most() {
        for (text, mode) in [
            ("0600", FileMode::OWNER),
            ("600", FileMode::OWNER),
            ("0640", FileMode::GROUP_READS),
            ("660", FileMode::GROUP_WRITES),
        ] {
            assert_eq!(text.parse(), Ok(mode));
        }
        for text in ["0644", "666", "0641", "0604", "7777", "602"] {
            let refused = text.parse::<FileMode>();
            assert_eq!(refused, Err(InvalidFileMode::World(text.to_owned())));
        }
        for text in ["0400", "0700", "4600", "0620", "000"] {
            let refused = text.parse::<FileMode>();
            assert_eq!(refused, Err(InvalidFileMode::Unusable(text.to_owned())));
        }
        for text in ["", "60", "00600", "rw-", "0o600", "+600", "0680"] {
            let refused = text.parse::<FileMode>();
            assert_eq!(refused, Err(InvalidFileMode::NotOctal(text.to_owned())));
        }
    }

    #[test]
    fn a_file_that_lets_in_more_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let exceeds = |mode: FileMode| mode.is_exceeded_by(file.path()).unwrap();
        FileMode::GROUP_READS.apply(file.path()).unwrap();
        assert!(exceeds(FileMode::OWNER));
        assert!(!exceeds(FileMode::GROUP_READS));
        assert!(!exceeds(FileMode::GROUP_WRITES));
        fs::set_permissions(file.path(), Permissions::from_mode(0o604)).unwrap();
        assert!(exceeds(FileMode::GROUP_WRITES));
    }
}
