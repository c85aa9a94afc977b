use std::io::{self, IsTerminal};
use std::time::Duration;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::TimeSpan;
use crate::domain::{Timestamp, clock, counted};
use crate::store::{Pruned, SqliteSink};

/// Remove what has been over for long
///
/// Installations that are gone, and what nobody refers to any more: questions,
/// endpoints, certificates, chains, parts of the ledger and scans. Current and
/// missing installations, imports and the latest scan stay. So does, however long
/// it is gone, what a place showed last that is still scanned: by it the place
/// counts as retired. It goes once the place was not looked at for that long.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  certsweep prune --older-than 400d")]
pub(super) struct Arguments {
    /// How long ago it must have ended (400d)
    #[arg(long, value_name = "TIME")]
    older_than: TimeSpan,

    /// Don't ask
    #[arg(long)]
    yes: bool,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let can_be_asked = io::stdin().is_terminal() && context.printer.is_watched();
        if !self.yes && !can_be_asked {
            return Err(Failure::usage("nobody is there to ask whether to prune")
                .hint(Some("--yes prunes without asking")));
        }
        let before = self.before(clock::now());
        let mut sink = SqliteSink::open(&context.db()).await?;
        let done = self.prune(&mut sink, before, &context).await;
        let closed = sink.close().await;
        done?;
        closed?;
        Ok(Exit::Done)
    }

    async fn prune(
        &self,
        sink: &mut SqliteSink,
        before: Timestamp,
        context: &Context,
    ) -> Result<(), Failure> {
        let prunable = sink.prunable(before).await?;
        if prunable.is_nothing() {
            return context
                .printer
                .say(&format!("nothing ended before {before}"));
        }
        let what = listed(&prunable);
        if !self.yes {
            context
                .printer
                .note(&format!("ended before {before}: {what}"));
            context.printer.note("remove this? Type yes:");
            if !is_yes()? {
                return context.printer.say("nothing was removed");
            }
        }
        sink.prune(before).await?;
        context.printer.say(&format!("removed: {what}"))
    }

    fn before(&self, now: Timestamp) -> Timestamp {
        let age = i64::try_from(Duration::from(self.older_than).as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.micros().saturating_sub(age))
    }
}

fn is_yes() -> Result<bool, Failure> {
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed(format_args!("stdin: {error}")))?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn listed(pruned: &Pruned) -> String {
    let kinds = [
        (pruned.installations, "installation"),
        (pruned.questions, "question"),
        (pruned.endpoints, "endpoint"),
        (pruned.certificates, "certificate"),
        (pruned.chains, "chain"),
        (pruned.coverage, "ledger line"),
        (pruned.scans, "scan"),
    ];
    let some = kinds.iter().filter(|(count, _)| *count > 0);
    let some: Vec<_> = some.map(|(count, kind)| counted(*count, kind)).collect();
    some.join(", ")
}
