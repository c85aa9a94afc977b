//! The numbers of an RSA key → whether anybody can find its private key.

use num_bigint::BigUint;

use crate::x509::{self, Certificate};

/// What is wrong with the numbers of a key, beside their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFaults {
    /// The public exponent is below 2 or even: with 1 nothing is encrypted,
    /// and an even one has no inverse (RFC 8017 section 3.1).
    pub exponent: bool,
    /// The modulus is of the form that Infineon's library made
    /// (CVE-2017-15361).
    pub roca: bool,
    /// The primes are so close that Fermat's method finds them
    /// (CVE-2022-26320).
    pub close_primes: bool,
}

/// The largest modulus that is looked into, in octets: what any server uses
/// is far below, and arithmetic on what a hostile one sends must end.
const MAX_MODULUS: usize = 2048;

/// How many values of Fermat's method are tried. Keys made in the wild with
/// close primes fell to the first (fermatattack.secvuln.info).
const FERMAT_ROUNDS: u32 = 256;

/// The primes by which a modulus of Infineon's library shows (Nemec et al.,
/// "The Return of Coppersmith's Attack", section 2.3).
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

impl KeyFaults {
    /// Looks at the key of a certificate; no other than RSA has faults here.
    ///
    /// Costs about a tenth of a millisecond for an RSA key of 2048 bits, and
    /// half of one for the largest that is looked into; for others, nothing.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let key = x509::subject_public_key_info(&certificate.der).and_then(x509::rsa_public_key);
        let Some(key) = key else {
            return Self::default();
        };
        let exponent = match key.exponent.as_slice() {
            [] | [1] => true,
            [.., last] => last % 2 == 0,
        };
        if key.modulus.len() > MAX_MODULUS {
            return Self {
                exponent,
                ..Self::default()
            };
        }
        let modulus = BigUint::from_bytes_be(&key.modulus);
        Self {
            exponent,
            roca: is_roca(&modulus),
            close_primes: has_close_primes(&modulus),
        }
    }

    /// What is wrong, in words.
    pub(super) fn lines(self) -> impl Iterator<Item = &'static str> {
        let lines = [
            (self.exponent, "its public exponent is below 2 or even"),
            (self.roca, "it was made by the flawed library of ROCA"),
            (
                self.close_primes,
                "its primes are close: it can be factored",
            ),
        ];
        let wrong = lines.into_iter().filter(|(is_so, _)| *is_so);
        wrong.map(|(_, line)| line)
    }
}

/// Whether the modulus is a power of 65537 modulo every one of the primes, as
/// all that the flawed library made are, and hardly any other (1 in 2^27.8).
fn is_roca(modulus: &BigUint) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let remainder = modulus % *prime;
        let remainder = remainder.iter_u32_digits().next().unwrap_or(0);
        is_power_of_65537(remainder, *prime)
    })
}

fn is_power_of_65537(remainder: u32, prime: u32) -> bool {
    let next = |power: &u32| Some(power * (65_537 % prime) % prime);
    let cycle = std::iter::successors(Some(1), next).take(prime as usize);
    cycle.into_iter().any(|power| power == remainder)
}

/// Fermat's method: where `n = a² − b²`, its factors are `a + b` and `a − b`,
/// and `a` is just above the root of `n` where they are close. The root itself
/// is tried too, since equal primes are the closest.
fn has_close_primes(modulus: &BigUint) -> bool {
    let root = modulus.sqrt();
    let square = &root * &root;
    if &square == modulus {
        return *modulus > BigUint::from(1u8);
    }
    // (root + 1)² − n, and how much more the next a² − n is: 2 more each time.
    let first = square + &root * 2u8 + 1u8 - modulus;
    let step = (root + 1u8) * 2u8 + 1u8;
    let (mut rest, mut more) = (residue(&first), residue(&step));
    for round in 0..FERMAT_ROUNDS {
        if may_be_square(rest) {
            let rest = &first + &step * round + round * round.saturating_sub(1);
            if is_square(&rest) {
                // Then one factor is a − b; 1 would be no factor.
                return !is_trivial(modulus, &rest);
            }
        }
        rest = (rest + more) % PERIOD;
        more = (more + 2) % PERIOD;
    }
    false
}

/// Whether `a² − n` is the square that every odd number gives at last: with
/// the factors 1 and n, where a − b is 1.
fn is_trivial(modulus: &BigUint, rest: &BigUint) -> bool {
    let b = rest.sqrt();
    (b * 2u8 + 1u8) == *modulus
}

/// By what numbers leave modulo this, all but one in a hundred of those that
/// are no squares show: 64 × 63 × 65 × 11.
const PERIOD: u32 = 64 * 45_045;

fn residue(number: &BigUint) -> u32 {
    let residue = number % PERIOD;
    residue.iter_u32_digits().next().unwrap_or(0)
}

/// Whether a number that leaves this modulo [`PERIOD`] may be a square.
fn may_be_square(residue: u32) -> bool {
    /// The squares modulo 64, a bit each.
    const SQUARES: u64 = 0x0202_0212_0203_0213;
    SQUARES >> (residue % 64) & 1 == 1
        && [63, 65, 11]
            .iter()
            .all(|modulus| is_residue(residue % modulus, *modulus))
}

fn is_square(number: &BigUint) -> bool {
    if !may_be_square(residue(number)) {
        return false;
    }
    let root = number.sqrt();
    &root * &root == *number
}

fn is_residue(remainder: u32, modulus: u32) -> bool {
    (0..=modulus / 2).any(|root| root * root % modulus == remainder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> BigUint {
        text.parse().unwrap()
    }

    #[test]
    fn a_square_is_told_from_its_neighbours() {
        for root in (0u32..300).chain([65_535, 65_536]) {
            let root = BigUint::from(root);
            let square = &root * &root;
            assert!(is_square(&square), "{square}");
            assert!(square < BigUint::from(2u8) || !is_square(&(square + 1u8)));
        }
    }

    #[test]
    fn close_primes_are_found_and_equal_ones_too() {
        // 2^61 - 1 and the primes next to it.
        let prime = number("2305843009213693951");
        let next = number("2305843009213693967");
        assert!(has_close_primes(&(&prime * &next)));
        assert!(has_close_primes(&(&prime * &prime)));
        // 2^61 - 1 and 2^89 - 1.
        let far = number("618970019642690137449562111");
        assert!(!has_close_primes(&(&prime * far)));
    }

    #[test]
    fn no_small_number_is_trouble() {
        for modulus in 0u32..2_000 {
            let modulus = BigUint::from(modulus);
            let _ = (has_close_primes(&modulus), is_roca(&modulus));
        }
        assert!(!has_close_primes(&BigUint::from(1u8)));
        assert!(
            !has_close_primes(&BigUint::from(7u8)),
            "a prime is no product"
        );
    }

    #[test]
    fn a_modulus_of_the_flawed_library_is_known_by_its_form() {
        let product: BigUint = ROCA_PRIMES
            .iter()
            .map(|prime| BigUint::from(*prime))
            .product();
        let flawed = BigUint::from(65_537u32).modpow(&BigUint::from(12_345u32), &(product * 2u8));
        assert!(is_roca(&flawed));
        assert!(!is_roca(&(flawed + 2u8)));
    }
}
