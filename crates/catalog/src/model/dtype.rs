//! The number formats in which weights are released.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A weight format, with the granularity of its scales where that matters for its size and its kernels.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WeightDtype {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point with the exponent range of fp32.
    #[default]
    Bf16,
    /// IEEE half precision.
    Fp16,
    /// 8-bit floating point, one scale per tensor or channel.
    Fp8,
    /// 8-bit floating point, one fp32 scale per 128 x 128 block (DeepSeek).
    Fp8Block,
    /// 8-bit integer, one scale per channel.
    Int8,
    /// 4-bit floating point, one fp8 scale per 16 weights (NVIDIA).
    Nvfp4,
    /// 4-bit floating point, one power-of-two scale per 32 weights (OCP).
    Mxfp4,
    /// 4-bit integer, one bf16 scale per 32 weights.
    Int4,
}

impl WeightDtype {
    /// Bytes per weight, scales included: bits / 8 + scale bytes / weights per scale.
    pub fn bytes_per_weight(self) -> f64 {
        match self {
            WeightDtype::Fp32 => 4.0,
            WeightDtype::Bf16 | WeightDtype::Fp16 => 2.0,
            WeightDtype::Fp8 | WeightDtype::Int8 => 1.0,
            WeightDtype::Fp8Block => 1.0 + 4.0 / (128.0 * 128.0),
            WeightDtype::Nvfp4 => 0.5 + 1.0 / 16.0,
            WeightDtype::Mxfp4 => 0.5 + 1.0 / 32.0,
            WeightDtype::Int4 => 0.5 + 2.0 / 32.0,
        }
    }

    /// The name in files, `fp8_block`.
    pub fn name(self) -> &'static str {
        match self {
            WeightDtype::Fp32 => "fp32",
            WeightDtype::Bf16 => "bf16",
            WeightDtype::Fp16 => "fp16",
            WeightDtype::Fp8 => "fp8",
            WeightDtype::Fp8Block => "fp8_block",
            WeightDtype::Int8 => "int8",
            WeightDtype::Nvfp4 => "nvfp4",
            WeightDtype::Mxfp4 => "mxfp4",
            WeightDtype::Int4 => "int4",
        }
    }
}

impl fmt::Display for WeightDtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
