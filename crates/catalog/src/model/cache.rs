//! What a sequence occupies in memory besides the weights: KV cache, index keys, recurrent state.

use super::{Mixer, Model};
use rackplan_units::Bytes;

/// Bytes per element of what a sequence keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheBytes {
    /// Keys, values, latents.
    pub kv: f64,
    /// Keys of a sparse indexer.
    pub index: f64,
    /// Recurrent state.
    pub state: f64,
    /// Inputs that causal convolutions keep.
    pub convolution: f64,
}

impl CacheBytes {
    /// An fp8 index key of 128 elements with one fp32 scale: 132 B.
    pub const INDEX_FP8: f64 = 132.0 / 128.0;

    /// The usual formats beside a KV cache of `kv` bytes per element: fp8 index keys, fp32 states (as
    /// `mamba_ssm_dtype` and `mamba_ssm_cache_dtype` say), bf16 convolutions.
    pub fn with_kv(kv: f64) -> Self {
        Self { kv, index: Self::INDEX_FP8, state: 4.0, convolution: 2.0 }
    }
}

impl Model {
    /// KV cache per token in the long run, at `kv_bytes` per element: only what grows counts, so no windows, no
    /// chunks, no states and no index keys.
    ///
    /// GQA: `2 · kv_heads · head_dim`; MLA: `kv_rank + rope_dim`; compressed: `head_dim / ratio`; summed over layers.
    pub fn kv_bytes_per_token(&self, kv_bytes: f64) -> Bytes {
        Bytes::new(kv_bytes * self.over_mixers(Mixer::kv_growth))
    }

    /// Index keys of sparse attention per token, at `index_bytes` per element ([`CacheBytes::INDEX_FP8`]).
    pub fn index_bytes_per_token(&self, index_bytes: f64) -> Bytes {
        Bytes::new(index_bytes * self.over_mixers(Mixer::index_growth))
    }

    /// KV cache and index keys of a sequence of `tokens`: windows and chunks hold at most their width.
    pub fn kv_bytes_of_sequence(&self, tokens: u64, bytes: CacheBytes) -> Bytes {
        let kv = self.over_mixers(|mixer| mixer.kv_elements(tokens) as f64);
        let index = self.over_mixers(|mixer| mixer.index_elements(tokens) as f64);
        Bytes::new(bytes.kv * kv + bytes.index * index)
    }

    /// Recurrent state and convolution inputs of a sequence, whatever its length.
    pub fn state_bytes_of_sequence(&self, bytes: CacheBytes) -> Bytes {
        let state = self.over_mixers(|mixer| mixer.state_elements() as f64);
        let convolution = self.over_mixers(|mixer| mixer.conv_elements() as f64);
        Bytes::new(bytes.state * state + bytes.convolution * convolution)
    }

    /// A quantity of the mixers, summed over all layers.
    pub(super) fn over_mixers(&self, quantity: impl Fn(&Mixer) -> f64) -> f64 {
        let of = |(_, kind, count): (_, &super::LayerKind, u64)| {
            kind.mixer.as_ref().map_or(0.0, |mixer| count as f64 * quantity(mixer))
        };
        self.layer_counts().map(of).sum()
    }
}
