//! The attention of a layer from the fields of a configuration.

use super::config::Config;
use super::schedule::Reach;
use super::traits::Traits;
use super::{ImportError, hidden};
use crate::model::{BlockIndexer, Gate, GatedDeltaNet, Gqa, Indexer, Mixer, Mla, QkNorm};

/// Query heads.
pub(super) fn heads(config: &Config<'_>) -> Result<u64, ImportError> {
    config.count(&["num_attention_heads", "n_heads", "n_head", "num_heads"])
}

/// Width of a head: stated, or the hidden width split evenly.
pub(super) fn head_dim(config: &Config<'_>) -> Result<u64, ImportError> {
    if let Some(stated) = config.optional(&["head_dim", "attention_head_dim", "kv_channels"])? {
        return Ok(stated);
    }
    let (hidden, heads) = (hidden(config)?, heads(config)?);
    if hidden % heads != 0 {
        let hint = format!("{heads} heads do not divide it evenly; state `head_dim`");
        return Err(ImportError::BadValue {
            field: "hidden_size".to_owned(),
            value: hidden.to_string(),
            hint,
        });
    }
    Ok(hidden / heads)
}

/// Key and value heads; as many as query heads unless the file says otherwise.
fn kv_heads(config: &Config<'_>) -> Result<u64, ImportError> {
    let stated = config.optional(&[
        "num_key_value_heads",
        "num_kv_heads",
        "n_head_kv",
        "num_query_groups",
        "num_attention_groups",
    ])?;
    match stated {
        Some(stated) => Ok(stated),
        None if config.flag(&["multi_query"], false)? => Ok(1),
        None => heads(config),
    }
}

/// Full, windowed or chunked attention over heads.
pub(super) fn gqa(config: &Config<'_>, reach: Reach, traits: &Traits) -> Result<Gqa, ImportError> {
    let biased = config.flag(&["attention_bias", "qkv_bias"], traits.bias)?;
    let mut gqa = Gqa {
        heads: heads(config)?,
        kv_heads: kv_heads(config)?,
        head_dim: head_dim(config)?,
        value_dim: config.optional(&["v_head_dim"])?,
        output_gate: output_gate(config, traits)?,
        bias: biased,
        output_bias: config.flag(&["attention_out_bias", "attention_bias"], false)? || traits.output_bias,
        qk_norm: qk_norm(config, traits)?,
        sinks: traits.sinks,
        ..Gqa::default()
    };
    match reach {
        Reach::Sliding => sliding(config, &mut gqa)?,
        Reach::Chunked => gqa.chunk = Some(config.count(&["attention_chunk_size"])?),
        Reach::Full | Reach::Linear => full(config, &mut gqa)?,
    }
    gqa.value_dim = gqa.value_dim.filter(|dim| *dim != gqa.head_dim);
    Ok(gqa)
}

/// Windowed layers may have heads of their own (MiMo, Step-3.5).
fn sliding(config: &Config<'_>, gqa: &mut Gqa) -> Result<(), ImportError> {
    gqa.window = Some(config.count(&["sliding_window", "sliding_window_size"])?);
    if let Some(own) = config.inside(&["attention_other_setting"]) {
        gqa.heads = own.optional(&["num_attention_heads"])?.unwrap_or(gqa.heads);
        gqa.kv_heads = own.optional(&["num_attention_groups"])?.unwrap_or(gqa.kv_heads);
    }
    gqa.heads = config.optional(&["swa_num_attention_heads"])?.unwrap_or(gqa.heads);
    gqa.kv_heads = config.optional(&["swa_num_key_value_heads"])?.unwrap_or(gqa.kv_heads);
    gqa.head_dim = config.optional(&["swa_head_dim"])?.unwrap_or(gqa.head_dim);
    gqa.value_dim = config.optional(&["swa_v_head_dim"])?.or(gqa.value_dim);
    gqa.sinks = config.flag(&["add_swa_attention_sink_bias"], gqa.sinks)?;
    Ok(())
}

/// Full layers beside windowed ones may have wider heads and use keys as values (Gemma 4).
fn full(config: &Config<'_>, gqa: &mut Gqa) -> Result<(), ImportError> {
    gqa.head_dim = config.optional(&["global_head_dim"])?.unwrap_or(gqa.head_dim);
    gqa.shared_kv = config.flag(&["attention_k_eq_v"], false)?;
    if gqa.shared_kv {
        gqa.kv_heads = config.optional(&["num_global_key_value_heads"])?.unwrap_or(gqa.kv_heads);
    }
    gqa.sinks = config.flag(&["add_full_attention_sink_bias"], gqa.sinks)?;
    Ok(())
}

fn output_gate(config: &Config<'_>, traits: &Traits) -> Result<Gate, ImportError> {
    if config.flag(&["use_head_wise_attn_gate"], false)? {
        return Ok(Gate::Head);
    }
    let default = traits.output_gate != Gate::None;
    let gated = config.flag(&["attn_output_gate", "attention_output_gate"], default)?;
    Ok(if gated { Gate::Channel } else { Gate::None })
}

fn qk_norm(config: &Config<'_>, traits: &Traits) -> Result<QkNorm, ImportError> {
    // Llama 4's norm has no weights, whatever the flag says.
    let used = config.flag(&["use_qk_norm"], traits.qk_norm != QkNorm::None)? && !traits.chunked;
    Ok(match config.text(&["qk_norm_type"]) {
        _ if !used => QkNorm::None,
        Some("per_layer") => QkNorm::Layer,
        _ if traits.qk_norm == QkNorm::Layer => QkNorm::Layer,
        _ => QkNorm::Head,
    })
}

/// Block-sparse selection of one layer (MiniMax-M3), if it has it.
pub(super) fn block_indexer(config: &Config<'_>, layer: usize) -> Result<Option<BlockIndexer>, ImportError> {
    let Some(sparse) = config.inside(&["sparse_attention_config"]) else { return Ok(None) };
    let active = sparse.counts(&["sparse_attention_freq"])?;
    let here = active.is_none_or(|flags| flags.get(layer).is_some_and(|flag| *flag != 0));
    if !here || !sparse.flag(&["use_sparse_attention"], true)? {
        return Ok(None);
    }
    Ok(Some(BlockIndexer {
        heads: sparse.count(&["sparse_num_index_heads"])?,
        head_dim: sparse.count(&["sparse_index_dim"])?,
        block: sparse.count(&["sparse_block_size"])?,
        top_blocks: sparse.count(&["sparse_topk_blocks"])?,
    }))
}

/// Latent attention.
pub(super) fn mla(config: &Config<'_>) -> Result<Mla, ImportError> {
    let gated = config.flag(&["mla_use_output_gate"], false)?;
    Ok(Mla {
        heads: heads(config)?,
        q_rank: config.optional(&["q_lora_rank"])?,
        kv_rank: config.count(&["kv_lora_rank"])?,
        rope_dim: config.count(&["qk_rope_head_dim"])?,
        nope_dim: config.count(&["qk_nope_head_dim"])?,
        value_dim: config.count(&["v_head_dim"])?,
        output_gate: if gated { Gate::Channel } else { Gate::None },
        bias: config.flag(&["attention_bias"], false)?,
        indexer: indexer(config)?,
    })
}

/// The token indexer of sparse attention, if the model has one.
pub(super) fn indexer(config: &Config<'_>) -> Result<Option<Indexer>, ImportError> {
    let Some(top_k) = config.optional(&["index_topk"])? else { return Ok(None) };
    let (heads, head_dim) = (config.count(&["index_n_heads"])?, config.count(&["index_head_dim"])?);
    Ok(Some(Indexer { heads, head_dim, top_k, present: true }))
}

/// Gated DeltaNet in the place of attention.
pub(super) fn gated_delta_net(config: &Config<'_>) -> Result<Mixer, ImportError> {
    Ok(Mixer::GatedDeltaNet(GatedDeltaNet {
        key_heads: config.count(&["linear_num_key_heads"])?,
        value_heads: config.count(&["linear_num_value_heads"])?,
        key_dim: config.count(&["linear_key_head_dim"])?,
        value_dim: config.count(&["linear_value_head_dim"])?,
        conv_width: config.count(&["linear_conv_kernel_dim"])?,
    }))
}
