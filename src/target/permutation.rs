/// A keyed bijection of 0..n: any order of a set, without holding the set.
///
/// A balanced Feistel network (Luby and Rackoff, "How to construct
/// pseudorandom permutations from pseudorandom functions", 1988) permutes the
/// smallest even number of bits that holds n; what falls outside of 0..n is
/// put through again until it falls inside ("cycle walking": Black and
/// Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). The domain is
/// less than 4n, so that takes fewer than four rounds on average.
///
/// It spreads the load over networks; it hides nothing from anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    length: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

/// Four make a strong pseudorandom permutation of large halves (Luby and
/// Rackoff); two more for halves of a few bits.
const ROUNDS: usize = 6;

impl Permutation {
    /// The permutation of 0..`length` that belongs to a seed and a stream:
    /// blocks of one seed are permuted independently.
    #[must_use]
    pub fn new(length: u64, seed: u64, stream: u64) -> Self {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        let mut state = mix(seed) ^ stream;
        let keys = [(); ROUNDS].map(|()| {
            state = state.wrapping_add(GOLDEN_GAMMA);
            mix(state)
        });
        Self {
            length,
            half_bits: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// How many positions it has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// What stands at a position; `None` from `length` on.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<u64> {
        if position >= self.length {
            return None;
        }
        // It ends: the walk is along a cycle that leads back to `position`.
        let mut value = self.encipher(position);
        while value >= self.length {
            value = self.encipher(value);
        }
        Some(value)
    }

    /// One pass through the network: a bijection of `2 * half_bits` bits.
    fn encipher(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// The increment of SplitMix64: 2^64 over the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
/// Pseudorandom Number Generators", 2014; David Stafford's variant 13).
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_bijection(permutation: Permutation) {
        let length = usize::try_from(permutation.length()).unwrap();
        let mut seen = vec![false; length];
        for position in 0..permutation.length() {
            let value = usize::try_from(permutation.at(position).unwrap()).unwrap();
            assert!(!seen[value], "{value} twice of {length}");
            seen[value] = true;
        }
    }

    #[test]
    fn every_small_length_is_permuted_completely() {
        for length in 0..=1_100 {
            assert_bijection(Permutation::new(length, 7, length));
        }
    }

    #[test]
    fn a_whole_block_is_permuted_completely() {
        for length in [(1 << 16) + 1, (1 << 20) - 1, 1 << 20] {
            assert_bijection(Permutation::new(length, 1, 0));
        }
    }

    #[test]
    fn beyond_the_length_there_is_nothing() {
        assert_eq!(Permutation::new(0, 1, 1).at(0), None);
        assert_eq!(Permutation::new(1, 1, 1).at(0), Some(0));
        assert_eq!(Permutation::new(1, 1, 1).at(1), None);
    }

    #[test]
    fn the_largest_lengths_stay_in_range_and_apart() {
        for length in [u64::MAX, (1 << 63) + 1, 1 << 48] {
            let permutation = Permutation::new(length, 3, 9);
            let mut values: Vec<_> = (0..2_000)
                .chain(length - 2_000..length)
                .map(|position| permutation.at(position).unwrap())
                .collect();
            assert!(values.iter().all(|value| *value < length));
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), 4_000);
        }
    }

    #[test]
    fn seed_and_stream_change_the_order() {
        let order = |seed, stream| {
            let permutation = Permutation::new(1_000, seed, stream);
            (0..1_000).map(move |at| permutation.at(at).unwrap())
        };
        for (seed, stream) in [(1, 0), (0, 1), (1, 1)] {
            let fixed = order(0, 0).zip(order(seed, stream));
            // Two random orders of 1,000 agree in one place on average.
            assert!(fixed.filter(|(a, b)| a == b).count() < 10);
        }
    }

    #[test]
    fn neighbours_are_thrown_far_apart() {
        let permutation = Permutation::new(1 << 16, 42, 0);
        let values: Vec<_> = (0..1 << 16).map(|at| permutation.at(at).unwrap()).collect();
        let near = values
            .windows(2)
            .filter(|pair| pair[0].abs_diff(pair[1]) < 256);
        // Of random pairs, one in 128 lies within one /24.
        let near = near.count();
        assert!((300..800).contains(&near), "{near}");
    }
}
