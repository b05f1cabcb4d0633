//! Terms of attention: what is scored, and what of the cache is read.

use super::terms::{Terms, whole};
use super::text::short;
use crate::Device;
use crate::operators::attention_decode::{AttentionDecode, AttentionDecodeConstants};
use crate::operators::attention_mla_bmm::{MlaBmm, MlaBmmConstants};
use crate::operators::attention_mla_decode::{MlaDecode, MlaDecodeConstants};
use crate::operators::attention_mla_prefill::{MlaPrefill, MlaPrefillConstants};
use crate::operators::attention_prefill::{AttentionPrefill, AttentionPrefillConstants};
use crate::operators::attention_sparse::{
    Indexer, LAUNCHES, SCORE_SHARE, SparseLatent, attended as entries_attended, mean_seen,
};
use crate::operators::estimates::{PASS_SHARE, launches_us};
use crate::work::attend::{Sequences, sequences};
use crate::work::{Chosen, Counts, Work};
use rackplan_catalog::Format;

/// Of an operator of attention; empty for others.
pub(super) fn of(work: &Work, counts: &Counts, device: &Device) -> Terms {
    match work {
        Work::Decode { shape, limit, constants } => decode(counts, shape, *limit, constants, device),
        Work::Prefill { shape, constants } => prefill(counts, shape, constants, device),
        Work::MlaDecode { shape, limit, constants } => {
            latent_decode(counts, shape, *limit, constants, device)
        }
        Work::MlaPrefill { shape, constants, chosen } => {
            let sparse = chosen.as_ref().filter(|chosen| counts.chunk + counts.prefix > chosen.top_k);
            match sparse {
                Some(chosen) => prefill_of_chosen(counts, shape, chosen, device),
                None => latent_prefill(counts, shape, constants, device),
            }
        }
        Work::MlaBmm { shape, constants } => absorption(counts.decode_tokens, shape, constants, device),
        Work::Index { indexer, ratio } => index(counts, indexer, *ratio, device),
        Work::Sparse { shape, constants } => over_entries(counts, shape, constants, device),
        _ => Terms::new(String::new()),
    }
}

fn decode(
    counts: &Counts,
    shape: &AttentionDecode,
    limit: f64,
    constants: &AttentionDecodeConstants,
    device: &Device,
) -> Terms {
    let b = counts.decodes;
    let keys = within(counts.context.min(limit).max(1.0), shape.window);
    let (q, kv, d) = (shape.q_heads * counts.decode_tokens / b, shape.kv_heads, shape.head_dim);
    let bytes = 2.0 * b * kv * keys * d * shape.kv_bytes + 6.0 * b * (q + kv) * d;
    let heads = format!("Hq={} Hkv={} D={}", short(q), short(kv), whole(d));
    Terms::new(format!("decode attention b={} S={} {heads}", short(b), whole(keys)))
        .doing(4.0 * b * q * keys * d)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
}

fn prefill(
    counts: &Counts,
    shape: &AttentionPrefill,
    constants: &AttentionPrefillConstants,
    device: &Device,
) -> Terms {
    let (b, s, p) = (counts.prompts, counts.chunk, counts.prefix);
    let (both, q, kv) = (shape.head_dim + shape.value_dim, shape.q_heads, shape.kv_heads);
    let flops = 2.0 * both * b * q * attended(s, p, shape.window);
    let seen = within(p, shape.window);
    let bytes = 2.0 * b * s * (q + kv) * both + shape.kv_bytes * b * seen * kv * both;
    let heads = format!("Hq={} Hkv={} D+Dv={}", short(q), short(kv), whole(both));
    Terms::new(format!("prefill attention b={} S={} p={} {heads}", short(b), whole(s), whole(p)))
        .computing("2(D+Dv) b Hq A", flops, device.peak(shape.arithmetic), constants.compute_share)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
        .in_sum()
}

fn latent_decode(
    counts: &Counts,
    shape: &MlaDecode,
    limit: f64,
    constants: &MlaDecodeConstants,
    device: &Device,
) -> Terms {
    let (b, keys) = (counts.decodes, counts.context.min(limit).max(1.0));
    let heads = shape.heads * counts.decode_tokens / b;
    latents("latent decode", (b, keys, heads), shape, constants, device)
}

fn over_entries(
    counts: &Counts,
    shape: &SparseLatent,
    constants: &MlaDecodeConstants,
    device: &Device,
) -> Terms {
    let parts: Vec<Sequences> = sequences(counts).into_iter().flatten().collect();
    let seen = |part: &Sequences| {
        let Sequences { batch, tokens, kv_len } = *part;
        batch * tokens * entries_attended(&SparseLatent { batch, tokens, kv_len, ..*shape })
    };
    let keys = parts.iter().map(seen).sum::<f64>() / counts.tokens.max(1.0);
    let dense = MlaDecode {
        batch: counts.tokens,
        kv_len: keys,
        heads: shape.heads,
        latent: shape.latent,
        kv_bytes: shape.kv_bytes,
    };
    latents("attention over entries", (counts.tokens, keys, shape.heads), &dense, constants, device)
}

fn latents(
    what: &str,
    (b, keys, heads): (f64, f64, f64),
    shape: &MlaDecode,
    constants: &MlaDecodeConstants,
    device: &Device,
) -> Terms {
    let latent = shape.latent;
    let width = 2.0 * latent.rank + latent.rope_dim;
    let bytes = b * keys * latent.cached() * shape.kv_bytes + 2.0 * b * heads * width;
    let sizes = format!("H={} R={} r={}", short(heads), whole(latent.rank), whole(latent.rope_dim));
    let flops = 2.0 * b * heads * keys * width;
    Terms::new(format!("{what} b={} S={} {sizes}", short(b), whole(keys)))
        .computing("2bHS(2R+r)", flops, device.peak(Format::Bf16), constants.compute_share)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
}

fn latent_prefill(
    counts: &Counts,
    shape: &MlaPrefill,
    constants: &MlaPrefillConstants,
    device: &Device,
) -> Terms {
    let (b, s, p, heads) = (counts.prompts, counts.chunk, counts.prefix, shape.heads);
    let both = shape.latent.nope_dim + shape.latent.rope_dim + shape.latent.value_dim;
    let flops = 2.0 * both * b * heads * attended(s, p, 0.0);
    let bytes = (4.0 * s + 2.0 * p) * b * heads * both;
    let sizes = format!("p={} H={} D+Dv={}", whole(p), short(heads), whole(both));
    Terms::new(format!("latent prefill b={} S={} {sizes}", short(b), whole(s)))
        .computing("2(D+Dv) b H A", flops, device.peak(shape.arithmetic), constants.compute_share)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
        .in_sum()
}

/// Each query of a prompt over the latents chosen for it.
fn prefill_of_chosen(counts: &Counts, shape: &MlaPrefill, chosen: &Chosen, device: &Device) -> Terms {
    let (b, s, p) = (counts.prompts, counts.chunk, counts.prefix);
    let keys = mean_seen(s + p, s, chosen.top_k);
    let dense = MlaDecode {
        batch: b * s,
        kv_len: keys,
        heads: shape.heads,
        latent: shape.latent,
        kv_bytes: chosen.kv_bytes,
    };
    latents("prefill over chosen latents", (b * s, keys, shape.heads), &dense, &chosen.constants, device)
}

fn absorption(t: f64, shape: &MlaBmm, constants: &MlaBmmConstants, device: &Device) -> Terms {
    let MlaBmm { heads, k, n, .. } = *shape;
    let bytes = shape.weight_bytes * heads * k * n + 2.0 * t * heads * (k + n);
    let sizes = format!("T={} n={} k={}", short(t), whole(n), whole(k));
    let peak = device.peak(shape.arithmetic);
    Terms::new(format!("batched GEMM H={} {sizes}", short(heads)))
        .computing("2THkn", 2.0 * t * heads * k * n, peak, constants.compute_share)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
}

fn index(counts: &Counts, indexer: &Indexer, ratio: f64, device: &Device) -> Terms {
    let parts: Vec<Sequences> = sequences(counts).into_iter().flatten().collect();
    // Nothing is scored where all keys are kept.
    let scored = parts.iter().filter(|part| part.kv_len / ratio > indexer.top_k);
    let (mut pairs, mut keys) = (0.0, 0.0);
    for Sequences { batch, tokens, kv_len } in scored {
        pairs += batch * tokens * mean_seen(*kv_len, *tokens, f64::INFINITY) / ratio;
        keys += batch * kv_len / ratio;
    }
    let Indexer { heads, head_dim, .. } = *indexer;
    let sizes = format!("heads={} dim={}", short(heads), short(head_dim));
    Terms::new(format!("index scores T={} {sizes}", short(counts.tokens)))
        .computing("2HDK", 2.0 * heads * head_dim * pairs, device.peak(indexer.arithmetic), SCORE_SHARE)
        .reading(keys * head_dim * indexer.key_bytes, device, PASS_SHARE)
        .launched(launches_us(LAUNCHES * parts.len() as f64, indexer.replayed, device))
}

/// Keys that a window leaves of so many; a window of 0 is none.
fn within(keys: f64, window: f64) -> f64 {
    if window > 0.0 { keys.min(window) } else { keys }
}

/// Pairs of a query and a key of causal attention: for S new tokens behind p cached ones the sum of min(p + i, window)
/// over i = 1..S.
fn attended(tokens: f64, prefix: f64, window: f64) -> f64 {
    let growing = if window > 0.0 { (window - prefix).clamp(0.0, tokens) } else { tokens };
    growing * (growing + 1.0) / 2.0 + growing * prefix + (tokens - growing) * window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_attended_pairs() {
        // 4 tokens: 1 + 2 + 3 + 4; behind 10: 4 x 10 more; with a window of 3: 1 + 2 + 3 + 3, behind 10: 4 x 3.
        assert_eq!(attended(4.0, 0.0, 0.0), 10.0);
        assert_eq!(attended(4.0, 10.0, 0.0), 50.0);
        assert_eq!(attended(4.0, 0.0, 3.0), 9.0);
        assert_eq!(attended(4.0, 10.0, 3.0), 12.0);
    }
}
