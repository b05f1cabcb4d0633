//! Everything that shows two answers side by side.

use crate::format::{bytes, count, dollars, number, percent, power, time};
use crate::section::{self, Section, csv as rows_as_csv};
use rackplan_scenario::answer::{CompareAnswer, ComparedFigure, ComparedValue};

/// As text.
pub fn text(answer: &CompareAnswer) -> String {
    format!("{}\n\n{}", verdict(answer), section::text(&sections(answer)))
}

/// As Markdown, for a pull request.
pub fn markdown(answer: &CompareAnswer) -> String {
    format!("# {}\n\n{}", verdict(answer), section::markdown(&sections(answer)))
}

/// A row a figure; bare numbers, units in the names.
pub fn csv(answer: &CompareAnswer) -> String {
    let bare = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |f: &ComparedFigure| vec![f.name.clone(), bare(f.a), bare(f.b), bare(f.change)];
    rows_as_csv(&["figure", "a", "b", "change"], &answer.figures.iter().map(row).collect::<Vec<_>>())
}

/// In one sentence.
fn verdict(answer: &CompareAnswer) -> String {
    let [a, b] = &answer.files;
    match answer.feasible {
        [true, false] => return format!("{b} serves no longer what {a} serves."),
        [false, true] => return format!("{b} serves what {a} does not."),
        [false, false] => return format!("Neither {a} nor {b} serves."),
        [true, true] => {}
    }
    let moved = ["gpus_active", "racks", "usd_per_hour", "facility_w"].into_iter().filter_map(|name| {
        let f = answer.figures.iter().find(|f| f.name == name)?;
        let change = f.change.filter(|change| change.abs() >= 0.0005)?;
        Some(format!("{} {} -> {} ({})", title(name), shown(name, f.a), shown(name, f.b), signed(change)))
    });
    let moved: Vec<String> = moved.collect();
    match moved.as_slice() {
        [] => format!("{a} to {b}: the same GPUs, racks, power and cost."),
        moved => format!("{a} to {b}: {}.", moved.join(", ")),
    }
}

fn sections(answer: &CompareAnswer) -> Vec<Section> {
    let words = |title: &str, values: &[ComparedValue]| {
        let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let rows = values.iter().map(|v| vec![v.name.clone(), cell(&v.a), cell(&v.b)]);
        Section::new(title, &["what", &answer.files[0], &answer.files[1]], rows.collect())
    };
    let row = |f: &ComparedFigure| {
        let change = f.change.map_or("-".to_owned(), signed);
        vec![title(&f.name).to_owned(), shown(&f.name, f.a), shown(&f.name, f.b), change]
    };
    let columns = ["figure", &answer.files[0], &answer.files[1], "change"];
    let figures = Section::new("What follows", &columns, answer.figures.iter().map(row).collect());
    let all = [
        words("What changed in the question", &answer.question),
        words("What changed in the plan", &answer.plan),
        figures.numbers_from(1),
    ];
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

/// The name for people, without its unit.
fn title(name: &str) -> &str {
    match name {
        "gpus_active" => "GPUs active",
        "gpus_spare" => "GPUs spare",
        "gpus_provisioned" => "GPUs provisioned",
        "instances_needed" => "instances",
        "users_short" => "users too many",
        "requests_in_flight" => "requests in flight",
        "total_tokens_per_s" => "tok/s at most",
        "tokens_per_s_per_gpu" => "tok/s per GPU",
        "tokens_per_s_per_user" => "tok/s per user",
        "ttft_s" => "ttft",
        "tpot_s" => "tpot",
        "e2e_mean_s" => "e2e, mean",
        "kv_total_bytes" => "KV cache",
        "facility_w" => "power",
        "usd_per_hour" => "cost an hour",
        "usd_per_million_tokens" => "cost of a million tokens",
        "ttft_margin" => "ttft to spare",
        "tpot_margin" => "tpot to spare",
        other => other,
    }
}

/// A figure in its unit.
fn shown(name: &str, value: Option<f64>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match name {
        "facility_w" => power(value),
        _ if name.ends_with("_margin") => percent(value),
        _ if name.starts_with("usd") => dollars(value),
        _ if name.ends_with("_bytes") => bytes(value),
        _ if name.ends_with("_s") && !name.contains("_per_") => time(value),
        _ if value.fract() == 0.0 && value >= 0.0 => count(value as u64),
        _ => number(value),
    }
}

/// `+12.5 %`; `0 %` for what only rounding moves.
fn signed(change: f64) -> String {
    if change.abs() < 0.0005 { "0 %".to_owned() } else { format!("{:+.1} %", change * 100.0) }
}
