//! A Hugging Face `config.json` as a [`Model`].
//!
//! `config` gives typed access to fields; `traits` holds what a `model_type` implies without saying; the readers
//! (`decoder` for most models, one file for each family with layers of its own) yield the layers; the rest is here.

mod attention;
mod compressed;
mod config;
mod decoder;
mod dtype;
mod error;
mod feed_forward;
mod json;
mod kimi;
mod lightning;
mod nemotron;
mod nested;
mod schedule;
mod searched;
mod stack;
mod state_space;
mod traits;

pub use error::{ImportError, ImportWarning};

use crate::model::{MAX_LAYERS, Model};
use crate::{Basis, Record};
use config::Config;
use stack::Stack;
use std::collections::BTreeMap;
use traits::Traits;

/// A model read from a configuration, and what was read with less than certainty.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// What to tell the user.
    pub warnings: Vec<ImportWarning>,
}

/// Reads the text of a `config.json`. `fallback_id` names the model where the file does not, e.g. from its path.
pub fn import(text: &str, fallback_id: Option<&str>) -> Result<Imported, ImportError> {
    let map = json::parse(text)?;
    let whole = Config::new(&map);
    // Models that also see or hear keep the language model's fields one level down.
    let config = whole.inside(&["text_config", "llm_config", "language_config"]).unwrap_or(whole);
    let model_type = model_type(&config)?;
    let traits = Traits::of(&model_type);
    let stack = layers(&config, &model_type, &traits.unwrap_or_default())?;
    let id = fallback_id.or_else(|| whole.text(&["_name_or_path"])).unwrap_or("");
    let model = assemble(&config, &traits.unwrap_or_default(), stack, id)?;
    model.check().map_err(|fault| ImportError::Inconsistent {
        field: fault.field,
        problem: fault.problem,
        hint: fault.hint,
    })?;
    let mut warnings = Vec::new();
    if traits.is_none() {
        warnings.push(ImportWarning::UnknownModelType { model_type });
    }
    if model.max_context.is_none() {
        warnings.push(ImportWarning::NoContext);
    }
    Ok(Imported { model, warnings })
}

/// The `model_type`, or what the name of the architecture's class implies: `Qwen3MoeForCausalLM` is `qwen3_moe`.
fn model_type(config: &Config<'_>) -> Result<String, ImportError> {
    if let Some(stated) = config.text(&["model_type"]) {
        return Ok(stated.to_owned());
    }
    let classes = config.texts(&["architectures"])?.unwrap_or_default();
    let class = classes.first().and_then(|class| class.split("For").next()).unwrap_or("");
    let mut snake = String::new();
    for c in class.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    Ok(snake)
}

/// The layers, read by the family's own reader where it has one.
fn layers(config: &Config<'_>, model_type: &str, traits: &Traits) -> Result<Stack, ImportError> {
    match model_type {
        "deepseek_v4" => compressed::layers(config, traits),
        "kimi_linear" => kimi::layers(config, traits),
        "nemotron_h" => nemotron::layers(config, traits),
        "jamba" => state_space::jamba_layers(config, traits),
        "nemotron-nas" | "deci" => searched::layers(config, traits),
        "minimax" | "minimax_text_01" | "minimax_m1" => lightning::layers(config, traits),
        "dbrx" | "mpt" => nested::layers(config, traits),
        _ if config.has(&["block_configs"]) => searched::layers(config, traits),
        _ => decoder::layers(config, traits),
    }
}

fn assemble(config: &Config<'_>, traits: &Traits, stack: Stack, id: &str) -> Result<Model, ImportError> {
    let (weight_dtype, expert_weight_dtype) = dtype::weights(config);
    let stack = stack.finish();
    Ok(Model {
        name: id.rsplit('/').next().unwrap_or(id).to_owned(),
        aliases: Vec::new(),
        hidden: hidden(config)?,
        vocab: config.count(&["vocab_size", "padded_vocab_size"])?,
        max_context: config.optional(&CONTEXT)?,
        tied_embeddings: config.outer_flag(&["tie_word_embeddings"], traits.tied)?,
        learned_positions: learned_positions(config, traits)?,
        norm: traits.norm,
        post_norm: traits.post_norm,
        parallel_block: config.flag(&["parallel_attn", "use_parallel_residual"], traits.parallel_block)?,
        residual_streams: config.or_zero(&["hc_mult"])?,
        mtp_layers: mtp_layers(config)?,
        mtp_kinds: stack.mtp_kinds,
        mtp_accepted: Vec::new(),
        weight_dtype,
        expert_weight_dtype,
        fp8_weight_dtype: None,
        layer_count: Some(stack.layers.count()),
        layers: stack.layers,
        source: if id.is_empty() { "config.json".to_owned() } else { format!("{id} config.json") },
        basis: Basis::Datasheet,
        notes: None,
        other_sources: BTreeMap::new(),
        published: None,
        layer_kinds: stack.kinds,
    })
}

const CONTEXT: [&str; 5] = ["max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"];

/// Width of the residual stream.
fn hidden(config: &Config<'_>) -> Result<u64, ImportError> {
    config.count(&["hidden_size", "d_model", "n_embd"])
}

/// The number of layers, within reason, so that no list grows without bound.
fn layer_count(config: &Config<'_>) -> Result<u64, ImportError> {
    const NAMES: [&str; 5] = ["num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_hidden_blocks"];
    match config.count(&NAMES)? {
        count @ 1..=MAX_LAYERS => Ok(count),
        count => Err(ImportError::BadValue {
            field: NAMES[0].to_owned(),
            value: count.to_string(),
            hint: format!("expected at most {MAX_LAYERS} layers"),
        }),
    }
}

fn learned_positions(config: &Config<'_>, traits: &Traits) -> Result<u64, ImportError> {
    match traits.learned_positions {
        None => Ok(0),
        Some(extra) => Ok(config.count(&CONTEXT)? + extra),
    }
}

fn mtp_layers(config: &Config<'_>) -> Result<u64, ImportError> {
    if !config.flag(&["use_mtp"], true)? {
        return Ok(0);
    }
    config.or_zero(&["num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules"])
}
