use super::Verdict;

/// The beginning of what a server said: that is where its banner is.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<u8>);

impl Said {
    /// Keeps what there is room for.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let room = Verdict::MAX_SAID.saturating_sub(self.0.len());
        self.0.extend(bytes.iter().take(room));
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_kept_and_no_more() {
        let mut said = Said::default();
        said.hear(b"220 ready");
        said.hear(&[b'x'; 2 * Verdict::MAX_SAID]);
        said.hear(b"more");
        assert!(said.as_bytes().starts_with(b"220 readyx"));
        assert_eq!(said.to_vec().len(), Verdict::MAX_SAID);
    }
}
