//! The mixers of layers: projections, kernels over the cache or state.

use super::Parts;
use crate::operators::attention_decode::{AttentionDecode, AttentionDecodeConstants};
use crate::operators::attention_linear::{LinearAttention, Recurrence};
use crate::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants};
use crate::operators::attention_mla_decode::{Latent, MlaDecode, MlaDecodeConstants};
use crate::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants};
use crate::operators::attention_prefill::{AttentionPrefill, AttentionPrefillConstants};
use crate::operators::attention_sparse::{Indexer, SparseLatent};
use crate::work::{Chosen, Rows, Work};
use rackplan_catalog::model::{self as catalog, Compressed, Gqa, Mixer, Mla, Projection};
use rackplan_catalog::{Backend, Format};

pub(super) fn mix(parts: &mut Parts, mixer: &Mixer) {
    match mixer {
        Mixer::Gqa(gqa) => grouped(parts, gqa),
        Mixer::Mla(mla) => latent(parts, mla),
        Mixer::Compressed(compressed) => over_entries(parts, compressed),
        recurrent => recurrence(parts, recurrent),
    }
}

/// `attention dtype.cache dtype`, as engines group attention.
fn dtypes(arithmetic: Format, kv_bytes: f64) -> &'static str {
    match (arithmetic, kv_bytes > 1.0) {
        (_, true) => "bfloat16.bfloat16",
        (Format::Fp8, false) => "fp8.fp8",
        (_, false) => "bfloat16.fp8",
    }
}

/// What arithmetic prefill runs in: TensorRT-LLM multiplies in the format of an 8-bit cache, others widen it.
fn prefill_arithmetic(parts: &Parts) -> Format {
    let eight = parts.deployment.precision.kv_bytes <= 1.0 && parts.has(Format::Fp8);
    let narrow = parts.deployment.backend == Backend::Trtllm;
    if eight && narrow { Format::Fp8 } else { Format::Bf16 }
}

fn grouped(parts: &mut Parts, gqa: &Gqa) {
    let weights = parts.deployment.precision.attention;
    let hidden = parts.deployment.model.hidden;
    let (tp, kv_bytes) = (parts.tp(), parts.deployment.precision.kv_bytes);
    let (q_heads, kv_heads) = ((gqa.heads as f64 / tp).max(1.0), (gqa.kv_heads as f64 / tp).max(1.0));
    let (head_dim, value_dim) = (gqa.head_dim as f64, gqa.value_dim() as f64);
    let gate = gqa.projections(hidden).iter().find(|p| p.name == "gate").map_or(0.0, |p| p.outputs as f64);
    let values = if gqa.shared_kv { 0.0 } else { value_dim };
    let fused = q_heads * head_dim + kv_heads * (head_dim + values) + gate / tp;
    parts.gemm("qkv", Rows::Tokens, (fused, hidden as f64), weights);
    if gqa.qk_norm != rackplan_catalog::model::QkNorm::None {
        parts.pass("qk_norm", Rows::Tokens, 4.0 * (q_heads + kv_heads) * head_dim, 1.0);
    }
    if let Some(index) = &gqa.block_indexer {
        select(parts, &gqa.projections(hidden), block_indexer(index), 1.0);
    }
    let window = gqa.reach().unwrap_or(0) as f64;
    let limit = gqa.block_indexer.map_or(f64::INFINITY, |index| (index.block * index.top_blocks) as f64);
    kernels(parts, Heads { q_heads, kv_heads, head_dim, value_dim, window, limit, kv_bytes });
    if gate > 0.0 {
        parts.pass("output_gate", Rows::Tokens, 6.0 * gate / tp, 1.0);
    }
    parts.gemm("output", Rows::Tokens, (hidden as f64, q_heads * value_dim), weights);
}

/// Heads of a rank.
struct Heads {
    q_heads: f64,
    kv_heads: f64,
    head_dim: f64,
    value_dim: f64,
    /// Tokens that each looks back to; 0 for all.
    window: f64,
    /// Keys that a sparse selection leaves.
    limit: f64,
    kv_bytes: f64,
}

fn kernels(parts: &mut Parts, heads: Heads) {
    let Heads { q_heads, kv_heads, head_dim, value_dim, window, limit, kv_bytes } = heads;
    let kernel = format!("{}.d{head_dim}", dtypes(Format::Bf16, kv_bytes));
    let found = parts.nearest::<AttentionDecodeConstants>("attn_decode", &kernel);
    let constants =
        AttentionDecodeConstants { launch_us: Parts::replayed(found.constants.launch_us), ..found.constants };
    let shape = AttentionDecode { batch: 0.0, kv_len: 0.0, q_heads, kv_heads, head_dim, window, kv_bytes };
    parts.add("attention_decode", Work::Decode { shape, limit, constants }, found.evidence, found.band);

    let arithmetic = prefill_arithmetic(parts);
    let kernel = format!("{}.d{head_dim}", dtypes(arithmetic, kv_bytes));
    let found = parts.nearest::<AttentionPrefillConstants>("attn_prefill", &kernel);
    let banded = if window > 0.0 {
        window.min(limit)
    } else if limit.is_finite() {
        limit
    } else {
        0.0
    };
    let shape = AttentionPrefill {
        batch: 0.0,
        tokens: 0.0,
        prefix: 0.0,
        q_heads,
        kv_heads,
        head_dim,
        value_dim,
        window: banded,
        arithmetic,
        kv_bytes,
    };
    let work = Work::Prefill { shape, constants: found.constants };
    parts.add("attention_prefill", work, found.evidence, found.band);
}

fn latent(parts: &mut Parts, mla: &Mla) {
    let weights = parts.deployment.precision.attention;
    let hidden = parts.deployment.model.hidden as f64;
    let heads = (mla.heads as f64 / parts.tp()).max(1.0);
    let sizes = Latent {
        rank: mla.kv_rank as f64,
        rope_dim: mla.rope_dim as f64,
        nope_dim: mla.nope_dim as f64,
        value_dim: mla.value_dim as f64,
    };
    let query = heads * (sizes.nope_dim + sizes.rope_dim);
    match mla.q_rank {
        None => parts.gemm("query_and_latents", Rows::Tokens, (query + sizes.cached(), hidden), weights),
        Some(rank) => {
            parts.gemm("latents_down", Rows::Tokens, (rank as f64 + sizes.cached(), hidden), weights);
            parts.pass("latent_norm", Rows::Tokens, 4.0 * (rank as f64 + sizes.rank), 1.0);
            parts.gemm("query_up", Rows::Tokens, (query, rank as f64), weights);
        }
    }
    let gate = mla.projections(parts.deployment.model.hidden).iter().find(|p| p.name == "gate").copied();
    if let Some(gate) = gate {
        parts.project(&gate, weights);
        parts.pass("output_gate", Rows::Tokens, 6.0 * gate.outputs as f64 / parts.tp(), 1.0);
    }
    if let Some(indexer) = mla.indexer.filter(|indexer| indexer.present) {
        let projections = mla.projections(parts.deployment.model.hidden);
        select(parts, &projections, latent_indexer(&indexer), 1.0);
    }
    rotate_and_append(parts, heads, sizes);
    let limit = mla.indexer.map_or(f64::INFINITY, |indexer| indexer.top_k as f64);
    latent_decode(parts, heads, sizes, limit);
    let up = heads * (sizes.nope_dim + sizes.value_dim);
    parts.gemm("kv_up", Rows::Unfolded, (up, sizes.rank), weights);
    latent_prefill(parts, heads, sizes, mla.indexer.map(|indexer| indexer.top_k as f64));
    parts.gemm("output", Rows::Tokens, (hidden, heads * sizes.value_dim), weights);
}

/// Rotates queries and keys, and writes the latent to the cache, which tables of attention over latents leave out.
/// TensorRT-LLM does both in one kernel, others in two. Source: its `mla_rope_generation`; vLLM's `concat_and_cache_mla` and
/// SGLang's `set_mla_kv_buffer`, recalled.
fn rotate_and_append(parts: &mut Parts, heads: f64, latent: Latent) {
    let kernels = if parts.deployment.backend == Backend::Trtllm { 1.0 } else { 2.0 };
    let rotated = 2.0 * 2.0 * (heads + 1.0) * latent.rope_dim;
    let written = (2.0 + parts.deployment.precision.kv_bytes) * latent.cached();
    parts.pass("rotate_and_append", Rows::Tokens, rotated + written, kernels);
}

/// The indexer's projections, and its pass over the index keys.
fn select(parts: &mut Parts, projections: &[Projection], indexer: Indexer, ratio: f64) {
    let weights = parts.deployment.precision.attention;
    for projection in projections.iter().filter(|projection| projection.name.starts_with("index")) {
        parts.project(projection, weights);
    }
    parts.unmeasured("index_scores", Work::Index { indexer, ratio });
}

/// DeepSeek's: keys and arithmetic in 8 bits.
fn latent_indexer(indexer: &catalog::Indexer) -> Indexer {
    Indexer {
        heads: indexer.heads as f64,
        head_dim: indexer.head_dim as f64,
        top_k: indexer.top_k as f64,
        arithmetic: Format::Fp8,
        key_bytes: catalog::CacheBytes::INDEX_FP8,
        replayed: true,
    }
}

/// One that chooses whole blocks: keys and arithmetic in 16 bits.
fn block_indexer(index: &catalog::BlockIndexer) -> Indexer {
    Indexer {
        heads: index.heads as f64,
        head_dim: index.head_dim as f64,
        top_k: (index.block * index.top_blocks) as f64,
        arithmetic: Format::Bf16,
        key_bytes: 2.0,
        replayed: true,
    }
}

fn latent_decode(parts: &mut Parts, heads: f64, sizes: Latent, limit: f64) {
    let kv_bytes = parts.deployment.precision.kv_bytes;
    for (name, group, k, n) in [
        ("absorb_in", "mla_gen_pre.bfloat16", sizes.nope_dim, sizes.rank),
        ("absorb_out", "mla_gen_post.bfloat16", sizes.rank, sizes.value_dim),
    ] {
        let found = parts.nearest::<MlaBmmConstants>("mla_bmm", group);
        let constants =
            MlaBmmConstants { launch_us: Parts::replayed(found.constants.launch_us), ..found.constants };
        let shape = MlaBmm { tokens: 0.0, heads, k, n, arithmetic: Format::Bf16, weight_bytes: 2.0 };
        parts.add(name, Work::MlaBmm { shape, constants }, found.evidence, found.band);
    }
    let found = parts.nearest::<MlaDecodeConstants>("mla_decode", dtypes(Format::Bf16, kv_bytes));
    let constants =
        MlaDecodeConstants { launch_us: Parts::replayed(found.constants.launch_us), ..found.constants };
    let shape = MlaDecode { batch: 0.0, kv_len: 0.0, heads, latent: sizes, kv_bytes };
    parts.add("attention_decode", Work::MlaDecode { shape, limit, constants }, found.evidence, found.band);
}

fn latent_prefill(parts: &mut Parts, heads: f64, latent: Latent, top_k: Option<f64>) {
    let kv_bytes = parts.deployment.precision.kv_bytes;
    let found = parts.nearest::<MlaPrefillConstants>("mla_prefill", dtypes(Format::Bf16, kv_bytes));
    let shape = MlaPrefill { batch: 0.0, tokens: 0.0, prefix: 0.0, heads, latent, arithmetic: Format::Bf16 };
    let chosen = top_k.map(|top_k| {
        let decode = parts.nearest::<MlaDecodeConstants>("mla_decode", dtypes(Format::Bf16, kv_bytes));
        Chosen { top_k, kv_bytes, constants: decode.constants }
    });
    let work = Work::MlaPrefill { shape, constants: found.constants, chosen };
    parts.add("attention_prefill", work, found.evidence, found.band);
}

/// One key head over a window and compressed entries.
fn over_entries(parts: &mut Parts, compressed: &Compressed) {
    let (weights, hidden) = (parts.deployment.precision.attention, parts.deployment.model.hidden);
    let projections = compressed.projections(hidden);
    let (index, own): (Vec<Projection>, Vec<Projection>) =
        projections.into_iter().partition(|projection| projection.name.starts_with("index"));
    for projection in &own {
        parts.project(projection, weights);
    }
    let ratio = compressed.ratio.map(|ratio| ratio as f64);
    if let Some(indexer) = compressed.indexer.filter(|indexer| indexer.present) {
        select(parts, &index, latent_indexer(&indexer), ratio.unwrap_or(1.0));
    }
    let (heads, head_dim) = ((compressed.heads as f64 / parts.tp()).max(1.0), compressed.head_dim as f64);
    let kv_bytes = parts.deployment.precision.kv_bytes;
    let shape = SparseLatent {
        batch: 0.0,
        tokens: 0.0,
        kv_len: 0.0,
        heads,
        latent: Latent { rank: head_dim, rope_dim: 0.0, nope_dim: head_dim, value_dim: head_dim },
        kv_bytes,
        window: compressed.window as f64,
        ratio,
        top_k: compressed.indexer.map(|indexer| indexer.top_k as f64),
        indexer: None,
    };
    let found = parts.nearest::<MlaDecodeConstants>("mla_decode", dtypes(Format::Bf16, kv_bytes));
    parts.unmeasured("attention_entries", Work::Sparse { shape, constants: found.constants });
}

/// State instead of a cache: projections, a convolution, the recurrence.
fn recurrence(parts: &mut Parts, mixer: &Mixer) {
    let (weights, hidden) = (parts.deployment.precision.attention, parts.deployment.model.hidden);
    for projection in mixer.projections(hidden) {
        parts.project(&projection, weights);
    }
    if let Some(state) = state(mixer, parts.tp()) {
        parts.unmeasured("state", Work::Linear(state));
    }
}

/// The state of a mixer on one of `tp` ranks, which share its heads or channels.
fn state(mixer: &Mixer, tp: f64) -> Option<LinearAttention> {
    let of = |recurrence, [heads, key_heads, key_dim, value_dim, conv_channels, conv_width]: [u64; 6]| {
        let share = |count: u64| (count as f64 / tp).max(1.0);
        Some(LinearAttention {
            recurrence,
            heads: share(heads),
            key_heads: share(key_heads),
            key_dim: key_dim as f64,
            value_dim: value_dim as f64,
            conv_channels: conv_channels as f64 / tp,
            conv_width: conv_width as f64,
        })
    };
    match mixer {
        Mixer::GatedDeltaNet(m) => of(
            Recurrence::Delta,
            [m.value_heads, m.key_heads, m.key_dim, m.value_dim, m.conv_channels(), m.conv_width],
        ),
        Mixer::Kda(m) => {
            of(Recurrence::Delta, [m.heads, m.heads, m.head_dim, m.head_dim, m.conv_channels(), m.conv_width])
        }
        Mixer::Lightning(m) => of(Recurrence::Decay, [m.heads, m.heads, m.head_dim, m.head_dim, 0, 0]),
        Mixer::Mamba1(m) => of(Recurrence::Selective, [m.inner, 1, m.state, 1, m.inner, m.conv_width]),
        Mixer::Mamba2(m) => {
            of(Recurrence::Decay, [m.heads, m.groups, m.state, m.head_dim, m.conv_channels(), m.conv_width])
        }
        _ => None,
    }
}
