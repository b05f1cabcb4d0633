//! Mixers with a state of constant size instead of a cache: linear attention and state-space layers.

use super::projection::{Projection, Split, weights};
use super::tagged::is_zero;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gated DeltaNet (Qwen3-Next, Qwen3.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatedDeltaNet {
    /// Query and key heads.
    pub key_heads: u64,
    /// Value heads, each with its own state.
    pub value_heads: u64,
    /// Width of a key head.
    pub key_dim: u64,
    /// Width of a value head.
    pub value_dim: u64,
    /// Taps of the causal convolution over queries, keys and values.
    pub conv_width: u64,
}

/// Kimi Delta Attention: a delta rule with a decay per channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kda {
    /// Heads, each with its own state.
    pub heads: u64,
    /// Width of a query, key and value head, and rank of the decay's adapter.
    pub head_dim: u64,
    /// Taps of the causal convolutions over queries, keys and values.
    pub conv_width: u64,
    /// Rank of the output gate's adapter; 0 is a full projection.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gate_rank: u64,
}

/// Lightning attention: linear attention with a fixed decay per head (MiniMax-01, MiniMax-M1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lightning {
    /// Heads, each with its own state.
    pub heads: u64,
    /// Width of a query, key and value head.
    pub head_dim: u64,
}

/// A linear layer in the place of attention (found by architecture search).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linear {}

/// Mamba's selective state space (Jamba).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mamba1 {
    /// Channels inside the block.
    pub inner: u64,
    /// State per channel.
    pub state: u64,
    /// Rank of the step size's adapter.
    pub dt_rank: u64,
    /// Taps of the causal convolution.
    pub conv_width: u64,
}

/// Mamba-2's selective state space (Nemotron-H).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mamba2 {
    /// Heads.
    pub heads: u64,
    /// Channels per head.
    pub head_dim: u64,
    /// State per channel.
    pub state: u64,
    /// Groups of heads that share their input and output maps.
    pub groups: u64,
    /// Taps of the causal convolution.
    pub conv_width: u64,
}

impl GatedDeltaNet {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let (keys, values) = (self.key_heads * self.key_dim, self.value_heads * self.value_dim);
        vec![
            Projection::new("query_key_value_gate", hidden, 2 * (keys + values), Split::Outputs),
            Projection::new("decay_and_rate", hidden, 2 * self.value_heads, Split::Outputs),
            Projection::new("output", values, hidden, Split::Inputs),
        ]
    }

    /// Channels of the convolution: queries, keys, values.
    pub fn conv_channels(&self) -> u64 {
        2 * self.key_heads * self.key_dim + self.value_heads * self.value_dim
    }

    /// The matrices, the convolution, decay and step size per head, and the norm of a value head.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let vectors = self.conv_channels() * self.conv_width + 2 * self.value_heads + self.value_dim;
        weights(&self.projections(hidden)) + vectors
    }

    /// A key x value matrix per value head.
    pub(super) fn state_elements(&self) -> u64 {
        self.value_heads * self.key_dim * self.value_dim
    }
}

impl Kda {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let inner = self.heads * self.head_dim;
        let mut all = vec![
            Projection::new("query_key_value", hidden, 3 * inner, Split::Outputs),
            Projection::new("decay_down", hidden, self.head_dim, Split::Replicated),
            Projection::new("decay_up", self.head_dim, inner, Split::Outputs),
            Projection::new("rate", hidden, self.heads, Split::Outputs),
        ];
        match self.gate_rank {
            0 => all.push(Projection::new("gate", hidden, inner, Split::Outputs)),
            rank => {
                all.push(Projection::new("gate_down", hidden, rank, Split::Replicated));
                all.push(Projection::new("gate_up", rank, inner, Split::Outputs));
            }
        }
        all.push(Projection::new("output", inner, hidden, Split::Inputs));
        all
    }

    /// Channels of the convolutions: queries, keys, values.
    pub fn conv_channels(&self) -> u64 {
        3 * self.heads * self.head_dim
    }

    /// The matrices, the convolutions, decay per head, step size per channel, and the norm of a head.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let decay = self.heads + self.heads * self.head_dim;
        weights(&self.projections(hidden)) + self.conv_channels() * self.conv_width + decay + self.head_dim
    }

    /// A key x value matrix per head.
    pub(super) fn state_elements(&self) -> u64 {
        self.heads * self.head_dim * self.head_dim
    }
}

impl Lightning {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let inner = self.heads * self.head_dim;
        vec![
            Projection::new("query_key_value", hidden, 3 * inner, Split::Outputs),
            Projection::new("gate", hidden, inner, Split::Outputs),
            Projection::new("output", inner, hidden, Split::Inputs),
        ]
    }

    /// The matrices and the norm of the output.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        weights(&self.projections(hidden)) + self.heads * self.head_dim
    }

    /// A key x value matrix per head.
    pub(super) fn state_elements(&self) -> u64 {
        self.heads * self.head_dim * self.head_dim
    }
}

impl Linear {
    /// The weight matrix for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        vec![Projection::new("linear", hidden, hidden, Split::Outputs)]
    }

    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        hidden * hidden
    }
}

impl Mamba1 {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        vec![
            Projection::new("input_and_gate", hidden, 2 * self.inner, Split::Outputs),
            Projection::new("selection", self.inner, self.dt_rank + 2 * self.state, Split::Inputs),
            Projection::new("step", self.dt_rank, self.inner, Split::Outputs),
            Projection::new("output", self.inner, hidden, Split::Inputs),
        ]
    }

    /// The matrices, the convolution and its bias, the step's bias, decay, skip, and the norms of the selection.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let per_channel = self.conv_width + 1 + 1 + self.state + 1;
        weights(&self.projections(hidden)) + self.inner * per_channel + self.dt_rank + 2 * self.state
    }

    /// `state` values per channel.
    pub(super) fn state_elements(&self) -> u64 {
        self.inner * self.state
    }
}

impl Mamba2 {
    /// Channels inside the block.
    pub fn inner(&self) -> u64 {
        self.heads * self.head_dim
    }

    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let outputs = self.inner() + self.conv_channels() + self.heads;
        vec![
            Projection::new("input_gate_and_selection", hidden, outputs, Split::Outputs),
            Projection::new("output", self.inner(), hidden, Split::Inputs),
        ]
    }

    /// Channels of the convolution: the inputs, and the input and output maps of each group.
    pub fn conv_channels(&self) -> u64 {
        self.inner() + 2 * self.groups * self.state
    }

    /// The matrices, the convolution and its bias, decay, skip and step size per head, and the norm.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let vectors = self.conv_channels() * (self.conv_width + 1) + 3 * self.heads + self.inner();
        weights(&self.projections(hidden)) + vectors
    }

    /// `state` values per channel.
    pub(super) fn state_elements(&self) -> u64 {
        self.inner() * self.state
    }
}
