//! An engine's scheduler as the formulas of queueing take it.

use rackplan_catalog::{Framework, Policy};
use rackplan_units::Bytes;

/// Who runs in the next step, and what happens before the scheduler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scheduler {
    /// What a step is made of.
    pub policy: Policy,
    /// Most tokens of a step.
    pub token_budget: f64,
    /// Most sequences of an attention rank.
    pub max_sequences: f64,
    /// Tokenising one token of a prompt, in seconds; prompts queue for it.
    pub tokenise: f64,
    /// Added to every time to first token, in seconds.
    pub first_token: f64,
    /// Steps by which scheduling runs ahead.
    pub ahead: f64,
}

impl Scheduler {
    /// A framework as it comes on an accelerator, with a budget that holds a prompt of so many tokens beside all decodes
    /// if it does not cut them: it would never let one in otherwise.
    pub fn new(framework: &Framework, memory: Bytes, prompt: f64) -> Self {
        let launch = framework.default_launch(memory);
        let whole = framework.scheduler.policy == Policy::DecodesThenWholePrompts;
        let max_sequences = f64::from(launch.max_sequences).max(1.0);
        let least = if whole { prompt + max_sequences } else { 1.0 };
        Self {
            policy: framework.scheduler.policy,
            token_budget: f64::from(launch.token_budget).max(least),
            max_sequences,
            tokenise: framework.front_end.tokenise_per_token.get(),
            first_token: framework.front_end.first_token.get(),
            ahead: f64::from(framework.scheduler.schedule_ahead_steps),
        }
    }

    /// Whether decodes rest while prompts run.
    pub(crate) fn rests_decodes(&self) -> bool {
        self.policy == Policy::PromptsAlone
    }
}
