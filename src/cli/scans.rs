use super::exit::Exit;
use super::failure::Failure;
use super::{Context, inventory};
use crate::domain::clock;
use crate::report::{Format, Head, Report, SCANS, list};

/// List the scans, oldest first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep scans
  certsweep scans --json | tail -1")]
pub(super) struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let inventory = inventory::open(&context.db()).await?;
        let scans = inventory::scans(&inventory).await?;
        inventory.close().await;
        context.printer.data(|out| {
            if self.json {
                let head = Head::at(clock::now());
                let mut report = Report::begin(out, Format::JsonLines, &SCANS, head)?;
                scans.iter().try_for_each(|scan| report.row(scan))?;
                report.end()
            } else {
                out.write_all(list::scans(&scans, context.printer.width()).as_bytes())
            }
        })?;
        Ok(Exit::Done)
    }
}
