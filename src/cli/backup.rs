use std::path::PathBuf;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::store::{StoreError, copy_inventory};

/// Copy the inventory as it stands at one moment, also during a scan
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep backup /backup/certsweep-$(date +%F).db
  certsweep --db copy.db scans     a copy is an inventory like any other

A file that is there is never replaced. A scan that is under way is `running`
in the copy, with what it had stored.")]
pub(super) struct Arguments {
    /// The new file; its folder must be there
    file: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let mode = context.config.file_mode.unwrap_or_default();
        let copied = copy_inventory(&context.db(), &self.file, mode).await;
        let place = copied.map_err(|error| match error {
            StoreError::Taken { .. } => {
                let hint = error.hint();
                Failure::usage(error).hint(hint)
            }
            _ => Failure::from(error),
        })?;
        context.printer.say(&format!("copy {}", place.display()))?;
        Ok(Exit::Done)
    }
}
