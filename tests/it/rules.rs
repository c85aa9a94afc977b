//! `docs/rules.md` is what the table of rules says.

use std::fmt::Write;
use std::path::Path;

use certsweep::judge::{ALL, Rule};

const INTRODUCTION: &str = "\
# What certsweep looks for

Made from the table of rules by `CERTSWEEP_BLESS=1 cargo test --test it rules::`;
do not edit. The severity is what a finding has unless the rule's text or the
policy says otherwise (`[policy]` in config.example.toml).

A rule that has nothing to say of an installation is silent: that is no pass.
Imported certificates are on no server, and rules about servers leave them
alone.

";

#[test]
fn the_list_of_rules_is_the_committed_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let list = list();
    if std::env::var_os("CERTSWEEP_BLESS").is_some() {
        std::fs::write(&file, &list).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let advice = "CERTSWEEP_BLESS=1 cargo test --test it rules:: writes it anew";
    assert!(
        list == committed,
        "docs/rules.md is not what the rules say: {advice}"
    );
}

fn list() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("| finding | severity | what is wrong |\n|---|---|---|\n");
    for rule in ALL {
        writeln!(
            text,
            "| [{0}](#{0}) | {1} | {2} |",
            rule.id, rule.severity, rule.title
        )
        .unwrap();
    }
    for rule in ALL {
        describe(rule, &mut text);
    }
    text
}

fn describe(rule: &Rule, text: &mut String) {
    writeln!(text, "\n## {}\n", rule.id).unwrap();
    writeln!(
        text,
        "{}: {}.\n",
        capitalised(rule.severity.as_str()),
        rule.title
    )
    .unwrap();
    if let Some(note) = rule.note {
        writeln!(text, "{note}\n").unwrap();
    }
    writeln!(text, "- What to do: {}", rule.advice).unwrap();
    writeln!(text, "- Who says so: {}.", rule.citation).unwrap();
    if !rule.zlint.is_empty() {
        let lints: Vec<String> = rule.zlint.iter().map(|lint| format!("`{lint}`")).collect();
        writeln!(text, "- In zlint: {}.", lints.join(", ")).unwrap();
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
