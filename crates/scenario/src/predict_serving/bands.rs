//! Bands of whole predictions: conformal, at the level of the system, by figure and class.
//!
//! Parts of a step have bands of their own; their worst cases do not add up, nor do they in quadrature. What a user sees
//! was therefore compared with measurements as a whole.

use super::outcome::{Band, ServingPrediction};
use super::score::{AnchorRows, By, ScoredRow, compare};
use crate::serving::{Layout, Load, ServingCase};
use rackplan_catalog::{Bands, Basis, Catalog, Quantiles};
use std::collections::{BTreeMap, BTreeSet};

/// Catalog id of the shipped bands.
pub(crate) const ID: &str = "serving";
/// Fewest groups of a model on an accelerator, and fewest rows, that make a class of their own; others are in `all`.
const LEAST_GROUPS: usize = 6;
const LEAST_ROWS: usize = 30;
/// Share of left-out measurements that a band is to hold.
const HELD: f64 = 0.8;
const SOURCE: &str = "fitted by `rackplan calibrate fit-bands`: measured over predicted of published serving results, each \
                      model on each accelerator counting as the root of its rows, widened until 80 % of what is left out is \
                      inside, the mean over rows and over groups";

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
    let figures = Figures::of(load(case), matches!(case.layout, Layout::Disaggregated { .. }));
    let rate = |value: f64| of(figures.rate, Some(value));
    let band = Band {
        ttft_s: of(figures.ttft, found.ttft_s),
        tpot_s: of(figures.tpot, found.tpot_s),
        e2e_s: of(figures.tpot, found.e2e_s),
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
        "ttft" | "ttft_disaggregated" => (prompts, NOISE),
        "throughput" | "throughput_queued" | "throughput_limits" => (generation, NOISE_OF_RATES),
        // The load's own, whatever steps take.
        "tpot_open" => (1.0, NOISE),
        _ => (generation, NOISE),
    };
    ((left + noise) / (1.0 + noise)).sqrt()
}

/// Kind of model, and whether its kernels were measured on its architecture.
pub(crate) fn class(experts: bool, evidence: &str) -> &'static str {
    match (evidence, experts) {
        ("across_architectures" | "unvalidated", true) => "moe_across",
        ("across_architectures" | "unvalidated", false) => "dense_across",
        (_, true) => "moe",
        (_, false) => "dense",
    }
}

/// Names of the bands of a way to drive and a layout. Where arrivals or limits set the load, latency hangs on them; where
/// all requests are queued, the rate is the machine's; prompts on workers of their own wait differently.
struct Figures {
    ttft: &'static str,
    tpot: &'static str,
    rate: &'static str,
}

impl Figures {
    fn of(load: &str, disaggregated: bool) -> Self {
        let (tpot, rate) = match load {
            "closed" => ("tpot", "throughput"),
            "max" | "offline" => ("tpot_open", "throughput_queued"),
            "static_batch" => ("tpot_open", "throughput"),
            _ => ("tpot_open", "throughput_limits"),
        };
        Self { ttft: if disaggregated { "ttft_disaggregated" } else { "ttft" }, tpot, rate }
    }

    /// The one that a measured column belongs to.
    fn measured(&self, column: &str) -> Option<&'static str> {
        match column {
            "ttft_ms_mean" => Some(self.ttft),
            "tpot_ms_mean" => Some(self.tpot),
            "total_output_tok_s" | "output_tok_s_per_gpu" | "output_tok_s_per_decode_gpu" => Some(self.rate),
            _ => None,
        }
    }
}

/// A load as tables call it.
fn load(case: &ServingCase) -> &'static str {
    match case.load {
        Load::Closed { .. } => "closed",
        Load::AllAtOnce => "max",
        Load::StaticBatch { .. } => "static_batch",
        Load::Poisson { .. } | Load::Limits { .. } => "server",
    }
}

/// A logarithm of measured over predicted, with source, model and accelerator.
#[derive(Clone, Debug)]
struct Residual {
    names: [String; 3],
    log: f64,
}

impl Residual {
    /// Those of a model on an accelerator are a group.
    fn group(&self) -> String {
        self.names[1..].join(" on ")
    }
}

/// How many left-out measurements a band holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BandCoverage {
    /// Figure, class, and what was left out at a time.
    pub what: String,
    /// Measurements.
    pub rows: usize,
    /// Things left out.
    pub groups: usize,
    /// Share held, over measurements.
    pub of_rows: f64,
    /// Mean over what was left out.
    pub of_groups: f64,
}

/// Fits bands to a table of measurements; the entry as TOML, and the coverage of what was left out.
pub fn fit_bands(text: &str, catalog: &Catalog) -> (String, Vec<BandCoverage>) {
    let (mut cells, mut report) = (BTreeMap::new(), Vec::new());
    let sorted = sorted(compare(text, catalog, AnchorRows::None).0);
    for ((figure, class), residuals) in &sorted {
        let groups: BTreeSet<String> = residuals.iter().map(Residual::group).collect();
        if (groups.len() < LEAST_GROUPS || residuals.len() < LEAST_ROWS) && *class != "all" {
            continue;
        }
        // Classes have few groups: a band is never narrower than all of the figure's ask for.
        let wider = widened(&sorted[&(*figure, "all")]).max(widened(residuals));
        let mut held = |what: &str, part: fn(&Residual) -> String| {
            let (groups, of_rows, of_groups) = left_out(residuals, wider, part);
            let what = format!("{figure} {class}, {what} left out");
            report.push(BandCoverage { what, rows: residuals.len(), groups, of_rows, of_groups });
        };
        held("model on accelerator", Residual::group);
        if *class == "all" {
            held("source", |residual| residual.names[0].clone());
            held("model", |residual| residual.names[1].clone());
            held("accelerator", |residual| residual.names[2].clone());
        }
        let band = band(residuals.iter(), wider);
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
fn sorted(rows: Vec<ScoredRow>) -> BTreeMap<(&'static str, &'static str), Vec<Residual>> {
    let mut cells: BTreeMap<_, Vec<Residual>> = BTreeMap::new();
    for row in rows {
        let names = [By::Source, By::Model, By::Gpu].map(|by| row.names[&by].clone());
        let class = class(row.names[&By::Family] == "moe", row.prediction.evidence);
        let figures = Figures::of(&row.names[&By::Load], row.names[&By::Layout] == "disaggregated");
        for (column, pair) in row.compared {
            let Some(figure) = figures.measured(column) else { continue };
            let residual = Residual { names: names.clone(), log: (pair.measured / pair.predicted).ln() };
            for class in [class, "all"] {
                cells.entry((figure, class)).or_default().push(residual.clone());
            }
        }
    }
    cells
}

/// How much wider than the others' 10th and 90th percentile a band must be to hold a group that it has not seen: the
/// least of a list of factors with 80 %, the mean over rows and over groups. Over rows alone the largest tables would
/// decide, over groups alone those of three rows.
fn widened(residuals: &[Residual]) -> f64 {
    let factor = |step: u32| 0.5 + 0.05 * f64::from(step);
    let holds = |factor: &f64| {
        let (_, of_rows, of_groups) = left_out(residuals, *factor, Residual::group);
        0.5 * (of_rows + of_groups) >= HELD
    };
    (0..WIDEST).map(factor).find(holds).unwrap_or_else(|| factor(WIDEST))
}

/// Steps of the list: up to 2.8 times as wide.
const WIDEST: u32 = 46;

/// How many there are to leave out, and the share of residuals inside the band that all others make: over rows, and the
/// mean over what was left out.
fn left_out(residuals: &[Residual], wider: f64, part: fn(&Residual) -> String) -> (usize, f64, f64) {
    let mut parts: BTreeMap<String, Vec<&Residual>> = BTreeMap::new();
    for residual in residuals {
        parts.entry(part(residual)).or_default().push(residual);
    }
    let (mut inside, mut shares) = (0, 0.0);
    for (name, left) in &parts {
        let others = parts.iter().filter(|(other, _)| parts.len() == 1 || *other != name);
        let band = band(others.flat_map(|(_, rows)| rows.iter().copied()), wider);
        let held = left.iter().filter(|r| (band.p10..=band.p90).contains(&r.log.exp())).count();
        inside += held;
        shares += held as f64 / left.len() as f64;
    }
    (parts.len(), inside as f64 / residuals.len() as f64, shares / parts.len() as f64)
}

/// 10th, 50th and 90th percentile, each group counting as the root of its rows, the ends moved away from the middle by a factor.
fn band<'a>(residuals: impl Iterator<Item = &'a Residual>, wider: f64) -> Quantiles {
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for residual in residuals {
        groups.entry(residual.group()).or_default().push(residual.log);
    }
    let mut weighted: Vec<(f64, f64)> = groups
        .values()
        .flat_map(|logs| logs.iter().map(|log| (*log, 1.0 / (logs.len() as f64).sqrt())))
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
