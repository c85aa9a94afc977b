//! The owners of a flag → those of the configuration.

use crate::cli::failure::Failure;
use crate::domain::printable;
use crate::judge::Policy;
use crate::report::Mailbox;

/// The owners that are meant, as the configuration writes them: by the whole
/// text, or by one of its addresses.
pub(super) fn read(texts: &[String], policy: &Policy) -> Result<Vec<String>, Failure> {
    let mut owners = Vec::new();
    for text in texts {
        let all = policy.owners.iter().map(|it| &it.owner);
        let mut meant = all.filter(|owner| is_meant(text, owner)).peekable();
        if meant.peek().is_none() {
            return Err(unknown(text, policy));
        }
        owners.extend(meant.cloned());
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(owners)
}

fn is_meant(text: &str, owner: &str) -> bool {
    if text == owner {
        return true;
    }
    let (Ok(one), Ok(each)) = (text.parse::<Mailbox>(), Mailbox::list(owner)) else {
        return false;
    };
    // Domains are the same in any case (RFC 5321 section 2.4).
    let parts = |it: &Mailbox| {
        let (local, domain) = it.address().rsplit_once('@')?;
        Some((local.to_owned(), domain.to_lowercase()))
    };
    each.iter().any(|it| parts(it) == parts(&one))
}

fn unknown(text: &str, policy: &Policy) -> Failure {
    let mut known: Vec<_> = policy
        .owners
        .iter()
        .map(|it| printable(&it.owner))
        .collect();
    known.sort_unstable();
    known.dedup();
    let hint = match known.as_slice() {
        [] => "[[owner]] in the configuration gives one".to_owned(),
        known => format!("the owners: {}", known.join("; ")),
    };
    let text = printable(text);
    let problem = format_args!("--owner {text}: no [[owner]] of the configuration is called so");
    Failure::usage(problem).hint(Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Owner, Selector};

    fn policy(owners: &[&str]) -> Policy {
        let owner = |owner: &&str| Owner {
            selector: Selector::default(),
            owner: (*owner).to_owned(),
            tags: Vec::new(),
        };
        Policy {
            owners: owners.iter().map(owner).collect(),
            ..Policy::default()
        }
    }

    #[test]
    fn an_owner_is_meant_by_all_of_its_text_or_by_one_of_its_addresses() {
        let (pair, named) = ("apps@x.test, web@x.test", "Web, the team <web@x.test>");
        let policy = policy(&[pair, named, "Smith, Inc.", "web team"]);
        let meant = |text: &str| read(&[text.to_owned()], &policy).unwrap_or_default();
        let both = [named, pair];
        assert_eq!(meant("web@x.test"), both);
        assert_eq!(meant("web@X.Test"), both);
        assert_eq!(meant("W <web@x.test>"), both);
        assert_eq!(meant("apps@x.test"), [pair]);
        assert_eq!(meant(pair), [pair]);
        assert_eq!(meant(named), both);
        assert_eq!(meant("Smith, Inc."), ["Smith, Inc."]);
        for nobody in [
            "Web@x.test",
            "Inc.",
            "web",
            "x.test",
            "b@x.test",
            "team <web@y.test>",
        ] {
            assert!(meant(nobody).is_empty(), "{nobody}");
        }
    }
}
