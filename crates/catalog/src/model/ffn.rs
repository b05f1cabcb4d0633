//! The feed-forward part of a layer: dense, or a mixture of experts.

use super::projection::{Projection, Split, weights};
use super::tagged::{is_false, is_zero, rest, take_kind};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The feed-forward part of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ffn {
    /// One network for every token.
    Dense(Dense),
    /// A router sends each token to a few of many networks.
    Moe(Moe),
}

/// A dense feed-forward network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Width inside.
    pub intermediate: u64,
    /// Three matrices, up, gate and down (SwiGLU and kin); without the gate there are two.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub gated: bool,
    /// The matrices have biases.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bias: bool,
}

/// A mixture of experts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moe {
    /// Routed experts.
    pub experts: u64,
    /// Routed experts that a token goes to.
    pub experts_per_token: u64,
    /// Width inside a routed expert.
    pub intermediate: u64,
    /// Experts have a gate matrix.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub gated: bool,
    /// Experts have biases.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bias: bool,
    /// Experts that every token goes to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shared_experts: u64,
    /// Width inside all shared experts together.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shared_intermediate: u64,
    /// The shared expert's output is multiplied by a gate, one number per token (Qwen).
    #[serde(default, skip_serializing_if = "is_false")]
    pub shared_gate: bool,
    /// Routed experts work on a latent of this width, with a map into and out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latent: Option<u64>,
    /// Width inside a dense network beside the mixture (Gemma 4).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dense_intermediate: u64,
    /// The router has a bias per expert.
    #[serde(default, skip_serializing_if = "is_false")]
    pub router_bias: bool,
    /// The experts follow from the token's id alone (first layers of DeepSeek-V4).
    #[serde(default, skip_serializing_if = "is_false")]
    pub hash_routed: bool,
    /// Groups of experts from which the router first picks a few; 0 is no grouping.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expert_groups: u64,
    /// Groups that a token may use.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub groups_per_token: u64,
}

fn yes() -> bool {
    true
}

fn is_true(flag: &bool) -> bool {
    *flag
}

impl Default for Dense {
    fn default() -> Self {
        Self { intermediate: 0, gated: true, bias: false }
    }
}

impl Default for Moe {
    fn default() -> Self {
        Self {
            experts: 0,
            experts_per_token: 0,
            intermediate: 0,
            gated: true,
            bias: false,
            shared_experts: 0,
            shared_intermediate: 0,
            shared_gate: false,
            latent: None,
            dense_intermediate: 0,
            router_bias: false,
            hash_routed: false,
            expert_groups: 0,
            groups_per_token: 0,
        }
    }
}

impl<'de> Deserialize<'de> for Ffn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = toml::Table::deserialize(deserializer)?;
        match take_kind::<D::Error>(&mut table, &["dense", "moe"])?.as_str() {
            "dense" => rest(table).map(Ffn::Dense),
            _ => rest(table).map(Ffn::Moe),
        }
    }
}

/// Matrices of a feed-forward network; up and gate are one GEMM of twice the width.
fn network(names: [&'static str; 2], hidden: u64, intermediate: u64, gated: bool) -> [Projection; 2] {
    let up = if gated { 2 * intermediate } else { intermediate };
    [
        Projection::new(names[0], hidden, up, Split::Outputs),
        Projection::new(names[1], intermediate, hidden, Split::Inputs),
    ]
}

/// Biases of a feed-forward network.
fn biases(hidden: u64, intermediate: u64, gated: bool) -> u64 {
    hidden + if gated { 2 * intermediate } else { intermediate }
}

impl Dense {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        network(["up", "down"], hidden, self.intermediate, self.gated).to_vec()
    }

    /// `3 · hidden · intermediate` with a gate, `2 · hidden · intermediate` without, and biases.
    pub fn parameters(&self, hidden: u64) -> u64 {
        let bias = if self.bias { biases(hidden, self.intermediate, self.gated) } else { 0 };
        weights(&self.projections(hidden)) + bias
    }
}

impl Moe {
    /// Width on which routed experts work.
    pub fn expert_hidden(&self, hidden: u64) -> u64 {
        self.latent.unwrap_or(hidden)
    }

    /// The two matrices of one routed expert.
    pub fn expert_projections(&self, hidden: u64) -> [Projection; 2] {
        network(["expert_up", "expert_down"], self.expert_hidden(hidden), self.intermediate, self.gated)
    }

    /// Matrices that every token passes: router, latent maps, shared experts, the dense network beside them.
    pub fn common_projections(&self, hidden: u64) -> Vec<Projection> {
        let mut all = vec![Projection::new("router", hidden, self.experts, Split::Replicated)];
        if let Some(latent) = self.latent {
            all.push(Projection::new("latent_down", hidden, latent, Split::Replicated));
            all.push(Projection::new("latent_up", latent, hidden, Split::Replicated));
        }
        if self.shared_intermediate > 0 {
            all.extend(network(["shared_up", "shared_down"], hidden, self.shared_intermediate, self.gated));
        }
        if self.shared_gate {
            all.push(Projection::new("shared_gate", hidden, 1, Split::Replicated));
        }
        if self.dense_intermediate > 0 {
            all.extend(network(["dense_up", "dense_down"], hidden, self.dense_intermediate, self.gated));
        }
        all
    }

    /// Weights of one routed expert.
    pub fn expert_parameters(&self, hidden: u64) -> u64 {
        let width = self.expert_hidden(hidden);
        let bias = if self.bias { biases(width, self.intermediate, self.gated) } else { 0 };
        weights(&self.expert_projections(hidden)) + bias
    }

    /// Weights that every token uses.
    pub fn common_parameters(&self, hidden: u64) -> u64 {
        let bias = if self.router_bias { self.experts } else { 0 };
        weights(&self.common_projections(hidden)) + bias
    }
}

impl Ffn {
    /// Weights that every token uses.
    pub fn common_parameters(&self, hidden: u64) -> u64 {
        match self {
            Ffn::Dense(dense) => dense.parameters(hidden),
            Ffn::Moe(moe) => moe.common_parameters(hidden),
        }
    }

    /// Weights of all routed experts.
    pub fn routed_parameters(&self, hidden: u64) -> u64 {
        self.moe().map_or(0, |moe| moe.experts * moe.expert_parameters(hidden))
    }

    /// Weights of the routed experts that one token uses.
    pub fn routed_active_parameters(&self, hidden: u64) -> u64 {
        self.moe().map_or(0, |moe| moe.experts_per_token * moe.expert_parameters(hidden))
    }

    /// The mixture, if it is one.
    pub fn moe(&self) -> Option<&Moe> {
        match self {
            Ffn::Moe(moe) => Some(moe),
            Ffn::Dense(_) => None,
        }
    }
}
