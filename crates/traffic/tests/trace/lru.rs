//! A cache of blocks that forgets the one that was used longest ago; only for the figures of the traces' readme.

use std::collections::BTreeMap;

/// Blocks by when they were last used.
pub(crate) struct Lru {
    capacity: usize,
    clock: u64,
    by_time: BTreeMap<u64, u32>,
    /// When a block was last used; 0 if it is not there.
    used: Vec<u64>,
}

impl Lru {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, clock: 0, by_time: BTreeMap::new(), used: Vec::new() }
    }

    /// How many blocks of a prompt are there before the first that is not; then all of them are.
    pub(crate) fn prompt(&mut self, blocks: &[u32]) -> usize {
        let there = |block: &&u32| self.used.get(**block as usize).is_some_and(|at| *at > 0);
        let hit = blocks.iter().take_while(there).count();
        // From the last to the first, so that the start of a prompt outlives its end.
        for block in blocks.iter().rev() {
            self.touch(*block);
        }
        hit
    }

    fn touch(&mut self, block: u32) {
        self.clock += 1;
        let at = block as usize;
        self.used.resize(self.used.len().max(at + 1), 0);
        let before = std::mem::replace(&mut self.used[at], self.clock);
        self.by_time.remove(&before);
        self.by_time.insert(self.clock, block);
        if self.by_time.len() > self.capacity
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.used[oldest as usize] = 0;
        }
    }
}
