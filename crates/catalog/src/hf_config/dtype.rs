//! The number formats of the weights, from `quantization_config` and `torch_dtype`.

use super::config::Config;
use crate::model::WeightDtype;

/// The format of the weights, and that of the routed experts where it differs.
pub(super) fn weights(config: &Config<'_>) -> (WeightDtype, Option<WeightDtype>) {
    let plain = plain(config);
    let (whole, experts) = match config.inside(&["quantization_config"]) {
        Some(quantised) => quantised_weights(&quantised, plain),
        None => (plain, None),
    };
    // DeepSeek-V4 names the experts' format apart.
    let experts = match config.text(&["expert_dtype"]) {
        Some("fp4") => Some(WeightDtype::Mxfp4),
        _ => experts,
    };
    (whole, experts.filter(|dtype| *dtype != whole))
}

fn plain(config: &Config<'_>) -> WeightDtype {
    match config.text(&["torch_dtype", "dtype"]) {
        Some("float16") => WeightDtype::Fp16,
        Some("float32") => WeightDtype::Fp32,
        _ => WeightDtype::Bf16,
    }
}

fn quantised_weights(config: &Config<'_>, plain: WeightDtype) -> (WeightDtype, Option<WeightDtype>) {
    let spares =
        |part: &str| config.list_mentions(&["modules_to_not_convert", "ignore", "exclude_modules"], part);
    let quantised = format(config).unwrap_or(plain);
    // Where attention keeps its format, what is quantised is the experts.
    if spares("self_attn") { (plain, Some(quantised)) } else { (quantised, None) }
}

fn format(config: &Config<'_>) -> Option<WeightDtype> {
    match config.text(&["quant_method"])? {
        "fp8" if config.has(&["weight_block_size"]) => Some(WeightDtype::Fp8Block),
        "fp8" | "fbgemm_fp8" => Some(WeightDtype::Fp8),
        "mxfp4" => Some(WeightDtype::Mxfp4),
        "awq" | "gptq" => Some(WeightDtype::Int4),
        "modelopt" | "modelopt_fp4" => match config.text(&["quant_algo"]) {
            Some("NVFP4") => Some(WeightDtype::Nvfp4),
            _ => Some(WeightDtype::Fp8),
        },
        "compressed-tensors" => Some(packed(config)),
        _ => None,
    }
}

fn packed(config: &Config<'_>) -> WeightDtype {
    match config.text(&["format"]).unwrap_or("") {
        "mxfp4-pack-quantized" => WeightDtype::Mxfp4,
        "nvfp4-pack-quantized" => WeightDtype::Nvfp4,
        "pack-quantized" => WeightDtype::Int4,
        "int-quantized" => WeightDtype::Int8,
        _ => WeightDtype::Fp8,
    }
}
