//! Lengths of the requests of a benchmark, and the limits on their latency in each of its scenarios.

use crate::group::{at_least, group, named, names, positive};
use crate::{Catalog, Fault, Kind, Model, Record};
use rackplan_units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// What people call it.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Ids of the models whose benchmark it is: their results mean it where they name no lengths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// How long requests are.
    pub lengths: RequestLengths,
    /// Limits of the scenarios that have any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<WorkloadScenario, LatencyLimits>,
}

/// A scenario with Poisson arrivals, whose result is the highest rate within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadScenario {
    /// At the pace of a reader.
    Server,
    /// Faster than that.
    Interactive,
}

/// A law of lengths, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", tag = "kind", deny_unknown_fields)]
pub enum Lengths {
    /// All the same.
    Fixed {
        /// The length.
        tokens: u32,
    },
    /// Whole numbers between two ends, both included, each as likely.
    Uniform {
        /// The shortest.
        low: u32,
        /// The longest.
        high: u32,
    },
    /// Log-normal, cut at a longest length.
    Lognormal {
        /// Mean of the law before it is cut.
        mean: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
        /// Longer ones have this length.
        longest: u32,
    },
}

group! {
    /// How long requests are; inputs and outputs are independent of each other.
    RequestLengths {
        /// Prompts.
        input: Lengths,
        /// Answers.
        output: Lengths,
        /// Requests of the data set.
        samples: u32,
    }

    /// Limits on the 99th percentile of all requests.
    LatencyLimits {
        /// Time to first token.
        ttft_p99: Seconds,
        /// Time per output token.
        tpot_p99: Seconds,
    }
}

impl Lengths {
    /// The longest that occurs.
    pub fn longest(self) -> u32 {
        match self {
            Lengths::Fixed { tokens } => tokens,
            Lengths::Uniform { high, .. } => high,
            Lengths::Lognormal { longest, .. } => longest,
        }
    }

    /// The mean; of a log-normal law before it is cut.
    pub fn mean(self) -> f64 {
        match self {
            Lengths::Fixed { tokens } => f64::from(tokens),
            Lengths::Uniform { low, high } => f64::midpoint(f64::from(low), f64::from(high)),
            Lengths::Lognormal { mean, .. } => mean,
        }
    }

    fn check(self, field: &str) -> Result<(), Fault> {
        at_least(field, self.longest(), 1)?;
        let wrong = match self {
            Lengths::Fixed { .. } => false,
            Lengths::Uniform { low, high } => low == 0 || low > high,
            Lengths::Lognormal { mean, sigma, longest } => {
                !(1.0..=f64::from(longest)).contains(&mean) || !(0.0..=5.0).contains(&sigma)
            }
        };
        if wrong {
            let problem = format!("{self:?} is no law of lengths");
            let hint = "lengths are at least 1, `low` is at most `high`, `mean` at most `longest`, `sigma` from 0 to 5";
            return Err(Fault::new(field, problem).hint(hint));
        }
        Ok(())
    }
}

impl Record for Workload {
    const KIND: Kind = Kind::Workloads;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        self.lengths.input.check("lengths.input")?;
        self.lengths.output.check("lengths.output")?;
        for (scenario, limits) in &self.limits {
            let place = |field: &str| format!("limits.{scenario:?}.{field}").to_lowercase();
            positive(&place("ttft_p99"), limits.ttft_p99)?;
            positive(&place("tpot_p99"), limits.tpot_p99)?;
        }
        Ok(())
    }

    fn check_names(&self, catalog: &Catalog) -> Result<(), Fault> {
        self.models.iter().try_for_each(|model| names::<Model>(catalog, "models", model))
    }
}
