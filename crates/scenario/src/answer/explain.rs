//! The answer of `explain`: one step of one deployment, part by part.

use super::size::Difficulty;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a step takes what it takes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainAnswer {
    /// Model by name.
    pub model: String,
    /// Accelerator by name.
    pub gpu: String,
    /// Serving framework.
    pub backend: String,
    /// How the model is laid out, and in which formats.
    pub layout: ExplainLayout,
    /// What the step does: `decode`, `prefill` or `mixed`.
    pub phase: String,
    /// What the step carries.
    pub batch: ExplainedBatch,
    /// Whether weights and caches fit.
    pub fits: bool,
    /// Why they do not, and what would help.
    pub difficulty: Option<Difficulty>,
    /// Memory of one accelerator.
    pub memory: ExplainMemory,
    /// The step as a whole.
    pub step: ExplainStep,
    /// Time to the first token of a prompt that comes alone, the front end included.
    pub ttft_alone_s: f64,
    /// 10th and 90th percentile of it, from measured servers.
    pub ttft_alone_band_s: Option<[f64; 2]>,
    /// Time per output token at this batch, where the step generates.
    pub tpot_s: Option<f64>,
    /// 10th and 90th percentile of it, from measured servers.
    pub tpot_band_s: Option<[f64; 2]>,
    /// Shares of the step by kind of work, the largest first.
    pub families: Vec<FamilyShare>,
    /// Shares of the step by what it waits for, the largest first.
    pub bounds: Vec<Share>,
    /// Shares of the step by what its times rest on, the largest first.
    pub evidence: Vec<Share>,
    /// Shares of the step by layer kind, in the order of the model.
    pub layer_kinds: Vec<LayerShare>,
    /// Every part, in the order in which they run.
    pub parts: Vec<ExplainPart>,
    /// What the accelerator can do at most.
    pub device: DeviceRoofs,
}

/// Layout and number formats.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainLayout {
    /// Accelerators of the replica.
    pub gpus: u32,
    /// Ranks that share every matrix of an attention group.
    pub tp: u32,
    /// Pipeline stages.
    pub pp: u32,
    /// Groups of ranks that share the experts.
    pub ep: u32,
    /// Attention groups.
    pub dp: u32,
    /// Format of attention's weights.
    pub attention_dtype: String,
    /// Format of dense networks.
    pub weight_dtype: String,
    /// Format of routed experts.
    pub expert_dtype: String,
    /// Format of the KV cache.
    pub kv_dtype: String,
    /// Tokens drafted for each sequence and step.
    pub draft_tokens: u32,
    /// Tokens that a step yields for each sequence.
    pub tokens_per_step: f64,
}

/// What a step of the replica carries.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainedBatch {
    /// Sequences that generate, on all attention groups and stages.
    pub decodes: f64,
    /// Tokens that each of them has in the cache.
    pub context_tokens: f64,
    /// Prompts with a chunk in the step, on all attention groups.
    pub prompts: f64,
    /// New tokens of such a chunk.
    pub chunk_tokens: f64,
    /// Tokens before it that are cached.
    pub prefix_tokens: f64,
    /// Positions beside them, because the graph that is replayed was captured for a larger batch.
    pub padding_tokens: f64,
}

/// Memory of one accelerator, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainMemory {
    /// What it has.
    pub capacity_bytes: f64,
    /// Weights of this rank.
    pub weights_bytes: f64,
    /// What weights may take at most.
    pub weights_room_bytes: f64,
    /// What caches and states may take.
    pub cache_bytes: f64,
    /// What is kept from them: libraries, graphs, activations, fragments.
    pub reserve_bytes: f64,
    /// Cache of one token of one sequence.
    pub kv_bytes_per_token: f64,
    /// Recurrent state of one sequence.
    pub state_bytes_per_sequence: f64,
    /// Caches and states of this batch.
    pub batch_bytes: f64,
    /// Sequences of this length that fit the replica.
    pub sequences_fit: f64,
}

/// A step as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainStep {
    /// From the first part to the last.
    pub time_s: f64,
    /// Tokens of the replica: generated ones, and those of prompts.
    pub tokens: f64,
    /// The same per second, with all stages filled.
    pub tokens_per_s: f64,
    /// The same of one accelerator.
    pub tokens_per_s_per_gpu: f64,
    /// Multiplications of one accelerator, padding aside, over its peak in the format of the weights.
    pub mfu: f64,
    /// Bytes that one accelerator has to read and write over what its memory moves.
    pub mbu: f64,
    /// FLOPs of one pass through all stages, on one rank of each; padding aside.
    pub flops: f64,
    /// Bytes read and written, the same way.
    pub bytes: f64,
    /// Bytes sent, the same way.
    pub wire_bytes: f64,
}

/// A share of the step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Share {
    /// Of what.
    pub name: String,
    /// What it adds to the step.
    pub time_s: f64,
    /// The same over the step.
    pub share: f64,
}

/// A kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FamilyShare {
    /// `attention`, `routed experts`, `communication`, ...
    pub name: String,
    /// What it adds to the step.
    pub time_s: f64,
    /// The same over the step.
    pub share: f64,
    /// What most of it waits for.
    pub bound: String,
}

/// Layers of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LayerShare {
    /// The model's name for the kind; `draft` for a speculative module, `ends` for what is outside the layers.
    pub name: String,
    /// Layers.
    pub layers: u64,
    /// What they add to the step.
    pub time_s: f64,
    /// The same over the step.
    pub share: f64,
}

/// One part of the step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainPart {
    /// What it is.
    pub name: String,
    /// Layers that it belongs to.
    pub layer_kind: String,
    /// Kind of work.
    pub family: String,
    /// How often the step runs it.
    pub count: f64,
    /// One run.
    pub each_s: f64,
    /// All runs.
    pub time_s: f64,
    /// What it adds to the step: nothing where something longer runs beside it.
    pub exposed_s: f64,
    /// What it adds, over the step.
    pub share: f64,
    /// What it waits for.
    pub bound: String,
    /// What its time rests on.
    pub evidence: String,
    /// 10th percentile of measured over predicted.
    pub band_p10: f64,
    /// 90th percentile of measured over predicted.
    pub band_p90: f64,
    /// Number format of its multiplications.
    pub arithmetic: Option<String>,
    /// FLOPs of one run.
    pub flops: f64,
    /// Bytes that one run reads and writes.
    pub bytes: f64,
    /// Bytes that one run sends.
    pub wire_bytes: f64,
    /// Its formula with numbers.
    pub formula: String,
}

/// What an accelerator can do at most.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DeviceRoofs {
    /// Dense peaks of the formats that it has, the slowest first.
    pub peaks: Vec<FormatPeak>,
    /// Memory bandwidth.
    pub memory_bandwidth_bytes_per_s: f64,
    /// Scale-up links, one way.
    pub link_bytes_per_s: f64,
}

/// The peak of a format.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FormatPeak {
    /// `bf16`, `fp8`, `fp4`, `int8`.
    pub format: String,
    /// Dense peak.
    pub flops_per_s: f64,
}
