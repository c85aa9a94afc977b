use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::printer::{LogFormat, Printer, Verbosity};

/// Sends log lines to stderr: by default the few lines that tell a scan's
/// story, unless a person watches its bar; `RUST_LOG` says otherwise.
pub(super) fn start(printer: &Printer) {
    let level = match printer.verbosity() {
        Verbosity::Quiet => LevelFilter::ERROR,
        Verbosity::Normal if printer.is_watched() => LevelFilter::WARN,
        Verbosity::Normal => LevelFilter::INFO,
        Verbosity::Verbose => LevelFilter::DEBUG,
        Verbosity::Trace => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse_lossy(std::env::var("RUST_LOG").unwrap_or(format!("certsweep={level}")));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(printer.clone())
        .with_ansi(printer.is_watched())
        .with_target(false)
        // Its own complaint goes to stderr too, and panics when that is gone.
        .log_internal_errors(false);
    // Fails only where a subscriber is set already, which is as good.
    let _ = match printer.log_format() {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}
