use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::exclusion::WrittenExclusion;
use super::from_text::{advised, from_text, read, with_hint};
use super::profile::Profile;
use super::time_span::TimeSpan;
use super::timeout::Timeout;
use crate::domain::{Dialect, InvalidServerName, ServerName, Zone};
use crate::pace::Rate;
use crate::resolve::{AddressFamily, NameServer};
use crate::schedule::{InvalidWindow, TimeZone, Window};
use crate::target::{Ports, PortsError};
use crate::tls::Ladder;

/// What steers a scan, as far as one layer says: a flag and the key of the
/// same name in the configuration file are one field here.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Ports to ask: numbers, ranges and named sets, mixed freely
    /// (443,8443,9000-9010,mail) [default: 443]
    #[arg(
        short,
        long,
        value_name = "PORTS",
        help = ports_help(),
        value_parser = advised::<Ports>(PortsError::hint),
    )]
    #[serde(deserialize_with = "ports")]
    pub ports: Option<Ports>,

    /// Never touch these: addresses, networks, ranges, names, :PORTS
    #[arg(short = 'x', long, value_name = "WHAT", value_parser = WrittenExclusion::of_flag)]
    #[serde(skip)]
    pub exclude: Option<Vec<WrittenExclusion>>,

    /// Never touch what stands in this file, a line each, with reason=, owner=
    /// and until= where you like
    #[arg(long, value_name = "FILE")]
    #[serde(deserialize_with = "paths")]
    pub exclude_file: Option<Vec<PathBuf>>,

    /// How much is asked, and how hard: gentle (one modern hello, one
    /// connection a second to a host), fast (one hello, then TLS 1.3),
    /// standard (the whole ladder), thorough (also each type of key, names
    /// from PTR and certificates, versions). It sets the defaults of other
    /// options: what a flag or the file says of one holds against it
    /// [default: standard]
    #[arg(long, value_name = "PROFILE")]
    #[serde(deserialize_with = "from_text")]
    pub profile: Option<Profile>,

    /// Ask for this server name too, beside a target's own, at the addresses
    /// of targets that it resolves to; repeatable
    #[arg(long, value_name = "NAME", value_parser = advised::<ServerName>(name_hint))]
    #[serde(deserialize_with = "names")]
    pub sni: Option<Vec<ServerName>>,

    /// Ask for the names in this file too, one a line
    #[arg(long, value_name = "FILE")]
    #[serde(deserialize_with = "paths")]
    pub sni_file: Option<Vec<PathBuf>>,

    /// Protocol sets to try, in order, commas between them: each is one hello,
    /// of tls1.3, tls1.2, tls1.1, tls1.0, ssl3 and ssl2 with + between them;
    /// or `venafi`, the four of Venafi's discovery [default: what the profile
    /// says]
    #[arg(long, value_name = "SETS")]
    #[serde(deserialize_with = "from_text")]
    pub protocol_sets: Option<Ladder>,

    /// New connections a second, overall: a number or `unlimited`
    /// [default: 1000]
    #[arg(short, long, value_name = "N")]
    #[serde(deserialize_with = "from_text")]
    pub rate: Option<Rate>,

    /// New connections a second to one address [default: 5; gentle: 1]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "from_text")]
    pub rate_per_host: Option<Rate>,

    /// New connections a second to one /24 (IPv6: /64) [default: 200]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "from_text")]
    pub rate_per_network: Option<Rate>,

    /// Connections in flight [default: what the machine's limits allow]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,

    /// Established connections to one address [default: 2; gentle: 1]
    #[arg(long, value_name = "N")]
    pub concurrency_per_host: Option<NonZeroUsize>,

    /// How long TCP may take to connect [default: 3500ms]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub connect_timeout: Option<Timeout>,

    /// How long one TLS attempt may take; the greeting of a server before it
    /// has 10s of its own [default: 5s]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub handshake_timeout: Option<Timeout>,

    /// How long one question may take with all its attempts, waiting for
    /// rates left out [default: 20s]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub target_timeout: Option<Timeout>,

    /// Later looks at a target that did not answer [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100))]
    #[serde(deserialize_with = "retries")]
    pub retries: Option<u32>,

    /// From where you look; part of every endpoint's identity
    /// [default: default]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "from_text")]
    pub zone: Option<Zone>,

    /// The local address to connect from [default: any]
    #[arg(long, value_name = "IP")]
    #[serde(deserialize_with = "from_text")]
    pub source: Option<IpAddr>,

    /// The DNS server to ask, IP or IP:PORT [default: the system's resolver]
    #[arg(long, value_name = "IP[:PORT]")]
    #[serde(deserialize_with = "from_text")]
    pub resolver: Option<NameServer>,

    /// Also trust the roots in this PEM bundle; repeatable [default: the
    /// system's and Mozilla's]
    #[arg(long, value_name = "FILE")]
    #[serde(deserialize_with = "paths")]
    pub trust_store: Option<Vec<PathBuf>>,

    /// Do not ask for the system's roots; Mozilla's stay
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub no_system_roots: Option<bool>,

    /// Send only in these hours of the week (mon-fri 22:00-06:00, sat,sun
    /// 00:00-24:00): a run begun outside waits for them, and stops in order at
    /// their end [default: always]
    #[arg(long, value_name = "HOURS", value_parser = advised::<Window>(InvalidWindow::hint))]
    #[serde(deserialize_with = "window")]
    pub window: Option<Window>,

    /// The time zone of the window, like Europe/Berlin [default: this
    /// machine's]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "from_text")]
    pub tz: Option<TimeZone>,

    /// Stop in order after so long (4h), waiting for the window included
    /// [default: no limit]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub max_duration: Option<TimeSpan>,

    /// Every endpoint of the inventory in this zone is a target too
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub known: Option<bool>,

    /// Look at endpoints of the inventory before all others
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub known_first: Option<bool>,

    /// Leave out what did not answer when it was looked at less than this ago
    /// (7d) [default: leave out nothing]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub refresh: Option<TimeSpan>,

    /// A text kept with the scan
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// Whether names are asked for where they do not resolve to, too.
    #[arg(skip)]
    pub sni_everywhere: Option<bool>,

    /// Whether the last unfinished scan of the same targets and settings is
    /// gone on with.
    #[arg(skip)]
    pub resume: Option<bool>,

    /// Which addresses of a name are asked.
    #[arg(skip)]
    #[serde(deserialize_with = "from_text")]
    pub family: Option<AddressFamily>,

    /// Whether PTR names are looked up.
    #[arg(skip)]
    pub ptr: Option<bool>,

    /// `exclude` of the file, until it is known where each stands.
    #[arg(skip)]
    #[serde(rename = "exclude")]
    pub(super) exclude_texts: Option<Vec<Spanned<String>>>,

    /// What `--job` calls it; of a job only.
    #[arg(skip)]
    pub(super) name: Option<Spanned<String>>,

    /// What it scans; of a job only.
    #[arg(skip)]
    pub(super) targets: Option<Spanned<Vec<Spanned<String>>>>,

    /// What is written at its end; of a job only.
    #[arg(skip)]
    pub(super) report: Option<Spanned<Vec<Spanned<toml::Table>>>>,
}

/// The largest number of retries: each is [`crate::scan::RETRY_SPACING`] of
/// waiting.
const MAX_RETRIES: u32 = 100;

impl Options {
    /// The clocks that windows and dates are read off.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        self.tz.clone().unwrap_or_else(TimeZone::local)
    }

    /// These options, and those of `lower` where these say nothing.
    /// Exclusions and server names add up: a lower layer's are never lost.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        Self {
            ports: self.ports.or(lower.ports),
            exclude: both(self.exclude, lower.exclude),
            exclude_file: both(self.exclude_file, lower.exclude_file),
            profile: self.profile.or(lower.profile),
            sni: both(self.sni, lower.sni),
            sni_file: both(self.sni_file, lower.sni_file),
            sni_everywhere: self.sni_everywhere.or(lower.sni_everywhere),
            protocol_sets: self.protocol_sets.or(lower.protocol_sets),
            rate: self.rate.or(lower.rate),
            rate_per_host: self.rate_per_host.or(lower.rate_per_host),
            rate_per_network: self.rate_per_network.or(lower.rate_per_network),
            concurrency: self.concurrency.or(lower.concurrency),
            concurrency_per_host: self.concurrency_per_host.or(lower.concurrency_per_host),
            connect_timeout: self.connect_timeout.or(lower.connect_timeout),
            handshake_timeout: self.handshake_timeout.or(lower.handshake_timeout),
            target_timeout: self.target_timeout.or(lower.target_timeout),
            retries: self.retries.or(lower.retries),
            zone: self.zone.or(lower.zone),
            source: self.source.or(lower.source),
            resolver: self.resolver.or(lower.resolver),
            trust_store: both(self.trust_store, lower.trust_store),
            no_system_roots: self.no_system_roots.or(lower.no_system_roots),
            window: self.window.or(lower.window),
            tz: self.tz.or(lower.tz),
            max_duration: self.max_duration.or(lower.max_duration),
            known: self.known.or(lower.known),
            known_first: self.known_first.or(lower.known_first),
            refresh: self.refresh.or(lower.refresh),
            resume: self.resume.or(lower.resume),
            note: self.note.or(lower.note),
            family: self.family.or(lower.family),
            ptr: self.ptr.or(lower.ptr),
            exclude_texts: None,
            name: None,
            targets: None,
            report: None,
        }
    }
}

fn both<T>(upper: Option<Vec<T>>, lower: Option<Vec<T>>) -> Option<Vec<T>> {
    match (upper, lower) {
        (Some(mut upper), Some(lower)) => {
            upper.extend(lower);
            Some(upper)
        }
        (upper, lower) => upper.or(lower),
    }
}

/// The help of `--ports`, with every dialect there is.
fn ports_help() -> String {
    let dialects: Vec<_> = Dialect::ALL
        .iter()
        .map(|dialect| dialect.as_str())
        .collect();
    format!(
        "Ports to ask: numbers, ranges and named sets, mixed freely \
         (443,8443,9000-9010,mail). A port takes its dialect by number; \
         8443/tls or 2525/smtp force one and only that (dialects: {}). \
         Ports where printers print and controllers stop over what they are \
         sent ({}) are left out of ranges; give them by number to have them \
         asked [default: 443]",
        dialects.join(", "),
        Ports::fragile_numbers().join(", "),
    )
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<ServerName>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let names = texts.iter().map(|text| {
        text.parse().map_err(|error| {
            let hint = "`sni` is a list of host names: [\"a.example\", \"b.example\"]";
            serde::de::Error::custom(with_hint(&error, Some(hint.to_owned())))
        })
    });
    names.collect::<Result<_, _>>().map(Some)
}

/// What `--sni` takes.
#[expect(clippy::unnecessary_wraps, reason = "other flags' hints may be none")]
fn name_hint(error: &InvalidServerName) -> Option<String> {
    let hint = match error {
        InvalidServerName::Address(_) => "make the address a target: --sni takes host names",
        InvalidServerName::Malformed(_) => "give --sni once for each host name",
    };
    Some(hint.to_owned())
}

pub(super) fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ports>, D::Error> {
    read(deserializer, |text| advised(PortsError::hint)(text))
}

pub(super) fn window<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Window>, D::Error> {
    read(deserializer, |text| advised(InvalidWindow::hint)(text))
}

fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<PathBuf>>, D::Error> {
    let paths = Vec::<PathBuf>::deserialize(deserializer)?;
    if paths.iter().any(|path| path.as_os_str().is_empty()) {
        return Err(serde::de::Error::custom("a path is empty"));
    }
    Ok(Some(paths))
}

pub(super) fn retries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let retries = u32::deserialize(deserializer)?;
    if retries > MAX_RETRIES {
        let problem = format!("{retries} is not in 0..={MAX_RETRIES}");
        return Err(serde::de::Error::custom(problem));
    }
    Ok(Some(retries))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        options: Options,
    }

    fn refusal(flags: &[&str]) -> String {
        let words = std::iter::once(&"certsweep").chain(flags);
        match Flags::try_parse_from(words) {
            Ok(flags) => panic!("{:?}", flags.options),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_flag_says_what_would_be_accepted() {
        let unknown = refusal(&["-p", "foo"]);
        assert!(unknown.contains("hint: ports are numbers"), "{unknown}");
        let empty = refusal(&["-p", "443,,80"]);
        assert!(empty.contains("hint: ports are numbers"), "{empty}");
        let backwards = refusal(&["-p", "90-80"]);
        assert!(backwards.contains("hint: write 80-90"), "{backwards}");
        let exclusion = refusal(&["-x", "bad..x"]);
        assert!(exclusion.contains("hint: an exclusion is"), "{exclusion}");
    }

    #[test]
    fn the_help_of_the_ports_names_every_dialect() {
        for dialect in Dialect::ALL {
            assert!(ports_help().contains(dialect.as_str()), "{dialect}");
        }
    }

    #[test]
    fn a_wrong_profile_or_server_name_is_refused() {
        let profile = refusal(&["--profile", "quick"]);
        assert!(profile.contains("gentle, fast, standard"), "{profile}");
        let address = refusal(&["--sni", "10.0.0.1"]);
        assert!(address.contains("an address, not a name"), "{address}");
        assert!(address.contains("hint: make the address"), "{address}");
        let list = refusal(&["--sni", "a.example,b.example"]);
        let told = "`a.example,b.example` is not a host name\n\
            hint: give --sni once for each host name";
        assert!(list.contains(told), "{list}");
    }

    #[test]
    fn a_wrong_window_or_time_zone_is_refused() {
        let window = refusal(&["--window", "22-6"]);
        assert!(window.contains("hint: a window is days"), "{window}");
        let zone = refusal(&["--tz", "Middle/Earth"]);
        assert!(zone.contains("is not a time zone"), "{zone}");
        let duration = refusal(&["--max-duration", "4"]);
        assert!(duration.contains("like 90m, 36h or 30d"), "{duration}");
    }

    #[test]
    fn an_empty_exclusion_or_zone_is_refused() {
        let exclusion = refusal(&["--exclude", ""]);
        assert!(exclusion.contains("empty exclusion"), "{exclusion}");
        let zone = refusal(&["--zone", ""]);
        assert!(zone.contains("1 to 64 letters"), "{zone}");
    }
}
