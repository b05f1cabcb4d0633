//! How much of the cache the decoding sequences of a rank take as they grow, in tokens of whole blocks.

/// Decoding sequences by the phase of their last block.
///
/// With one token a step a sequence takes a block whenever its tokens fill the last one: which step that is follows
/// from tokens and steps modulo the block. With several tokens a step on average, blocks grow evenly instead.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    block: u32,
    tokens_per_step: f64,
    by_phase: Vec<u32>,
    sequences: u32,
}

impl Growth {
    pub(crate) fn new(block: u32, tokens_per_step: f64) -> Self {
        Self { block, tokens_per_step, by_phase: vec![0; block as usize], sequences: 0 }
    }

    pub(crate) fn add(&mut self, phase: u32) {
        self.by_phase[phase as usize] += 1;
        self.sequences += 1;
    }

    pub(crate) fn remove(&mut self, phase: u32) {
        self.by_phase[phase as usize] -= 1;
        self.sequences -= 1;
    }

    fn is_exact(&self) -> bool {
        self.tokens_per_step == 1.0
    }

    /// Tokens in whole blocks.
    pub(crate) fn whole(&self, tokens: u64) -> f64 {
        let block = u64::from(self.block);
        (tokens.div_ceil(block) * block) as f64
    }

    /// What a sequence holds after so many decode steps, having begun with so many tokens.
    pub(crate) fn held(&self, tokens: u32, steps: u64) -> f64 {
        let tokens = u64::from(tokens);
        if self.is_exact() {
            self.whole(tokens + steps)
        } else {
            self.whole(tokens) + steps as f64 * self.tokens_per_step
        }
    }

    /// What a sequence that begins with so many tokens takes in its first decode step.
    pub(crate) fn first_step(&self, tokens: u32) -> f64 {
        self.held(tokens, 1) - self.held(tokens, 0)
    }

    /// Phase of the sequences that take a block in the step after the given ones; in the step after that it is the phase
    /// below, around the block.
    fn phase(&self, steps: u64) -> usize {
        let over = (steps % u64::from(self.block)) as usize;
        if over == 0 { 0 } else { self.by_phase.len() - over }
    }

    /// What is taken by the step after the given ones.
    pub(crate) fn next(&self, from: u64) -> f64 {
        if self.is_exact() {
            f64::from(self.by_phase[self.phase(from)]) * f64::from(self.block)
        } else {
            f64::from(self.sequences) * self.tokens_per_step
        }
    }

    /// What is taken by so many steps after the given ones.
    pub(crate) fn taken(&self, from: u64, steps: u64) -> f64 {
        let sequences = f64::from(self.sequences);
        if !self.is_exact() {
            return sequences * self.tokens_per_step * steps as f64;
        }
        let (cycles, rest) = (steps / u64::from(self.block), (steps % u64::from(self.block)) as usize);
        let end = self.phase(from) + 1;
        let below = &self.by_phase[end.saturating_sub(rest)..end];
        let around = &self.by_phase[self.by_phase.len() - (rest - below.len())..];
        let rest: u32 = below.iter().chain(around).sum();
        (sequences * cycles as f64 + f64::from(rest)) * f64::from(self.block)
    }

    /// Steps after the given ones for which so much room is enough; any number above `most` for more than that.
    pub(crate) fn steps_within(&self, from: u64, room: f64, most: u64) -> u64 {
        // In so many steps each sequence takes less than it fills and another block.
        let each = (most as f64 + f64::from(self.block)) * self.tokens_per_step;
        if self.sequences == 0 || f64::from(self.sequences) * each <= room {
            return u64::MAX;
        }
        if !self.is_exact() {
            return (room / self.next(from)).max(0.0) as u64;
        }
        let room = (room.max(0.0) / f64::from(self.block)).floor();
        let cycles = (room / f64::from(self.sequences)).floor();
        if cycles >= 1e15 {
            return u64::MAX;
        }
        let mut left = room - cycles * f64::from(self.sequences);
        let mut steps = cycles as u64 * u64::from(self.block);
        let phase = self.phase(from);
        for taken in self.by_phase[..=phase].iter().rev().chain(self.by_phase[phase + 1..].iter().rev()) {
            left -= f64::from(*taken);
            if left < 0.0 {
                break;
            }
            steps += 1;
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn law_blocks_of_a_stretch_are_those_of_its_sequences(
            tokens in proptest::collection::vec(1u32..200, 1..20), from in 0u64..100, steps in 0u64..100,
        ) {
            let block = 16;
            let mut growth = Growth::new(block, 1.0);
            let mut exact = 0.0;
            for &tokens in &tokens {
                // Joined at step 0 with so many tokens.
                growth.add(tokens % block);
                let held = |steps: u64| growth.held(tokens, steps);
                exact += held(from + steps) - held(from);
            }
            prop_assert_eq!(growth.taken(from, steps), exact);
            prop_assert_eq!(growth.taken(from, 1), growth.next(from));
            let within = growth.steps_within(from, exact, u64::MAX);
            prop_assert!(within >= steps);
            let short = growth.steps_within(from, exact, steps);
            prop_assert!(short == within || short > steps);
            prop_assert!(growth.taken(from, within) <= exact && growth.taken(from, within + 1) > exact);
        }
    }
}
