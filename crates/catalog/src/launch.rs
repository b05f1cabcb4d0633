//! Flags of a framework that hang on what it runs, and where.

use crate::Architecture;
use crate::model::WeightDtype;
use rackplan_units::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defaults on a smaller accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LessMemory {
    /// Accelerators with less memory than this.
    pub below: Bytes,
    /// Token budget.
    pub token_budget: u32,
    /// Most requests that run at the same time, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sequences: Option<u32>,
}

/// Flags that hold in some situations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchRule {
    /// When it holds; always, if nothing is named.
    #[serde(default)]
    pub when: When,
    /// Most tokens of a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<u32>,
    /// Most tokens of a step: those of a whole request, input and output, and so many more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_over_request: Option<u32>,
    /// Least of that: the tokens of a prompt, one for each client, and so many more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_over_prompt: Option<u32>,
    /// Most requests that run at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sequences: Option<u32>,
    /// Decode steps between two looks at the queue of new requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_interval: Option<u32>,
    /// Steps that prompts wait at most for more prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_wait_steps: Option<u32>,
    /// Share of the token budget that ends the wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_wait_ratio: Option<f64>,
    /// Tokens that multi-token prediction drafts for each sequence and step, where it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_tokens: Option<u32>,
    /// Places of engines that only generate, where it is not `max_sequences` that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode_places: Option<DecodePlaces>,
}

/// For how many requests an attention rank that only generates has a place. Benchmarks drive such engines with more
/// clients than places, so that none stays empty; who finds none waits for its first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecodePlaces {
    /// The largest power of two that is no more than the rank's share of the clients.
    PowerOfTwo,
    /// The share of the clients where they divide evenly over the ranks, else as above.
    EvenOrPowerOfTwo,
}

impl DecodePlaces {
    /// Places of each of so many ranks, under so many clients.
    pub fn of_rank(self, clients: u32, ranks: u32) -> u32 {
        let share = (clients / ranks.max(1)).max(1);
        match self {
            Self::EvenOrPowerOfTwo if clients.is_multiple_of(ranks.max(1)) => share,
            _ => 1 << share.ilog2(),
        }
    }
}

/// Conditions; those that are named must all hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Formats of the experts, or of all weights of a dense model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightDtype>,
    /// Families of accelerators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<Architecture>,
    /// Whether the model has experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<bool>,
    /// Whether attention is to all of the latents that it keeps, as in DeepSeek-V3 and R1, and to none chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latents: Option<bool>,
    /// Nominal input length, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isl: Option<u32>,
    /// Nominal output length, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub osl: Option<u32>,
    /// Fewer ranks of tensor parallelism than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tp_below: Option<u32>,
    /// Whether attention is data parallel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention_dp: Option<bool>,
    /// At least so many clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_from: Option<u32>,
    /// Fewer clients than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_below: Option<u32>,
}

/// The format of the KV cache in some situations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheFormatRule {
    /// When it holds.
    #[serde(default)]
    pub when: When,
    /// The format.
    pub kv: WeightDtype,
}

/// What rules look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// Memory of one accelerator.
    pub memory: Bytes,
    /// Its family.
    pub architecture: Architecture,
    /// Format of the experts, or of all weights of a dense model.
    pub weights: WeightDtype,
    /// Whether the model has experts.
    pub experts: bool,
    /// Whether attention is to all of the latents that it keeps.
    pub latents: bool,
    /// Nominal input length, in tokens.
    pub isl: u32,
    /// Nominal output length, in tokens.
    pub osl: u32,
    /// Ranks of tensor parallelism.
    pub tp: u32,
    /// Whether attention is data parallel.
    pub attention_dp: bool,
    /// Clients, or 0 where their number is not what drives it.
    pub concurrency: u32,
}

/// The flags of one launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Launch {
    /// Most tokens of a step.
    pub token_budget: u32,
    /// Most requests that run at the same time.
    pub max_sequences: u32,
    /// Decode steps between two looks at the queue of new requests.
    pub receive_interval: u32,
    /// Steps that prompts wait at most for more prompts.
    pub batch_wait_steps: u32,
    /// Share of the token budget that ends the wait.
    pub batch_wait_ratio: f64,
    /// Tokens that multi-token prediction drafts for each sequence and step, where it is on.
    pub draft_tokens: u32,
    /// Places of engines that only generate, where it is not `max_sequences` that says so.
    pub decode_places: Option<DecodePlaces>,
}

impl LaunchRule {
    /// Puts the flags that it names into a launch.
    pub(crate) fn apply(&self, launch: &mut Launch, at: &Situation) {
        launch.token_budget = self.token_budget.unwrap_or(launch.token_budget);
        if let Some(more) = self.budget_over_request {
            launch.token_budget = at.isl.saturating_add(at.osl).saturating_add(more);
        }
        if let Some(more) = self.budget_over_prompt {
            let least = at.isl.saturating_add(at.concurrency).saturating_add(more);
            launch.token_budget = launch.token_budget.max(least);
        }
        launch.max_sequences = self.max_sequences.unwrap_or(launch.max_sequences);
        launch.receive_interval = self.receive_interval.unwrap_or(launch.receive_interval);
        launch.batch_wait_steps = self.batch_wait_steps.unwrap_or(launch.batch_wait_steps);
        launch.batch_wait_ratio = self.batch_wait_ratio.unwrap_or(launch.batch_wait_ratio);
        launch.draft_tokens = self.draft_tokens.unwrap_or(launch.draft_tokens);
        launch.decode_places = self.decode_places.or(launch.decode_places);
    }
}

impl When {
    /// Whether every condition holds.
    pub fn holds(&self, at: &Situation) -> bool {
        let same = |wanted: Option<u32>, value: u32| wanted.is_none_or(|wanted| wanted == value);
        (self.weights.is_empty() || self.weights.contains(&at.weights))
            && (self.architectures.is_empty() || self.architectures.contains(&at.architecture))
            && self.experts.is_none_or(|experts| experts == at.experts)
            && self.latents.is_none_or(|latents| latents == at.latents)
            && same(self.isl, at.isl)
            && same(self.osl, at.osl)
            && self.tp_below.is_none_or(|below| at.tp < below)
            && self.attention_dp.is_none_or(|wanted| wanted == at.attention_dp)
            && self.concurrency_from.is_none_or(|from| at.concurrency >= from)
            && self.concurrency_below.is_none_or(|below| at.concurrency < below)
    }
}

#[cfg(test)]
mod tests {
    use super::DecodePlaces::{EvenOrPowerOfTwo, PowerOfTwo};

    #[test]
    fn hand_places_are_powers_of_two_below_the_share_of_the_clients() {
        // 1229 clients on 16 ranks are 76.8 each, 90 on 5 are 18.
        assert_eq!([PowerOfTwo, EvenOrPowerOfTwo].map(|places| places.of_rank(1229, 16)), [64, 64]);
        assert_eq!([PowerOfTwo, EvenOrPowerOfTwo].map(|places| places.of_rank(90, 5)), [16, 18]);
        assert_eq!([PowerOfTwo, EvenOrPowerOfTwo].map(|places| places.of_rank(3, 8)), [1, 1]);
    }
}
