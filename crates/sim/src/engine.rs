//! Settings of a serving engine: how it makes steps, what it lets in, and what its front end costs.

use rackplan_units::Seconds;

/// How a step is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All decodes, then prompts in order of arrival, cut into what is left of the token budget (vLLM v1).
    ChunkedWithDecodes,
    /// All decodes, and whole prompts while they fit the token budget (TensorRT-LLM without chunking).
    WholeWithDecodes,
    /// Prompts by themselves, cut at the token budget, until none waits; then decodes (SGLang).
    PromptsFirst,
}

impl Policy {
    /// Whether a prompt may be spread over steps.
    pub fn cuts_prompts(self) -> bool {
        self != Self::WholeWithDecodes
    }

    /// Whether decodes rest while prompts run.
    pub fn rests_decodes(self) -> bool {
        self == Self::PromptsFirst
    }
}

/// One engine, that is one replica. Limits are per attention rank.
///
/// Defaults are those of vLLM v1; figures of others belong into catalog entries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engine {
    /// How a step is put together.
    pub policy: Policy,
    /// Tokens a step may compute on a rank. For [`Policy::PromptsFirst`] the chunked prefill size.
    pub token_budget: u32,
    /// Sequences that a rank runs at once.
    pub max_sequences: u32,
    /// Attention-data-parallel ranks. Each has its own queue and cache; a request goes to the one with the fewest; all
    /// step together and the slowest sets the time.
    pub ranks: u32,
    /// Pipeline stages through which batches follow each other, where [`crate::StepTimes`] are those of one stage; 1 where
    /// they are those of a whole step.
    pub stages: u32,
    /// Tokens generated per sequence and step on average, at least 1; above 1 with speculative decoding.
    pub tokens_per_step: f64,
    /// Front-end time per prompt token, one request after the other.
    pub tokenise_per_token: Seconds,
    /// Front ends that share the requests, at least 1.
    pub front_ends: u32,
    /// What the front end adds to every request before the scheduler sees it.
    pub first_token_overhead: Seconds,
    /// Whether the next step is scheduled while one runs, so that a request joins the step after the next.
    pub schedules_ahead: bool,
    /// The scheduler looks for new requests every so many decode steps, and at once after a prefill; at least 1.
    pub receive_interval: u32,
    /// Prompts wait until they fill a step, or for a number of steps; none if they never do.
    pub batch_wait: Option<BatchWait>,
    /// Decode steps for which prompts wait until every rank has one (attention-DP balance); 0 for none.
    pub balance_wait: u32,
    /// Room for cached tokens on a rank: blocks times block size.
    pub kv_capacity: f64,
    /// Tokens in a block of the cache. What a sequence does not fill of its last one is lost.
    pub kv_block: u32,
    /// Share of a request's output that must have room before it is let in: 0 lets in what the prompt fits (vLLM), 1
    /// never has to take a request back (TensorRT-LLM), between them SGLang. The newest is taken back and computed
    /// again when the cache is full.
    pub reserved_output: f64,
    /// Most tokens of a prompt and its answer together, as the model or its launch allows.
    pub longest_context: u32,
}

/// When prompts that wait are let in beside running decodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchWait {
    /// At the latest after this many steps.
    pub steps: u32,
    /// As soon as the step would have this share of its token budget.
    pub filled: f64,
}

impl Default for Engine {
    fn default() -> Self {
        Self::VLLM
    }
}

impl Engine {
    /// vLLM v1 as it comes, with room for any cache.
    pub const VLLM: Self = Self {
        policy: Policy::ChunkedWithDecodes,
        token_budget: 8192,
        max_sequences: 1024,
        ranks: 1,
        stages: 1,
        tokens_per_step: 1.0,
        tokenise_per_token: Seconds::new(3e-6),
        front_ends: 1,
        first_token_overhead: Seconds::new(0.03),
        schedules_ahead: true,
        receive_interval: 1,
        batch_wait: None,
        balance_wait: 0,
        kv_capacity: f64::INFINITY,
        kv_block: 16,
        reserved_output: 0.0,
        longest_context: u32::MAX,
    };

    /// The settings with every count in its range, so that no setting can stall the player.
    pub(crate) fn checked(mut self) -> Self {
        self.token_budget = self.token_budget.max(1);
        self.max_sequences = self.max_sequences.max(1);
        self.ranks = self.ranks.max(1);
        self.stages = self.stages.max(1);
        self.front_ends = self.front_ends.max(1);
        self.receive_interval = self.receive_interval.max(1);
        self.tokens_per_step = (self.tokens_per_step.clamp(1.0, 1e3) * FINE).round() / FINE;
        self.reserved_output = self.reserved_output.clamp(0.0, 1.0);
        self.kv_capacity = self.kv_capacity.max(0.0);
        self.tokenise_per_token = Seconds::new(self.tokenise_per_token.get().max(0.0));
        self.first_token_overhead = Seconds::new(self.first_token_overhead.get().max(0.0));
        self
    }

    /// Blocks of the cache of a rank.
    pub(crate) fn kv_blocks(&self) -> f64 {
        (self.kv_capacity / f64::from(self.kv_block.max(1))).floor()
    }

    /// Room that a sequence wastes in its last block, on average.
    pub(crate) fn block_waste(&self) -> f64 {
        f64::from(self.kv_block.max(1) - 1) / 2.0
    }

    /// Blocks that a request holds before its last token, which is never read again.
    fn most_cached(&self, input: u32, output: u32) -> f64 {
        let (block, left) = (self.kv_block.max(1), output.saturating_sub(1));
        if self.tokens_per_step > 1.0 {
            let steps = (f64::from(left) / self.tokens_per_step).ceil();
            return f64::from(input.div_ceil(block)) + steps * self.tokens_per_step / f64::from(block);
        }
        f64::from(input.saturating_add(left).div_ceil(block))
    }

    /// Why this engine can never serve a request of these lengths.
    pub fn refuses(&self, input: u32, output: u32) -> Option<Refusal> {
        if input.saturating_add(output) > self.longest_context {
            Some(Refusal::LongerThanContext)
        } else if self.most_cached(input, output) > self.kv_blocks() {
            Some(Refusal::LongerThanCache)
        } else if !self.policy.cuts_prompts() && input > self.token_budget {
            Some(Refusal::LongerThanStep)
        } else {
            None
        }
    }
}

/// Tokens per step are a multiple of 2^-20, so that sums of them are exact in any order.
pub(crate) const FINE: f64 = 1_048_576.0;

/// Why a request was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Prompt and answer together do not fit the KV cache of a rank.
    LongerThanCache,
    /// The prompt is longer than a step may be, and this engine does not cut prompts.
    LongerThanStep,
    /// Prompt and answer together are longer than the model's context.
    LongerThanContext,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LongerThanCache => "prompt and answer do not fit the KV cache",
            Self::LongerThanStep => "the prompt is longer than the token budget of a step",
            Self::LongerThanContext => "prompt and answer are longer than the model's context",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_refusals_name_the_limit() {
        let engine = Engine { kv_capacity: 1000.0, kv_block: 1, token_budget: 600, ..Engine::default() };
        assert_eq!(engine.refuses(900, 100), None);
        assert_eq!(engine.refuses(901, 100), None);
        assert_eq!(engine.refuses(902, 100), Some(Refusal::LongerThanCache));
        let short = Engine { longest_context: 999, ..engine };
        assert_eq!(short.refuses(900, 100), Some(Refusal::LongerThanContext));
        let whole = Engine { policy: Policy::WholeWithDecodes, ..engine };
        assert_eq!(whole.refuses(601, 100), Some(Refusal::LongerThanStep));
    }
}
