/// How the bytes of TLS travel once a dialogue is over, for as long as the
/// handshake takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carriage {
    /// By themselves.
    #[default]
    Bare,
}

/// What came is not carried as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("TLS is not carried as was agreed")]
pub struct BrokenCarriage {
    /// The bytes of TLS that came before.
    pub before: Vec<u8>,
}

impl Carriage {
    /// Bytes of TLS → what to write.
    #[must_use]
    pub fn pack(&self, tls: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Bare => tls,
        }
    }

    /// What was read, in portions of any size → bytes of TLS. Not called again
    /// after an error.
    pub fn unpack(&mut self, carried: &[u8]) -> Result<Vec<u8>, BrokenCarriage> {
        match self {
            Self::Bare => Ok(carried.to_vec()),
        }
    }
}
