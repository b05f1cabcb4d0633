//! `sweep`: the best plan of every rack, number format and batch, for inference or training.

use super::deployment::{bounds, link_loads, memory};
use super::envelope::envelope;
use crate::QuestionError;
use crate::Verb;
use crate::answer::{Answer, SweepAnswer, SweepRow};
use crate::inputs::{Combination, Defaults, Inputs, Request, check_range};
use crate::layers::Layers;
use crate::question::{Method, Mode, no_classes};
use crate::settings::SETTINGS;
use rackplan_first_order as method;
use rackplan_first_order::{MAX_RACKS, training};

/// Racks over which plans are laid out, where nobody says. Source: the founding documents' tables.
const RACKS: u64 = 8;

/// Best plans over everything asked for.
pub fn sweep(inputs: &Inputs, layers: &Layers) -> Result<Answer<SweepAnswer>, QuestionError> {
    let mut request = Request::new(inputs, layers, Defaults::SWEEP)?;
    refuse_plans(layers, request.question.search.method)?;
    no_classes(layers, &request.question, "a table of layouts")?;
    let mode = request.question.search.mode.unwrap_or_default();
    let racks = read_racks(&mut request)?;
    let mut notes = std::mem::take(&mut request.notes);
    let (mut rows, mut plans_considered) = (Vec::new(), 0);
    for machine in &request.machines {
        machine.note_use(&mut notes);
        for quant in &request.quants {
            let combination = request.combine(machine, *quant, mode, &mut notes)?;
            let layouts = request.grid.layouts(&combination.setting.model).count() as u64;
            plans_considered += layouts * request.batches.len() as u64;
            rows.extend(
                request.batches.iter().filter_map(|batch| row(&request, &combination, racks, *batch)),
            );
        }
    }
    request.notes = notes;
    let mode = match mode {
        Mode::Training => "training",
        _ => "inference",
    };
    Ok(envelope(request, SweepAnswer { mode: mode.to_owned(), racks, rows, plans_considered }))
}

/// Whether every plan is evaluated by operators, and has a row: where that method is named, or none is and the question says who
/// asks, or how fast answers must come.
pub fn sweeps_plans(layers: &Layers) -> bool {
    match layers.text("search.method") {
        Some(method) => method == "operators",
        None => of_operators(layers).is_some(),
    }
}

const TOO_LONG: &str = "a table of every plan is too long for a screen";

/// A table holds the best plans of the founding documents' method, not every plan, nor users.
fn refuse_plans(layers: &Layers, method: Option<Method>) -> Result<(), QuestionError> {
    let (path, problem, hint) = match (method, of_operators(layers)) {
        (Some(Method::Operators), _) => ("search.method", TOO_LONG, "add --format jsonl or csv"),
        (None, Some(path)) => (path, TOO_LONG, "add --format jsonl or csv"),
        (Some(Method::FirstOrder), Some(path)) => {
            (path, "the founding documents' table knows no users", "leave it out, or say --method operators")
        }
        (_, None) => return Ok(()),
    };
    Err(QuestionError::value(layers.place(path), problem).with_hint(hint))
}

/// A setting that was given and that a table of layouts has no use for: it knows no users and no latency.
fn of_operators(layers: &Layers) -> Option<&'static str> {
    let used = ["workload.context", "limits.max_racks"];
    let of_users =
        |path: &str| ["workload.", "targets.", "limits."].iter().any(|group| path.starts_with(group));
    let settings = SETTINGS.iter().filter(|setting| setting.verbs.contains(&Verb::Sweep));
    let useless = settings.filter(|setting| {
        let operators = setting.help.ends_with("(operators method)") || of_users(setting.path);
        operators && !used.contains(&setting.path)
    });
    useless.map(|setting| setting.path).find(|path| layers.origin(path).is_some())
}

fn read_racks(request: &mut Request) -> Result<u64, QuestionError> {
    match request.question.search.racks {
        Some(racks) => {
            check_range(request.layers, "search.racks", racks.0, 1, MAX_RACKS)?;
            Ok(racks.0)
        }
        None => {
            request.notes.assume("search.racks", RACKS, "as in the founding documents' tables");
            Ok(RACKS)
        }
    }
}

fn row(request: &Request, combination: &Combination, racks: u64, batch: u32) -> Option<SweepRow> {
    let setting = &combination.setting;
    let plan = request.grid.best_plan(setting, batch, racks * setting.rack.gpus())?;
    let steps =
        (setting.mode == method::Mode::Training).then(|| training::steps(&setting.model, &plan, batch));
    let method::Layout { tp, pp, ep } = plan.layout;
    Some(SweepRow {
        hardware: combination.machine.id().to_owned(),
        quant: combination.quant_name.clone(),
        batch: batch.into(),
        tp,
        pp,
        ep,
        gpus_per_instance: plan.gpus_per_instance,
        instances: plan.instances,
        instance_tokens_per_s: plan.tokens_per_second,
        total_tokens_per_s: plan.tokens_per_second_total,
        tokens_per_s_per_gpu: plan.tokens_per_second_per_gpu(),
        limit: plan.limit.name().to_owned(),
        bounds: bounds(&plan),
        links: link_loads(&plan, combination, plan.tokens_per_second),
        memory: memory(&plan, setting),
        instance_steps_per_s: steps.map(|steps| steps.steps_per_second),
        total_steps_per_s: steps.map(|steps| steps.steps_per_second_total),
        total_samples_per_s: steps.map(|steps| steps.samples_per_second_total),
    })
}
