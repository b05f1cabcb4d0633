//! `explain ANSWER.json`, and the page of `size`: an answer found again, with what it hangs on.

use super::decision::decision;
use super::elasticities::elasticities;
use super::explain::explain;
use super::flips::flips;
use super::sensitivity::sensitivities;
use super::size::size;
use super::trial::Trial;
use crate::answer::{Answer, ExplainAnswer, ReasonsAnswer, SizeAnswer};
use crate::inputs::Inputs;
use crate::layers::{Layers, Origin};
use crate::question::Question;
use crate::{AnswerFile, QuestionError};
use std::collections::BTreeSet;

/// Racks beside the chosen one that are sought again for every change: the nearest alternatives.
const RIVALS: usize = 2;

/// An answer of `size` with its reasons.
pub fn with_reasons(
    inputs: &Inputs,
    layers: &Layers,
    found: Answer<SizeAnswer>,
) -> Result<Answer<ReasonsAnswer>, QuestionError> {
    let Answer { answer: size, schema_version, tool_version, question, assumptions, warnings, evidence } =
        found;
    let asked: Question = layers.read()?;
    let objective = asked.search.objective.unwrap_or_default();
    let mut narrowed = layers.clone();
    narrow(&mut narrowed, &asked, &size);
    let trial = Trial::new(inputs, &narrowed);
    let held = decision(&size);
    let of_held = held.as_ref();
    let answer = ReasonsAnswer {
        moved: Vec::new(),
        elasticities: of_held.map_or(Vec::new(), |held| elasticities(&trial, &size, held, objective)),
        flips: of_held.map_or(Vec::new(), |held| flips(&trial, &size, held)),
        sensitivities: of_held.map_or(Vec::new(), |_| sensitivities(&trial, &size)),
        step: step(inputs, layers, &size),
        size,
    };
    Ok(Answer { schema_version, tool_version, question, answer, assumptions, warnings, evidence })
}

/// The same for an answer that was written to a file; what is found otherwise now is said.
pub fn reasons_of_file(inputs: &Inputs, file: &AnswerFile) -> Result<Answer<ReasonsAnswer>, QuestionError> {
    let mut found = with_reasons(inputs, &file.layers, size(inputs, &file.layers)?)?;
    found.answer.moved = file.moved(&found.answer.size);
    if let Some(text) = file.other_version() {
        found.warnings.push(text);
    }
    Ok(found)
}

/// Of many racks and formats only the nearest rivals can win after a small change; a hundred searches of all would take a
/// minute.
fn narrow(layers: &mut Layers, asked: &Question, size: &SizeAnswer) {
    let Some(d) = &size.deployment else { return };
    let named = asked.hardware.as_ref().map_or(0, |list| list.0.len());
    let every = asked.hardware.as_ref().is_some_and(|list| list.0 == ["all"]);
    if named <= 1 + RIVALS && !every {
        return;
    }
    let racks = size.alternatives.iter().filter_map(|other| other.plan.split(' ').next());
    let mut seen = BTreeSet::from([d.hardware.id.as_str()]);
    let rivals: Vec<&str> = racks.filter(|rack| seen.insert(rack)).take(RIVALS).collect();
    let kept = std::iter::once(d.hardware.id.as_str()).chain(rivals).collect::<Vec<_>>().join(",");
    layers.add("hardware", &kept, Origin::Set);
}

/// A decode step of the chosen plan at its load, of one worker where a unit has several that generate.
fn step(inputs: &Inputs, layers: &Layers, size: &SizeAnswer) -> Option<ExplainAnswer> {
    let (d, chain) = (size.deployment.as_ref()?, size.demand.generating.as_ref()?);
    let workers = d.pools.as_ref().map_or(1.0, |pools| f64::from(pools.decode_workers));
    let running = (chain.in_flight / (d.capacity.instances_needed as f64 * workers)).ceil().max(1.0);
    let most = (d.plan.batch as f64 / workers).ceil().max(1.0);
    let mut asked = Layers::default();
    let mut set = |path: &str, value: String| asked.add(path, &value, Origin::Set);
    set("model", layers.text("model").map_or_else(|| d.model.clone(), str::to_owned));
    set("hardware", d.hardware.id.clone());
    set("quant", d.quant.clone());
    set("backend", d.latency.as_ref()?.backend.clone());
    for (key, size) in [("tp", d.plan.tp), ("pp", d.plan.pp), ("ep", d.plan.ep), ("dp", d.plan.dp?)] {
        set(&format!("search.{key}"), size.to_string());
    }
    if let Some(copies) = layers.text("redundant_experts") {
        set("redundant_experts", copies.to_owned());
    }
    set("search.batch_sizes", running.min(most).to_string());
    set("workload.isl", (chain.isl + chain.prefix_tokens).to_string());
    set("workload.osl", chain.osl.to_string());
    explain(inputs, &asked).ok().map(|found| found.answer)
}
