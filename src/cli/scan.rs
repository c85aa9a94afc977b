use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dry_run;
use super::exit::Exit;
use super::failure::Failure;
use super::recall::Recall;
use super::resumption::Resume;
use super::sweep::{Sweep, Written};
use super::{Context, reports, targets, trust, workforce};
use crate::config::{Job, Options, Settings, advised};
use crate::domain::{ServerName, clock, printable};
use crate::net;
use crate::resolve::AddressFamily;
use crate::target::{
    Exclusion, Exclusions, InvalidShard, Plan, Shard, parse_exclusions, parse_names,
};

/// Sweep targets, write what is found into the inventory, print a summary
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep scan 10.0.0.0/24
  certsweep scan -p web,kmip -x 10.0.0.13 10.0.0.0/16 www.example.com
  certsweep scan --profile thorough --sni-file names.txt 10.0.0.0/24
  certsweep scan --rate 50 @targets.txt --dry-run
  certsweep scan --resume @targets.txt     after an end that came early")]
pub(super) struct Arguments {
    /// Addresses, networks (10.0.0.0/24), ranges (10.0.0.1-50), names, URLs,
    /// any with :PORTS; @FILE for a file of them, - for stdin
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    #[command(flatten)]
    options: Options,

    /// Only the IPv4 addresses of names
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,

    /// Only the IPv6 addresses of names
    #[arg(short = '6')]
    ipv6: bool,

    /// Do not look up the PTR names of addresses that accept
    #[arg(long)]
    no_ptr: bool,

    /// Ask for the names of --sni and --sni-file at every address, not only at
    /// those they resolve to
    #[arg(long)]
    sni_everywhere: bool,

    /// The targets and options of this job of the configuration
    #[arg(long, value_name = "NAME")]
    job: Option<String>,

    /// Only one of N disjoint parts
    #[arg(long, value_name = "K/N", value_parser = advised::<Shard>(InvalidShard::hint))]
    shard: Option<Shard>,

    /// Go on with the last unfinished scan of these targets and settings, or
    /// begin one; with =ID, with that scan and no other
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = Resume::LAST
    )]
    resume: Option<Resume>,

    /// The seed of the order of targets [default: another each time]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,

    /// Count targets, show exclusions, limits and estimated time; send nothing
    #[arg(long)]
    dry_run: bool,

    /// JSON lines on stdout as they come
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self, mut context: Context) -> Result<Exit, Failure> {
        let job = self.job(&context)?.cloned();
        let mut written = self.targets.clone();
        written.extend(job.iter().flat_map(|job| job.targets.clone()));
        let specs = targets::read(&written)?;

        let reports = job.as_ref().map_or(Ok(Vec::new()), reports::of)?;
        let flags = self.flags();
        let options = flags
            .clone()
            .or(job.map(|job| job.options).unwrap_or_default());
        let options = options.or(context.config.scan.clone());
        let exclusions = exclusions(&options)?;
        let written = Written {
            targets: written,
            exclude: exclusions_written(&options),
            sni: names_written(&options),
        };
        let listed = names_in_files(&options)?;
        let stores = trust::stores(&options, &context)?;
        // What is reported at the end is judged by the same stores.
        context.config.scan = options.clone();
        let resumes = options.resume == Some(true);
        let resume = self.resume.or(resumes.then_some(Resume::Last));
        let settings = Settings::from(options);
        let mut settings = settings.within_networks(&context.config.networks, &flags);
        settings.further_names.names.extend(listed);
        if self.sni_everywhere && settings.further_names.names.is_empty() {
            return Err(Failure::usage("--sni-everywhere has no name to ask for")
                .hint(Some("name it with --sni or --sni-file")));
        }
        let seed = self
            .seed
            .unwrap_or_else(|| clock::now().micros().unsigned_abs());
        let builder = Plan::builder()
            .targets(specs)
            .ports(settings.terms().map(|terms| terms.ports.clone()))
            .exclusions(exclusions)
            .seed(seed)
            .shard(self.shard.unwrap_or(Shard::WHOLE));
        // The rest of the targets may be known.
        let plan = if settings.known.all && context.db().exists() {
            builder.clone().or_nothing().build()?
        } else {
            builder.clone().build()?
        };
        let today = clock::now().date();
        for exclusion in plan.exclusions().lapsed(today) {
            let lapse = exclusion.lapse(today).unwrap_or_default();
            context
                .printer
                .note(&format!("note: {}", printable(&lapse)));
        }
        if self.dry_run {
            let recall = Recall::read(&context.db(), &settings, clock::now()).await?;
            let plan = recall.plan(builder, &plan, &settings)?;
            let workers = workforce::workers(&settings, &workforce::event_loops()?);
            let text = dry_run::text(&plan, &settings, workers, &recall.count_in(&plan));
            context.printer.data(|out| out.write_all(text.as_bytes()))?;
            return Ok(Exit::Done);
        }
        let day = context.config.scan.time_zone().day(clock::now());
        if let Err(failure) = reports::vet(&reports, &day, &context) {
            reports::tell_unknown(&reports, &day, &context)?;
            return Err(failure);
        }
        let sweep = Sweep {
            plan: Arc::new(plan),
            builder,
            written,
            settings,
            stores,
            policy: context.config.policy.clone(),
            file_mode: context.config.file_mode,
            json: self.json,
            resume,
            seed: self.seed,
        };
        let exit = sweep.run(&context.db(), &context.printer).await?;
        reports::write(reports, &day, &context).await?;
        Ok(exit)
    }

    fn job<'a>(&self, context: &'a Context) -> Result<Option<&'a Job>, Failure> {
        let job = self.job.as_deref().map(|name| context.config.job(name));
        job.transpose().map_err(|error| {
            let hint = error.hint();
            Failure::usage(error).hint(hint)
        })
    }

    /// What the flags say, as one layer of options.
    fn flags(&self) -> Options {
        let mut flags = self.options.clone();
        flags.ptr = self.no_ptr.then_some(false);
        flags.sni_everywhere = self.sni_everywhere.then_some(true);
        flags.family = match (self.ipv4, self.ipv6) {
            (true, _) => Some(AddressFamily::Ipv4),
            (false, true) => Some(AddressFamily::Ipv6),
            (false, false) => None,
        };
        flags
    }
}

pub(super) fn exclusions(options: &Options) -> Result<Exclusions, Failure> {
    let mut all = Vec::new();
    let written = options.exclude.iter().flatten();
    all.extend(written.map(|written| written.exclusion().clone()));
    for path in options.exclude_file.iter().flatten() {
        all.extend(exclusions_in(path)?);
    }
    Ok(Exclusions::on_networks(all, net::broadcast_addresses()))
}

fn exclusions_written(options: &Options) -> Vec<String> {
    let exclusions = options.exclude.iter().flatten();
    let mut written: Vec<_> = exclusions.map(|it| it.text().to_owned()).collect();
    written.extend(files_written(options.exclude_file.as_deref()));
    written
}

fn names_written(options: &Options) -> Vec<String> {
    let names = options.sni.iter().flatten();
    let mut written: Vec<_> = names.map(ToString::to_string).collect();
    written.extend(files_written(options.sni_file.as_deref()));
    written
}

fn files_written(paths: Option<&[PathBuf]>) -> impl Iterator<Item = String> {
    let paths = paths.unwrap_or_default().iter();
    paths.map(|path| format!("@{}", path.display()))
}

/// The server names of `--sni-file`.
fn names_in_files(options: &Options) -> Result<Vec<ServerName>, Failure> {
    let mut names = Vec::new();
    for path in options.sni_file.iter().flatten() {
        let text = targets::contents(path, "--sni-file")?;
        let listed = parse_names(&text, &path.display().to_string()).map_err(|error| {
            let hint = error.hint();
            Failure::usage(error).hint(hint)
        })?;
        names.extend(listed);
    }
    Ok(names)
}

fn exclusions_in(path: &Path) -> Result<Vec<Exclusion>, Failure> {
    let text = targets::contents(path, "--exclude-file")?;
    parse_exclusions(&text, &path.display().to_string()).map_err(|error| {
        let hint = error.hint();
        Failure::usage(error).hint(hint)
    })
}
