//! How much arithmetic a token takes, as model FLOPs are counted: no recomputation, no padding.

use super::Model;
use rackplan_units::Flops;

impl Model {
    /// FLOPs of one token in the weight matrices, forward only: `2 · parameters_multiplied`.
    pub fn flops_per_token(&self) -> Flops {
        Flops::new(2.0 * self.parameters_multiplied() as f64)
    }

    /// FLOPs of one token's attention to `tokens` earlier ones, forward only, summed over layers. Recurrent layers
    /// contribute the same at any length.
    ///
    /// GQA: `4 · heads · head_dim · min(tokens, window)`. MLA over expanded heads:
    /// `2 · heads · (nope + rope + value) · tokens`; decoding on the latent costs more, see
    /// [`super::Mla::absorbed_attention_flops`].
    pub fn attention_flops_per_token(&self, tokens: u64) -> Flops {
        Flops::new(self.over_mixers(|mixer| mixer.attention_flops(tokens as f64)))
    }
}
