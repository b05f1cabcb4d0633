//! Why an answer is what it is: what each resource is worth, what would flip the decision, how it moves with the load.

use super::what_if::Decision;
use super::{ExplainAnswer, SizeAnswer};
use schemars::JsonSchema;
use serde::Serialize;

/// An answer of `size` with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReasonsAnswer {
    /// The answer, found again.
    pub size: SizeAnswer,
    /// What differs from the answer in the file, where something does.
    pub moved: Vec<String>,
    /// A tenth more of each resource.
    pub elasticities: Vec<Elasticity>,
    /// The inputs that flip the decision with the smallest change, the nearest first.
    pub flips: Vec<Flip>,
    /// How the answer moves with users, batch and context.
    pub sensitivities: Vec<Sensitivity>,
    /// A decode step of the plan, by operators only.
    pub step: Option<ExplainAnswer>,
}

/// What a tenth more of a resource is worth.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Elasticity {
    /// `HBM bandwidth`, `FLOP/s`, `scale-up link`, ...
    pub resource: String,
    /// What there is of it now.
    pub value: String,
    /// How much more, 0.1 for a tenth.
    pub change: f64,
    /// Change of the GPUs that the same plan needs, before they are rounded to instances; nothing where it no longer serves.
    pub gpus_change: Option<f64>,
    /// Change of its time per output token at the load asked for.
    pub tpot_change: Option<f64>,
    /// Change of its time to first token at the load asked for.
    pub ttft_change: Option<f64>,
    /// Change of the objective once everything is sought again.
    pub objective_change: Option<f64>,
    /// What is decided then, where that is another plan or other racks.
    pub then: Option<String>,
}

/// The smallest change of an input that flips the decision.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Flip {
    /// The input, as a flag or by name.
    pub input: String,
    /// Its value.
    pub from: String,
    /// The value at which the decision is another.
    pub to: String,
    /// The change, -0.12 for 12 % less.
    pub change: f64,
    /// What is decided then.
    pub then: String,
}

/// How the answer moves with one input.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sensitivity {
    /// `users`, `batch` or `context`.
    pub input: String,
    /// From a fifth less to a fifth more.
    pub points: Vec<SensitivityPoint>,
}

/// One value of the input.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SensitivityPoint {
    /// 0.8 to 1.2.
    pub scale: f64,
    /// The input.
    pub value: f64,
    /// The same layout with as many instances as it then takes; nothing where it no longer serves.
    pub same_plan: Option<Decision>,
    /// The best plan then.
    pub best_plan: Option<Decision>,
}
