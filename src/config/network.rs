use std::num::NonZeroUsize;

use ipnetwork::IpNetwork;
use serde::Deserialize;
use toml::Spanned;

use super::file::ConfigError;
use super::from_text::{from_text, with_hint};
use super::options::{ports, retries, window};
use super::profile::Profile;
use super::source::Source;
use super::timeout::Timeout;
use crate::pace::Rate;
use crate::schedule::Window;
use crate::target::{AddressRange, Ports};

/// `[[network]]`: what holds for the addresses of one network; where it says
/// nothing, what holds around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkOptions {
    cidr: Spanned<Cidr>,
    #[serde(default, deserialize_with = "ports")]
    pub(super) ports: Option<Ports>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) profile: Option<Profile>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) rate_per_host: Option<Rate>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) rate_per_network: Option<Rate>,
    pub(super) concurrency_per_host: Option<NonZeroUsize>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) connect_timeout: Option<Timeout>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) handshake_timeout: Option<Timeout>,
    #[serde(default, deserialize_with = "from_text")]
    pub(super) target_timeout: Option<Timeout>,
    #[serde(default, deserialize_with = "retries")]
    pub(super) retries: Option<u32>,
    #[serde(default, deserialize_with = "window")]
    pub(super) window: Option<Window>,
}

/// The addresses of a network as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Cidr(AddressRange);

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        network(&text).map(|network| Self(network.into()))
    }
}

/// A network, or an address as one; the error says what it looks like.
pub(crate) fn network(text: &str) -> Result<IpNetwork, String> {
    text.parse().map_err(|_| {
        let hint = "a network is ADDRESS/LENGTH: 10.9.0.0/16 or fd00:9::/64";
        with_hint(
            &format_args!("`{text}` is not a network"),
            Some(hint.to_owned()),
        )
    })
}

impl NetworkOptions {
    /// Its addresses.
    #[must_use]
    pub fn range(&self) -> AddressRange {
        self.cidr.get_ref().0
    }
}

/// The networks of a file, each of them once.
pub(super) fn distinct(
    networks: Vec<NetworkOptions>,
    source: Source<'_>,
) -> Result<Vec<NetworkOptions>, ConfigError> {
    for (position, network) in networks.iter().enumerate() {
        let mut earlier = networks.iter().take(position);
        if earlier.any(|earlier| earlier.range() == network.range()) {
            let problem = "an earlier [[network]] is the same";
            return Err(source.refuse(network.cidr.span(), problem));
        }
    }
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use crate::config::file::tests::problem;

    #[test]
    fn a_wrong_network_is_refused_with_its_line() {
        let cidr = problem("[[network]]\ncidr = \"10.0.0.0/33\"\n");
        assert!(cidr.contains("line 2, column 8"), "{cidr}");
        assert!(cidr.contains("`10.0.0.0/33` is not a network"), "{cidr}");
        assert!(cidr.contains("hint: a network is"), "{cidr}");
        let none = problem("\n[[network]]\nretries = 0\n");
        assert!(none.contains("line 2") && none.contains("`cidr`"), "{none}");
        let key = problem("[[network]]\ncidr = \"10.0.0.0/8\"\nrate = 5\n");
        assert!(
            key.contains("line 3") && key.contains("unknown field `rate`"),
            "{key}"
        );
        let rate = problem("[[network]]\ncidr = \"10.0.0.0/8\"\nrate_per_host = 0\n");
        assert!(
            rate.contains("line 3") && rate.contains("not a rate"),
            "{rate}"
        );
        let window = problem("[[network]]\ncidr = \"10.0.0.0/8\"\nwindow = \"22-6\"\n");
        assert!(
            window.contains("line 3") && window.contains("hint: a window is"),
            "{window}"
        );
        let slots = problem("[[network]]\ncidr = \"10.0.0.0/8\"\nconcurrency_per_host = 0\n");
        assert!(slots.contains("line 3"), "{slots}");
    }

    #[test]
    fn a_network_stands_there_once() {
        let text = "[[network]]\ncidr = \"10.0.0.0/8\"\n[[network]]\ncidr = \"10.9.0.1/8\"\n";
        let twice = problem(text);
        assert!(twice.contains("line 4, column 8"), "{twice}");
        assert!(
            twice.contains("an earlier [[network]] is the same"),
            "{twice}"
        );
    }
}
