//! What every answer carries around its own part.

use crate::answer::{Answer, Evidence, SCHEMA_VERSION};
use crate::inputs::{Notes, Request};
use crate::layers::ResolvedValue;
use crate::question::Question;
use rackplan_catalog::Catalog;
use std::collections::BTreeMap;

/// What the three ceilings are worth, in a sentence.
const BAND: &str = "not modelled, nor are prefill, queueing and the reading of weights and past KV: these are ceilings \
                    of steady decoding, without a band; engines reach less";

/// Wraps an answer's own part, found by the three ceilings.
pub(crate) fn envelope<T>(request: Request, answer: T) -> Answer<T> {
    wrapped(request, answer, ("first-order", BAND))
}

/// Wraps an answer's own part; `method` is the performance model, and how far it can be trusted.
pub(crate) fn wrapped<T>(request: Request, answer: T, method: (&str, &str)) -> Answer<T> {
    let mut question = request.layers.resolved();
    read_values(&request.question, &mut question);
    name_entries(&request, &mut question);
    wrap(question, request.notes, &request.inputs.catalog, method, answer)
}

/// Wraps an answer's own part; `method` is the performance model, and how far it can be trusted.
pub(crate) fn wrap<T>(
    mut question: BTreeMap<String, ResolvedValue>,
    notes: Notes,
    catalog: &Catalog,
    (method, band): (&str, &str),
    answer: T,
) -> Answer<T> {
    for assumed in &notes.assumptions {
        let value = assumed.value.clone();
        let origin = format!("built-in: {}", assumed.why);
        question.entry(assumed.key.clone()).or_insert(ResolvedValue { value, origin });
    }
    let estimates = notes.estimates(catalog);
    Answer {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        question,
        answer,
        assumptions: notes.assumptions,
        warnings: notes.warnings,
        evidence: Evidence {
            method: method.to_owned(),
            band: band.to_owned(),
            estimates,
            overlays: notes.overlays,
        },
    }
}

/// Puts the ids that names stood for in place of the names.
fn name_entries(request: &Request, shown: &mut BTreeMap<String, ResolvedValue>) {
    if let Some(model) = shown.get_mut("model") {
        model.value = request.subject.id().into();
    }
    if let Some(hardware) = shown.get_mut("hardware") {
        hardware.value = request.machines.iter().map(|machine| machine.id().to_owned()).collect();
    }
}

/// Puts what was read in place of what was written: 32000 for `32k`, a list for `8,16`.
pub(crate) fn read_values(question: &Question, shown: &mut BTreeMap<String, ResolvedValue>) {
    let read = serde_json::to_value(question).unwrap_or_default();
    for (path, resolved) in shown {
        let found = read.pointer(&format!("/{}", path.replace('.', "/")));
        if let Some(value) = found.filter(|value| !value.is_null()) {
            resolved.value = value.clone();
        }
    }
}
