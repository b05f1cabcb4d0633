//! Number formats of weights and KV cache: what they cost in bytes, and which arithmetic runs them.

use crate::QuestionError;
use crate::serving::of_checkpoint;
use rackplan_catalog::model::Model;
use rackplan_catalog::{Format, GemmKind, Gpu};

/// A number format of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WeightFormat {
    Bf16,
    Fp8,
    Fp8Block,
    Int8,
    Nvfp4,
    Mxfp4,
    Int4,
}

use WeightFormat::{Bf16, Fp8, Fp8Block, Int4, Int8, Mxfp4, Nvfp4};

impl WeightFormat {
    pub(crate) const ALL: [WeightFormat; 7] = [Bf16, Fp8, Fp8Block, Nvfp4, Mxfp4, Int8, Int4];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Bf16 => "bf16",
            Fp8 => "fp8",
            Fp8Block => "fp8_block",
            Int8 => "int8",
            Nvfp4 => "nvfp4",
            Mxfp4 => "mxfp4",
            Int4 => "int4",
        }
    }

    /// Bits of a weight, as the founding documents count them.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Bf16 => 16,
            Fp8 | Fp8Block | Int8 => 8,
            Nvfp4 | Mxfp4 | Int4 => 4,
        }
    }

    /// Bytes of a weight with its share of the scales.
    ///
    /// bits / 8 + bytes of a scale / weights that share it: fp8_block 4 B per 128 x 128 (DeepSeek-V3), nvfp4 1 B per 16
    /// (NVIDIA), mxfp4 1 B per 32 (OCP MX specification 1.0), int4 2 B per 128 (AWQ and GPTQ); per-tensor scales count
    /// nothing.
    pub(crate) fn bytes_per_weight(self) -> f64 {
        let scales = match self {
            Bf16 | Fp8 | Int8 => 0.0,
            Fp8Block => 4.0 / (128.0 * 128.0),
            Nvfp4 => 1.0 / 16.0,
            Mxfp4 => 1.0 / 32.0,
            Int4 => 2.0 / 128.0,
        };
        f64::from(self.bits()) / 8.0 + scales
    }

    /// KV bytes per element that engines pair with it: two for 16-bit weights, else FP8.
    pub(crate) fn kv_bytes_per_element(self) -> f64 {
        if self == Bf16 { 2.0 } else { 1.0 }
    }

    /// The kernels that run it, and whether the accelerator lacks its arithmetic so that weights are unpacked to bf16.
    pub(crate) fn kernel(self, gpu: &Gpu) -> (GemmKind, bool) {
        let own = match self {
            Bf16 | Int4 => GemmKind::Bf16,
            Fp8 => GemmKind::Fp8,
            Fp8Block => GemmKind::Fp8Block,
            Int8 => GemmKind::Int8,
            Nvfp4 => GemmKind::Nvfp4,
            Mxfp4 => GemmKind::Mxfp4,
        };
        if gpu.peak(own.format()).is_some() { (own, self == Int4) } else { (GemmKind::Bf16, true) }
    }

    /// The format of which a checkpoint's name speaks, `nvidia/DeepSeek-R1-FP4`, on an accelerator.
    pub(crate) fn of_checkpoint(name: &str, gpu: Option<&Gpu>) -> Option<Self> {
        match of_checkpoint(name)? {
            "fp4" => Some(Self::of_bits(4, gpu)),
            "awq" | "gptq" => Some(Int4),
            word => Self::ALL.into_iter().find(|format| format.name() == word),
        }
    }

    /// The format in which most weights of a model are released: its experts' where they have their own; none where that is wider
    /// than any of these.
    pub(crate) fn released(model: &Model) -> Option<Self> {
        let name = model.expert_weight_dtype.unwrap_or(model.weight_dtype).name();
        let name = if name == "fp16" { Bf16.name() } else { name };
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format of a founding bit width on an accelerator: its own four-bit arithmetic where it has any.
    pub(crate) fn of_bits(bits: u32, gpu: Option<&Gpu>) -> Self {
        let has_fp4 = gpu.is_some_and(|gpu| gpu.peak(Format::Fp4).is_some());
        let amd = gpu.is_some_and(|gpu| gpu.vendor == "AMD");
        match (bits, has_fp4) {
            (16, _) => Bf16,
            (8, _) => Fp8,
            (_, true) if amd => Mxfp4,
            (_, true) => Nvfp4,
            (_, false) => Int4,
        }
    }
}

/// What `--quant` says: a format, or a founding bit width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quant {
    Format(WeightFormat),
    Bits(u32),
}

impl Quant {
    pub(crate) fn parse(text: &str, place: &str) -> Result<Self, QuestionError> {
        match text {
            "16" => Ok(Quant::Bits(16)),
            "8" => Ok(Quant::Bits(8)),
            "4" => Ok(Quant::Bits(4)),
            name => {
                let found = WeightFormat::ALL.into_iter().find(|format| format.name() == name);
                found.map(Quant::Format).ok_or_else(|| unknown(text, place))
            }
        }
    }

    /// Bits of a weight.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Quant::Format(format) => format.bits(),
            Quant::Bits(bits) => bits,
        }
    }

    /// The format on an accelerator.
    pub(crate) fn format(self, gpu: Option<&Gpu>) -> WeightFormat {
        match self {
            Quant::Format(format) => format,
            Quant::Bits(bits) => WeightFormat::of_bits(bits, gpu),
        }
    }
}

fn unknown(text: &str, place: &str) -> QuestionError {
    let names = WeightFormat::ALL.map(WeightFormat::name).join(", ");
    QuestionError::value(place, format!("`{text}` is no number format for weights"))
        .with_hint(format!("expected one of {names}, or 16, 8, 4, or `all`"))
}

/// A number format of the KV cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KvFormat {
    /// As `--kv-dtype` spells it.
    pub(crate) name: &'static str,
    /// Of an element.
    pub(crate) bytes: f64,
}

/// Reads `--kv-dtype`: bytes per KV element.
pub(crate) fn kv_bytes(text: &str, place: &str) -> Result<f64, QuestionError> {
    kv_format(text, place).map(|format| format.bytes)
}

/// Reads one of the formats of `--kv-dtype`.
pub(crate) fn kv_format(text: &str, place: &str) -> Result<KvFormat, QuestionError> {
    let format = |name, bytes| Ok(KvFormat { name, bytes });
    match text {
        "bf16" => format("bf16", 2.0),
        "fp16" => format("fp16", 2.0),
        "fp8" => format("fp8", 1.0),
        "int8" => format("int8", 1.0),
        "nvfp4" => format("nvfp4", Nvfp4.bytes_per_weight()),
        _ => Err(QuestionError::value(place, format!("`{text}` is no number format for the KV cache"))
            .with_hint("expected bf16, fp8, int8 or nvfp4")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_formats_as_released() {
        let catalog = rackplan_catalog::Catalog::builtin();
        let of = |id| WeightFormat::released(&catalog.get::<Model>(id).expect("an entry").record);
        assert_eq!(of("openai/gpt-oss-120b"), Some(Mxfp4));
        assert_eq!(of("moonshotai/Kimi-K2-Thinking"), Some(Int4));
        assert_eq!(of("deepseek-ai/DeepSeek-R1"), Some(Fp8Block));
        assert_eq!(of("meta-llama/Llama-3.1-8B"), Some(Bf16));
    }

    #[test]
    fn hand_formats_of_checkpoints() {
        let of = |name| WeightFormat::of_checkpoint(name, None);
        assert_eq!(of("nvidia/Llama-3.3-70B-Instruct-NVFP4"), Some(Nvfp4));
        assert_eq!(of("Qwen/Qwen3-32B-AWQ"), Some(Int4));
        assert_eq!(of("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"), Some(Fp8));
        assert_eq!(of("meta-llama/Llama-3.1-70B"), None);
    }

    #[test]
    fn hand_bytes_of_a_weight() {
        // 4 bits and an 8-bit scale for 16 of them: 0.5 + 1/16.
        assert_eq!(Nvfp4.bytes_per_weight(), 0.5625);
        assert_eq!(Mxfp4.bytes_per_weight(), 0.53125);
        assert_eq!(Bf16.bytes_per_weight(), 2.0);
        assert_eq!(Fp8Block.bytes_per_weight(), 1.0 + 4.0 / 16_384.0);
        assert_eq!(Int4.bytes_per_weight(), 0.515625);
    }

    #[test]
    fn law_every_format_is_found_by_its_name_and_takes_at_least_its_bits() {
        for format in WeightFormat::ALL {
            assert_eq!(Quant::parse(format.name(), "--quant"), Ok(Quant::Format(format)));
            let plain = f64::from(format.bits()) / 8.0;
            assert!((plain..plain * 1.2).contains(&format.bytes_per_weight()), "{}", format.name());
        }
    }

    #[test]
    fn hand_what_is_no_format_is_refused_with_the_names() {
        for wrong in ["fp9", "", "FP8", "all", "32", "8 "] {
            let error = Quant::parse(wrong, "--quant").expect_err("it is no format");
            assert!(error.hint().is_some_and(|hint| hint.contains("bf16, fp8, fp8_block")), "{wrong}");
        }
        assert_eq!(kv_bytes("fp8", "--kv-dtype"), Ok(1.0));
        assert_eq!(kv_bytes("nvfp4", "--kv-dtype"), Ok(0.5625));
        assert!(kv_bytes("fp32", "--kv-dtype").is_err());
    }

    #[test]
    fn hand_four_bits_take_the_arithmetic_that_the_accelerator_has() {
        let catalog = rackplan_catalog::Catalog::builtin();
        let of = |id: &str, bits: u32| {
            let gpu = catalog.get::<Gpu>(id).expect("it is in the catalog").record;
            let format = WeightFormat::of_bits(bits, Some(&gpu));
            (format, format.kernel(&gpu))
        };
        assert_eq!(of("gb200", 4), (Nvfp4, (GemmKind::Nvfp4, false)));
        assert_eq!(of("mi355x", 4).0, Mxfp4);
        assert_eq!(of("h200_sxm", 4), (Int4, (GemmKind::Bf16, true)));
        // No FP8 arithmetic on the A100: weights are unpacked.
        assert_eq!(of("a100_sxm", 8), (Fp8, (GemmKind::Bf16, true)));
        assert_eq!(of("h200_sxm", 16), (Bf16, (GemmKind::Bf16, false)));
    }
}
