//! What rows of serving tables are read with, for one configuration that was asked about with flags.

use super::case::{Formats, has_experts, situation};
use super::fields::Fields;
use super::layout::Subject;
use super::{MEASURED_MTP, fit, formats, geometric};
use rackplan_catalog::{Catalog, Entry, Framework, Gpu, Model};
use rackplan_perf::ParallelPlan;

/// Number formats as rows spell them, checked by who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// Weights; empty for as they are released.
    pub(crate) weights: &'a str,
    /// KV cache; empty for what the framework takes.
    pub(crate) kv: &'a str,
}

/// The number formats of each part of a model, with what was chosen for it.
pub(crate) fn formats_of(
    words: Words,
    model: &Entry<Model>,
    gpu: &Entry<Gpu>,
    framework: &Framework,
    plan: ParallelPlan,
) -> Result<(Formats, Vec<String>), String> {
    let cells = [("weight_dtype", words.weights), ("kv_dtype", words.kv)];
    let row = Fields::Json(cells.into_iter().map(|(key, word)| (key.to_owned(), word.to_owned())).collect());
    let mut assumed = Vec::new();
    let found = formats::weights(&row, &model.record, &gpu.record, &mut assumed)?;
    let at = situation(model, gpu, found, plan);
    let kv = formats::kv_cache(&row, framework, &at, &mut assumed)?;
    Ok((Formats { kv, ..found }, assumed))
}

/// Whether the weights of a plan leave room for a cache of use.
pub(crate) fn weights_fit(
    model: &Entry<Model>,
    gpu: &Entry<Gpu>,
    formats: Formats,
    plan: ParallelPlan,
) -> bool {
    fit::fits(Subject { model, gpu, formats }, plan)
}

/// Routed experts of a layer; none of a dense model.
pub(crate) fn experts_of(model: &Model) -> Option<u64> {
    let of = |ffn: &rackplan_catalog::model::Ffn| match ffn {
        rackplan_catalog::model::Ffn::Moe(moe) => Some(moe.experts),
        rackplan_catalog::model::Ffn::Dense(_) => None,
    };
    let found = model.layer_counts().find_map(|(_, kind, _)| of(kind.ffn.as_ref()?));
    found.filter(|_| has_experts(model))
}

/// Tokens that a step yields with so many drafted ones, and what that rests on where nobody gave a chance.
pub(crate) fn accepted_per_step(
    model: &Model,
    drafted: u32,
    chance: Option<f64>,
    catalog: &Catalog,
) -> (f64, Option<String>) {
    if let Some(chance) = chance {
        return (geometric(chance, drafted), None);
    }
    if let Some(accepted) = model.accepted_per_step(drafted) {
        return (accepted, Some(format!("as {} was measured", model.name)));
    }
    let measured = catalog.get::<Model>(MEASURED_MTP).ok();
    let accepted = measured.as_ref().and_then(|entry| entry.record.accepted_per_step(drafted)).unwrap_or(1.0);
    (accepted, Some("as DeepSeek-R1 was measured, for want of a figure of its own".to_owned()))
}
