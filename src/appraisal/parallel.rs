//! Work on many items → the same on every processor.

/// Fewest items that are worth another thread.
const MIN_SHARE: usize = 16;

/// Does the work on each item, on every processor.
pub(super) fn each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(threads).max(MIN_SHARE);
    let mut shares = items.chunks_mut(share);
    let Some(own) = shares.next() else {
        return;
    };
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| share.iter_mut().for_each(&work));
        }
        own.iter_mut().for_each(&work);
    });
}

/// What the work makes of each item, in their order.
pub(super) fn map<T: Sync, U: Send>(items: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let mut pairs: Vec<(&T, Option<U>)> = items.iter().map(|item| (item, None)).collect();
    each(&mut pairs, |(item, made)| *made = Some(work(item)));
    pairs.into_iter().filter_map(|(_, made)| made).collect()
}
