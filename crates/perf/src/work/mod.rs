//! One operator of a compiled deployment: the part of its shape that no step changes, and its time in a step.

pub(crate) mod attend;
mod exchange;

pub(crate) use exchange::{Dispatch, waiting_us};

use crate::ParallelPlan;
use crate::collectives::all_reduce::{AllReduce, AllReduceConstants, Fused};
use crate::collectives::nccl::{Exchange, NcclConstants};
use crate::inference::{Average, Batch};
use crate::operators::attention_decode::{AttentionDecode, AttentionDecodeConstants};
use crate::operators::attention_linear::LinearAttention;
use crate::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants};
use crate::operators::attention_mla_decode::{MlaDecode, MlaDecodeConstants};
use crate::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants};
use crate::operators::attention_prefill::{AttentionPrefill, AttentionPrefillConstants};
use crate::operators::attention_sparse::{Indexer, SparseLatent};
use crate::operators::elementwise::{Elementwise, elementwise};
use crate::operators::embedding::{Embedding, embedding};
use crate::operators::gemm::{Gemm, GemmConstants, GemmPlan};
use crate::operators::moe::{Moe, MoeConstants, MoePlan};
use crate::operators::moe_routing::{Load, RoutingPlan};
use crate::operators::sampling::{Sampling, sampling};
use crate::{Bound, Cost, Device};
use std::sync::Arc;

/// What a step carries, counted for the operators of one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counts {
    /// Positions that pass through the layers, padding included.
    pub(crate) tokens: f64,
    /// Positions of generating sequences: one each, or as many as speculation verifies.
    pub(crate) decode_tokens: f64,
    /// Positions whose next token is chosen.
    pub(crate) sampled: f64,
    /// Sequences that generate.
    pub(crate) decodes: f64,
    /// Tokens that each of them has in the cache.
    pub(crate) context: f64,
    /// Prompts with a chunk in the step, all alike.
    pub(crate) prompts: f64,
    /// New tokens of such a chunk.
    pub(crate) chunk: f64,
    /// Tokens of such a prompt that are in the cache already.
    pub(crate) prefix: f64,
    /// Positions of the average attention group, whose experts all meet.
    pub(crate) average: f64,
}

/// What gives a multiplication its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// All positions.
    Tokens,
    /// Positions whose next token is chosen.
    Sampled,
    /// Everything that prompts attend to: their chunk and what is cached before it.
    Unfolded,
}

/// An operator without its counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// A multiplication with weights.
    Gemm { rows: Rows, shape: Gemm, constants: GemmConstants, plan: Arc<GemmPlan> },
    /// Passes over data outside multiplications: `bytes` of each row in so many kernels.
    Pass { rows: Rows, bytes: f64, launches: f64 },
    /// The look-up of embeddings.
    Embed(Embedding),
    /// The choice of a token.
    Sample(Sampling),
    /// What the host does with each row that is sampled, in microseconds.
    Host { row_us: f64 },
    /// A recurrent state.
    Linear(LinearAttention),
    /// Decode attention.
    Decode { shape: AttentionDecode, limit: f64, constants: AttentionDecodeConstants },
    /// Prefill attention.
    Prefill { shape: AttentionPrefill, constants: AttentionPrefillConstants },
    /// Decode over latents.
    MlaDecode { shape: MlaDecode, limit: f64, constants: MlaDecodeConstants },
    /// Prefill over unfolded latents.
    MlaPrefill { shape: MlaPrefill, constants: MlaPrefillConstants, chosen: Option<Chosen> },
    /// Absorption into or out of latents.
    MlaBmm { shape: MlaBmm, constants: MlaBmmConstants },
    /// Scores of an indexer over keys that each stand for `ratio` tokens, and the choice of the best.
    Index { indexer: Indexer, ratio: f64 },
    /// Attention of one key head over a window and compressed entries.
    Sparse { shape: SparseLatent, constants: MlaDecodeConstants },
    /// Routed experts.
    Moe { shape: Moe, routed: Routed, constants: MoeConstants, plan: MoePlan },
    /// An all-reduce, and the kernel that takes its place for short messages.
    AllReduce { shape: AllReduce, token_bytes: f64, constants: AllReduceConstants, fused: Option<Fused> },
    /// A collective of NCCL over what is sampled.
    Gather { shape: Exchange, token_bytes: f64, constants: NcclConstants },
    /// The way of tokens to experts and back under attention data parallelism.
    Dispatch(Dispatch),
}

/// Prefill over latents of which each query attends the best, where there are more of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// Latents that each query attends.
    pub(crate) top_k: f64,
    /// Bytes of a number in the cache.
    pub(crate) kv_bytes: f64,
    /// Of the kernel over them: that of decode, for want of another.
    pub(crate) constants: MlaDecodeConstants,
}

/// How routed experts are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Routed {
    /// Who meets which expert.
    plan: RoutingPlan,
    topk: f64,
    /// Attention data-parallel groups: each brings as many tokens.
    groups: f64,
    /// Whether tokens are sent to their experts, so that a rank's kernel meets its own pairs and no others.
    sent: bool,
}

impl Routed {
    /// Of a deployment laid out like this, each of whose tokens chooses `topk` experts.
    pub(crate) fn new(routing: RoutingPlan, topk: f64, plan: ParallelPlan) -> Self {
        Self { plan: routing, topk, groups: f64::from(plan.dp), sent: plan.sends_to_experts() }
    }

    /// The experts that so many positions of each attention group meet on the heaviest rank.
    pub(crate) fn met(&self, tokens: f64, shape: &Moe) -> Moe {
        let (tokens, expected_pairs, load) = self.seen(tokens);
        Moe { tokens, expected_pairs, load, ..*shape }
    }

    fn cost(&self, tokens: f64, plan: &MoePlan) -> Cost {
        let (tokens, pairs, load) = self.seen(tokens);
        plan.time(tokens, pairs, &load)
    }

    /// Tokens and pairs that the kernel of the heaviest rank goes through, and what of them is its own. Gathered tokens
    /// are those of all ranks; of tokens that are sent each pair arrives as one.
    fn seen(&self, tokens: f64) -> (f64, f64, Load) {
        let tokens = tokens * self.groups;
        let load = self.plan.load(tokens);
        if self.sent { (load.pairs, load.pairs, load) } else { (tokens, tokens * self.topk, load) }
    }
}

/// The counts that an operator depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// All positions.
    Tokens,
    /// What is sampled.
    Sampled,
    /// Sequences and their contexts.
    Contexts,
}

impl Work {
    /// Whether it takes as long as another whatever the step, on the same device.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            // Plans follow from shapes and constants, and are long.
            (
                Work::Gemm { rows, shape, constants, .. },
                Work::Gemm { rows: other_rows, shape: other_shape, constants: other_constants, .. },
            ) => rows == other_rows && shape == other_shape && constants == other_constants,
            _ => self == other,
        }
    }

    /// What it depends on.
    pub(crate) fn needs(&self) -> Needs {
        match self {
            Work::Gemm { rows, .. } | Work::Pass { rows, .. } => match rows {
                Rows::Tokens => Needs::Tokens,
                Rows::Sampled => Needs::Sampled,
                Rows::Unfolded => Needs::Contexts,
            },
            Work::Gather { .. } | Work::Sample(_) | Work::Host { .. } => Needs::Sampled,
            Work::Embed(_) | Work::Moe { .. } | Work::AllReduce { .. } | Work::Dispatch(_) => Needs::Tokens,
            _ => Needs::Contexts,
        }
    }

    /// Its time in a step; `None` where the step has nothing for it.
    pub(crate) fn cost(&self, counts: &Counts, device: &Device) -> Option<Cost> {
        let some = |count: f64, cost: &dyn Fn() -> Cost| (count > 0.0).then(cost);
        match self {
            Work::Gemm { rows, plan, .. } => {
                let m = rows.count(counts);
                some(m, &|| plan.time(m))
            }
            Work::Pass { rows, bytes, launches } => {
                let tokens = rows.count(counts);
                let (token_bytes, launches) = (*bytes, *launches);
                let shape = Elementwise { tokens, token_bytes, launches, replayed: true };
                some(tokens, &|| elementwise(&shape, device))
            }
            Work::Embed(shape) => {
                some(counts.tokens, &|| embedding(&Embedding { tokens: counts.tokens, ..*shape }, device))
            }
            Work::Sample(shape) => {
                some(counts.sampled, &|| sampling(&Sampling { sequences: counts.sampled, ..*shape }, device))
            }
            Work::Host { row_us } => {
                some(counts.sampled, &|| Cost::of_microseconds(0.0, Bound::Latency, row_us * counts.sampled))
            }
            Work::Moe { routed, plan, .. } => some(counts.average, &|| routed.cost(counts.average, plan)),
            Work::AllReduce { .. } | Work::Gather { .. } | Work::Dispatch(_) => {
                exchange::cost(self, counts, device)
            }
            _ => attend::cost(self, counts, device),
        }
    }
}

impl Counts {
    /// Of a batch with `decodes` generating sequences in a micro-batch, each with so many positions.
    pub(crate) fn of(batch: &Batch, decodes: f64, positions: f64) -> Self {
        let decode_tokens = decodes * positions;
        let tokens = decode_tokens + batch.prompts * batch.chunk;
        let average = |all: Average| positions * all.decodes + all.prompt_tokens;
        Self {
            tokens,
            decode_tokens,
            sampled: decode_tokens + batch.prompts,
            decodes,
            context: batch.context,
            prompts: batch.prompts,
            chunk: batch.chunk,
            prefix: batch.prefix,
            average: batch.average.map_or(tokens, average),
        }
    }
}

impl Rows {
    pub(crate) fn count(self, counts: &Counts) -> f64 {
        match self {
            Rows::Tokens => counts.tokens,
            Rows::Sampled => counts.sampled,
            Rows::Unfolded => counts.prompts * (counts.chunk + counts.prefix),
        }
    }
}
