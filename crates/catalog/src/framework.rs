//! How a serving framework schedules: what its launch flags and defaults make of a queue of requests.
//!
//! Kernels are in [`crate::Engine`]; nothing here says how long a step takes.

use crate::group::{at_least, group, named, positive};
use crate::launch::{CacheFormatRule, Launch, LaunchRule, LessMemory, Situation};
use crate::model::WeightDtype;
use crate::{Backend, Fault, Kind, Record};
use rackplan_units::{Bytes, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A serving framework. Its id is [`Backend::name`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// What people call it.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Which one it is.
    pub backend: Backend,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Who runs in the next step.
    pub scheduler: Scheduler,
    /// Flags that benchmarks launch it with.
    pub launch: LaunchFlags,
    /// Between the client and the scheduler.
    pub front_end: FrontEnd,
    /// What is left for KV cache.
    pub memory: CacheMemory,
    /// In which format the KV cache is held.
    pub kv_dtype: CacheFormat,
    /// How steps run.
    pub execution: Execution,
    /// Time of the host between steps that the accelerators wait for.
    pub host: HostTime,
}

/// What a step is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// All decodes, then prompts in order of arrival, cut into what is left of the token budget (vLLM).
    DecodesThenChunks,
    /// All decodes, then whole prompts while they fit into the token budget (TensorRT-LLM).
    DecodesThenWholePrompts,
    /// Prompts alone, up to the token budget a step, until none can be admitted; then decodes alone (SGLang).
    PromptsAlone,
}

/// What is counted where a step is replayed from a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapturedBy {
    /// Sequences of a step without prompts; steps with prompts are not replayed (SGLang, TensorRT-LLM).
    Sequences,
    /// Tokens of any step, since around attention its layers are replayed piece by piece (vLLM).
    Tokens,
}

/// Sizes with the same distance from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapturedSizes {
    /// The last one, a multiple of the distance.
    pub up_to: u32,
    /// The distance.
    pub every: u32,
}

group! {
    /// Who runs in the next step.
    Scheduler {
        /// What a step is made of.
        policy: Policy,
        /// Most tokens of a step by default, decodes included; of a prompt step where prompts run alone.
        token_budget: u32,
        /// Most requests that run at the same time by default.
        max_sequences: u32,
        /// Defaults on accelerators with less memory, the least memory first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        on_less_memory: Vec<LessMemory>,
        /// Share of its output for which a request must find room in the KV cache before it is admitted.
        reserved_output: f64,
        /// Most output tokens of a request that this share is taken of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserved_output_most: Option<u32>,
        /// The newest request gives its cache up, and starts again later, when the cache is full.
        preempts: bool,
        /// Steps by which scheduling runs ahead: a request joins the step after so many others.
        schedule_ahead_steps: u32,
    }

    /// Flags that benchmarks launch it with, where they differ from the defaults.
    LaunchFlags {
        /// Each rule that holds sets what it names; later ones win.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<LaunchRule>,
        /// With attention data parallelism, steps that a prompt waits at most until the ranks are balanced.
        attention_dp_wait_steps: u32,
    }

    /// Between the client and the scheduler.
    FrontEnd {
        /// Tokenising one token of a prompt; prompts queue for it.
        tokenise_per_token: Seconds,
        /// Added to the time to first token of every request, whatever its length.
        first_token: Seconds,
    }

    /// KV cache = `usable · (visible · HBM - weights - reserve)` of each accelerator.
    CacheMemory {
        /// Share of what weights leave that holds KV cache; the rest is activations and fragments.
        usable: f64,
        /// Share of the printed capacity that a process can allocate.
        visible: f64,
        /// For context, graphs and communication buffers.
        reserve: Bytes,
        /// Tokens of a page, the unit in which cache is given out.
        page_tokens: u32,
    }

    /// In which format the KV cache is held.
    CacheFormat {
        /// Where no rule holds.
        default: WeightDtype,
        /// The first one that holds decides.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<CacheFormatRule>,
    }

    /// How steps run.
    Execution {
        /// What the sizes of captured graphs count.
        captured_by: CapturedBy,
        /// Sizes for which graphs are captured, in rising ranges: a step that is replayed is padded to the next of them.
        /// Beyond the last none is.
        captured: Vec<CapturedSizes>,
        /// Shared experts run beside the routed ones.
        shared_experts_overlap: bool,
        /// Copies of popular experts of a layer, where tokens are sent to experts on other ranks and load is balanced over them.
        #[serde(default)]
        redundant_experts: u32,
    }

    /// Time of the host between steps: of a saturated engine, where nothing hides it.
    HostTime {
        /// For a step, whatever is in it; what each sequence takes is a constant of steps.
        step: Seconds,
    }
}

impl Framework {
    /// What it does when nobody sets a flag.
    pub fn default_launch(&self, memory: Bytes) -> Launch {
        let scheduler = &self.scheduler;
        let less = scheduler.on_less_memory.iter().find(|less| memory < less.below);
        Launch {
            token_budget: less.map_or(scheduler.token_budget, |less| less.token_budget),
            max_sequences: less.and_then(|less| less.max_sequences).unwrap_or(scheduler.max_sequences),
            receive_interval: 1,
            batch_wait_steps: 0,
            batch_wait_ratio: 0.0,
            draft_tokens: 1,
            decode_places: None,
        }
    }

    /// What the launch scripts of benchmarks make of it.
    pub fn benchmark_launch(&self, at: &Situation) -> Launch {
        let mut launch = self.default_launch(at.memory);
        for rule in self.launch.rules.iter().filter(|rule| rule.when.holds(at)) {
            rule.apply(&mut launch, at);
        }
        launch
    }

    /// The format in which it holds the KV cache.
    pub fn kv_format(&self, at: &Situation) -> WeightDtype {
        let rule = self.kv_dtype.rules.iter().find(|rule| rule.when.holds(at));
        rule.map_or(self.kv_dtype.default, |rule| rule.kv)
    }

    /// Room for KV cache on an accelerator of `capacity` that holds `weights`; zero where they do not fit.
    ///
    /// `usable · (visible · capacity - weights - reserve)`
    pub fn cache_room(&self, capacity: Bytes, weights: Bytes) -> Bytes {
        let memory = &self.memory;
        let left = memory.visible * capacity.get() - weights.get() - memory.reserve.get();
        Bytes::new((memory.usable * left).max(0.0))
    }

    fn check_counts(&self) -> Result<(), Fault> {
        at_least("scheduler.token_budget", self.scheduler.token_budget, 1)?;
        at_least("scheduler.max_sequences", self.scheduler.max_sequences, 1)?;
        at_least("memory.page_tokens", self.memory.page_tokens, 1)?;
        for less in &self.scheduler.on_less_memory {
            positive("scheduler.on_less_memory.below", less.below)?;
            at_least("scheduler.on_less_memory.token_budget", less.token_budget, 1)?;
            at_least("scheduler.on_less_memory.max_sequences", less.max_sequences.unwrap_or(1), 1)?;
        }
        for rule in &self.launch.rules {
            at_least("launch.rules.token_budget", rule.token_budget.unwrap_or(1), 1)?;
            at_least("launch.rules.max_sequences", rule.max_sequences.unwrap_or(1), 1)?;
            at_least("launch.rules.receive_interval", rule.receive_interval.unwrap_or(1), 1)?;
            part("launch.rules.batch_wait_ratio", rule.batch_wait_ratio.unwrap_or(0.0))?;
        }
        self.check_captured()
    }

    fn check_captured(&self) -> Result<(), Fault> {
        let mut last = 0;
        for sizes in &self.execution.captured {
            at_least("execution.captured.every", sizes.every, 1)?;
            at_least("execution.captured.up_to", sizes.up_to, last + 1)?;
            if sizes.up_to % sizes.every != 0 {
                let problem = format!("{} is no multiple of {}", sizes.up_to, sizes.every);
                return Err(
                    Fault::new("execution.captured.up_to", problem).hint("end a range at one of its sizes")
                );
            }
            last = sizes.up_to;
        }
        Ok(())
    }
}

impl Record for Framework {
    const KIND: Kind = Kind::Frameworks;

    fn check(&self) -> Result<(), Fault> {
        named("name", &self.name)?;
        self.check_counts()?;
        part("scheduler.reserved_output", self.scheduler.reserved_output)?;
        part("memory.usable", self.memory.usable)?;
        part("memory.visible", self.memory.visible)
    }
}

/// A number from 0 to 1.
fn part(field: &str, value: f64) -> Result<(), Fault> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Fault::new(field, format!("{value} is no part of a whole"))
        .hint("write a number from 0 to 1, e.g. `0.9`"))
}
