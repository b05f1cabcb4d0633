//! Steps of inference: what a batch takes on a compiled deployment, part by part.

use crate::collectives::send::{Path, Transfer, send};
use crate::layers::{Lane, Part, compile, compile_draft};
use crate::work::{Counts, Needs, Work};
use crate::{Bound, Deployment, Device, Engines, Evidence, Family, Graphs, Kernels};
use rackplan_catalog::Quantiles;
use rackplan_units::Seconds;

/// What one attention group carries in a step: sequences that generate, and chunks of prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Batch {
    /// Sequences that generate.
    pub decodes: f64,
    /// Tokens that each of them has in the cache, on average.
    pub context: f64,
    /// Prompts with a chunk in this step, all alike.
    pub prompts: f64,
    /// New tokens of such a chunk.
    pub chunk: f64,
    /// Tokens of such a prompt that are in the cache already.
    pub prefix: f64,
    /// The average group; none where all carry the same.
    pub average: Option<Average>,
}

/// What attention groups carry on average: experts meet the positions of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average {
    /// Sequences that generate.
    pub decodes: f64,
    /// New tokens of prompts.
    pub prompt_tokens: f64,
}

/// Equal chunks of prompts in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chunk {
    /// How many of them. Whole prompts of several lengths are given as the number of equal ones with the same sum and
    /// the same sum of squares of tokens, so it need not be whole.
    pub prompts: f64,
    /// Tokens of each that the step computes.
    pub tokens: f64,
    /// Tokens of each that are in the cache already.
    pub prefix: f64,
}

impl Batch {
    /// Only generation.
    pub fn decode(decodes: f64, context: f64) -> Self {
        Self { decodes, context, ..Self::default() }
    }

    /// Only whole prompts.
    pub fn prefill(prompts: f64, tokens: f64) -> Self {
        Self { prompts, chunk: tokens, ..Self::default() }
    }
}

/// A deployment as a flat list of operators.
#[derive(Clone, Debug)]
pub struct Compiled {
    device: Device,
    parts: Vec<Part>,
    draft: Vec<Part>,
    draft_tokens: f64,
    graphs: Graphs,
    stages: f64,
    gpus: f64,
    uneven: bool,
    hidden: f64,
}

/// One part of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartTime {
    /// What it is.
    pub name: &'static str,
    /// How many times a step runs it.
    pub count: f64,
    /// What runs beside it.
    pub lane: Lane,
    /// All its runs together.
    pub time: Seconds,
    /// What it waits for.
    pub bound: Bound,
    /// What kind of work it is.
    pub family: Family,
    /// What it rests on.
    pub evidence: Evidence,
    /// Measured over predicted.
    pub band: Quantiles,
}

/// A step, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEstimate {
    /// The parts, in the order in which they run.
    pub parts: Vec<PartTime>,
    /// From the first to the last: their sum, where of routed and shared experts the longer counts.
    pub time: Seconds,
}

/// A part whose share of a step is below this says nothing about the evidence of the whole.
const SMALL: f64 = 0.1;

impl StepEstimate {
    /// The weakest evidence that more than a tenth of the step rests on.
    pub fn evidence(&self) -> Evidence {
        let share = |evidence: Evidence| {
            let of = self.parts.iter().filter(|part| part.evidence == evidence);
            of.map(|part| part.time.get()).sum::<f64>() / self.time.get()
        };
        let weakest = [Evidence::Unvalidated, Evidence::Across, Evidence::SameArchitecture];
        weakest.into_iter().find(|evidence| share(*evidence) > SMALL).unwrap_or(Evidence::OwnGpu)
    }
}

impl Compiled {
    /// Compiles a deployment with the constants of a catalog's engines; where they are borrowed, at the rates that
    /// borrowed kernels reach.
    pub fn new(deployment: &Deployment, engines: &Engines) -> Self {
        Self::with(deployment, &Kernels::new(deployment, engines))
    }

    /// The same with kernels that others have asked for before.
    pub fn with(deployment: &Deployment, kernels: &Kernels) -> Self {
        assert!(kernels.are_of(deployment), "kernels belong to one framework on one accelerator");
        let deployment = &Deployment { device: kernels.device(), ..*deployment };
        let draft = if deployment.draft_tokens > 0 { compile_draft(deployment, kernels) } else { Vec::new() };
        Self {
            device: deployment.device,
            parts: compile(deployment, kernels),
            draft,
            draft_tokens: f64::from(deployment.draft_tokens),
            graphs: kernels.graphs(),
            stages: f64::from(deployment.plan.pp),
            gpus: f64::from(deployment.plan.gpus()),
            uneven: deployment.plan.sends_tokens(),
            hidden: deployment.model.hidden as f64,
        }
    }

    /// The accelerator.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Time of a step.
    ///
    /// With pipeline stages the batch is as many micro-batches that follow each other; each is on its way through all
    /// stages for this long, and every sequence gets its token in it.
    pub fn step(&self, batch: &Batch) -> Seconds {
        let mut sum = Sum::default();
        self.visit(batch, |part, times, cost, _| sum.add(part.lane, times * cost.time.get()));
        Seconds::new(sum.total() + self.sends(self.sent_tokens(batch)))
    }

    /// A step, part by part.
    pub fn estimate(&self, batch: &Batch) -> StepEstimate {
        let (mut sum, mut parts) = (Sum::default(), Vec::new());
        self.visit(batch, |part, count, cost, _| {
            let time = count * cost.time.get();
            sum.add(part.lane, time);
            let Part { name, lane, evidence, band, .. } = *part;
            parts.push(PartTime {
                name,
                count,
                lane,
                time: Seconds::new(time),
                bound: cost.bound,
                family: part.work.family(),
                evidence,
                band,
            });
        });
        StepEstimate { parts, time: Seconds::new(sum.total() + self.sends(self.sent_tokens(batch))) }
    }

    /// Positions of a step that travel between stages.
    pub(crate) fn sent_tokens(&self, batch: &Batch) -> f64 {
        self.micro_batch(batch.decodes) + batch.prompts * batch.chunk
    }

    /// Bytes of the residual stream of so many positions.
    pub(crate) fn sent_bytes(&self, tokens: f64) -> f64 {
        2.0 * tokens * self.hidden
    }

    /// Sequences of a micro-batch: those of the step over the stages, at least one, since fewer sequences than stages make
    /// as many micro-batches.
    pub(crate) fn micro_batch(&self, decodes: f64) -> f64 {
        (decodes / self.stages).max(decodes.min(1.0))
    }

    /// Positions that pass the layers: `each` of so many generating sequences of a micro-batch, the tokens of prompts, and
    /// padding.
    pub(crate) fn passing(&self, decodes: f64, each: f64, prompt_tokens: f64) -> f64 {
        self.graphs.positions(decodes, each, prompt_tokens)
    }

    /// Positions of a step, of one attention group and micro-batch, that are there because its graph is larger.
    pub fn padding(&self, batch: &Batch) -> f64 {
        let (decodes, prompt_tokens) = (self.micro_batch(batch.decodes), batch.prompts * batch.chunk);
        let each = 1.0 + self.draft_tokens;
        self.passing(decodes, each, prompt_tokens) - decodes * each - prompt_tokens
    }

    /// The same deployment for batches whose numbers are means of what scatters, as closed forms of queueing have them.
    pub fn scattered(self) -> Self {
        Self { graphs: self.graphs.scattered(), ..self }
    }

    /// The same deployment without padding: what a step has to compute.
    pub fn without_padding(&self) -> Self {
        Self { graphs: Graphs::default(), ..self.clone() }
    }

    /// Pipeline stages.
    pub(crate) fn stages(&self) -> f64 {
        self.stages
    }

    /// Whether experts meet what attention groups really carry, not as many positions of each as the fullest has.
    pub(crate) fn is_uneven(&self) -> bool {
        self.uneven
    }

    /// Tokens proposed for each sequence and step.
    pub(crate) fn draft_tokens(&self) -> f64 {
        self.draft_tokens
    }

    /// Whether the same positions take another time where prompts are among them.
    pub(crate) fn minds_prompts(&self) -> bool {
        let minds = |part: &Part| matches!(&part.work, Work::Dispatch(_));
        self.parts.iter().any(minds)
    }

    /// Counts of so many positions, all of them sampled, without attention, of which some are or none is of a prompt.
    pub(crate) fn positions(tokens: f64, prompts: bool) -> Counts {
        let none = Batch::default();
        Counts {
            prompts: f64::from(u8::from(prompts)),
            tokens,
            decode_tokens: tokens,
            sampled: tokens,
            average: tokens,
            ..Counts::of(&none, 0.0, 0.0)
        }
    }

    /// Time of the operators of the main model that depend on such counts, in seconds.
    pub(crate) fn main_of(&self, needs: Needs, counts: &Counts) -> f64 {
        self.sum(&self.parts, needs, counts)
    }

    /// The same of a speculative module.
    pub(crate) fn draft_of(&self, needs: Needs, counts: &Counts) -> f64 {
        self.sum(&self.draft, needs, counts)
    }

    /// Attention of generating sequences, speculation included, in seconds.
    pub(crate) fn decode_attention(&self, decodes: f64, context: f64) -> f64 {
        let batch = Batch::decode(decodes, context);
        let main = Counts::of(&batch, decodes, 1.0 + self.draft_tokens);
        let drafted = self.draft_of(Needs::Contexts, &Counts::of(&batch, decodes, 1.0));
        self.main_of(Needs::Contexts, &main) + self.draft_tokens * drafted
    }

    /// Attention of prompts, in seconds.
    pub(crate) fn prompt_attention(&self, chunk: &Chunk) -> f64 {
        let Chunk { prompts, tokens, prefix } = *chunk;
        let batch = Batch { prompts, chunk: tokens, prefix, ..Batch::default() };
        let counts = Counts::of(&batch, 0.0, 1.0);
        let drafted = self.draft_of(Needs::Contexts, &counts);
        self.main_of(Needs::Contexts, &counts) + self.draft_tokens * drafted
    }

    fn sum(&self, parts: &[Part], needs: Needs, counts: &Counts) -> f64 {
        let mut sum = Sum::default();
        let needed = |part: &Part| part.work.needs() == needs;
        self.price(parts, needed, counts, |part, cost| sum.add(part.lane, part.count * cost.time.get()));
        sum.total()
    }

    /// Time of the parts of the main model (or of a speculative module) in one lane that depend on positions, in seconds.
    pub(crate) fn lane_of(&self, (drafts, prompts): (bool, bool), lane: Lane, positions: f64) -> f64 {
        let parts = if drafts { &self.draft } else { &self.parts };
        let counts = Self::positions(positions, prompts);
        let these = parts.iter().filter(|part| part.lane == lane && part.work.needs() == Needs::Tokens);
        let times =
            these.filter_map(|part| Some(part.count * part.work.cost(&counts, &self.device)?.time.get()));
        times.sum()
    }

    /// Calls `each` with every part that the step has something for, how often it runs, its time, and its counts.
    pub(crate) fn visit(&self, batch: &Batch, mut each: impl FnMut(&Part, f64, crate::Cost, &Counts)) {
        let counts = self.counts(batch, 1.0 + self.draft_tokens);
        self.price(&self.parts, |_| true, &counts, |part, cost| each(part, part.count, cost, &counts));
        if self.draft.is_empty() {
            return;
        }
        // Each proposed token passes the module once; prompts pass it once, to fill its cache.
        let counts = self.counts(batch, 1.0);
        let often = |part: &Part| part.count * self.draft_tokens;
        self.price(&self.draft, |_| true, &counts, |part, cost| each(part, often(part), cost, &counts));
    }

    /// Calls `each` with every part needed that the counts have something for, and what one run of it takes.
    fn price(
        &self,
        parts: &[Part],
        needed: impl Fn(&Part) -> bool,
        counts: &Counts,
        mut each: impl FnMut(&Part, crate::Cost),
    ) {
        let mut costs: Vec<Option<crate::Cost>> = Vec::with_capacity(parts.len());
        for part in parts {
            let cost = match part.twin {
                _ if !needed(part) => None,
                Some(twin) => costs[twin],
                None => part.work.cost(counts, &self.device),
            };
            costs.push(cost);
            if let Some(cost) = cost {
                each(part, cost);
            }
        }
    }

    fn counts(&self, batch: &Batch, positions: f64) -> Counts {
        let in_stage = |all: Average| Average { decodes: self.micro_batch(all.decodes), ..all };
        let average = batch.average.filter(|_| self.uneven).map(in_stage);
        let (batch, decodes) = (Batch { average, ..*batch }, self.micro_batch(batch.decodes));
        let counts = Counts::of(&batch, decodes, positions);
        let tokens = self.passing(decodes, positions, batch.prompts * batch.chunk);
        // Padding is not sent to experts; where all is gathered, they meet it.
        let average = if self.uneven { counts.average } else { tokens };
        Counts { tokens, average, ..counts }
    }

    /// Between stages, in seconds: the residual stream of every position, within the scale-up domain where all stages are
    /// in one, else over the network.
    pub(crate) fn sends(&self, tokens: f64) -> f64 {
        let path = if self.gpus <= self.device.domain { Path::ScaleUp } else { Path::ScaleOut };
        let message = Transfer { bytes: self.sent_bytes(tokens), messages: 1.0, path, among: self.gpus };
        (self.stages - 1.0) * send(&message, &self.device).time.get()
    }
}

/// Times by what runs side by side.
#[derive(Default)]
struct Sum {
    alone: f64,
    routed: f64,
    shared: f64,
}

impl Sum {
    fn add(&mut self, lane: Lane, seconds: f64) {
        match lane {
            Lane::Alone => {
                self.join();
                self.alone += seconds;
            }
            Lane::Routed => self.routed += seconds,
            Lane::Shared => self.shared += seconds,
        }
    }

    /// Ends what ran side by side: the longer counts.
    fn join(&mut self) {
        self.alone += self.routed.max(self.shared);
        (self.routed, self.shared) = (0.0, 0.0);
    }

    fn total(mut self) -> f64 {
        self.join();
        self.alone
    }
}
