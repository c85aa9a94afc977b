use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;

use super::settings::Settings;
use crate::pace::{Rate, Rates};
use crate::scan::Depth;
use crate::tls::Ladder;

/// How much a scan asks, and how hard: the defaults of other settings. What
/// any layer says of one of those holds against the profile of any other. The
/// one that asks less is less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// One modern hello, and one connection at a time and a second to a host.
    Gentle,
    /// One hello, then TLS 1.3.
    Fast,
    /// The whole ladder.
    #[default]
    Standard,
    /// Also every type of key, the names by which an address is known, and
    /// the versions an endpoint accepts.
    Thorough,
}

/// A word that is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile (gentle, fast, standard or thorough)")]
pub struct UnknownProfile(pub String);

impl Profile {
    /// Every profile, the one that asks least first.
    pub const ALL: [Self; 4] = [Self::Gentle, Self::Fast, Self::Standard, Self::Thorough];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gentle => "gentle",
            Self::Fast => "fast",
            Self::Standard => "standard",
            Self::Thorough => "thorough",
        }
    }

    /// How far it goes at an endpoint that speaks TLS.
    #[must_use]
    pub const fn depth(self) -> Depth {
        match self {
            Self::Gentle | Self::Fast | Self::Standard => Depth::Names,
            Self::Thorough => Depth::Thorough,
        }
    }

    /// The settings where nothing else is said.
    #[must_use]
    pub fn settings(self) -> Settings {
        let standard = Settings {
            profile: self,
            ..Settings::default()
        };
        match self {
            Self::Standard | Self::Thorough => standard,
            Self::Fast => Settings {
                ladder: Ladder::fast(),
                ..standard
            },
            Self::Gentle => Settings {
                ladder: Ladder::gentle(),
                rates: Rates {
                    per_host: Rate::PerSecond(NonZeroU32::MIN),
                    ..standard.rates
                },
                concurrency_per_host: NonZeroUsize::MIN,
                ..standard
            },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Options};

    fn options(text: &str) -> Options {
        Config::parse(text, Path::new("c.toml")).unwrap().scan
    }

    #[test]
    fn what_is_said_in_any_layer_holds_against_a_profile() {
        let flag = options("[scan]\nprofile = \"gentle\"\n");
        let file = options("[scan]\nprofile = \"thorough\"\nrate_per_host = 3\n");
        let settings = Settings::from(flag.or(file));
        assert_eq!(settings.profile, Profile::Gentle);
        assert_eq!(settings.rates.per_host.to_string(), "3");
        assert_eq!(settings.concurrency_per_host.get(), 1);
        let flag = options("[scan]\nprotocol_sets = \"tls1.0\"\n");
        let file = options("[scan]\nprofile = \"gentle\"\n");
        assert_eq!(Settings::from(flag.or(file)).ladder.to_string(), "tls1.0");
    }

    #[test]
    fn a_profile_offers_what_its_name_promises() {
        let ladder = |profile: Profile| profile.settings().ladder.to_string();
        assert_eq!(ladder(Profile::Fast), "tls1.2+tls1.1+tls1.0,tls1.3");
        assert!(!ladder(Profile::Gentle).contains(','), "one hello");
        assert_eq!(ladder(Profile::Standard), Ladder::default().to_string());
        assert_eq!(ladder(Profile::Thorough), Ladder::default().to_string());
        assert_eq!(Profile::Thorough.depth(), Depth::Thorough);
        assert_eq!(Profile::default().settings(), Settings::default());
    }

    #[test]
    fn a_profile_reads_back_what_it_prints() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        let error = "quick".parse::<Profile>().unwrap_err().to_string();
        for profile in Profile::ALL {
            assert!(error.contains(profile.as_str()), "{error}");
        }
    }
}
