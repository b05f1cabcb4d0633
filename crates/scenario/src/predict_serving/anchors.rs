//! Predictions brought nearer by measurements of the same model, framework and accelerator: two factors on the time of
//! steps, one for those that generate and one for what prompts add, found for each measurement and interpolated.

use super::measured::{Measured, measured, open};
use super::{ServingPrediction, ServingPredictor};
use crate::serving::{Layout, Load, ServingCase};
use rackplan_calibrate::{Corrections, LARGEST, Spot};
use rackplan_catalog::{Backend, Catalog};
use std::collections::BTreeMap;

/// Factors on the time of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors {
    /// Of steps that generate.
    pub(super) decode: f64,
    /// Of what prompts add to a step.
    pub(super) prompts: f64,
}

impl Factors {
    /// As predicted.
    pub(super) const NONE: Self = Self { decode: 1.0, prompts: 1.0 };
}

/// Variance of one run relative to the prior's. One time to first token carries the noise of one run: systems that are the
/// same differ by a tenth, against a twentieth in time per output token.
const NOISE_DECODE: f64 = 0.15;
const NOISE_PROMPTS: f64 = 0.5;
/// Correlation of the logarithms of both errors: how far prompts follow where only time per output token was measured.
const FOLLOW: f64 = 0.3;
/// Alternating runs that find the factors of one anchor.
const ROUNDS: u32 = 7;
/// Sequences of an accelerator where the load does not say.
const MANY: f64 = 256.0;

/// A model, framework and accelerator.
type Key = (String, Backend, String);

/// Factors by system, from measurements.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    found: BTreeMap<Key, System>,
}

/// One system's: logarithms of the decode factor, and of the prompts' beyond what follows from it.
#[derive(Debug)]
struct System {
    decode: Corrections,
    prompts: Corrections,
}

/// What anchors say about a case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchored {
    pub(super) factors: Factors,
    /// Anchors of the system.
    pub(super) count: usize,
    /// Shares of the variance of the logarithmic errors that they leave, of generation and of prompts.
    pub(super) left: [f64; 2],
}

/// How reading anchors went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnchorSummary {
    /// Rows that became anchors.
    pub used: u64,
    /// Others, by id, and why.
    pub skipped: Vec<(String, String)>,
}

impl Anchored {
    /// For the list of what was taken.
    pub(super) fn said(&self) -> String {
        let Factors { decode, prompts } = self.factors;
        let plural = if self.count == 1 { "" } else { "s" };
        format!("anchors: {} measurement{plural}; generation x{decode:.2}, prompts x{prompts:.2}", self.count)
    }
}

impl Anchors {
    pub(super) fn at(&self, case: &ServingCase) -> Option<Anchored> {
        let system = self.found.get(&key(case))?;
        let spot = spot(case);
        let (decode, prompts) = (system.decode.at(&spot), system.prompts.at(&spot));
        let factors =
            Factors { decode: decode.log.exp(), prompts: (FOLLOW * decode.log + prompts.log).exp() };
        let left_prompts = prompts.left * (1.0 - FOLLOW * FOLLOW) + decode.left * FOLLOW * FOLLOW;
        Some(Anchored { factors, count: system.decode.len(), left: [decode.left, left_prompts] })
    }
}

impl ServingPredictor {
    /// Calibrates with rows that have measured columns, in place of earlier anchors.
    pub fn anchor(&mut self, text: &str, catalog: &Catalog) -> AnchorSummary {
        let (mut reader, lines) = open(text, catalog);
        let mut summary = AnchorSummary::default();
        let mut systems: BTreeMap<Key, Vec<(Spot, Factors, bool)>> = BTreeMap::new();
        for line in lines {
            let found = reader.case(line).and_then(|case| {
                let measured = measured(&reader, line, &case);
                let (factors, prompts) =
                    self.solve(&case, &measured).map_err(|why| (case.id.clone(), why))?;
                Ok((key(&case), (spot(&case), factors, prompts)))
            });
            match found {
                Ok((key, anchor)) => {
                    summary.used += 1;
                    systems.entry(key).or_default().push(anchor);
                }
                Err(skipped) => summary.skipped.push(skipped),
            }
        }
        let found = systems.into_iter().map(|(key, anchors)| (key, System::new(&anchors)));
        self.anchors = Anchors { found: found.collect() };
        summary
    }

    /// The factors that give what was measured, and whether it says anything about prompts.
    fn solve(&mut self, case: &ServingCase, measured: &Measured) -> Result<(Factors, bool), String> {
        let ratios = |found: &ServingPrediction| measured.ratios(found);
        let first = ratios(&self.predict_with(case, Factors::NONE)?);
        let follow = if first.tpot.is_some() { FOLLOW } else { 1.0 };
        if first.tpot.or(first.time).is_none() && first.ttft.is_none() {
            return Err("it has no measured column that a prediction answers".to_owned());
        }
        let mut logs = [0.0_f64; 2];
        for _ in 0..ROUNDS {
            let seen = ratios(&self.predict_with(case, factors(logs))?);
            if let Some(ratio) = seen.tpot.or(seen.time) {
                logs[0] = (logs[0] + ratio.ln()).clamp(-LARGEST, LARGEST);
            }
            if first.ttft.is_none() {
                logs[1] = follow * logs[0];
                continue;
            }
            let seen = ratios(&self.predict_with(case, factors(logs))?);
            let step = DAMPED * seen.ttft.map_or(0.0, f64::ln);
            logs[1] = (logs[1] + step).clamp(-LARGEST, LARGEST);
        }
        Ok((factors(logs), first.ttft.is_some() || first.tpot.is_none()))
    }
}

/// Share of a step towards a time to first token, which queueing makes steeper than the factor.
const DAMPED: f64 = 0.8;

fn factors(logs: [f64; 2]) -> Factors {
    Factors { decode: logs[0].exp(), prompts: logs[1].exp() }
}

impl System {
    fn new(anchors: &[(Spot, Factors, bool)]) -> Self {
        let decode: Vec<(Spot, f64)> =
            anchors.iter().map(|(spot, factors, _)| (spot.clone(), factors.decode.ln())).collect();
        let beyond = |factors: &Factors| factors.prompts.ln() - FOLLOW * factors.decode.ln();
        let prompts: Vec<(Spot, f64)> = anchors
            .iter()
            .filter(|(_, _, prompts)| *prompts)
            .map(|(spot, factors, _)| (spot.clone(), beyond(factors)))
            .collect();
        Self {
            decode: Corrections::new(&decode, NOISE_DECODE),
            prompts: Corrections::new(&prompts, NOISE_PROMPTS),
        }
    }
}

fn key(case: &ServingCase) -> Key {
    (case.model.id.clone(), case.backend, case.gpu.id.clone())
}

fn spot(case: &ServingCase) -> Spot {
    let formats = case.formats;
    let names = [formats.attention, formats.weights, formats.experts].map(|dtype| dtype.name());
    let layout = match case.layout {
        Layout::Aggregated(_) => "aggregated",
        Layout::Disaggregated { .. } => "disaggregated",
    };
    let drafted = if case.speculative.is_some() { "drafts" } else { "no drafts" };
    // What submitters hold within limits says little about full queues.
    let limits = match case.load {
        Load::Limits { ttft_p99, tpot_p99 } => format!("within {ttft_p99} and {tpot_p99}"),
        _ => "no limits".to_owned(),
    };
    let gpus = f64::from(case.gpus.max(1));
    let sequences = match case.load {
        Load::Closed { concurrency } => f64::from(concurrency.max(1)) / gpus,
        Load::StaticBatch { batch } => f64::from(batch.max(1)) / gpus,
        _ => MANY,
    };
    let replica = f64::from(case.layout.gpus().max(1));
    let sizes = [sequences, replica, case.input.mean(), case.output.mean()];
    Spot {
        kind: [&names.join("/"), layout, drafted, &limits].join(", "),
        sizes: sizes.map(|size| size.max(1e-9).ln()),
    }
}
