//! One configuration that serves: what runs where, how it is driven.

use rackplan_catalog::model::{Ffn, Mixer, WeightDtype};
use rackplan_catalog::{Backend, Entry, Gpu, Model, Situation};
use rackplan_perf::{ParallelPlan, Precision};
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;
use std::sync::Arc;

/// A checked row: every name is looked up, every size is at least 1, and what nobody said is listed.
#[derive(Clone, Debug)]
pub struct ServingCase {
    /// What the row is called; its number from 0 where it has no name.
    pub id: String,
    /// The model.
    pub model: Arc<Entry<Model>>,
    /// The accelerator.
    pub gpu: Arc<Entry<Gpu>>,
    /// The framework.
    pub backend: Backend,
    /// Number formats.
    pub formats: Formats,
    /// Nominal input length, in tokens; the mean where only a law is known.
    pub isl: u32,
    /// Nominal output length, in tokens; the mean where only a law is known.
    pub osl: u32,
    /// Law of prompt lengths.
    pub input: Lengths,
    /// Law of answer lengths.
    pub output: Lengths,
    /// How it is driven; over all replicas.
    pub load: Load,
    /// How one replica is laid out.
    pub layout: Layout,
    /// Accelerators of all replicas.
    pub gpus: u32,
    /// Copies that share the load.
    pub replicas: u32,
    /// Plans of larger replicas, where nobody says which were run and the best of them counts.
    pub others: Vec<ParallelPlan>,
    /// Tokens drafted and accepted, where that is on.
    pub speculative: Option<Speculative>,
    /// Whether InferenceX's client drove it, so that its way of sending requests is known.
    pub inferencex_client: bool,
    /// Whether the engine had been warmed up, where somebody says.
    pub warm: Option<bool>,
    /// What the row does not say and what was taken instead, a sentence each.
    pub assumed: Vec<String>,
}

/// Number formats of weights and KV cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// Attention and other mixers.
    pub attention: WeightDtype,
    /// Dense networks and shared experts.
    pub weights: WeightDtype,
    /// Routed experts.
    pub experts: WeightDtype,
    /// KV cache.
    pub kv: WeightDtype,
}

/// How a case is driven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// Clients in a loop: each sends its next request when its last one ends.
    Closed {
        /// Clients.
        concurrency: u32,
    },
    /// All requests are queued at once.
    AllAtOnce,
    /// One batch, from the first prompt to the last token.
    StaticBatch {
        /// Sequences.
        batch: u32,
    },
    /// Requests arrive at random.
    Poisson {
        /// Requests per second.
        rate: f64,
    },
    /// The highest Poisson rate within limits on all requests.
    Limits {
        /// Time to first token, 99th percentile.
        ttft_p99: Seconds,
        /// Time per output token, 99th percentile.
        tpot_p99: Seconds,
    },
}

/// How one replica is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The same accelerators compute prompts and answers.
    Aggregated(ParallelPlan),
    /// Some compute prompts, others answers.
    Disaggregated {
        /// Workers for prompts.
        prefill: Pool,
        /// Workers for answers.
        decode: Pool,
    },
}

/// Workers that do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Workers.
    pub workers: u32,
    /// How each is spread.
    pub plan: ParallelPlan,
    /// Sequences of an attention rank, where the row says.
    pub batch: Option<u32>,
}

/// Drafted tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speculative {
    /// Tokens drafted for each sequence and step.
    pub draft_tokens: u32,
    /// Tokens that a step yields on average, the verified one included.
    pub accepted_per_step: f64,
    /// Whether that rests on random text, where the chance of a draft is one for all models.
    pub random: bool,
}

impl Pool {
    /// Accelerators of all its workers.
    pub fn gpus(self) -> u32 {
        self.workers.saturating_mul(self.plan.gpus())
    }
}

impl Layout {
    /// Accelerators of one replica.
    pub fn gpus(self) -> u32 {
        match self {
            Layout::Aggregated(plan) => plan.gpus(),
            Layout::Disaggregated { prefill, decode } => prefill.gpus().saturating_add(decode.gpus()),
        }
    }
}

impl Formats {
    /// As the performance model takes them.
    pub fn precision(self) -> Precision {
        Precision {
            attention: self.attention,
            dense: self.weights,
            experts: self.experts,
            kv_bytes: self.kv.bytes_per_weight(),
        }
    }
}

impl ServingCase {
    /// What a framework's launch rules look at, for workers of this plan.
    pub fn situation(&self, plan: ParallelPlan) -> Situation {
        let concurrency = match self.load {
            Load::Closed { concurrency } => concurrency,
            _ => 0,
        };
        Situation {
            isl: self.isl,
            osl: self.osl,
            concurrency,
            ..situation(&self.model, &self.gpu, self.formats, plan)
        }
    }
}

/// The same where no load is known.
pub(crate) fn situation(
    model: &Entry<Model>,
    gpu: &Entry<Gpu>,
    formats: Formats,
    plan: ParallelPlan,
) -> Situation {
    let experts = has_experts(&model.record);
    Situation {
        memory: gpu.record.memory.capacity,
        architecture: gpu.record.architecture,
        weights: if experts { formats.experts } else { formats.weights },
        experts,
        latents: has_plain_latents(&model.record),
        isl: 0,
        osl: 0,
        tp: plan.stage_gpus(),
        attention_dp: plan.dp > 1,
        concurrency: 0,
    }
}

/// Whether attention is to all of the latents that a model keeps.
fn has_plain_latents(model: &Model) -> bool {
    let plain = |mixer: &Mixer| matches!(mixer, Mixer::Mla(mla) if mla.indexer.is_none());
    model.layer_counts().any(|(_, kind, _)| kind.mixer.as_ref().is_some_and(plain))
}

/// Whether a model has routed experts.
pub(super) fn has_experts(model: &Model) -> bool {
    expert_width(model).is_some()
}

/// The width of a routed expert, if a model has any.
pub(super) fn expert_width(model: &Model) -> Option<u64> {
    model.layer_counts().find_map(|(_, kind, _)| match &kind.ffn {
        Some(Ffn::Moe(moe)) => Some(moe.intermediate),
        _ => None,
    })
}
