//! `[policy]`, `[[owner]]` and `[[accept]]` → what the judge judges by.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;
use toml::{Spanned, Value};

use super::file::ConfigError;
use super::from_text::{from_text, with_hint};
use super::selection::{Selection, Texts, parse_all};
use super::source::Source;
use super::time_span::TimeSpan;
use crate::domain::{Severity, Timestamp};
use crate::judge::{
    ALL, Acceptance, InvalidChecksum, Lead, LimitChanges, Override, Owner, Pattern, PointerNames,
    Policy, RuleSetting, Selector, WeakKeys,
};

/// `[policy]`, and with a selection `[[policy.override]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyTable {
    names: Option<Spanned<Texts>>,
    networks: Option<Spanned<Texts>>,
    issuers: Option<Spanned<Texts>>,
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(deserialize_with = "from_text")]
    expiring_warning: Option<Lead>,
    #[serde(deserialize_with = "from_text")]
    expiring_error: Option<Lead>,
    #[serde(deserialize_with = "from_text")]
    expiring_critical: Option<Lead>,
    #[serde(deserialize_with = "from_text")]
    max_age: Option<TimeSpan>,
    rsa_bits: Option<u32>,
    dh_bits: Option<u32>,
    ports_per_host: Option<u32>,
    pointer_names: Option<bool>,
    approved_issuers: Option<Texts>,
    weak_key_lists: Option<Spanned<Vec<PathBuf>>>,
    #[serde(rename = "override")]
    overrides: Vec<Spanned<PolicyTable>>,
}

/// `[[owner]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnerTable {
    names: Option<Spanned<Texts>>,
    networks: Option<Spanned<Texts>>,
    issuers: Option<Spanned<Texts>>,
    owner: Spanned<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// `[[accept]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptTable {
    names: Option<Spanned<Texts>>,
    networks: Option<Spanned<Texts>>,
    issuers: Option<Spanned<Texts>>,
    finding: Spanned<String>,
    owner: Spanned<String>,
    reason: Spanned<String>,
    until: Spanned<Value>,
}

/// Reads all three.
pub(super) fn read_policy(
    policy: PolicyTable,
    owners: Vec<OwnerTable>,
    acceptances: Vec<Spanned<AcceptTable>>,
    source: Source<'_>,
) -> Result<Policy, ConfigError> {
    let weak_keys = weak_keys(policy.weak_key_lists.as_ref(), source)?;
    let (selection, general, overrides) = policy.read(source)?;
    if let Some(misplaced) = selection.0.iter().flatten().next() {
        let problem = with_hint(
            &"[policy] is for everything",
            Some("what is for some belongs in a [[policy.override]]".to_owned()),
        );
        return Err(source.refuse(misplaced.span(), &problem));
    }
    let mut policy = Policy {
        rules: general.rules,
        overrides: Vec::new(),
        ..Policy::default()
    };
    general.limits.apply(&mut policy.limits);
    policy.limits.weak_keys = weak_keys;
    for table in overrides {
        policy.overrides.push(read_override(table, source)?);
    }
    let owners = owners.into_iter().map(|table| table.read(source));
    policy.owners = owners.collect::<Result<_, _>>()?;
    let acceptances = acceptances
        .into_iter()
        .map(|it| read_acceptance(it, source));
    policy.acceptances = acceptances.collect::<Result<_, _>>()?;
    Ok(policy)
}

fn read_override(table: Spanned<PolicyTable>, source: Source<'_>) -> Result<Override, ConfigError> {
    let span = table.span();
    let table = table.into_inner();
    if let Some(lists) = &table.weak_key_lists {
        return Err(source.refuse(lists.span(), "lists of weak keys belong in [policy]"));
    }
    let (selection, mut it, nested) = table.read(source)?;
    if let Some(nested) = nested.first() {
        return Err(source.refuse(nested.span(), "an override has no overrides of its own"));
    }
    it.selector = selection.some(span, "[[policy.override]]", source)?;
    Ok(it)
}

fn read_acceptance(
    table: Spanned<AcceptTable>,
    source: Source<'_>,
) -> Result<Acceptance, ConfigError> {
    let span = table.span();
    let table = table.into_inner();
    let selection = Selection([table.names, table.networks, table.issuers]);
    Ok(Acceptance {
        origin: source.origin(&span).to_string(),
        selector: selection.some(span, "an [[accept]]", source)?,
        finding: rule_id(&table.finding, source)?,
        owner: filled(table.owner, "owner", source)?,
        reason: filled(table.reason, "reason", source)?,
        until: until(&table.until, source)?,
    })
}

impl PolicyTable {
    /// What it selects and says, and the overrides in it.
    fn read(
        self,
        source: Source<'_>,
    ) -> Result<(Selection, Override, Vec<Spanned<Self>>), ConfigError> {
        let mut rules = BTreeMap::new();
        for (id, setting) in &self.rules {
            rules.insert(rule_id(id, source)?, rule_setting(setting, source)?);
        }
        let approved = self.approved_issuers.as_deref();
        let approved = approved.map(|texts| parse_all::<Pattern>(texts, source));
        let limits = LimitChanges {
            expiring_warning: self.expiring_warning,
            expiring_error: self.expiring_error,
            expiring_critical: self.expiring_critical,
            max_age: self.max_age.map(Into::into),
            rsa_bits: self.rsa_bits,
            dh_bits: self.dh_bits,
            ports_per_host: self.ports_per_host,
            pointer_names: self.pointer_names.map(|required| {
                if required {
                    PointerNames::Required
                } else {
                    PointerNames::Ignored
                }
            }),
            approved_issuers: approved.transpose()?,
        };
        let said = Override {
            selector: Selector::default(),
            rules,
            limits,
        };
        let selection = Selection([self.names, self.networks, self.issuers]);
        Ok((selection, said, self.overrides))
    }
}

/// The keys of these lists.
fn weak_keys(
    lists: Option<&Spanned<Vec<PathBuf>>>,
    source: Source<'_>,
) -> Result<WeakKeys, ConfigError> {
    let Some(lists) = lists else {
        return Ok(WeakKeys::default());
    };
    let refuse = |problem: &str| source.refuse(lists.span(), problem);
    let read = lists.get_ref().iter().map(|path| {
        let list = fs::read_to_string(path);
        let list =
            list.map_err(|error| refuse(&format!("can't read {}: {error}", path.display())))?;
        WeakKeys::read(&list).map_err(|error| {
            let problem = format!("{}: {error}", path.display());
            refuse(&with_hint(&problem, Some(InvalidChecksum::HINT.to_owned())))
        })
    });
    Ok(WeakKeys::join(&read.collect::<Result<Vec<_>, _>>()?))
}

impl OwnerTable {
    fn read(self, source: Source<'_>) -> Result<Owner, ConfigError> {
        Ok(Owner {
            selector: Selection([self.names, self.networks, self.issuers]).read(source)?,
            owner: filled(self.owner, "owner", source)?,
            tags: self.tags,
        })
    }
}

fn rule_id(text: &Spanned<String>, source: Source<'_>) -> Result<&'static str, ConfigError> {
    let rule = ALL.iter().find(|rule| rule.id == text.get_ref());
    rule.map(|rule| rule.id).ok_or_else(|| {
        let problem = format!("`{}` is no finding", text.get_ref());
        let ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        let hint = format!("the findings: {}", ids.join(", "));
        source.refuse(text.span(), &with_hint(&problem, Some(hint)))
    })
}

fn rule_setting(text: &Spanned<String>, source: Source<'_>) -> Result<RuleSetting, ConfigError> {
    match text.get_ref().as_str() {
        "off" => Ok(RuleSetting::Off),
        "on" => Ok(RuleSetting::On),
        severity => severity.parse().map(RuleSetting::Severity).map_err(|_| {
            let words = Severity::ALL.map(Severity::as_str).join(", ");
            let problem = format!("`{severity}` is neither `on`, `off` nor a severity");
            let hint = Some(format!("the severities: {words}"));
            source.refuse(text.span(), &with_hint(&problem, hint))
        }),
    }
}

/// A day, to its end in UTC, or a moment; as TOML writes it, or as text.
fn until(value: &Spanned<Value>, source: Source<'_>) -> Result<Timestamp, ConfigError> {
    let text = match value.get_ref() {
        Value::Datetime(time) => time.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let end_of_day = || {
        let day = Date::parse(&text, format_description!("[year]-[month]-[day]")).ok()?;
        let end = match day.next_day() {
            Some(next) => next.midnight(),
            // The last day that can be written is meant to be never.
            None => day.with_hms(23, 59, 59).ok()?,
        };
        Some(Timestamp::from_seconds(end.assume_utc().unix_timestamp()))
    };
    let moment = text.parse().ok().or_else(end_of_day);
    moment.ok_or_else(|| {
        let problem = format!("`{text}` is neither a day nor a time with its offset");
        let hint = "until = 2027-03-31 holds to the end of that day in UTC".to_owned();
        source.refuse(value.span(), &with_hint(&problem, Some(hint)))
    })
}

fn filled(text: Spanned<String>, key: &str, source: Source<'_>) -> Result<String, ConfigError> {
    if text.get_ref().trim().is_empty() {
        return Err(source.refuse(text.span(), &format!("`{key}` is empty")));
    }
    Ok(text.into_inner())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::config::file::tests::problem;
    use crate::judge::Limits;

    fn policy(text: &str) -> Policy {
        Config::parse(text, Path::new("c.toml")).unwrap().policy
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(policy(""), Policy::default());
        assert_eq!(policy("[policy]\n"), Policy::default());
    }

    #[test]
    fn limits_and_rules_are_read() {
        let policy = policy(
            "[policy]\nexpiring_warning = \"25%\"\nmax_age = \"36h\"\nrsa_bits = 3072\n\
             pointer_names = true\napproved_issuers = [\"Example *\"]\n\
             [policy.rules]\nwildcard = \"off\"\nno-san = \"on\"\nexpired = \"warning\"\n",
        );
        let limits = Limits {
            expiring_warning: Lead::PerCent(25),
            max_age: Duration::from_hours(36),
            rsa_bits: 3072,
            pointer_names: PointerNames::Required,
            approved_issuers: vec!["Example *".parse().unwrap()],
            ..Limits::default()
        };
        assert_eq!(policy.limits, limits);
        let rules = [
            ("expired", RuleSetting::Severity(Severity::Warning)),
            ("no-san", RuleSetting::On),
            ("wildcard", RuleSetting::Off),
        ];
        assert_eq!(policy.rules, BTreeMap::from(rules));
    }

    #[test]
    fn lists_of_weak_keys_are_read_and_what_is_wrong_in_them_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let list = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let (one, other) = (
            list("one", "# some\n0123456789abcdef0123\n"),
            list("other", "3123456789abcdef0123\n"),
        );
        let text = |lists: &str| format!("[policy]\nweak_key_lists = [{lists}]\n");
        let policy = policy(&text(&format!("\"{one}\", \"{other}\"")));
        assert_eq!(format!("{:?}", policy.limits.weak_keys), "2 weak keys");
        let wrong = list("wrong", "# none\nModulus=C5\n");
        let told = problem(&text(&format!("\"{one}\", \"{wrong}\"")));
        for part in [
            "line 2, column 18",
            &wrong,
            "line 2: `Modulus=C5`",
            "hint: ",
        ] {
            assert!(told.contains(part), "no {part} in {told}");
        }
        let told = problem(&text("\"/nonexistent/list\""));
        assert!(told.contains("can't read /nonexistent/list"), "{told}");
        let told = problem("[[policy.override]]\nnetworks = [\"10.0.0.7\"]\nweak_key_lists = []\n");
        assert!(told.contains("belong in [policy]"), "{told}");
    }

    #[test]
    fn an_acceptance_holds_to_the_end_of_its_day_or_to_its_moment() {
        let until = |value: &str| {
            let text = format!(
                "\n[[accept]]\nfinding = \"no-san\"\nnetworks = [\"10.0.0.7\"]\n\
                 owner = \"a\"\nreason = \"b\"\nuntil = {value}\n"
            );
            let policy = policy(&text);
            let [acceptance] = policy.acceptances.as_slice() else {
                panic!("{policy:?}");
            };
            assert_eq!(acceptance.origin, "c.toml:2");
            acceptance.until.to_string()
        };
        assert_eq!(until("2027-03-31"), "2027-04-01T00:00:00Z");
        assert_eq!(until("\"2027-12-31\""), "2028-01-01T00:00:00Z");
        assert_eq!(until("9999-12-31"), "9999-12-31T23:59:59Z");
        assert_eq!(until("2027-03-31T12:00:00+02:00"), "2027-03-31T10:00:00Z");
    }

    #[test]
    fn what_is_wrong_is_pointed_at_with_what_to_do() {
        let rule = problem("[policy]\nrules = { wild-card = \"off\" }\n");
        assert!(rule.contains("2 | rules = { wild-card"), "{rule}");
        assert!(rule.contains("`wild-card` is no finding"), "{rule}");
        assert!(rule.contains("hint: the findings: expired, "), "{rule}");
        let severity = problem("[policy.rules]\nwildcard = \"fatal\"\n");
        assert!(severity.contains("line 2, column 12"), "{severity}");
        assert!(
            severity.contains("hint: the severities: info"),
            "{severity}"
        );
        let lead = problem("[policy]\nexpiring_error = \"7\"\n");
        assert!(
            lead.contains("line 2") && lead.contains("as `30d`"),
            "{lead}"
        );
        let issuer = problem("[policy]\napproved_issuers = [\"ok\", \"[\"]\n");
        assert!(issuer.contains("line 2, column 27"), "{issuer}");
        let unknown = problem("[policy]\nmax_agee = \"8d\"\n");
        assert!(unknown.contains("unknown field `max_agee`"), "{unknown}");
        let misplaced = problem("[policy]\nnames = [\"*\"]\n");
        assert!(misplaced.contains("[[policy.override]]"), "{misplaced}");
        let network = problem("[[owner]]\nowner = \"a\"\nnetworks = [\"10.0.0.0/99\"]\n");
        assert!(network.contains("line 3, column 13"), "{network}");
        let empty = problem("[[owner]]\nowner = \"a\"\nnames = []\n");
        assert!(empty.contains("the list is empty"), "{empty}");
        let nobody = problem("[[owner]]\nowner = \" \"\n");
        assert!(nobody.contains("`owner` is empty"), "{nobody}");
    }

    #[test]
    fn an_acceptance_without_an_end_a_reason_or_a_match_is_refused() {
        let whole = [
            "finding = \"no-san\"",
            "names = [\"a\"]",
            "owner = \"b\"",
            "reason = \"c\"",
            "until = 2027-01-01",
        ];
        let without = |left_out: &str| {
            let lines = whole.iter().filter(|line| !line.starts_with(left_out));
            let lines: Vec<_> = lines.copied().collect();
            problem(&format!("[[accept]]\n{}\n", lines.join("\n")))
        };
        for key in ["finding", "owner", "reason", "until"] {
            let problem = without(key);
            assert!(
                problem.contains(&format!("missing field `{key}`")),
                "{problem}"
            );
        }
        let everything = without("names");
        assert!(everything.contains("needs `names`"), "{everything}");
        for until in ["\"soon\"", "5", "2027-01-01T00:00:00", "10:00:00"] {
            let text = format!("[[accept]]\n{}\nuntil = {until}\n", whole[..4].join("\n"));
            let problem = problem(&text);
            assert!(problem.contains("line 6, column 9"), "{problem}");
            assert!(problem.contains("hint: until = 2027-03-31"), "{problem}");
        }
    }

    #[test]
    fn an_override_selects_and_has_no_overrides() {
        let bare = problem("[[policy.override]]\nrsa_bits = 1024\n");
        assert!(bare.contains("needs `names`"), "{bare}");
        let nested = problem(
            "[[policy.override]]\nnames = [\"a\"]\n[[policy.override.override]]\nnames = [\"b\"]\n",
        );
        assert!(nested.contains("no overrides of its own"), "{nested}");
    }
}
