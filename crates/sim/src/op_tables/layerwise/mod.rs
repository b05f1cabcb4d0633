//! Layerwise profiles as LLMServingSim takes them of vLLM, in microseconds, and the time of a step from them.
//!
//! ```text
//! step = layers/pp · (Σ operators at the tokens of the step + attention + experts + 2 all-reduces)
//!        + embedding and final norm at its tokens + output layer and sampler at the sequences that get a token
//! ```
//!
//! A transformer layer has two norms (`layernorm`) and one of each other operator. Attention of decodes and of a chunk
//! beside them is one measured kernel, see [`attention`]. With several pipeline stages the time is that of the last,
//! which takes longest because of the output layer. All-reduces are not among the profiles: with tensor parallelism rows
//! of a layer `all_reduce` are needed in a table `layer,tokens,time_us`, and between stages rows of `send_recv` count.
//! Profiles are of kernels started one by one. What CUDA graphs save and what the engine does between steps is not in
//! them.
//! Source of the format: <https://github.com/casys-kaist/LLMServingSim>, `profiler`, version 5daddb2.

mod attention;
mod axis;
mod curve;
mod experts;
mod field;
mod skew;

use super::columns::{Columns, Kind};
use super::{Layout, TableError};
use crate::step::Step;
use attention::{Attention, Prompt};
use curve::{Curve, Part};
use rackplan_perf::Graphs;
use skew::Skew;

/// A microsecond.
const US: f64 = 1e-6;

/// How often operators run in a transformer layer.
const IN_LAYER: [(&str, f64); 9] = [
    ("layernorm", 2.0),
    ("qkv_proj", 1.0),
    ("qk_norm", 1.0),
    ("rotary_emb", 1.0),
    ("o_proj", 1.0),
    ("gate_up_proj", 1.0),
    ("act_fn", 1.0),
    ("down_proj", 1.0),
    (ALL_REDUCE, 2.0),
];
const ALL_REDUCE: &str = "all_reduce";
const SEND: &str = "send_recv";
const EMBEDDING: &str = "embedding";
const FINAL_NORM: &str = "final_layernorm";
const DENSE_KNOWN: &str = "layernorm, qkv_proj, qk_norm, rotary_emb, o_proj, gate_up_proj, act_fn, down_proj, embedding, \
    final_layernorm, all_reduce, send_recv";
const HEAD: [&str; 2] = ["lm_head", "sampler"];
const HEAD_KNOWN: &str = "lm_head, sampler";

/// Tables read so far.
#[derive(Default)]
pub(super) struct Reading {
    dense: Vec<Columns>,
    head: Vec<Columns>,
    attention: Option<Columns>,
    skew: Option<Columns>,
    experts: Option<Columns>,
}

impl Reading {
    /// Takes a table in; operators may be spread over several.
    pub(super) fn add(&mut self, columns: Columns) {
        match columns.kind {
            Kind::Dense => self.dense.push(columns),
            Kind::PerSequence => self.head.push(columns),
            Kind::Attention => self.attention = Some(columns),
            Kind::Skew => self.skew = Some(columns),
            _ => self.experts = Some(columns),
        }
    }

    pub(super) fn finish(self, layout: Layout) -> Result<Layerwise, TableError> {
        let attention = self.attention.as_ref().ok_or(TableError::Missing("attention"))?;
        let dense = Operators::new(&self.dense, "tokens", DENSE_KNOWN)?;
        let head = Operators::new(&self.head, "sequences", HEAD_KNOWN)?;
        self.check(&dense, &head, layout)?;
        let layers = f64::from(layout.layers.max(1)) / f64::from(layout.pp.max(1));
        let in_layer = IN_LAYER.iter().filter(|(name, _)| *name != ALL_REDUCE || layout.tp > 1);
        let mut parts: Vec<Part> = in_layer.map(|(name, times)| dense.part(name, layers * times)).collect();
        parts.push(dense.part(FINAL_NORM, 1.0));
        if layout.pp <= 1 {
            parts.push(dense.part(EMBEDDING, 1.0));
        }
        if let Some(experts) = &self.experts {
            parts.push(experts::part(experts, layers)?);
        }
        Ok(Layerwise {
            linear: Curve::new(&parts),
            head: Curve::new(&HEAD.map(|name| head.part(name, 1.0))),
            sends: Curve::new(&[dense.part(SEND, 1.0)]),
            attention: Attention::new(attention)?,
            skew: self.skew.as_ref().map(Skew::new),
            layers,
            graphs: Graphs::default(),
        })
    }

    /// Whether nothing is missing without which times would be too short.
    fn check(&self, dense: &Operators, head: &Operators, layout: Layout) -> Result<(), TableError> {
        let mut needed = vec![(dense, "qkv_proj"), (dense, "o_proj"), (head, "lm_head")];
        if self.experts.is_none() {
            needed.extend([(dense, "gate_up_proj"), (dense, "down_proj")]);
        }
        if layout.tp > 1 {
            needed.push((dense, ALL_REDUCE));
        }
        let missing = needed.into_iter().find(|(operators, name)| !operators.has(name));
        missing.map_or(Ok(()), |(_, name)| Err(TableError::NoRows(name, hint(name))))
    }
}

fn hint(name: &str) -> &'static str {
    match name {
        ALL_REDUCE => "with tensor parallelism give a further file `layer,tokens,time_us` of it",
        "lm_head" => "it belongs into `layer,sequences,time_us`",
        "gate_up_proj" | "down_proj" => "a model of experts needs `tokens,activated_experts,time_us` instead",
        _ => "it belongs into `layer,tokens,time_us`",
    }
}

/// Rows of named operators: (name, number, microseconds).
struct Operators<'a>(Vec<(&'a str, f64, f64)>);

impl<'a> Operators<'a> {
    fn new(tables: &'a [Columns], number: &'static str, known: &'static str) -> Result<Self, TableError> {
        let mut rows = vec![];
        for table in tables {
            table.fits(&[(number, 1.0)])?;
            for (at, [number, time]) in table.of([number, "time_us"]).enumerate() {
                let name = table.layers[at].as_str();
                if !known.split(", ").any(|known| known == name) {
                    return Err(table.unknown_layer(at, known));
                }
                rows.push((name, number, time));
            }
        }
        Ok(Self(rows))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|row| row.0 == name)
    }

    fn part(&self, name: &str, times: f64) -> Part {
        let rows = self.0.iter().filter(|row| row.0 == name);
        Part::new(times * US, rows.map(|row| (row.1, row.2)).collect())
    }
}

/// A layerwise profile, in seconds.
#[derive(Clone, Debug)]
pub(super) struct Layerwise {
    /// What depends on tokens alone, of all layers of the stage.
    linear: Curve,
    /// By sequences that get a token.
    head: Curve,
    /// By tokens.
    sends: Curve,
    /// Of one layer.
    attention: Attention,
    skew: Option<Skew>,
    layers: f64,
    /// What steps are padded to.
    pub(super) graphs: Graphs,
}

impl Layerwise {
    /// Unfinished prompts count among the sequences that get a token: vLLM computes the output layer for each, and drops it.
    pub(super) fn time(&self, step: &Step<'_>) -> f64 {
        let prompts: f64 = step.chunks.iter().map(|chunk| chunk.prompts).sum();
        let passing = self.graphs.positions(step.decodes, 1.0, prompt_tokens(step));
        let linear = self.linear.at(passing) + self.head.at(step.decodes + prompts);
        linear + self.layers * self.attention(step)
    }

    fn attention(&self, step: &Step<'_>) -> f64 {
        let prompt = Prompt::of(step.chunks);
        let of = |context: f64| self.attention.time(step.decodes, context, prompt);
        let mean = of(step.context);
        let Some(skew) = self.skew.as_ref().filter(|_| step.longest > step.context && step.decodes > 1.0)
        else {
            return mean;
        };
        let gap = of(step.longest) - mean;
        if gap > 0.0 && mean > 0.0 {
            mean + skew.alpha(step.decodes, prompt.tokens, gap / mean) * gap
        } else {
            mean
        }
    }

    /// Time until the next stage has what this one made.
    pub(super) fn sending(&self, step: &Step<'_>) -> f64 {
        self.sends.at(tokens(step))
    }

    pub(super) fn wants_longest(&self) -> bool {
        self.skew.is_some()
    }

    /// Up to the next measured context of the mean. With the longest beside it α bends the line a little; it is asked for
    /// anew there and after an eighth.
    pub(super) fn straight_to(&self, step: &Step<'_>) -> f64 {
        let next = self.attention.next(step.context);
        if self.skew.is_none() || step.longest <= step.context {
            return next;
        }
        let longest = step.context + self.attention.next(step.longest) - step.longest;
        next.min(longest).min((step.context * EIGHTH_MORE).max(step.context + SHORTEST))
    }
}

const EIGHTH_MORE: f64 = 1.125;
const SHORTEST: f64 = 16.0;

fn tokens(step: &Step<'_>) -> f64 {
    step.decodes + prompt_tokens(step)
}

fn prompt_tokens(step: &Step<'_>) -> f64 {
    step.chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum()
}
