//! What training adds to the method: activations, gradients, steps.

use crate::communication::Load;
use crate::inputs::Model;
use crate::plan::{Layout, Plan};
use rackplan_units::Bytes;

/// FLOPs of forward, backward and optimizer over those of decoding a token.
pub(crate) const COMPUTE_FACTOR: f64 = 6.0;
/// Reads and writes of the activations over their size.
pub(crate) const HBM_FACTOR: f64 = 1.8;
/// Traffic of forward and backward over forward alone.
pub(crate) const COMMUNICATION_FACTOR: f64 = 2.0;
/// Adam moments over weights.
pub(crate) const OPTIMIZER_STATES: f64 = 2.0;
/// Bytes of an activation element.
pub(crate) const ACTIVATION_BYTES: f64 = 2.0;
/// Activations kept for the backward pass, over one hidden state a layer.
const STASH_FACTOR: f64 = 2.5;
/// Bytes of a gradient all-reduce over the weights of a GPU.
const GRADIENT_FACTOR: f64 = 2.0;

/// Activation bytes of one token on one GPU: (L/pp) · h · 2 · 2.5 / tp.
///
/// `L` layers, `h` hidden size, 2 bytes an element, 2.5 elements kept for each.
/// Source: the founding documents' three-ceiling method.
pub fn activations_per_token(model: &Model, layout: Layout) -> Bytes {
    let layers = layout.layers_per_stage(model);
    Bytes::new(layers * f64::from(model.hidden) * ACTIVATION_BYTES * STASH_FACTOR / f64::from(layout.tp))
}

/// Activation bytes of a step on one GPU: b · ctx tokens of them.
pub fn activations(model: &Model, layout: Layout, batch: u32) -> Bytes {
    activations_per_token(model, layout) * tokens_per_step(model, batch)
}

/// Tokens of a step of one instance: b · ctx.
pub fn tokens_per_step(model: &Model, batch: u32) -> f64 {
    f64::from(batch) * model.context as f64
}

/// Gradient all-reduce per token: 2 weights / (b ctx) bytes, 1 message.
pub(crate) fn gradients(weights: Bytes, tokens_per_step: f64) -> Load {
    Load { bytes_per_token: weights.get() * GRADIENT_FACTOR / tokens_per_step, messages_per_token: 1.0 }
}

/// The pace of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Tokens of one step of one instance.
    pub tokens_per_step: f64,
    /// Optimizer steps per second of one instance.
    pub steps_per_second: f64,
    /// Optimizer steps per second over all instances.
    pub steps_per_second_total: f64,
    /// Sequences per second of one instance.
    pub samples_per_second: f64,
    /// Sequences per second over all instances.
    pub samples_per_second_total: f64,
}

/// Steps and samples per second: tokens/s / (b ctx), and b samples a step.
pub fn steps(model: &Model, plan: &Plan, batch: u32) -> Steps {
    let tokens_per_step = tokens_per_step(model, batch);
    let steps_per_second = plan.tokens_per_second / tokens_per_step;
    let steps_per_second_total = steps_per_second * plan.instances as f64;
    Steps {
        tokens_per_step,
        steps_per_second,
        steps_per_second_total,
        samples_per_second: steps_per_second * f64::from(batch),
        samples_per_second_total: steps_per_second_total * f64::from(batch),
    }
}
