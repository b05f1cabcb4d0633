//! The feed-forward part of a layer from the fields of a configuration.

use super::config::Config;
use super::traits::Traits;
use super::{ImportError, hidden};
use crate::model::{Dense, Ffn, Moe};

const EXPERTS: [&str; 4] = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"];

/// Whether any layer has experts.
pub(super) fn any_experts(config: &Config<'_>) -> Result<bool, ImportError> {
    Ok(config.or_zero(&EXPERTS)? > 1)
}

/// A dense network. Where it is not stated its width is four times the hidden width, as in GPT-2's family.
pub(super) fn dense(config: &Config<'_>, traits: &Traits) -> Result<Ffn, ImportError> {
    const NAMES: [&str; 7] = [
        "dense_intermediate_size",
        "intermediate_size_mlp",
        "intermediate_size",
        "ffn_hidden_size",
        "ffn_dim",
        "n_inner",
        "inner_hidden_size",
    ];
    let intermediate = match config.optional(&NAMES)? {
        Some(stated) => stated,
        None if !traits.gated => 4 * hidden(config)?,
        None => return Err(config.missing(&NAMES[2..])),
    };
    dense_of(config, intermediate, traits)
}

/// A dense network of a given width.
pub(super) fn dense_of(config: &Config<'_>, intermediate: u64, traits: &Traits) -> Result<Ffn, ImportError> {
    let bias = config.flag(&["mlp_bias"], traits.mlp_bias)?;
    Ok(Ffn::Dense(Dense { intermediate, gated: config.flag(&["mlp_gated"], traits.gated)?, bias }))
}

/// A mixture of experts.
pub(super) fn moe(config: &Config<'_>, traits: &Traits) -> Result<Ffn, ImportError> {
    let intermediate =
        config.count(&["moe_intermediate_size", "expert_intermediate_size", "intermediate_size"])?;
    let (shared_experts, shared_intermediate) = shared(config, traits, intermediate)?;
    let expert_groups = config.or_zero(&["n_group", "num_expert_group"])?;
    let grouped = expert_groups > 1;
    let groups_per_token = config.or_zero(&["topk_group"])?;
    Ok(Ffn::Moe(Moe {
        experts: config.count(&EXPERTS)?,
        experts_per_token: per_token(config)?,
        intermediate,
        gated: traits.gated,
        bias: traits.mlp_bias,
        shared_experts,
        shared_intermediate,
        shared_gate: traits.shared_gate && shared_experts > 0,
        latent: config.optional(&["moe_latent_size", "routed_expert_hidden_size"])?,
        dense_intermediate: beside(config)?,
        router_bias: router_bias(config, traits)?,
        hash_routed: false,
        expert_groups: if grouped { expert_groups } else { 0 },
        groups_per_token: if grouped { groups_per_token } else { 0 },
    }))
}

fn per_token(config: &Config<'_>) -> Result<u64, ImportError> {
    config.count(&[
        "num_experts_per_tok",
        "num_experts_per_token",
        "experts_per_token",
        "top_k_experts",
        "moe_top_k",
        "moe_topk",
        "moe_k",
        "num_selected_experts",
    ])
}

/// How many shared experts there are, and their width together.
fn shared(config: &Config<'_>, traits: &Traits, routed: u64) -> Result<(u64, u64), ImportError> {
    const WIDTHS: [&str; 4] = [
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "share_expert_dim",
        "shared_intermediate_size",
    ];
    const COUNTS: [&str; 3] = ["n_shared_experts", "num_shared_experts", "moe_num_shared_experts"];
    let stated = if config.has(&COUNTS) { config.or_zero(&COUNTS)? } else { traits.shared_experts };
    if !config.has(&WIDTHS) {
        return Ok((stated, stated.saturating_mul(routed)));
    }
    let width = config.or_zero(&WIDTHS)?;
    let count = if width == 0 { 0 } else { stated.max(1) };
    Ok((count, count.saturating_mul(width)))
}

/// Width of a dense network that works beside the experts (Gemma 4), or 0.
fn beside(config: &Config<'_>) -> Result<u64, ImportError> {
    match config.flag(&["enable_moe_block"], false)? {
        true => config.count(&["intermediate_size"]),
        false => Ok(0),
    }
}

fn router_bias(config: &Config<'_>, traits: &Traits) -> Result<bool, ImportError> {
    let balanced = config.text(&["topk_method"]) == Some("noaux_tc");
    config.flag(&["use_routing_bias", "use_moe_router_bias"], traits.router_bias || balanced)
}
