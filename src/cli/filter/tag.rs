//! The tags of a flag, which the configuration has to give.

use std::collections::BTreeSet;

use crate::cli::failure::Failure;
use crate::domain::printable;
use crate::judge::Policy;

/// The tags themselves.
pub(super) fn read(tags: &[String], policy: &Policy) -> Result<Vec<String>, Failure> {
    let known: BTreeSet<&String> = policy.owners.iter().flat_map(|it| &it.tags).collect();
    match tags.iter().find(|tag| !known.contains(tag)) {
        Some(tag) => Err(unknown(tag, &known)),
        None => Ok(tags.to_vec()),
    }
}

fn unknown(tag: &str, known: &BTreeSet<&String>) -> Failure {
    let known: Vec<_> = known.iter().map(|it| printable(it)).collect();
    let hint = if known.is_empty() {
        "`tags` of an [[owner]] in the configuration give them".to_owned()
    } else {
        format!("the tags: {}", known.join("; "))
    };
    let tag = printable(tag);
    let problem = format_args!("--tag {tag}: no [[owner]] of the configuration gives it");
    Failure::usage(problem).hint(Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Owner, Selector};

    #[test]
    fn a_tag_that_the_configuration_does_not_give_is_refused_with_those_that_it_does() {
        let owner = |tags: &[&str]| Owner {
            selector: Selector::default(),
            owner: "Somebody".to_owned(),
            tags: tags.iter().map(ToString::to_string).collect(),
        };
        let policy = Policy {
            owners: vec![owner(&["web", "dmz"]), owner(&["dmz"])],
            ..Policy::default()
        };
        let tags = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
        let given = tags(&["dmz", "web"]);
        assert_eq!(read(&given, &policy).unwrap(), given);
        let refused = read(&tags(&["dmz", "dzm"]), &policy).unwrap_err();
        assert!(refused.message.contains("--tag dzm"), "{}", refused.message);
        assert_eq!(refused.hint.as_deref(), Some("the tags: dmz; web"));
        let refused = read(&tags(&["dmz"]), &Policy::default()).unwrap_err();
        assert!(refused.hint.is_some_and(|hint| hint.contains("[[owner]]")));
    }
}
