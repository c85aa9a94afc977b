//! How far a scan has come: a bar on a terminal, log lines elsewhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, interval};
use tracing::info;

use super::printer::Printer;
use crate::scan::Progress;

/// How often the bar moves.
const FRAME: Duration = Duration::from_millis(200);

/// How often a line is logged where nobody watches.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Shows `progress` until it is dropped by whoever awaits the scan.
pub(super) async fn show(progress: Arc<Progress>, targets: u64, printer: Printer) -> Infallible {
    if printer.is_watched() {
        draw(&progress, targets, &printer).await
    } else {
        log(&progress, targets).await
    }
}

async fn draw(progress: &Progress, targets: u64, printer: &Printer) -> Infallible {
    let bar = printer.bars().add(ProgressBar::new(targets));
    let template = "{wide_bar} {human_pos}/{human_len} targets  {per_sec}  {msg}  ETA {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let _cleared = Cleared(&bar);
    let mut frames = interval(FRAME);
    loop {
        frames.tick().await;
        bar.set_position(progress.settled());
        bar.set_message(format!("{} found", progress.certificates()));
    }
}

async fn log(progress: &Progress, targets: u64) -> Infallible {
    let began = Instant::now();
    let mut lines = interval(LOG_EVERY);
    lines.tick().await;
    loop {
        lines.tick().await;
        let settled = progress.settled();
        let seconds = began.elapsed().as_secs().max(1);
        info!(
            settled,
            targets,
            found = progress.certificates(),
            per_second = settled / seconds,
            "scanning"
        );
    }
}

/// Takes its bar off the screen, also when the future is dropped.
struct Cleared<'a>(&'a ProgressBar);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
