//! Number formats of a multiplication, by the names that measurements and engines give them.

use rackplan_catalog::Format;
use rackplan_catalog::model::WeightDtype;

/// How a multiplication's operands are stored and multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberFormat {
    /// Which arithmetic runs it.
    pub arithmetic: Format,
    /// Bytes of a weight, scales included.
    pub weight_bytes: f64,
    /// Bytes of an activation as the kernel reads it.
    pub activation_bytes: f64,
    /// Whether activations are quantised on the way in.
    pub quantises: bool,
}

impl NumberFormat {
    /// By name: `bfloat16`, `fp8` (a scale per tensor), `fp8_block` (one per 128 x 128 weights), `nvfp4`, `sq` (8-bit
    /// integers), `int8_wo` and `int4_wo` (weights only), `w4a16_mxfp4`, `w4a8_mxfp4_mxfp8`, `w4a8_mxfp4_fp8`, `w4afp8`.
    pub fn of_group(name: &str) -> Option<Self> {
        let of = |arithmetic, weight_bytes, activation_bytes, quantises| {
            Some(Self { arithmetic, weight_bytes, activation_bytes, quantises })
        };
        match name {
            "bfloat16" | "bf16" | "half" | "float16" => of(Format::Bf16, 2.0, 2.0, false),
            "fp8" => of(Format::Fp8, 1.0, 1.0, true),
            "fp8_block" => of(Format::Fp8, 1.0 + 4.0 / 16_384.0, 1.0, true),
            "nvfp4" => of(Format::Fp4, 0.5625, 0.5625, true),
            "sq" => of(Format::Int8, 1.0, 1.0, true),
            "int8_wo" => of(Format::Bf16, 1.0, 2.0, false),
            "int4_wo" => of(Format::Bf16, 0.515_625, 2.0, false),
            "w4a16_mxfp4" => of(Format::Bf16, 0.53125, 2.0, false),
            "w4a8_mxfp4_mxfp8" => of(Format::Fp8, 0.53125, 1.03125, true),
            "w4a8_mxfp4_fp8" | "w4afp8" => of(Format::Fp8, 0.53125, 1.0, true),
            _ => None,
        }
    }
}

/// Groups that a dense layer's weights can run as, the one that a framework prefers first. What the hardware lacks runs
/// with weights widened on the way in.
pub(crate) fn dense_groups(weights: WeightDtype, has_fp8: bool, has_fp4: bool) -> &'static [&'static str] {
    match weights {
        WeightDtype::Fp32 | WeightDtype::Bf16 | WeightDtype::Fp16 => &["bfloat16"],
        WeightDtype::Fp8 if has_fp8 => &["fp8"],
        WeightDtype::Fp8Block if has_fp8 => &["fp8_block"],
        WeightDtype::Fp8 | WeightDtype::Fp8Block => &["int8_wo"],
        WeightDtype::Int8 => &["sq"],
        WeightDtype::Nvfp4 | WeightDtype::Mxfp4 if has_fp4 => &["nvfp4"],
        WeightDtype::Nvfp4 | WeightDtype::Mxfp4 | WeightDtype::Int4 => &["int4_wo"],
    }
}

/// The same of routed experts.
pub(crate) fn expert_groups(weights: WeightDtype, has_fp8: bool, has_fp4: bool) -> &'static [&'static str] {
    match weights {
        WeightDtype::Fp32 | WeightDtype::Bf16 | WeightDtype::Fp16 => &["bfloat16"],
        WeightDtype::Fp8 if has_fp8 => &["fp8", "fp8_block"],
        WeightDtype::Fp8Block if has_fp8 => &["fp8_block", "fp8"],
        WeightDtype::Fp8 | WeightDtype::Fp8Block | WeightDtype::Int8 => &["int8_wo", "fp8", "bfloat16"],
        WeightDtype::Nvfp4 if has_fp4 => &["nvfp4"],
        WeightDtype::Mxfp4 if has_fp4 => &["w4a8_mxfp4_mxfp8", "w4a16_mxfp4"],
        WeightDtype::Mxfp4 => &["w4a16_mxfp4", "int4_wo"],
        WeightDtype::Nvfp4 | WeightDtype::Int4 => &["int4_wo", "w4a16_mxfp4"],
    }
}
