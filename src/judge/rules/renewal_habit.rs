use crate::domain::{Severity, counted};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "renewal-habit",
    title: "it is renewed in a way that shorter lifetimes will break",
    severity: Severity::Notice,
    citation: "CA/Browser Forum Baseline Requirements section 6.3.2",
    advice: "Automate the renewal (ACME, RFC 8555) and let it come when a third of the \
        lifetime is left. At 47 days it comes nine times a year.",
    note: Some(
        "From two renewals on, of certificates below one of Mozilla's roots: the \
        median of the days that the predecessors had left.",
    ),
    zlint: &[],
    check,
};

/// The lifetimes that public CAs may issue from 2027-03-15 and from
/// 2029-03-15 on, in days.
const LIFETIMES: [i64; 2] = [100, 47];

/// The fewest renewals that make a habit.
const HABIT: usize = 2;

/// The days left below which a renewal came at the last moment.
const LAST_MOMENT: i64 = 3;

fn check(case: &Case<'_>) -> Verdict {
    let renewals = &case.evidence.past.days_left_at_renewals;
    if !case.evidence.assessment.publicly_trusted || renewals.len() < HABIT {
        return Verdict::NotApplicable;
    }
    let usual = median(renewals);
    if usual < LAST_MOMENT {
        return Verdict::fail(format!(
            "usually renewed with {} left: one slip of many is an outage",
            counted(usual, "day")
        ));
    }
    let broken: Vec<String> = LIFETIMES
        .iter()
        .filter(|lifetime| usual >= **lifetime)
        .map(ToString::to_string)
        .collect();
    Verdict::unless((!broken.is_empty()).then(|| {
        let lifetimes = broken.join(" or ");
        format!(
            "usually renewed with {usual} days left: a lifetime of {lifetimes} days has no such day"
        )
    }))
}

/// The middle one; of an even number, the lower of the two.
fn median(days: &[i64]) -> i64 {
    let mut days = days.to_vec();
    days.sort_unstable();
    let middle = days.len().saturating_sub(1) / 2;
    days.get(middle).copied().unwrap_or_default()
}
