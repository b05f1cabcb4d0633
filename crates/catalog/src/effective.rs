//! What an accelerator was measured to reach: shares of its peaks, so that they carry over to a what-if with
//! another peak, and bus bandwidths of collectives.

use crate::Fault;
use crate::gpu::Format;
use crate::group::{at_least, group, positive, share};
use rackplan_units::{Bytes, BytesPerSecond, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one accelerator was measured to reach; what nobody measured is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effective {
    /// Best matrix multiplication over many shapes, in kernels of serving frameworks. Short runs above the
    /// nominal clock: an upper end, not a sustained rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gemm: Option<Gemm>,
    /// Median over the shapes with m, n and k of at least 4096, of the framework with the higher one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gemm_median: Option<Gemm>,
    /// Best matrix multiplication of plain PyTorch over a sweep of shapes ("MAMF").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gemm_torch: Option<Gemm>,
    /// Reading weights from memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Streaming>,
    /// All-reduce of large messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_reduce: Option<Collective>,
    /// All-gather of large messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_gather: Option<Collective>,
    /// Reduce-scatter of large messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduce_scatter: Option<Collective>,
    /// All-to-all of large messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_to_all: Option<Collective>,
    /// All-reduce of a small message by the frameworks' own kernel in a CUDA graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_all_reduce: Option<SmallMessage>,
    /// All-reduce of a small message by NCCL, launched one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_all_reduce_nccl: Option<SmallMessage>,
}

/// A kind of matrix multiplication kernel: operand format and how it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GemmKind {
    /// 16-bit floating point.
    Bf16,
    /// 8-bit floating point, one scale a tensor.
    Fp8,
    /// 8-bit floating point, a scale a block.
    Fp8Block,
    /// NVIDIA's 4-bit floating point.
    Nvfp4,
    /// The open 4-bit floating point.
    Mxfp4,
    /// 8-bit integers.
    Int8,
}

impl GemmKind {
    /// Every kind.
    pub const ALL: [GemmKind; 6] =
        [GemmKind::Bf16, GemmKind::Fp8, GemmKind::Fp8Block, GemmKind::Nvfp4, GemmKind::Mxfp4, GemmKind::Int8];

    /// The format whose peak bounds it.
    pub fn format(self) -> Format {
        match self {
            GemmKind::Bf16 => Format::Bf16,
            GemmKind::Fp8 | GemmKind::Fp8Block => Format::Fp8,
            GemmKind::Nvfp4 | GemmKind::Mxfp4 => Format::Fp4,
            GemmKind::Int8 => Format::Int8,
        }
    }
}

group! {
    /// Matrix multiplication.
    Gemm {
        /// Share of the format's dense peak, by kind of kernel.
        shares: BTreeMap<GemmKind, f64>,
    }

    /// Reading weights from memory: bf16 matrix times vector, weights of at least 240 MB.
    Streaming {
        /// Share of the memory bandwidth, median over shapes.
        share: f64,
        /// The same for the best shape.
        share_best: Option<f64>,
    }

    /// A collective on large messages inside one scale-up domain.
    Collective {
        /// Message size, as nccl-tests counts it.
        message: Bytes,
        /// Bus bandwidth by number of accelerators, ascending.
        points: Vec<BusBandwidth>,
    }

    /// A collective on a small message, where only latency counts.
    SmallMessage {
        /// Message size.
        message: Bytes,
        /// Time by number of accelerators, ascending.
        points: Vec<CollectiveLatency>,
    }
}

/// Bus bandwidth (`busbw` of nccl-tests) among so many accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BusBandwidth {
    /// Accelerators that take part.
    pub gpus: u32,
    /// Comparable with the one-way link rate.
    pub busbw: BytesPerSecond,
}

/// Time of one collective among so many accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectiveLatency {
    /// Accelerators that take part.
    pub gpus: u32,
    /// From call to result.
    pub latency: Seconds,
}

impl Collective {
    /// The point with the most accelerators.
    pub fn widest(&self) -> Option<BusBandwidth> {
        self.points.iter().copied().max_by_key(|point| point.gpus)
    }

    /// The point measured with exactly so many accelerators.
    pub fn among(&self, gpus: u32) -> Option<BytesPerSecond> {
        self.points.iter().find(|point| point.gpus == gpus).map(|point| point.busbw)
    }
}

impl Effective {
    /// The best share of the peak for a kind of kernel: in framework kernels, else in torch's.
    pub fn gemm_share(&self, kind: GemmKind) -> Option<f64> {
        [&self.gemm, &self.gemm_torch].into_iter().flatten().find_map(|gemm| gemm.shares.get(&kind).copied())
    }

    pub(crate) fn check(&self) -> Result<(), Fault> {
        for (name, gemm) in
            [("gemm", &self.gemm), ("gemm_median", &self.gemm_median), ("gemm_torch", &self.gemm_torch)]
        {
            let shares = gemm.iter().flat_map(|gemm| gemm.shares.values());
            shares.into_iter().try_for_each(|value| share(&format!("effective.{name}.shares"), *value))?;
        }
        let collectives = [
            ("all_reduce", &self.all_reduce),
            ("all_gather", &self.all_gather),
            ("reduce_scatter", &self.reduce_scatter),
            ("all_to_all", &self.all_to_all),
        ];
        for (name, collective) in collectives {
            for point in collective.iter().flat_map(|collective| &collective.points) {
                at_least(&format!("effective.{name}.points.gpus"), point.gpus, 2)?;
                positive(&format!("effective.{name}.points.busbw"), point.busbw)?;
            }
        }
        let Some(memory) = &self.memory else { return Ok(()) };
        share("effective.memory.share", memory.share)?;
        share("effective.memory.share_best", memory.share_best.unwrap_or(memory.share))
    }
}
