use std::io::{self, Write};
use std::path::Path;

use crate::cli::Context;
use crate::cli::destination::Destination;
use crate::cli::failure::Failure;

/// Where the check is written.
pub(super) enum Out {
    File(Destination),
    Stream(Box<dyn Write + Send>),
}

impl Out {
    pub(super) fn open(path: Option<&Path>, db: &Path, context: &Context) -> Result<Self, Failure> {
        match path {
            Some(path) if path.as_os_str() != "-" => Ok(Self::File(context.destination(path, db)?)),
            _ => Ok(Self::Stream(Box::new(context.printer.stream()))),
        }
    }

    /// Writes the rest; a file then takes the place of the one before it.
    pub(super) fn finish(
        mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        write(&mut self)
            .and_then(|()| self.flush())
            .map_err(|error| Failure::output(&error))?;
        match self {
            Self::File(destination) => destination.finish(),
            Self::Stream(_) => Ok(()),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}
