//! A plan → what it would come to, without sending anything.

use std::fmt::Write;
use std::time::Duration;

use crate::config::Settings;
use crate::domain::printable;
use crate::scan::RETRY_SPACING;
use crate::target::Plan;

/// Addresses in the networks that rates are kept for, at most.
const NETWORK: u64 = 256;

/// Targets, exclusions, limits and time, for a person.
pub(super) fn text(plan: &Plan, settings: &Settings) -> String {
    let summary = plan.summary();
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
    line("questions", summary.questions.to_string());
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
    let concurrency = settings.concurrency.map_or_else(
        || "what the machine allows".to_owned(),
        |number| number.to_string(),
    );
    line(
        "concurrency",
        format!(
            "{concurrency}, {} established per address",
            settings.concurrency_per_host
        ),
    );
    line("blocks", plan.blocks().count().to_string());
    let hosts = summary.addresses + summary.names;
    let networks = summary.addresses.div_ceil(NETWORK) + summary.names;
    let least = rates.fastest(summary.questions, hosts, networks);
    let looks = summary
        .questions
        .saturating_mul(u64::from(settings.retries) + 1);
    let most = rates.fastest(looks, hosts, networks)
        + (settings.timeouts.connect + RETRY_SPACING) * settings.retries
        + settings.timeouts.connect;
    line(
        "time",
        format!(
            "about {} where every target answers at once, {} where none does",
            seconds(least),
            seconds(most)
        ),
    );
    line("sent", "nothing, not even DNS".to_owned());
    text
}

fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs().max(1))).to_string()
}
