//! Bands of whole predictions: conformal, at the level of the system, by figure and class.
//!
//! Parts of a step have bands of their own; their worst cases do not add up, nor do they in quadrature. What a user sees
//! was therefore compared with measurements as a whole.

use super::outcome::{Band, ServingPrediction};
use super::score::{AnchorRows, By, ScoredRow, compare};
use crate::serving::{Load, ServingCase};
use rackplan_catalog::{Bands, Basis, Catalog, Quantiles};
use std::collections::BTreeMap;

/// Catalog id of the shipped bands.
pub(super) const ID: &str = "serving";
/// Fewest groups of a model on an accelerator that make a class of their own.
const LEAST_GROUPS: usize = 6;
/// Share of left-out measurements that a band is to hold.
const HELD: f64 = 0.8;
const SOURCE: &str = "fitted by `rackplan calibrate fit-bands`: measured over predicted of published serving results, each \
                      model on each accelerator counting as the root of its rows, widened until 80 % of left-out groups are inside";

/// Puts the bands of its class to a prediction. Anchors leave a share of the variance of the error, of generation and of
/// prompts; a band narrows with the root of what is left and of the noise of runs, on both sides of the prediction.
pub(super) fn banded(
    found: ServingPrediction,
    case: &ServingCase,
    bands: Option<&Bands>,
    left: [f64; 2],
) -> ServingPrediction {
    let Some(bands) = bands else { return found };
    let experts = case.model.record.parameters_routed() > 0;
    let class = class(experts, found.evidence);
    let of = |figure: &str, value: Option<f64>| {
        let classes = bands.bands.get(figure)?;
        let band = classes.get(class).or_else(|| classes.get("all"))?;
        let width = width(figure, left);
        value.map(|value| [band.p10, band.p90].map(|end| value * end.powf(width)))
    };
    let rate = |value: f64| of("throughput", Some(value));
    let tpot = if matches!(case.load, Load::Closed { .. }) { "tpot" } else { "tpot_open" };
    let band = Band {
        ttft_s: of("ttft", found.ttft_s),
        tpot_s: of(tpot, found.tpot_s),
        e2e_s: of(tpot, found.e2e_s),
        output_tok_s_per_gpu: rate(found.output_tok_s_per_gpu),
        total_tok_s_per_gpu: rate(found.total_tok_s_per_gpu),
        total_output_tok_s: rate(found.total_output_tok_s),
    };
    ServingPrediction { band, ..found }
}

/// Noise of published results relative to the variance of the error. Rates are of systems tuned by many hands: equal ones
/// differ more than their times per token do. Chosen so that bands hold 80 % of what one to ten anchors leave.
const NOISE: f64 = 0.15;
const NOISE_OF_RATES: f64 = 0.6;

/// Share of its width that a band keeps beside anchors.
fn width(figure: &str, [generation, prompts]: [f64; 2]) -> f64 {
    let (left, noise) = match figure {
        "ttft" => (prompts, NOISE),
        "throughput" => (generation, NOISE_OF_RATES),
        // The load's own, whatever steps take.
        "tpot_open" => (1.0, NOISE),
        _ => (generation, NOISE),
    };
    ((left + noise) / (1.0 + noise)).sqrt()
}

/// Kind of model, and whether its kernels were measured on its architecture.
fn class(experts: bool, evidence: &str) -> &'static str {
    match (evidence, experts) {
        ("across_architectures" | "unvalidated", true) => "moe_across",
        ("across_architectures" | "unvalidated", false) => "dense_across",
        (_, true) => "moe",
        (_, false) => "dense",
    }
}

/// The figure that a measured column belongs to. Where limits set the load, latency hangs on them and is a figure apart.
fn figure(column: &str, load: &str) -> Option<&'static str> {
    match column {
        "ttft_ms_mean" => Some("ttft"),
        "tpot_ms_mean" if load == "closed" => Some("tpot"),
        "tpot_ms_mean" => Some("tpot_open"),
        "total_output_tok_s" | "output_tok_s_per_gpu" => Some("throughput"),
        _ => None,
    }
}

/// Logarithms of measured over predicted, by group of a model on an accelerator.
type Groups = BTreeMap<[String; 2], Vec<f64>>;

/// Fits bands to a table of measurements; the entry as TOML, and the coverage of left-out groups by figure and class.
pub fn fit_bands(text: &str, catalog: &Catalog) -> (String, Vec<(String, usize, f64)>) {
    let (mut cells, mut report) = (BTreeMap::new(), Vec::new());
    let sorted = sorted(compare(text, catalog, AnchorRows::None).0);
    for ((figure, class), groups) in &sorted {
        if groups.len() < LEAST_GROUPS && *class != "all" {
            continue;
        }
        // Classes have few groups, so that how much wider a band must be is found on all of a figure's.
        let wider = widened(&sorted[&(*figure, "all")]);
        let coverage = left_out(groups, wider);
        let band = band(groups, wider);
        report.push((format!("{figure} {class}"), groups.values().map(Vec::len).sum(), coverage));
        cells.entry((*figure).to_owned()).or_insert_with(BTreeMap::new).insert((*class).to_owned(), band);
    }
    let bands = Bands {
        name: "Serving configurations".to_owned(),
        aliases: Vec::new(),
        source: SOURCE.to_owned(),
        basis: Basis::Measured,
        notes: None,
        other_sources: BTreeMap::new(),
        bands: cells,
    };
    let text = toml::to_string(&bands).expect("bands are plain data");
    (format!("# Written by `rackplan calibrate fit-bands`; do not edit.\n{text}"), report)
}

/// Residuals by figure and class; every one is in the class `all` too.
fn sorted(rows: Vec<ScoredRow>) -> BTreeMap<(&'static str, &'static str), Groups> {
    let mut cells: BTreeMap<_, Groups> = BTreeMap::new();
    for row in rows {
        let [model, gpu, load] = [By::Model, By::Gpu, By::Load].map(|by| row.names[&by].clone());
        let experts = row.names[&By::Family] == "moe";
        let class = class(experts, row.prediction.evidence);
        for (column, pair) in row.compared {
            let Some(figure) = figure(column, &load) else { continue };
            for class in [class, "all"] {
                let groups = cells.entry((figure, class)).or_default();
                let residual = (pair.measured / pair.predicted).ln();
                groups.entry([model.clone(), gpu.clone()]).or_default().push(residual);
            }
        }
    }
    cells
}

/// How much wider than the others' 10th and 90th percentile a band must be to hold a group that it has not seen: the
/// least of a list of factors with 80 %.
fn widened(groups: &Groups) -> f64 {
    let factors = (0..=WIDEST).map(|step| 0.8 + 0.05 * f64::from(step));
    factors.clone().find(|factor| left_out(groups, *factor) >= HELD).unwrap_or(0.8 + 0.05 * f64::from(WIDEST))
}

/// Steps of the list: up to 2.8 times as wide.
const WIDEST: u32 = 40;

/// Share of the residuals of a group inside the band that all other groups make, averaged over groups.
fn left_out(groups: &Groups, wider: f64) -> f64 {
    let inside = groups.iter().map(|(name, residuals)| {
        let others: Groups =
            groups.iter().filter(|(other, _)| *other != name).map(|(n, r)| (n.clone(), r.clone())).collect();
        let band = if others.is_empty() { band(groups, wider) } else { band(&others, wider) };
        let inside = residuals.iter().filter(|r| (band.p10.ln()..=band.p90.ln()).contains(*r)).count();
        inside as f64 / residuals.len() as f64
    });
    inside.sum::<f64>() / groups.len() as f64
}

/// 10th, 50th and 90th percentile, each group counting as the root of its rows, the ends moved away from the middle by a factor.
fn band(groups: &Groups, wider: f64) -> Quantiles {
    let mut weighted: Vec<(f64, f64)> = groups
        .values()
        .flat_map(|residuals| residuals.iter().map(|r| (*r, 1.0 / (residuals.len() as f64).sqrt())))
        .collect();
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let at = |share: f64| {
        let mut below = 0.0;
        let reached = weighted.iter().find(|(_, weight)| {
            below += weight;
            below >= share * total
        });
        reached.or(weighted.last()).map_or(0.0, |(residual, _)| *residual)
    };
    let (low, middle, high) = (at(0.1), at(0.5), at(0.9));
    let rounded = |log: f64| (log.exp() * 1000.0).round() / 1000.0;
    Quantiles {
        p10: rounded(middle + wider * (low - middle)),
        p50: rounded(middle),
        p90: rounded(middle + wider * (high - middle)),
    }
}
