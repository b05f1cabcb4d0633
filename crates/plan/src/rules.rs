//! Why plans are dropped: rules by name, in the order in which they are asked. Those after `out of memory` check what
//! was computed.

use crate::Request;
use rackplan_catalog::Model;
use rackplan_catalog::model::{Ffn, Mixer};
use rackplan_perf::{Deployment, Memory, bytes_of_sequence};
use rackplan_units::{Bytes, Seconds};

/// Why a plan cannot serve, with both sides of the comparison that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rejection {
    /// Requests are longer than what the model was released for.
    ContextTooLong {
        /// Tokens of a request.
        tokens: u64,
        /// Tokens that the model takes.
        longest: u64,
    },
    /// Attention heads do not share out.
    HeadsNotDivisible {
        /// Heads.
        heads: u64,
        /// Ranks.
        tp: u32,
    },
    /// Tensor parallelism would leave the scale-up fabric.
    BeyondScaleUp {
        /// Ranks.
        tp: u32,
        /// Accelerators that the fabric joins.
        domain: u32,
    },
    /// Experts do not share out over expert ranks, or expert ranks over those of a stage.
    ExpertsNotDivisible {
        /// Experts.
        experts: u64,
        /// Expert-parallel ranks.
        ep: u32,
        /// Ranks of a stage.
        ranks: u32,
    },
    /// A stage would have no layer.
    TooFewLayers {
        /// Layers.
        layers: u64,
        /// Stages.
        pp: u32,
    },
    /// Weights and one request do not fit.
    OutOfMemory {
        /// Weights and the cache of one request.
        needed: Bytes,
        /// What is there for them.
        available: Bytes,
    },
    /// Even the smallest batch named has no place in the cache or the engine.
    BatchTooLarge {
        /// Requests that generate at once.
        batch: u64,
        /// Requests that have a place.
        places: u64,
    },
    /// The first token comes too late even where a replica has one request at a time.
    MissesTtft {
        /// When it comes.
        ttft: Seconds,
        /// When it should.
        limit: Seconds,
    },
    /// Tokens come too slowly even where a replica has one request at a time.
    MissesTpot {
        /// Time of a token.
        tpot: Seconds,
        /// What it should be.
        limit: Seconds,
    },
    /// The last token comes too late even where a replica has one request at a time.
    MissesE2e {
        /// When it comes.
        e2e: Seconds,
        /// When it should.
        limit: Seconds,
    },
    /// The tier does not hold or move the caches of the users of even a small load.
    TierTooSmall,
    /// Another plan of the same space takes as much on fewer accelerators.
    Dominated,
}

/// Names of the rules, in the order in which they are asked.
pub const RULES: [&str; 12] = [
    "context longer than the model's",
    "heads not divisible",
    "tp beyond the scale-up domain",
    "experts not divisible",
    "fewer layers than stages",
    "out of memory",
    "batch too large",
    "misses ttft",
    "misses tpot",
    "misses e2e",
    "tier too small",
    "dominated",
];

impl Rejection {
    /// Its place in [`RULES`].
    pub fn rule(&self) -> usize {
        match self {
            Self::ContextTooLong { .. } => 0,
            Self::HeadsNotDivisible { .. } => 1,
            Self::BeyondScaleUp { .. } => 2,
            Self::ExpertsNotDivisible { .. } => 3,
            Self::TooFewLayers { .. } => 4,
            Self::OutOfMemory { .. } => 5,
            Self::BatchTooLarge { .. } => 6,
            Self::MissesTtft { .. } => 7,
            Self::MissesTpot { .. } => 8,
            Self::MissesE2e { .. } => 9,
            Self::TierTooSmall => 10,
            Self::Dominated => 11,
        }
    }
}

/// Asks every rule that needs no step times.
pub fn check(deployment: &Deployment, request: &Request, domain: u32) -> Result<(), Rejection> {
    context(deployment.model, request)?;
    heads(deployment)?;
    scale_up(deployment, domain)?;
    experts(deployment)?;
    stages(deployment)?;
    memory(deployment, request)
}

fn context(model: &Model, request: &Request) -> Result<(), Rejection> {
    let tokens = request.longest().ceil() as u64;
    match model.max_context {
        Some(longest) if tokens > longest => Err(Rejection::ContextTooLong { tokens, longest }),
        _ => Ok(()),
    }
}

fn heads(deployment: &Deployment) -> Result<(), Rejection> {
    let tp = deployment.plan.tp;
    let counts = deployment.model.layer_counts().filter_map(|(_, kind, _)| heads_of(kind.mixer.as_ref()?));
    let uneven = counts.into_iter().find(|heads| !heads.is_multiple_of(tp.into()));
    uneven.map_or(Ok(()), |heads| Err(Rejection::HeadsNotDivisible { heads, tp }))
}

/// Attention heads, which tensor parallelism shares out.
fn heads_of(mixer: &Mixer) -> Option<u64> {
    match mixer {
        Mixer::Gqa(gqa) => Some(gqa.heads),
        Mixer::Mla(mla) => Some(mla.heads),
        Mixer::Compressed(compressed) => Some(compressed.heads),
        _ => None,
    }
}

fn scale_up(deployment: &Deployment, domain: u32) -> Result<(), Rejection> {
    let tp = deployment.plan.tp;
    if tp > domain { Err(Rejection::BeyondScaleUp { tp, domain }) } else { Ok(()) }
}

fn experts(deployment: &Deployment) -> Result<(), Rejection> {
    let (ep, ranks) = (deployment.plan.ep, deployment.plan.stage_gpus());
    let counts = deployment.model.layer_counts().filter_map(|(_, kind, _)| match kind.ffn.as_ref()? {
        Ffn::Moe(moe) => Some(moe.experts),
        Ffn::Dense(_) => None,
    });
    let experts = counts.min().unwrap_or(1);
    // Copies fill up ranks that experts alone would not.
    let shares_out = experts.is_multiple_of(ep.into()) || deployment.copies(experts as f64) > 0.0;
    if ranks.is_multiple_of(ep) && shares_out {
        return Ok(());
    }
    Err(Rejection::ExpertsNotDivisible { experts, ep, ranks })
}

fn stages(deployment: &Deployment) -> Result<(), Rejection> {
    let layers: u64 = deployment.model.layer_counts().map(|(_, _, count)| count).sum();
    let pp = deployment.plan.pp;
    if u64::from(pp) > layers { Err(Rejection::TooFewLayers { layers, pp }) } else { Ok(()) }
}

/// Weights leave room for the cache of one request.
fn memory(deployment: &Deployment, request: &Request) -> Result<(), Rejection> {
    let memory = Memory::of(deployment);
    let one = bytes_of_sequence(deployment, request.longest());
    if memory.cache >= one {
        return Ok(());
    }
    // Of what weights leave, activations and fragments take a part too.
    let available = if memory.fits() { memory.weights + memory.cache } else { memory.room() };
    Err(Rejection::OutOfMemory { needed: memory.weights + one, available })
}
