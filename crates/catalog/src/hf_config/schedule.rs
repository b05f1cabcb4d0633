//! Which layers attend how, and which have experts.

use super::ImportError;
use super::config::Config;
use super::traits::Traits;

/// How far a layer looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All tokens.
    Full,
    /// A sliding window.
    Sliding,
    /// Its own chunk.
    Chunked,
    /// A recurrence instead of attention.
    Linear,
}

/// The reach of each of `layers` layers.
pub(super) fn reaches(config: &Config<'_>, layers: u64, traits: &Traits) -> Result<Vec<Reach>, ImportError> {
    if let Some(types) = config.texts(&["layer_types"])? {
        let found = types.iter().map(|name| reach_of(config, name)).collect::<Result<Vec<_>, _>>()?;
        return long_enough(config, "layer_types", found, layers);
    }
    if let Some(flags) = config.counts(&["hybrid_layer_pattern"])? {
        let found = flags.iter().map(|flag| if *flag == 0 { Reach::Full } else { Reach::Sliding }).collect();
        return long_enough(config, "hybrid_layer_pattern", found, layers);
    }
    if let Some(flags) =
        config.counts(&["no_rope_layers"])?.filter(|flags| traits.chunked && !flags.is_empty())
    {
        let found = flags.iter().map(|rope| if *rope == 0 { Reach::Full } else { Reach::Chunked }).collect();
        return long_enough(config, "no_rope_layers", found, layers);
    }
    let (other, every) = interval(config, traits)?;
    Ok((1..=layers).map(|layer| if layer % every == 0 { Reach::Full } else { other }).collect())
}

/// The reach of most layers, and every how many layers one has full attention; 1 is always, `u64::MAX` never.
fn interval(config: &Config<'_>, traits: &Traits) -> Result<(Reach, u64), ImportError> {
    if let Some(every) = config.optional(&["full_attention_interval"])? {
        return Ok((Reach::Linear, every));
    }
    if traits.chunked && config.has(&["attention_chunk_size"]) {
        return Ok((Reach::Chunked, config.optional(&["no_rope_layer_interval"])?.unwrap_or(4)));
    }
    if !config.has(&["sliding_window"]) || !config.flag(&["use_sliding_window"], true)? {
        return Ok((Reach::Full, 1));
    }
    let every = config.optional(&["sliding_window_pattern"])?.or(traits.full_every);
    Ok((Reach::Sliding, every.unwrap_or(u64::MAX)))
}

fn reach_of(config: &Config<'_>, name: &str) -> Result<Reach, ImportError> {
    match name {
        "full_attention" | "attention" | "global_attention" => Ok(Reach::Full),
        "sliding_attention" | "local_attention" => Ok(Reach::Sliding),
        "chunked_attention" => Ok(Reach::Chunked),
        "linear_attention" => Ok(Reach::Linear),
        _ => Err(config.misfit(
            "layer_types",
            format!("`{name}` is no known layer type; expected `full_attention`, `sliding_attention`, ..."),
        )),
    }
}

/// Cuts a list to the number of layers; a shorter one is an error.
pub(super) fn long_enough<T>(
    config: &Config<'_>,
    name: &'static str,
    mut list: Vec<T>,
    layers: u64,
) -> Result<Vec<T>, ImportError> {
    if (list.len() as u64) < layers {
        let hint = format!("it has {} items; expected one for each of {layers} layers", list.len());
        return Err(config.misfit(name, hint));
    }
    list.truncate(layers as usize);
    Ok(list)
}

/// Which of `layers` layers have experts, for a model that has any.
pub(super) fn has_experts(config: &Config<'_>, layers: u64) -> Result<Vec<bool>, ImportError> {
    if let Some(types) = config.texts(&["mlp_layer_types"])? {
        let found = types.iter().map(|name| *name == "sparse").collect();
        return long_enough(config, "mlp_layer_types", found, layers);
    }
    if let Ok(Some(flags)) = config.counts(&["moe_layer_freq"]) {
        let found = flags.iter().map(|flag| *flag != 0).collect();
        return long_enough(config, "moe_layer_freq", found, layers);
    }
    if let Some(text) = config.text(&["moe_layers_enum"]) {
        let listed: Vec<u64> = text.split(',').filter_map(|layer| layer.trim().parse().ok()).collect();
        return Ok((0..layers).map(|layer| listed.contains(&layer)).collect());
    }
    let rule = Rule::read(config)?;
    Ok((0..layers).map(|layer| rule.holds(layer)).collect())
}

/// Experts from layer `first` on, in every `every`-th layer, but not in those listed.
struct Rule {
    first: u64,
    every: u64,
    offset: u64,
    dense: Vec<u64>,
}

impl Rule {
    fn read(config: &Config<'_>) -> Result<Rule, ImportError> {
        let first = config.or_zero(&["first_k_dense_replace", "moe_layer_start_index"])?;
        let dense = config.counts(&["mlp_only_layers"])?.unwrap_or_default();
        // `step` counts from 1, so that a step of 2 means layers 1, 3, 5; `period` has an offset of its own.
        let step =
            config.optional(&["decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"])?;
        let (every, offset) = match (step, config.optional(&["expert_layer_period"])?) {
            (Some(step), _) => (step, step - 1),
            (None, Some(period)) => (period, config.or_zero(&["expert_layer_offset"])?),
            (None, None) => (config.optional(&["moe_layer_freq"])?.unwrap_or(1), 0),
        };
        Ok(Rule { first, every, offset, dense })
    }

    fn holds(&self, layer: u64) -> bool {
        layer >= self.first && layer % self.every == self.offset % self.every && !self.dense.contains(&layer)
    }
}
