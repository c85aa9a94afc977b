use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// What costs to find and is remembered, until all of it weighs too much: then
/// all is forgotten. That is simpler than choosing, and what is common comes
/// back soon. How much a thing weighs, not how many there are, bounds the
/// memory: a certificate may have 65,536 names.
#[derive(Debug)]
pub struct Remembered<Key, Value> {
    known: HashMap<Key, Value>,
    /// About how many bytes that is.
    weight: usize,
    most: usize,
}

/// What an entry takes besides what is said of it, in bytes.
const ENTRY: usize = 256;

/// What a text of its own takes besides what it says, in bytes: its place in a
/// list, and what an allocation is rounded up to.
const TEXT: usize = 40;

impl<Key: Eq + Hash, Value> Remembered<Key, Value> {
    /// Remembers nothing yet, and later up to about `most` bytes.
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        Self {
            known: HashMap::new(),
            weight: 0,
            most,
        }
    }

    /// What is remembered of `key`.
    #[must_use]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&Value>
    where
        Key: Borrow<Q>,
    {
        self.known.get(key)
    }

    /// Whether anything is.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.known.contains_key(key)
    }

    /// Remembers what weighs about so many bytes, also beyond the most: what
    /// is needed together stays together until [`Self::make_room`].
    pub fn insert(&mut self, key: Key, value: Value, weight: usize) {
        self.weight += weight + ENTRY;
        self.known.insert(key, value);
    }

    /// Forgets everything where it has become too much.
    pub fn make_room(&mut self) {
        if self.weight > self.most {
            self.weight = 0;
            self.known = HashMap::new();
        }
    }
}

/// About how many bytes of memory these texts take.
pub fn weight_of<Text: AsRef<str>>(texts: impl IntoIterator<Item = Text>) -> usize {
    let texts = texts.into_iter();
    texts.map(|text| TEXT + text.as_ref().len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_forgotten_once_it_weighs_too_much() {
        let mut remembered = Remembered::up_to(10_000);
        for key in 0..10 {
            remembered.insert(key, "light", 100);
            remembered.make_room();
        }
        assert_eq!(remembered.get(&0), Some(&"light"));
        remembered.insert(10, "heavy", 10_000);
        assert!(remembered.has(&10) && remembered.has(&0), "needed together");
        remembered.make_room();
        assert!((0..=10).all(|key| !remembered.has(&key)));
        remembered.insert(11, "light", 100);
        remembered.make_room();
        assert!(remembered.has(&11), "what it weighed is forgotten too");
    }

    #[test]
    fn short_texts_weigh_more_than_they_say() {
        assert!(weight_of(vec!["abcd"; 65_536]) > 65_536 * 40);
    }
}
