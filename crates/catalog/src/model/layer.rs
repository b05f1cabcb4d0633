//! One kind of layer.

use super::ffn::Ffn;
use super::mixer::Mixer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a layer is made of; hybrid models have layers with only one of the two halves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerKind {
    /// What mixes tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixer: Option<Mixer>,
    /// The feed-forward network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ffn: Option<Ffn>,
}

/// The kind of norm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Root mean square, a weight per channel.
    #[default]
    Rms,
    /// Mean and variance, a weight and a bias per channel.
    Layer,
}

impl Norm {
    pub(super) fn is_rms(&self) -> bool {
        *self == Norm::Rms
    }

    /// Weights of one norm of a vector of width `hidden`.
    pub(super) fn parameters(self, hidden: u64) -> u64 {
        match self {
            Norm::Rms => hidden,
            Norm::Layer => 2 * hidden,
        }
    }
}

impl LayerKind {
    /// A layer with both halves.
    pub fn new(mixer: Mixer, ffn: Ffn) -> Self {
        Self { mixer: Some(mixer), ffn: Some(ffn) }
    }

    /// How many of the two halves it has.
    pub(super) fn halves(&self) -> u64 {
        u64::from(self.mixer.is_some()) + u64::from(self.ffn.is_some())
    }
}
