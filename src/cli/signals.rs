//! Signals → the orderly end of a scan, and then the other one.

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use super::printer::Printer;
use crate::domain::EarlyEnd;
use crate::scan::Stop;

/// The first signal stops the scan in order; returns at the second.
pub(super) async fn obey(stop: &Stop, printer: &Printer) -> Failure {
    let listened = signal(SignalKind::interrupt())
        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)))
        // A dropped session is no reason to lose the rest in disorder.
        .and_then(|(first, second)| Ok((first, second, signal(SignalKind::hangup())?)));
    let (mut interrupt, mut terminate, mut hangup) = match listened {
        Ok(signals) => signals,
        Err(error) => return Failure::failed(error),
    };
    let mut either = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    either().await;
    stop.stop(EarlyEnd::Signal);
    let printer = printer.clone();
    // Apart: whoever reads what is printed may have stopped reading.
    let told = tokio::task::spawn_blocking(move || {
        printer.note("stopping: probes in flight end and are stored; once more to abort");
    });
    either().await;
    drop(told);
    Failure::aborted("aborted; what was stored before is kept")
}
