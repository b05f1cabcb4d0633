//! Number formats: what the one word of a row means for each part of a model.

use super::case::{Formats, has_experts};
use super::fields::{Fields, wrong};
use rackplan_catalog::model::{Mixer, Model, WeightDtype};
use rackplan_catalog::{Framework, Gpu, Situation};

use WeightDtype::{Bf16, Fp8, Fp8Block, Int4, Int8, Mxfp4, Nvfp4};

/// Formats of the weights. The KV cache has a placeholder until [`kv_cache`] is known.
pub(super) fn weights(
    row: &Fields,
    model: &Model,
    gpu: &Gpu,
    assumed: &mut Vec<String>,
) -> Result<Formats, String> {
    let written = row.text("weight_dtype");
    let word = written.to_lowercase();
    let of_checkpoint = of_checkpoint(row.text("model"));
    let formats = match word.as_str() {
        "" | "auto" | "native" if of_checkpoint.is_some() => {
            let word = of_checkpoint.unwrap_or_default();
            assumed.push(format!("weight_dtype: {word}, of which the model's name speaks"));
            named(word, model, gpu, assumed).unwrap_or_else(|| released(model))
        }
        "" | "auto" | "native" => {
            assumed.push("weight_dtype: as the weights are released".to_owned());
            released(model)
        }
        "fp16" | "bf16" | "bfloat16" | "float16" | "half" if is_mlperf_v4_1(row) => {
            assumed.push(
                "weight_dtype: fp8, which submissions of MLPerf v4.1 that start from fp16 ran".to_owned(),
            );
            uniform(Fp8)
        }
        word => {
            let expected = "one of bf16, fp16, fp8, fp8_block, fp4, nvfp4, mxfp4, int8, int4";
            let named = named(word, model, gpu, assumed);
            return named.ok_or_else(|| wrong("weight_dtype", written, expected));
        }
    };
    Ok(formats)
}

/// What one word, in lower case, means for each part of a model.
pub(crate) fn named(word: &str, model: &Model, gpu: &Gpu, assumed: &mut Vec<String>) -> Option<Formats> {
    Some(match word {
        "fp16" | "bf16" | "bfloat16" | "float16" | "half" => uniform(Bf16),
        "fp8" | "fp8_e4m3" | "fp8-e4m3" | "e4m3" | "fp8_static" | "fp8-static" | "fp8_dynamic"
        | "fp8-dynamic" | "w8a8_fp8" => eight_bits(model, assumed),
        "fp8_block" | "fp8-block" | "fp8_blockwise" | "fp8-blockwise" | "block_fp8" => uniform(Fp8Block),
        "fp4" if gpu.vendor == "AMD" => four_bits(model, Mxfp4, assumed),
        "fp4" | "nvfp4" => four_bits(model, Nvfp4, assumed),
        "mxfp4" | "w4a16_mxfp4" | "w4a8_mxfp4_mxfp8" => four_bits(model, Mxfp4, assumed),
        "int8" | "w8a8" | "w8a8_int8" => uniform(Int8),
        "int4" | "w4a16" | "awq" | "gptq" | "int4_awq" | "int4-awq" | "int4_wo"
            if model.expert_weight_dtype == Some(Int4) =>
        {
            released(model)
        }
        "int4" | "w4a16" | "awq" | "gptq" | "int4_awq" | "int4-awq" | "int4_wo" => {
            Formats { attention: if has_latent(model) { Bf16 } else { Int4 }, ..uniform(Int4) }
        }
        _ => return None,
    })
}

/// The format that a checkpoint's name ends in, as a word of a row.
pub(crate) fn of_checkpoint(name: &str) -> Option<&'static str> {
    let words: Vec<String> = name.split(['-', '_', ' ', '/']).map(str::to_lowercase).collect();
    let known = ["fp8", "nvfp4", "mxfp4", "fp4", "int4", "awq", "gptq", "int8", "bf16"];
    let block = words.iter().any(|word| word == "block");
    let found = words.iter().rev().find_map(|word| known.into_iter().find(|format| word == format))?;
    Some(if block && found == "fp8" { "fp8_block" } else { found })
}

/// The KV cache's format: what the row says, else what the framework makes of the situation.
pub(super) fn kv_cache(
    row: &Fields,
    framework: &Framework,
    at: &Situation,
    assumed: &mut Vec<String>,
) -> Result<WeightDtype, String> {
    let written = row.text("kv_dtype");
    match written.to_lowercase().as_str() {
        "" | "auto" => {
            // gpt-oss holds its experts in mxfp4 whatever a row calls it, so that `fp8` can only mean the cache.
            let cache_only = at.weights == Mxfp4 && row.text("weight_dtype").eq_ignore_ascii_case("fp8");
            let kv = if cache_only { Fp8 } else { framework.kv_format(at) };
            assumed.push(format!("kv_dtype: {kv}, as {} is launched", framework.name));
            Ok(kv)
        }
        "bf16" | "fp16" | "bfloat16" | "float16" => Ok(Bf16),
        "fp8" | "fp8_e4m3" | "fp8_e5m2" => Ok(Fp8),
        "int8" => Ok(Int8),
        "nvfp4" | "fp4" => Ok(Nvfp4),
        _ => Err(wrong("kv_dtype", written, "one of bf16, fp16, fp8, int8, nvfp4, auto")),
    }
}

fn uniform(dtype: WeightDtype) -> Formats {
    Formats { attention: dtype, weights: dtype, experts: dtype, kv: Bf16 }
}

fn released(model: &Model) -> Formats {
    let experts = model.expert_weight_dtype.unwrap_or(model.weight_dtype);
    Formats { experts, ..uniform(model.weight_dtype) }
}

/// Blocks where the model or its maker's 8-bit checkpoint is released in blocks, else a scale per tensor. Experts released in mxfp4 stay so.
fn eight_bits(model: &Model, assumed: &mut Vec<String>) -> Formats {
    if model.expert_weight_dtype == Some(Mxfp4) {
        assumed.push("weight_dtype: experts in mxfp4, as released".to_owned());
        return released(model);
    }
    let blocks = model.weight_dtype == Fp8Block || model.fp8_weight_dtype == Some(Fp8Block);
    uniform(if blocks { Fp8Block } else { Fp8 })
}

/// Four bits for dense networks and experts. Attention stays in bf16 where it has a latent or a recurrence: NVIDIA's
/// NVFP4 checkpoints of DeepSeek-R1 quantise none of it (version 2 its output projection only).
/// Source: model cards of nvidia/DeepSeek-R1-FP4 and nvidia/DeepSeek-R1-0528-NVFP4-v2.
fn four_bits(model: &Model, dtype: WeightDtype, assumed: &mut Vec<String>) -> Formats {
    if model.expert_weight_dtype == Some(Mxfp4) {
        return released(model);
    }
    if has_latent(model) || has_recurrence(model) {
        assumed.push("weight_dtype: attention in bf16, as in NVIDIA's checkpoints of such models".to_owned());
        return Formats { attention: Bf16, ..uniform(dtype) };
    }
    uniform(dtype)
}

/// Whether attention keeps a latent in place of keys and values (DeepSeek).
pub(super) fn has_latent(model: &Model) -> bool {
    let latent = |mixer: &Mixer| matches!(mixer, Mixer::Mla(_) | Mixer::Compressed(_));
    model.layer_counts().any(|(_, kind, _)| kind.mixer.as_ref().is_some_and(latent))
}

fn has_recurrence(model: &Model) -> bool {
    model
        .layer_counts()
        .any(|(_, kind, _)| kind.mixer.as_ref().is_some_and(|mixer| mixer.state_elements() > 0))
}

/// Whether a model is spread as DeepSeek is: attention on every rank, experts over all of them.
pub(super) fn is_latent_with_experts(model: &Model) -> bool {
    has_latent(model) && has_experts(model)
}

fn is_mlperf_v4_1(row: &Fields) -> bool {
    let said = format!("{} {}", row.text("version"), row.text("source")).to_lowercase();
    said.contains("mlperf") && said.contains("v4.1")
}
