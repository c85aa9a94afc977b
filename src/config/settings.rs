use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::network::NetworkOptions;
use super::options::Options;
use super::profile::Profile;
use super::terms::Terms;
use crate::domain::Zone;
use crate::pace::Rates;
use crate::probe::Timeouts;
use crate::resolve::{AddressFamily, NameServer};
use crate::scan::{FurtherNames, Pointers, Reach};
use crate::schedule::{Hours, Schedule, TimeZone};
use crate::target::{AddressRange, ByNetwork, Ports};
use crate::tls::Ladder;

/// What a scan runs with: every option decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The ports of targets that name none.
    pub ports: Ports,
    /// How much is asked.
    pub profile: Profile,
    /// What is otherwise in some networks.
    pub networks: Vec<(AddressRange, Terms)>,
    /// The names that are asked for beside the targets' own.
    pub further_names: FurtherNames,
    /// Which protocol sets are tried.
    pub ladder: Ladder,
    /// New connections a second.
    pub rates: Rates,
    /// Connections in flight; `None`: as many as the machine allows.
    pub concurrency: Option<NonZeroUsize>,
    /// Established connections to one address.
    pub concurrency_per_host: NonZeroUsize,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Later looks at a target that did not answer.
    pub retries: u32,
    /// From where we look.
    pub zone: Zone,
    /// The local address to connect from.
    pub source: Option<IpAddr>,
    /// The DNS server; `None`: the system's.
    pub resolver: Option<NameServer>,
    /// Which addresses of a name are asked.
    pub family: AddressFamily,
    /// Whether PTR names are looked up.
    pub pointers: Pointers,
    /// When sending is allowed; `None`: always.
    pub hours: Option<Hours>,
    /// The clocks that windows are read off.
    pub time_zone: TimeZone,
    /// The longest that a run may take.
    pub max_duration: Option<Duration>,
    /// What is done about the endpoints of the inventory.
    pub known: KnownEndpoints,
    /// How long ago a dark target must have been looked at to be looked at
    /// again; `None`: no matter.
    pub refresh: Option<Duration>,
    /// A text kept with the scan.
    pub note: Option<String>,
}

/// What a scan does about the endpoints of the inventory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownEndpoints {
    /// All of them are targets.
    pub all: bool,
    /// Those that are targets come before the rest.
    pub first: bool,
}

/// For what no timer counts: the last packets of a connection, a busy machine,
/// a clock that is a little off.
pub(super) const GRACE: Duration = Duration::from_secs(2);

impl Default for Settings {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            profile: Profile::default(),
            networks: Vec::new(),
            further_names: FurtherNames::default(),
            ladder: Ladder::default(),
            rates: Rates::default(),
            concurrency: None,
            concurrency_per_host: NonZeroUsize::MIN.saturating_add(1),
            timeouts: Timeouts::default(),
            retries: 1,
            zone: Zone::default(),
            source: None,
            resolver: None,
            family: AddressFamily::default(),
            pointers: Pointers::LookUp,
            hours: None,
            time_zone: TimeZone::local(),
            max_duration: None,
            known: KnownEndpoints::default(),
            refresh: None,
            note: None,
        }
    }
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        let profile = options.profile.unwrap_or_default();
        let default = profile.settings();
        let time_zone = options.time_zone();
        let duration = |timeout: Option<_>, default| timeout.map_or(default, Duration::from);
        Self {
            ports: options.ports.unwrap_or(default.ports),
            profile,
            networks: Vec::new(),
            further_names: FurtherNames {
                names: options.sni.unwrap_or_default(),
                reach: match options.sni_everywhere {
                    Some(true) => Reach::Everywhere,
                    Some(false) | None => Reach::WhereTheyResolve,
                },
            },
            ladder: options.protocol_sets.unwrap_or(default.ladder),
            rates: Rates {
                overall: options.rate.unwrap_or(default.rates.overall),
                per_host: options.rate_per_host.unwrap_or(default.rates.per_host),
                per_network: options
                    .rate_per_network
                    .unwrap_or(default.rates.per_network),
            },
            concurrency: options.concurrency,
            concurrency_per_host: options
                .concurrency_per_host
                .unwrap_or(default.concurrency_per_host),
            timeouts: Timeouts {
                connect: duration(options.connect_timeout, default.timeouts.connect),
                greeting: default.timeouts.greeting,
                handshake: duration(options.handshake_timeout, default.timeouts.handshake),
                target: duration(options.target_timeout, default.timeouts.target),
            },
            retries: options.retries.unwrap_or(default.retries),
            zone: options.zone.unwrap_or(default.zone),
            source: options.source,
            resolver: options.resolver,
            family: options.family.unwrap_or(default.family),
            pointers: match options.ptr {
                Some(false) => Pointers::Skip,
                Some(true) | None => Pointers::LookUp,
            },
            hours: options
                .window
                .map(|window| Hours::new(window, time_zone.clone())),
            time_zone,
            max_duration: options.max_duration.map(Into::into),
            known: KnownEndpoints {
                all: options.known.unwrap_or_default(),
                first: options.known_first.unwrap_or_default(),
            },
            refresh: options.refresh.map(Into::into),
            note: options.note,
        }
    }
}

impl Settings {
    /// The same with the networks of the configuration file; `flags` are those
    /// of the command line.
    #[must_use]
    pub fn within_networks(self, networks: &[NetworkOptions], flags: &Options) -> Self {
        Self {
            networks: Terms::of_each(&Terms::elsewhere(&self), networks, flags, &self.time_zone),
            ..self
        }
    }

    /// What holds at each address.
    #[must_use]
    pub fn terms(&self) -> ByNetwork<Terms> {
        ByNetwork::new(Terms::elsewhere(self), self.networks.iter().cloned())
    }

    /// When a run may send: it stops as long before an end as what is under
    /// way may take.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let networks = self.networks.iter().map(|(_, terms)| terms.timeouts.target);
        let longest_question = networks.fold(self.timeouts.target, Duration::max);
        Schedule {
            hours: self.hours.clone(),
            longest: self.max_duration,
            drain: longest_question + GRACE,
        }
    }

    /// The settings as the inventory keeps them with a scan: the keys of the
    /// configuration file, each with its value as one would write it there.
    #[must_use]
    pub fn describe(&self) -> Map<String, Value> {
        let text = |value: &dyn ToString| value.to_string();
        let duration = |value| humantime::format_duration(value).to_string();
        let networks = self.networks.iter();
        let networks: Vec<_> = networks
            .map(|(range, terms)| terms.describe(*range))
            .collect();
        let settings = json!({
            "networks": networks,
            "ports": text(&self.ports),
            "profile": text(&self.profile),
            "sni_everywhere": self.further_names.reach == Reach::Everywhere,
            "protocol_sets": text(&self.ladder),
            "rate": text(&self.rates.overall),
            "rate_per_host": text(&self.rates.per_host),
            "rate_per_network": text(&self.rates.per_network),
            "concurrency": self.concurrency,
            "concurrency_per_host": self.concurrency_per_host,
            "connect_timeout": duration(self.timeouts.connect),
            "handshake_timeout": duration(self.timeouts.handshake),
            "target_timeout": duration(self.timeouts.target),
            "retries": self.retries,
            "zone": self.zone.as_str(),
            "source": self.source,
            "resolver": self.resolver.as_ref().map(ToString::to_string),
            "family": text(&self.family),
            "ptr": self.pointers == Pointers::LookUp,
            "window": self.hours.as_ref().map(ToString::to_string),
            "max_duration": self.max_duration.map(duration),
            "known": self.known.all,
            "known_first": self.known.first,
            "refresh": self.refresh.map(duration),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    /// Those of settings that [`Self::describe`] wrote which decide what is
    /// asked, and what an answer means. A scan that goes on keeps them; how
    /// fast it goes, how long it waits and how often it looks may change in
    /// between.
    #[must_use]
    pub fn decisive(mut described: Map<String, Value>) -> Map<String, Value> {
        keep_decisive(&mut described);
        let networks = described.get_mut("networks").and_then(Value::as_array_mut);
        let networks = networks.into_iter().flatten();
        networks
            .filter_map(Value::as_object_mut)
            .for_each(keep_decisive);
        described
    }
}

fn keep_decisive(settings: &mut Map<String, Value>) {
    settings.retain(|key, _| DECISIVE.contains(&key.as_str()));
}

/// The ports are not among them: each is part of a target.
const DECISIVE: [&str; 11] = [
    "networks",
    "cidr",
    "profile",
    "sni_everywhere",
    "protocol_sets",
    "zone",
    "family",
    "ptr",
    "known",
    "known_first",
    "refresh",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::judge::Policy;

    /// What users copy from must say what happens without it.
    #[test]
    fn the_example_configuration_equals_the_defaults() {
        let text = include_str!("../../config.example.toml");
        let config = Config::parse(text, Path::new("config.example.toml")).unwrap();
        assert_eq!(Settings::from(config.scan), Settings::default());
        assert!(config.jobs.is_empty() && config.networks.is_empty());
        assert_eq!(config.file_mode, None);
        assert_eq!(config.policy, Policy::default());
    }

    #[test]
    fn rates_and_patience_decide_nothing_and_the_profile_does() {
        let decisive = |text: &str| {
            let config = Config::parse(text, Path::new("test.toml")).unwrap();
            let networks = config.networks;
            let settings = Settings::from(config.scan);
            let settings = settings.within_networks(&networks, &Options::default());
            Settings::decisive(settings.describe())
        };
        let base = decisive("[[network]]\ncidr = \"10.0.0.0/8\"");
        let slow = "[scan]\nretries = 3\nconnect_timeout = \"9s\"\n\
                    [[network]]\ncidr = \"10.0.0.0/8\"\nrate_per_host = 1";
        assert_eq!(decisive(slow), base);
        let fast = "[[network]]\ncidr = \"10.0.0.0/8\"\nprofile = \"fast\"";
        assert_ne!(decisive(fast), base);
        assert_ne!(decisive("[scan]\nprofile = \"fast\""), decisive(""));
    }

    #[test]
    fn every_key_of_the_example_takes_its_commented_value() {
        let text = include_str!("../../config.example.toml");
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("#! ").unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let list = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&list, "0123456789abcdef0123\n").unwrap();
        let uncommented = uncommented.replace(
            "/usr/share/openssl-blacklist/blacklist.RSA-2048",
            list.path().to_str().unwrap(),
        );
        let config = Config::parse(&uncommented, Path::new("config.example.toml")).unwrap();
        assert_eq!(config.jobs.len(), 1);
        assert!(config.file_mode.is_some());
        assert_eq!(config.jobs[0].reports.len(), 2);
        assert_ne!(Settings::from(config.scan), Settings::default());
        assert_eq!(config.networks.len(), 1);
        assert_eq!(config.policy.rules.len(), 2);
        assert_eq!(config.policy.limits.approved_issuers.len(), 2);
        assert!(!config.policy.limits.weak_keys.is_empty());
        assert_eq!(config.policy.overrides.len(), 1);
        assert_eq!(config.policy.owners.len(), 1);
        assert_eq!(config.policy.acceptances.len(), 1);
    }
}
