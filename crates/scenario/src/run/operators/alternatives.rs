//! What else was possible: another number format, another rack, a faster plan, prompts on workers of their own.

use super::super::decision::layout;
use super::Extent;
use super::asked::Asked;
use super::context::Context;
use super::deployment::deployment;
use super::outcome::{Outcome, best_outcome, other_plan};
use super::setup::{Setup, Variant};
use crate::QuestionError;
use crate::answer::{Alternative, Deployment};
use crate::inputs::{Machine, Notes, Quant, WeightFormat};
use rackplan_plan::Modes;
use std::collections::BTreeSet;

/// Racks that anyone would compare with; the whole catalog is a question of its own (`--hardware all`).
const COMMON: [&str; 4] = ["gb200_nvl72", "b200_hgx", "h200_hgx", "mi355x_8"];

/// One of each kind first, the one with the fewest GPUs; then the rest.
pub(super) fn alternatives(
    context: Context,
    chosen: &Outcome,
    held: Option<&Deployment>,
) -> Result<Vec<Alternative>, QuestionError> {
    let Some(held) = held else { return Ok(Vec::new()) };
    let mut kinds = [
        formats(context, chosen),
        machines(context, chosen),
        faster(context, chosen, held),
        apart(context, chosen),
    ];
    for kind in &mut kinds {
        kind.sort_by_key(|(_, d)| (d.capacity.users_short, d.capacity.gpus_active));
    }
    let longest = kinds.iter().map(Vec::len).max().unwrap_or(0);
    let ranked = (0..longest).flat_map(|rank| kinds.iter().filter_map(move |kind| kind.get(rank)));
    Ok(ranked.map(|(change, d)| alternative(change.clone(), held, d)).collect())
}

type Candidate = (String, Deployment);

fn formats(context: Context, chosen: &Outcome) -> Vec<Candidate> {
    // Nobody unpacks a model into more bits than it was trained or released in.
    let widest = WeightFormat::released(&context.shared.model.record).map_or(16, WeightFormat::bits);
    let others = [16, 8, 4].into_iter();
    let others = others.filter(|bits| *bits != chosen.setup.quant.bits() && *bits <= widest);
    let sized = others.filter_map(|bits| {
        let found = other(context, chosen, &chosen.setup.machine, Quant::Bits(bits))?;
        candidate(context, &found, found.setup.quant_name.clone())
    });
    sized.collect()
}

fn machines(context: Context, chosen: &Outcome) -> Vec<Candidate> {
    let catalog = &context.request.inputs.catalog;
    let common = COMMON.iter().filter_map(|id| Machine::of_rack(catalog.get(id).ok()?, catalog).ok());
    let mut seen = BTreeSet::from([chosen.setup.machine.id().to_owned()]);
    let others = context.request.machines.iter().cloned().chain(common);
    let others: Vec<Machine> = others.filter(|machine| seen.insert(machine.id().to_owned())).collect();
    let sized = others.iter().filter_map(|machine| {
        let found = other(context, chosen, machine, chosen.setup.quant)?;
        candidate(context, &found, machine.id().to_owned())
    });
    sized.collect()
}

/// The plan with the shortest time per token of those that no other beats and that take at most twice the GPUs.
fn faster(context: Context, chosen: &Outcome, held: &Deployment) -> Vec<Candidate> {
    let best = rackplan_plan::pareto(&chosen.searched.found);
    let choices = best.into_iter().filter_map(|found| other_plan(context, &chosen.setup, found));
    let few = choices.filter(|choice| choice.sizing.gpus_active <= 2 * held.capacity.gpus_active);
    let fast = few.min_by(|a, b| a.seen.tpot.total_cmp(&b.seen.tpot));
    let sized = fast.map(|choice| deployment(context, chosen, &choice, Extent::Decision));
    let sized =
        sized.filter(|d| d.throughput.tokens_per_s_per_user > 1.05 * held.throughput.tokens_per_s_per_user);
    sized.map(|d| (layout(&d), d)).into_iter().collect()
}

/// Prompts on workers of their own, where only the other way was asked for.
fn apart(context: Context, chosen: &Outcome) -> Vec<Candidate> {
    if context.asked.modes != Modes::Aggregated || context.request.layers.origin("search.mode").is_some() {
        return Vec::new();
    }
    let asked = Asked { modes: Modes::Disaggregated, ..context.asked.clone() };
    let context = context.asking(&asked);
    let found = other(context, chosen, &chosen.setup.machine, chosen.setup.quant);
    let sized = found.and_then(|found| candidate(context, &found, "disaggregated".to_owned()));
    sized.into_iter().collect()
}

fn other(context: Context, chosen: &Outcome, machine: &Machine, quant: Quant) -> Option<Outcome> {
    let &Setup { backend, drafts, kv, .. } = &chosen.setup;
    best_outcome(context, Variant { machine, quant, backend, drafts, kv }, &mut Notes::default()).ok()
}

fn candidate(context: Context, outcome: &Outcome, change: String) -> Option<Candidate> {
    let choice = outcome.choice.as_ref()?;
    Some((change, deployment(context, outcome, choice, Extent::Decision)))
}

fn alternative(change: String, held: &Deployment, d: &Deployment) -> Alternative {
    Alternative {
        change,
        plan: format!("{} {} {} batch {}", d.hardware.id, d.quant, layout(d), d.plan.batch),
        racks: d.capacity.racks,
        gpus_active: d.capacity.gpus_active,
        gpus_provisioned: d.capacity.gpus_provisioned,
        total_tokens_per_s: d.throughput.total_tokens_per_s,
        tokens_per_s_per_user: d.throughput.tokens_per_s_per_user,
        trade: trade(held, d),
    }
}

/// What is gained and lost, in words.
fn trade(held: &Deployment, d: &Deployment) -> String {
    let c = &d.capacity;
    let plural = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (racks, active) = (plural(c.racks, "rack"), plural(c.gpus_active, "GPU"));
    let gpus = match c.gpus_active.cmp(&held.capacity.gpus_active) {
        std::cmp::Ordering::Less => format!("{} fewer", held.capacity.gpus_active - c.gpus_active),
        std::cmp::Ordering::Equal => "as many".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more", c.gpus_active - held.capacity.gpus_active),
    };
    let cost = match (&held.money, &d.money) {
        (Some(a), Some(b)) => format!(", {:+.0} % cost", (b.usd_per_hour / a.usd_per_hour - 1.0) * 100.0),
        _ => String::new(),
    };
    let latency = d.latency.as_ref().map_or(String::new(), |latency| {
        let (ttft, tpot) = (latency.ttft_s * 1e3, latency.tpot_s * 1e3);
        format!(", ttft {ttft:.0} ms, tpot {tpot:.1} ms")
    });
    let short = if c.users_short > 0 { format!(", {} users too many", c.users_short) } else { String::new() };
    format!("{racks}, {active} active as {} ({gpus}){latency}{cost}{short}", layout(d))
}
