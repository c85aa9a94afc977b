use tokio::time::Instant;

/// How many looks may be under way: fewer when the machine runs short of
/// descriptors, ports or memory.
#[derive(Debug)]
pub(super) struct Capacity {
    most: u64,
    now: u64,
    shrunk_at: Option<Instant>,
    /// Looks that lacked nothing since it last changed.
    well: u64,
}

impl Capacity {
    /// One that is never above `most`.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            now: most,
            shrunk_at: None,
            well: 0,
        }
    }

    /// Whether one more may begin beside so many.
    pub(super) fn has_room_beside(&self, under_way: u64) -> bool {
        under_way < self.now
    }

    /// A look lacked something, which left so many under way: no more than
    /// those fit, and half as many to begin with. One that began before the
    /// last halving says nothing against what is left.
    pub(super) fn shrink(&mut self, began: Instant, under_way: u64, now: Instant) {
        self.now = self.now.min(under_way).max(1);
        if self.shrunk_at.is_none_or(|at| began >= at) {
            self.now = self.now.div_ceil(2);
            self.shrunk_at = Some(now);
        }
        self.well = 0;
    }

    /// A look lacked nothing. When as many did as fit, one more does.
    pub(super) fn recover(&mut self) {
        self.well += 1;
        if self.well >= self.now {
            self.well = 0;
            self.now = self.most.min(self.now + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_shrinks_to_what_fits_and_recovers_one_by_one() {
        let began = Instant::now();
        let mut capacity = Capacity::new(512);
        for under_way in (20..512).rev() {
            capacity.shrink(began, under_way, began + Duration::from_millis(1));
        }
        assert!(!capacity.has_room_beside(20));
        assert!(capacity.has_room_beside(19));
        for _ in 0..100_000 {
            capacity.recover();
        }
        assert!(capacity.has_room_beside(400));
        for _ in 0..100_000 {
            capacity.recover();
        }
        assert!(capacity.has_room_beside(511) && !capacity.has_room_beside(512));
    }

    #[tokio::test(start_paused = true)]
    async fn it_halves_once_a_generation_and_never_to_nothing() {
        let start = Instant::now();
        let mut capacity = Capacity::new(16);
        for generation in 1..=8 {
            let now = start + Duration::from_secs(generation);
            capacity.shrink(now, 15, now);
        }
        assert!(capacity.has_room_beside(0) && !capacity.has_room_beside(1));
    }
}
