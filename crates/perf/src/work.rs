//! One operator of a compiled deployment: the part of its shape that no step changes, and its time in a step.

use crate::collectives::all_reduce::{AllReduce, AllReduceConstants, all_reduce};
use crate::collectives::all_to_all::{AllToAll, AllToAllConstants, all_to_all};
use crate::collectives::nccl::{Collective, Exchange, NcclConstants, nccl};
use crate::inference::Batch;
use crate::layers::Entries;
use crate::operators::attention_decode::{AttentionDecode, AttentionDecodeConstants, attention_decode};
use crate::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants, mla_bmm};
use crate::operators::attention_mla_decode::{MlaDecode, MlaDecodeConstants, mla_decode};
use crate::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants, mla_prefill};
use crate::operators::attention_prefill::{AttentionPrefill, AttentionPrefillConstants, attention_prefill};
use crate::operators::gemm::{Gemm, GemmConstants, gemm};
use crate::operators::moe::{Moe, MoeConstants, moe};
use crate::operators::moe_routing::{Load, Routing, normal_quantile};
use crate::{Bound, Cost, Device};
use rackplan_units::Seconds;

/// What a step carries, counted for the operators of one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counts {
    /// Positions that pass through the layers.
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    /// A multiplication with weights.
    Gemm { rows: Rows, shape: Gemm, constants: GemmConstants },
    /// Passes over data outside multiplications.
    Pass { rows: Rows, bytes: f64, launches_us: f64 },
    /// A recurrent state, read and written for each sequence, and scanned in chunks over prompts.
    State { bytes: f64, flops: f64, launches_us: f64 },
    /// Decode attention.
    Decode { shape: AttentionDecode, limit: f64, constants: AttentionDecodeConstants },
    /// Prefill attention.
    Prefill { shape: AttentionPrefill, constants: AttentionPrefillConstants },
    /// Decode over latents.
    MlaDecode { shape: MlaDecode, limit: f64, constants: MlaDecodeConstants },
    /// Prefill over unfolded latents.
    MlaPrefill { shape: MlaPrefill, constants: MlaPrefillConstants },
    /// Absorption into or out of latents.
    MlaBmm { shape: MlaBmm, constants: MlaBmmConstants },
    /// Scores of an indexer over its keys, and the choice of the best.
    Index { heads: f64, dim: f64, launches_us: f64 },
    /// Attention of one key head over a window and compressed entries.
    Entries { shape: MlaDecode, entries: Entries, constants: MlaDecodeConstants },
    /// Routed experts.
    Moe { shape: Moe, routed: Routed, constants: MoeConstants },
    /// An all-reduce.
    AllReduce { shape: AllReduce, token_bytes: f64, constants: AllReduceConstants },
    /// A collective of NCCL over what is sampled.
    Gather { shape: Exchange, token_bytes: f64, constants: NcclConstants },
    /// The way of tokens to experts and back under attention data parallelism.
    Dispatch { exchange: Dispatch },
}

/// How routed experts are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Routed {
    pub(crate) experts: f64,
    pub(crate) topk: f64,
    pub(crate) ranks: f64,
    /// Attention data-parallel groups: each brings as many tokens.
    pub(crate) groups: f64,
    pub(crate) routing: Routing,
}

/// Two ways to bring tokens to experts on other ranks; the faster is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dispatch {
    /// All ranks of a stage.
    pub(crate) ranks: f64,
    /// Attention data-parallel groups.
    pub(crate) groups: f64,
    /// Bytes of a token on the way to experts.
    pub(crate) token_bytes: f64,
    /// Bytes of a token on the way back.
    pub(crate) result_bytes: f64,
    /// Experts that a token goes to.
    pub(crate) topk: f64,
    /// Experts of a rank.
    pub(crate) local_experts: f64,
    /// Gather everything, and scatter the sums.
    pub(crate) gather: NcclConstants,
    pub(crate) scatter: NcclConstants,
    /// Send each token to its experts, where no expert is split.
    pub(crate) sparse: Option<(AllToAllConstants, AllToAllConstants)>,
}

/// Share of the memory bandwidth that passes reach. Source: performance-model, step line; an estimate.
pub(crate) const PASS_SHARE: f64 = 0.7;
/// Bytes of a number of an index key in 8 bits: 128 of them share a 32-bit scale.
pub(crate) const INDEX_BYTES: f64 = 132.0 / 128.0;
/// Share of the peak that chunked scans of recurrent layers reach. An estimate, unvalidated.
pub(crate) const SCAN_SHARE: f64 = 0.4;

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
    /// What it depends on.
    pub(crate) fn needs(&self) -> Needs {
        match self {
            Work::Gemm { rows, .. } | Work::Pass { rows, .. } => match rows {
                Rows::Tokens => Needs::Tokens,
                Rows::Sampled => Needs::Sampled,
                Rows::Unfolded => Needs::Contexts,
            },
            Work::Gather { .. } => Needs::Sampled,
            Work::Moe { .. } | Work::AllReduce { .. } | Work::Dispatch { .. } => Needs::Tokens,
            _ => Needs::Contexts,
        }
    }

    /// Its time in a step; `None` where the step has nothing for it.
    pub(crate) fn cost(&self, counts: &Counts, device: &Device) -> Option<Cost> {
        match self {
            Work::Gemm { rows, shape, constants } => {
                let m = rows.count(counts);
                (m > 0.0).then(|| gemm(&Gemm { m, ..*shape }, device, constants))
            }
            Work::Pass { rows, bytes, launches_us } => {
                let rows = rows.count(counts);
                (rows > 0.0).then(|| pass(rows * bytes, *launches_us, device))
            }
            Work::State { bytes, flops, launches_us } => {
                Some(state(counts, *bytes, *flops, *launches_us, device))
            }
            Work::Decode { shape, limit, constants } => (counts.decodes > 0.0).then(|| {
                let verified = counts.decode_tokens / counts.decodes;
                let shape = AttentionDecode {
                    batch: counts.decodes,
                    kv_len: counts.context.min(*limit).max(1.0),
                    q_heads: shape.q_heads * verified,
                    ..*shape
                };
                attention_decode(&shape, device, constants)
            }),
            Work::Prefill { shape, constants } => (counts.prompts > 0.0).then(|| {
                let (batch, tokens, prefix) = (counts.prompts, counts.chunk, counts.prefix);
                attention_prefill(&AttentionPrefill { batch, tokens, prefix, ..*shape }, device, constants)
            }),
            Work::MlaDecode { shape, limit, constants } => (counts.decodes > 0.0).then(|| {
                let verified = counts.decode_tokens / counts.decodes;
                let shape = MlaDecode {
                    batch: counts.decodes,
                    kv_len: counts.context.min(*limit).max(1.0),
                    heads: shape.heads * verified,
                    ..*shape
                };
                mla_decode(&shape, device, constants)
            }),
            Work::MlaPrefill { shape, constants } => (counts.prompts > 0.0).then(|| {
                let (batch, tokens, prefix) = (counts.prompts, counts.chunk, counts.prefix);
                mla_prefill(&MlaPrefill { batch, tokens, prefix, ..*shape }, device, constants)
            }),
            Work::MlaBmm { shape, constants } => (counts.decodes > 0.0)
                .then(|| mla_bmm(&MlaBmm { tokens: counts.decode_tokens, ..*shape }, device, constants)),
            Work::Index { heads, dim, launches_us } => {
                Some(index(counts, *heads, *dim, *launches_us, device))
            }
            Work::Entries { shape, entries, constants } => {
                let keys = counts.mean_context(|tokens| entries.attended(tokens));
                let shape = MlaDecode { batch: counts.tokens, kv_len: keys, ..*shape };
                Some(mla_decode(&shape, device, constants))
            }
            Work::Moe { shape, routed, constants } => {
                (counts.tokens > 0.0).then(|| experts(counts.tokens, shape, routed, device, constants))
            }
            Work::AllReduce { shape, token_bytes, constants } => (counts.tokens > 0.0).then(|| {
                let bytes = counts.tokens * token_bytes;
                all_reduce(&AllReduce { bytes, ..*shape }, device, constants).later(waiting_us(shape.ranks))
            }),
            Work::Gather { shape, token_bytes, constants } => (counts.sampled > 0.0).then(|| {
                let bytes = counts.sampled * token_bytes;
                nccl(&Exchange { bytes, ..*shape }, device, constants)
            }),
            Work::Dispatch { exchange } => {
                let waiting = waiting_us(exchange.ranks);
                (counts.tokens > 0.0).then(|| exchange.cost(counts.tokens, device).later(waiting))
            }
        }
    }
}

impl Counts {
    /// Of a batch with `decodes` generating sequences in a micro-batch, each with so many positions.
    pub(crate) fn of(batch: &Batch, decodes: f64, positions: f64) -> Self {
        let decode_tokens = decodes * positions;
        Self {
            tokens: decode_tokens + batch.prompts * batch.chunk,
            decode_tokens,
            sampled: decode_tokens + batch.prompts,
            decodes,
            context: batch.context,
            prompts: batch.prompts,
            chunk: batch.chunk,
            prefix: batch.prefix,
        }
    }

    /// A quantity of the context of a position, averaged over those of generating sequences and of chunks; of a chunk
    /// its middle stands for all.
    pub(crate) fn mean_context(&self, quantity: impl Fn(f64) -> f64) -> f64 {
        let prompt_tokens = self.prompts * self.chunk;
        let decoding = self.decode_tokens * quantity(self.context);
        let prompting = prompt_tokens * quantity(self.prefix + 0.5 * self.chunk);
        (decoding + prompting) / (self.decode_tokens + prompt_tokens).max(1.0)
    }
}

/// Scores of all earlier index keys: for each position 2 · heads · dim · S FLOPs in 8 bits, the keys of each sequence
/// read once, and its scores written and read in 32 bits.
fn index(counts: &Counts, heads: f64, dim: f64, launches_us: f64, device: &Device) -> Cost {
    let positions = counts.tokens * counts.mean_context(|tokens| tokens);
    let keys = counts.decodes * counts.context + counts.prompts * (counts.prefix + counts.chunk);
    let moved = (keys * dim * INDEX_BYTES + 8.0 * positions) / (device.bandwidth * PASS_SHARE) * 1e6;
    let peak = device.peak(rackplan_catalog::Format::Fp8) * SCAN_SHARE;
    let scored = 2.0 * heads * dim * positions / peak * 1e6;
    let bound = if scored > moved { Bound::Compute } else { Bound::Memory };
    Cost::of_microseconds(scored + moved, bound, launches_us)
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

/// Standard deviation of the time at which ranks reach a collective, in microseconds. A benchmark's loop keeps ranks in
/// step; between two collectives of a layer other kernels let them drift apart. Found on the decode steps of dense models
/// with 1 to 8 ranks (docs/fidelity.md).
const DRIFT_US: f64 = 7.0;

/// What a rank waits for the last of `ranks`, in microseconds: the expected largest of as many normal variables,
/// sigma · z((n - 0.375) / (n + 0.25)). Source: Blom, Statistical estimates and transformed beta-variables (1958).
pub(crate) fn waiting_us(ranks: f64) -> f64 {
    if ranks <= 1.0 { 0.0 } else { DRIFT_US * normal_quantile((ranks - 0.375) / (ranks + 0.25)) }
}

/// Passes over `bytes` bytes: t = launches + bytes / (0.7 W).
fn pass(bytes: f64, launches_us: f64, device: &Device) -> Cost {
    let moved = bytes / (device.bandwidth * PASS_SHARE) * 1e6;
    Cost::of_microseconds(moved, Bound::Memory, launches_us)
}

/// A recurrence: each generating sequence reads and writes its state; prompts are scanned in chunks, and write it once.
fn state(counts: &Counts, bytes: f64, flops: f64, launches_us: f64, device: &Device) -> Cost {
    let touched = (2.0 * counts.decodes + counts.prompts) * bytes;
    let moved = touched / (device.bandwidth * PASS_SHARE) * 1e6;
    let peak = device.peak(rackplan_catalog::Format::Bf16) * SCAN_SHARE;
    let scanned = counts.prompts * counts.chunk * flops / peak * 1e6;
    let bound = if scanned > moved { Bound::Compute } else { Bound::Memory };
    Cost::of_microseconds(scanned + moved, bound, launches_us)
}

fn experts(tokens: f64, shape: &Moe, routed: &Routed, device: &Device, constants: &MoeConstants) -> Cost {
    moe(&met(tokens, shape, routed), device, constants)
}

/// The experts that so many positions of each attention group meet on the heaviest rank.
pub(crate) fn met(tokens: f64, shape: &Moe, routed: &Routed) -> Moe {
    let tokens = tokens * routed.groups;
    let load = Load::of_heaviest_rank(tokens, routed.experts, routed.topk, routed.ranks, routed.routing);
    Moe { tokens, expected_pairs: tokens * routed.topk, load, ..*shape }
}

impl Dispatch {
    pub(crate) fn cost(&self, tokens: f64, device: &Device) -> Cost {
        let gathered = self.gathered(tokens * self.groups, device);
        let Some((dispatch, combine)) = &self.sparse else { return gathered };
        let shape = |token_bytes| AllToAll {
            ranks: self.ranks,
            tokens: tokens * self.groups / self.ranks,
            token_bytes,
            topk: self.topk,
            local_experts: self.local_experts,
            per_expert: true,
        };
        let there = all_to_all(&shape(self.token_bytes), device, dispatch);
        let back = all_to_all(&shape(self.result_bytes), device, combine);
        let sparse = Cost { time: there.time + back.time, bound: there.bound };
        if sparse.time.get() < gathered.time.get() { sparse } else { gathered }
    }

    pub(crate) fn gathered(&self, all_tokens: f64, device: &Device) -> Cost {
        let of = |collective, token_bytes: f64, constants| {
            let shape = Exchange { collective, ranks: self.ranks, bytes: all_tokens * token_bytes };
            nccl(&shape, device, constants).time
        };
        let there = of(Collective::AllGather, self.token_bytes, &self.gather);
        let back = of(Collective::ReduceScatter, self.result_bytes, &self.scatter);
        Cost { time: Seconds::new(there.get() + back.get()), bound: Bound::Wire }
    }
}
