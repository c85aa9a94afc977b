use std::hash::{BuildHasher, RandomState};

/// The random bytes of a ClientHello in clear, different in each.
///
/// From the standard library's keyed hash rather than a library of
/// cryptography: no key comes of such a hello, so that nothing hangs on nobody
/// guessing them, and aws-lc gathers entropy for a tenth of a second before its
/// first byte, while all connections wait.
pub(super) fn random() -> [u8; 32] {
    let keyed = RandomState::new();
    let mut random = [0; 32];
    for (number, part) in random.chunks_exact_mut(size_of::<u64>()).enumerate() {
        part.copy_from_slice(&keyed.hash_one(number).to_be_bytes());
    }
    random
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_hellos_have_the_same() {
        let parts = (0..1000).flat_map(|_| {
            let random = random();
            [0, 8, 16, 24].map(|at| random[at..at + 8].to_vec())
        });
        assert_eq!(parts.collect::<HashSet<_>>().len(), 4000);
    }
}
