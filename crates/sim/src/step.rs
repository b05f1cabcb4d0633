//! What the player asks of a performance model: how long one step takes.

use rackplan_perf::{Average, Chunk, StepTable};

/// What one attention rank computes in a step.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Sequences that generate.
    pub decodes: f64,
    /// Their cached tokens, on average.
    pub context: f64,
    /// Cached tokens of the longest of them, where [`StepTimes::wants_longest`]; else the average.
    pub longest: f64,
    /// Chunks of prompts beside them: at most three kinds; none in a step that only decodes.
    pub chunks: &'a [Chunk],
    /// What the average rank carries, which is what experts meet; none where all ranks carry the same.
    pub average: Option<Average>,
}

impl<'a> Step<'a> {
    /// A step of sequences of one length, on ranks that all carry the same.
    pub fn even(decodes: f64, context: f64, chunks: &'a [Chunk]) -> Self {
        Self { decodes, context, longest: context, chunks, average: None }
    }
}

/// Times of engine steps, for one attention rank of one replica.
pub trait StepTimes {
    /// Seconds of one step.
    fn time(&self, step: &Step<'_>) -> f64;

    /// The mean context up to which the time of a step without prompts lies on a straight line as all contexts grow.
    fn straight_to(&self, step: &Step<'_>) -> f64 {
        (STRAIGHT * step.context).max(step.context + SHORTEST)
    }

    /// Seconds until the next pipeline stage has what a step of this one made, where times are of one stage.
    fn sending(&self, _: &Step<'_>) -> f64 {
        0.0
    }

    /// Whether the longest context matters beside the average one.
    fn wants_longest(&self) -> bool {
        false
    }

    /// Seconds of [`Step::even`].
    fn step(&self, decodes: f64, context: f64, chunks: &[Chunk]) -> f64 {
        self.time(&Step::even(decodes, context, chunks))
    }
}

/// By how much contexts grow, at least, before a time is asked for anew: as a factor, and in tokens where that is more.
const STRAIGHT: f64 = 1.125;
const SHORTEST: f64 = 16.0;

impl StepTimes for StepTable {
    fn time(&self, step: &Step<'_>) -> f64 {
        self.step_among(step.decodes, step.context, step.chunks, step.average)
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        Self::straight_to(step.context)
    }
}

impl<T: StepTimes> StepTimes for &T {
    fn time(&self, step: &Step<'_>) -> f64 {
        (**self).time(step)
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        (**self).straight_to(step)
    }

    fn sending(&self, step: &Step<'_>) -> f64 {
        (**self).sending(step)
    }

    fn wants_longest(&self) -> bool {
        (**self).wants_longest()
    }
}

/// The prompts of one step, held as sums by kind: with a prefix in the cache, cut off before their end, whole.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    sums: [Sums; 3],
    count: u32,
    /// What stands for them, once all are there.
    chunks: Vec<Chunk>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    tokens: f64,
    squares: f64,
    /// Σ tokens · prefix.
    pairs: f64,
}

impl Prompts {
    /// Adds tokens of one prompt of which `prefix` are cached.
    pub(crate) fn add(&mut self, tokens: f64, prefix: f64, is_last: bool) {
        let kind = if prefix > 0.0 { 0 } else { 1 + usize::from(is_last) };
        let sums = &mut self.sums[kind];
        sums.tokens += tokens;
        sums.squares += tokens * tokens;
        sums.pairs += tokens * prefix;
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Tokens of prompts in the step.
    pub(crate) fn tokens(&self) -> f64 {
        self.sums.iter().map(|sums| sums.tokens).sum()
    }

    /// Forgets those of the step before.
    pub(crate) fn clear(&mut self) {
        if !self.is_empty() {
            (self.sums, self.count) = ([Sums::default(); 3], 0);
            self.chunks.clear();
        }
    }

    /// All are there.
    pub(crate) fn settle(&mut self) {
        if !self.is_empty() {
            let kinds = self.sums.iter().filter(|sums| sums.tokens > 0.0);
            self.chunks.extend(kinds.map(Sums::equal));
        }
    }

    /// At most three kinds of chunks that do the same work.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }
}

impl Sums {
    /// n = (Σt)²/Σt² prompts of t' = Σt²/Σt tokens behind p' = Σtp/Σt do the same linear work, the same among their
    /// own tokens and the same with what is cached.
    fn equal(&self) -> Chunk {
        let tokens = self.squares / self.tokens;
        Chunk { prompts: self.tokens / tokens, tokens, prefix: self.pairs / self.tokens }
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
        prompts.add(100.0, 300.0, false);
        prompts.settle();
        let chunks = prompts.chunks();
        // 300 and 100: 400 tokens, 100,000 squared; 1.6 prompts of 250.
        assert_eq!((chunks.len(), prompts.tokens()), (3, 650.0));
        assert_eq!(chunks[0], Chunk { prompts: 2.0, tokens: 100.0, prefix: 400.0 });
        assert_eq!(chunks[1], Chunk { prompts: 1.0, tokens: 50.0, prefix: 0.0 });
        assert_eq!(chunks[2], Chunk { prompts: 1.6, tokens: 250.0, prefix: 0.0 });
    }
}
