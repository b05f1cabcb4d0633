//! Reasons as tables: what `--wide`, Markdown and HTML print.

use super::cells;
use crate::format::{count, number, time};
use crate::section::Section;
use rackplan_scenario::answer::{Elasticity, RankedPlan, ReasonsAnswer, Sensitivity, SensitivityPoint};

/// Every table that is not empty.
pub(super) fn sections(reasons: &ReasonsAnswer) -> Vec<Section> {
    let mut all = vec![moved(reasons), plans(reasons), elasticities(reasons), flips(reasons)];
    all.extend(reasons.sensitivities.iter().map(sensitivity));
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

fn moved(reasons: &ReasonsAnswer) -> Section {
    let rows = reasons.moved.iter().map(|text| vec![text.clone()]);
    Section::new("Found otherwise now than in the file", &["what"], rows.collect())
}

fn plans(reasons: &ReasonsAnswer) -> Section {
    let row = |plan: &RankedPlan| {
        vec![
            plan.layout.clone(),
            plan.limit.clone(),
            count(plan.gpus_active),
            count(plan.racks),
            count(plan.gpus_per_instance),
            number(plan.taken_per_instance),
            number(plan.tokens_per_s_per_gpu),
            time(plan.ttft_s),
            time(plan.tpot_s),
        ]
    };
    let columns =
        ["plan", "limit", "GPUs active", "racks", "GPUs each", "takes each", "tok/s/GPU", "ttft", "tpot"];
    let title = "Why this plan: those that serve on this hardware, the fewest GPUs first, each at its most";
    Section::new(title, &columns, reasons.size.plans.iter().map(row).collect()).numbers_from(2)
}

fn elasticities(reasons: &ReasonsAnswer) -> Section {
    let row = |e: &Elasticity| {
        let changes = [e.gpus_change, e.tpot_change, e.ttft_change, e.objective_change].map(change);
        let names = [e.resource.clone(), e.value.clone(), e.then.clone().unwrap_or_default()];
        names.into_iter().chain(changes).collect()
    };
    let columns =
        ["resource", "now", "best plan then", "GPUs, unrounded", "tpot", "ttft", "objective, best plan"];
    let title = "A tenth more of each resource: the same plan, then the best plan";
    Section::new(title, &columns, reasons.elasticities.iter().map(row).collect()).numbers_from(3)
}

fn flips(reasons: &ReasonsAnswer) -> Section {
    let row = |flip: &rackplan_scenario::answer::Flip| {
        let texts = [&flip.input, &flip.then, &flip.from, &flip.to].map(String::clone);
        texts.into_iter().chain([change(Some(flip.change))]).collect()
    };
    let columns = ["input", "decision then", "from", "to", "change"];
    Section::new("Nearest flips of the decision", &columns, reasons.flips.iter().map(row).collect())
        .numbers_from(2)
}

fn sensitivity(one: &Sensitivity) -> Section {
    let row = |point: &SensitivityPoint| {
        let mut row = vec![change(Some(point.scale - 1.0)), number(point.value)];
        row.extend(cells(point.same_plan.as_ref()));
        if let Some(best) = &point.best_plan {
            row.extend([count(best.gpus_active), best.layout.clone()]);
        } else {
            row.extend(["-".to_owned(), "-".to_owned()]);
        }
        row
    };
    let columns = [
        "change",
        one.input.as_str(),
        "GPUs, same plan",
        "racks",
        "ttft",
        "tpot",
        "tok/s/GPU",
        "GPUs, best plan",
        "which",
    ];
    let title = format!("Sensitivity to {}", one.input);
    Section::new(&title, &columns, one.points.iter().map(row).collect()).numbers_from(0)
}

/// `-6.8 %`, `0 %`, `-` where it no longer serves.
pub(super) fn change(value: Option<f64>) -> String {
    match value.map(|value| value * 100.0) {
        None => "-".to_owned(),
        Some(percent) if percent.abs() < 0.05 => "0 %".to_owned(),
        Some(percent) => format!("{percent:+.1} %"),
    }
}
