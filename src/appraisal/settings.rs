use crate::domain::in_days;
use crate::judge::Policy;

/// What of the policy decides findings everywhere, and how much it says
/// besides: a name and a value each.
pub(super) fn stated(policy: &Policy) -> Vec<(String, String)> {
    let limits = &policy.limits;
    let expiring = format!(
        "{} before the end a warning, {} an error, {} critical",
        limits.expiring_warning, limits.expiring_error, limits.expiring_critical
    );
    let bits = format!("RSA {}, Diffie-Hellman {}", limits.rsa_bits, limits.dh_bits);
    let configured = format!(
        "rules: {}, overrides: {}, owners: {}, acceptances: {}",
        policy.rules.len(),
        policy.overrides.len(),
        policy.owners.len(),
        policy.acceptances.len()
    );
    [
        ("Expiring", expiring),
        ("Fewest bits", bits),
        ("Oldest look", in_days(limits.max_age)),
        ("Configured", configured),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
