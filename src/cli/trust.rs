//! Which roots to judge by: the same flags wherever verdicts are shown.

use std::path::PathBuf;

use super::failure::Failure;
use super::{Context, in_full};
use crate::config::{Options, SystemRoots, trust_stores};
use crate::judge::TrustStore;

/// Roots beside, or instead of, those that are known anyway.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustFlags {
    /// Also trust the roots in this PEM bundle; repeatable [default: the
    /// system's and Mozilla's]
    #[arg(long, value_name = "FILE")]
    trust_store: Option<Vec<PathBuf>>,

    /// Do not ask for the system's roots; Mozilla's stay
    #[arg(long)]
    no_system_roots: bool,
}

impl TrustFlags {
    /// The same in the words of the command line: flag and value, empty for a
    /// flag that takes none.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        // All fields by name: a new flag can't be forgotten here.
        let Self {
            trust_store,
            no_system_roots,
        } = self;
        let stores = trust_store.iter().flatten();
        let stores = stores.map(|path| ("--trust-store", in_full(path)));
        let no_system_roots = no_system_roots.then(|| ("--no-system-roots", String::new()));
        stores.chain(no_system_roots).collect()
    }

    /// Refuses files that can't be read.
    pub(super) fn refuse_unreadable(&self) -> Result<(), Failure> {
        let files = self.trust_store.as_deref().unwrap_or_default();
        let read = trust_stores(SystemRoots::LeftOut, files);
        read.map(drop).map_err(|error| {
            let hint = error.hint();
            Failure::usage(error).hint(hint)
        })
    }

    /// As one layer of options.
    pub(super) fn into_options(self) -> Options {
        let mut options = Options::default();
        options.trust_store = self.trust_store;
        options.no_system_roots = self.no_system_roots.then_some(true);
        options
    }

    /// The stores that they and the configuration name.
    pub(super) fn stores(self, context: &Context) -> Result<Vec<TrustStore>, Failure> {
        let options = self.into_options().or(context.config.scan.clone());
        stores(&options, context)
    }
}

/// The stores that the options name. What of the system's own can't be read
/// is told.
pub(super) fn stores(options: &Options, context: &Context) -> Result<Vec<TrustStore>, Failure> {
    let system = match options.no_system_roots {
        Some(true) => SystemRoots::LeftOut,
        Some(false) | None => SystemRoots::Asked,
    };
    let files = options.trust_store.as_deref().unwrap_or_default();
    let found = trust_stores(system, files).map_err(|error| {
        let hint = error.hint();
        Failure::usage(error).hint(hint)
    })?;
    for warning in &found.warnings {
        context.printer.note(&format!("warning: {warning}"));
    }
    Ok(found.stores)
}
