//! What the player asks of a performance model: how long one step takes.

use rackplan_perf::{Average, Chunk, StepTable};

/// Times of engine steps, for one attention rank of one replica.
pub trait StepTimes {
    /// Seconds of one step in which `decodes` sequences with `context` cached tokens on average each generate, beside
    /// chunks of prompts. There are at most three kinds of chunks; none for a step that only decodes.
    /// Experts meet what the average rank carries; none where all ranks carry the same.
    fn step_among(&self, decodes: f64, context: f64, chunks: &[Chunk], average: Option<Average>) -> f64;

    /// The same where all ranks carry the same.
    fn step(&self, decodes: f64, context: f64, chunks: &[Chunk]) -> f64 {
        self.step_among(decodes, context, chunks, None)
    }
}

impl StepTimes for StepTable {
    fn step_among(&self, decodes: f64, context: f64, chunks: &[Chunk], average: Option<Average>) -> f64 {
        StepTable::step_among(self, decodes, context, chunks, average)
    }
}

impl<T: StepTimes> StepTimes for &T {
    fn step_among(&self, decodes: f64, context: f64, chunks: &[Chunk], average: Option<Average>) -> f64 {
        (**self).step_among(decodes, context, chunks, average)
    }
}

/// What a rank carries in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    pub(crate) decodes: f64,
    pub(crate) context: f64,
    pub(crate) prompts: ([Chunk; 3], usize),
}

impl Carried {
    /// Its chunks of prompts.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.prompts.0[..self.prompts.1]
    }
}

/// The prompts of one step, held as sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prompts {
    whole: f64,
    tokens: f64,
    squares: f64,
    parts: [Option<Chunk>; 2],
}

impl Prompts {
    /// Adds tokens of one prompt of which `prefix` are cached.
    pub(crate) fn add(&mut self, tokens: f64, prefix: f64, is_last: bool) {
        let place = if prefix > 0.0 { Some(0) } else { (!is_last).then_some(1) };
        match place {
            Some(place) => self.parts[place] = Some(Chunk { prompts: 1.0, tokens, prefix }),
            None => {
                self.whole += 1.0;
                self.tokens += tokens;
                self.squares += tokens * tokens;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.whole == 0.0 && self.parts == [None, None]
    }

    /// Tokens of prompts in the step.
    pub(crate) fn tokens(&self) -> f64 {
        self.tokens + self.parts.iter().flatten().map(|chunk| chunk.tokens).sum::<f64>()
    }

    /// The chunks and how many of them count.
    pub(crate) fn chunks(&self) -> ([Chunk; 3], usize) {
        let mut chunks = [Chunk { prompts: 0.0, tokens: 0.0, prefix: 0.0 }; 3];
        let mut kinds = 0;
        let whole = (self.whole > 0.0).then(|| self.equal());
        for chunk in self.parts.into_iter().chain([whole]).flatten() {
            chunks[kinds] = chunk;
            kinds += 1;
        }
        (chunks, kinds)
    }

    /// n = (Σt)²/Σt² prompts of Σt²/Σt tokens do the same linear and the same quadratic work.
    fn equal(&self) -> Chunk {
        let tokens = self.squares / self.tokens;
        Chunk { prompts: self.tokens / tokens, tokens, prefix: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_whole_prompts_keep_sum_and_squares() {
        let mut prompts = Prompts::default();
        assert!(prompts.is_empty());
        prompts.add(100.0, 500.0, true);
        prompts.add(300.0, 0.0, true);
        prompts.add(100.0, 0.0, true);
        prompts.add(50.0, 0.0, false);
        let (chunks, kinds) = prompts.chunks();
        // 300 and 100: 400 tokens, 100,000 squared; 1.6 prompts of 250.
        assert_eq!((kinds, prompts.tokens()), (3, 550.0));
        assert_eq!(chunks[0], Chunk { prompts: 1.0, tokens: 100.0, prefix: 500.0 });
        assert_eq!(chunks[1], Chunk { prompts: 1.0, tokens: 50.0, prefix: 0.0 });
        assert_eq!(chunks[2], Chunk { prompts: 1.6, tokens: 250.0, prefix: 0.0 });
    }
}
