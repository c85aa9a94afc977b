//! A plan → what it would come to, without sending anything.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::crowd::{Crowd, crowds};
use super::kernel::Kernel;
use super::recall::Counts;
use crate::config::{KnownEndpoints, Settings, Terms};
use crate::domain::{Timestamp, clock, printable};
use crate::pace::{Rate, Rates};
use crate::scan::{Depth, RETRY_SPACING, Visits};
use crate::schedule::Schedule;
use crate::target::{ByNetwork, Plan};

/// Targets, exclusions, limits and time, for a person.
pub(super) fn text(
    plan: &Plan,
    settings: &Settings,
    workers: NonZeroUsize,
    counts: &Counts,
) -> String {
    let summary = plan.summary();
    let asked = summary.questions.saturating_sub(counts.fresh);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line(
        "targets",
        format!(
            "{} ({} addresses, {} names)",
            summary.targets, summary.addresses, summary.names
        ),
    );
    line("profile", settings.profile.to_string());
    line("questions", questions(asked, settings, counts));
    if settings.known != KnownEndpoints::default() {
        let order = if settings.known.first {
            ", asked first"
        } else {
            ""
        };
        line("known", format!("{} of them{order}", counts.known));
    }
    if let Some(refresh) = settings.refresh {
        let refresh = humantime::format_duration(refresh);
        line(
            "fresh",
            format!(
                "{} of them: no answer less than {refresh} ago",
                counts.fresh
            ),
        );
    }
    line("excluded", summary.excluded.to_string());
    for share in &summary.shares {
        let exclusion = printable(&share.exclusion.why());
        line("", format!("{:>10}  {exclusion}", share.targets));
    }
    let rates = settings.rates;
    line(
        "rates",
        format!(
            "{} overall, {} per address, {} per network (connections a second)",
            rates.overall, rates.per_host, rates.per_network
        ),
    );
    let now = clock::now();
    for (range, terms) in &settings.networks {
        line("network", format!("{range}: {}", of_network(terms, now)));
    }
    line(
        "in flight",
        format!(
            "{workers} connections, {} established per address",
            settings.concurrency_per_host
        ),
    );
    let crowds = crowds(plan, &Kernel::system());
    for crowd in &crowds {
        line("neighbours", crowd.warning());
    }
    line("blocks", plan.block_count().to_string());
    let hosts = summary.addresses + summary.names;
    let looks = u64::from(settings.retries) + 1;
    let dialled = |looks| {
        let connections = asked.saturating_mul(looks);
        let everywhere = settings.rates.fastest(connections, hosts, summary.networks);
        everywhere.max(slowest(plan, &settings.terms(), looks))
    };
    let rounds = asked.div_ceil(workers.get() as u64);
    let rounds = u32::try_from(rounds.saturating_mul(looks)).unwrap_or(u32::MAX);
    let waited = settings.timeouts.connect.saturating_mul(rounds);
    let spaced = RETRY_SPACING * settings.retries;
    let crowded = |time: &dyn Fn(&Crowd) -> Duration| crowds.iter().map(time).max();
    let there = crowded(&Crowd::time_of_hosts).unwrap_or_default();
    let dark = crowded(&|it| it.time_of_none(settings.timeouts.connect)).unwrap_or_default();
    let dark = dark.saturating_mul(settings.retries + 1);
    let times = [
        dialled(1).max(there),
        dialled(looks).max(waited).max(dark) + spaced,
    ];
    let [answered, unanswered] = times.map(seconds);
    line(
        "time",
        format!(
            "about {answered} where every target answers at once, {unanswered} where none does"
        ),
    );
    for (name, value) in limits(settings, times) {
        line(name, value);
    }
    line("sent", "nothing, not even DNS".to_owned());
    text
}

/// What holds in a network.
fn of_network(terms: &Terms, now: Timestamp) -> String {
    let time = |duration| humantime::format_duration(duration).to_string();
    let Terms {
        limits, timeouts, ..
    } = terms;
    let visits = terms.visits();
    let hours = visits.map(|Visits { hours, drain }| {
        let opens = hours.opens(now, drain);
        let opens = opens.map_or("never".to_owned(), |opens| opens.max(now).to_string());
        format!("; window {hours}, next open {opens}")
    });
    format!(
        "{}, ports {}; {} per address, {} per network, {} established; \
         {} to connect, {} a handshake, {} a question; {} retries{}",
        terms.profile,
        terms.ports,
        limits.rate_per_host,
        limits.rate_per_network,
        limits.connections_per_host,
        time(timeouts.connect),
        time(timeouts.handshake),
        time(timeouts.target),
        terms.retries,
        hours.unwrap_or_default(),
    )
}

/// The time that the slowest network takes by its own rates, as long as it is
/// looked at so many times, excluded targets included.
fn slowest(plan: &Plan, terms: &ByNetwork<Terms>, looks: u64) -> Duration {
    let networks = terms.networks().zip(plan.within(terms));
    let times = networks.map(|((_, terms), within)| {
        let rates = Rates {
            overall: Rate::Unlimited,
            per_host: terms.limits.rate_per_host,
            per_network: terms.limits.rate_per_network,
        };
        let connections = within.targets.saturating_mul(looks);
        rates.fastest(connections, within.addresses, within.networks)
    });
    times.max().unwrap_or_default()
}

/// When it may send, and how many runs it would take in the two cases.
fn limits(settings: &Settings, times: [Duration; 2]) -> Vec<(&'static str, String)> {
    let schedule = settings.schedule();
    let now = clock::now();
    let mut limits = Vec::new();
    if let Some(hours) = &schedule.hours {
        let opens = hours.opens(now, schedule.drain);
        let opens = opens.map_or("never".to_owned(), |opens| opens.max(now).to_string());
        limits.push(("window", format!("{hours}, next open {opens}")));
    }
    if let Some(longest) = schedule.longest {
        limits.push(("at most", humantime::format_duration(longest).to_string()));
    }
    if !limits.is_empty() {
        let [fastest, slowest] = times.map(|time| match schedule.runs_for(time, now) {
            Some(1) => "1 run".to_owned(),
            Some(runs) => format!("{runs} runs"),
            None => format!("more than {} runs", Schedule::MOST_RUNS),
        });
        limits.push((
            "runs",
            format!("{fastest} where every target answers at once, {slowest} where none does"),
        ));
    }
    limits
}

/// Those that are certain, and the bounds of those that follow from answers.
fn questions(first: u64, settings: &Settings, counts: &Counts) -> String {
    let names = settings.further_names.names.len();
    let depth = settings.profile.depth();
    let more = depth.most_questions(names, counts.questions, counts.by_key_type);
    let more = more.saturating_sub(1);
    let surveyed = match depth {
        Depth::Names => "",
        Depth::Thorough => ", and a survey of versions,",
    };
    format!("{first}; up to {more} more{surveyed} after each that is answered")
}

fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs().max(1))).to_string()
}
