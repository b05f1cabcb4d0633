//! Serving configurations, one row at a time: what a benchmark's client would have seen.

mod aggregated;
mod anchors;
pub(crate) mod bands;
mod disaggregated;
mod engine;
mod loans;
mod measured;
mod outcome;
mod picks;
mod results;
mod score;
mod stage;
mod steps;
mod tables;

pub use anchors::AnchorSummary;
pub use bands::{BandCoverage, fit_bands};
pub(crate) use bands::{ID as BANDS, class};
pub(crate) use engine::{decoders, generating, launched};
pub use loans::fit_loans;
pub use outcome::{Band, ServingPrediction};
pub use picks::{Picks, picks};
pub use results::FittedEntry;
pub use score::{AnchorRows, By, ServingScore, ServingScores, score_serving};
pub use steps::fit_steps;

use crate::serving::{Layout, ServingCase};
use anchors::{Anchors, Factors};
use rackplan_catalog::{Backend, Bands, Catalog, Framework};
use rackplan_perf::{Deployment, Device, Engines, ParallelPlan};
use std::collections::BTreeMap;
use tables::Tables;

/// Variance of the error where kernels are another maker's and their rates another family's, over that of either alone.
const TWICE_REMOVED: f64 = 2.0;

/// Predicts cases; keeps the tables of deployments that it has met.
#[derive(Debug)]
pub struct ServingPredictor {
    engines: Engines,
    frameworks: BTreeMap<Backend, Framework>,
    tables: Tables,
    bands: Option<Bands>,
    anchors: Anchors,
}

impl ServingPredictor {
    /// With the engines and frameworks of a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let known = |backend: Backend| Some((backend, catalog.get::<Framework>(backend.name()).ok()?.record));
        Self {
            engines: Engines::new(catalog),
            frameworks: Backend::ALL.into_iter().filter_map(known).collect(),
            tables: Tables::default(),
            bands: catalog.get::<Bands>(bands::ID).ok().map(|entry| entry.record),
            anchors: Anchors::default(),
        }
    }

    /// The same with other engines, without tables, bands and anchors.
    fn with_engines(&self, engines: Engines) -> Self {
        let (tables, anchors) = (Tables::default(), Anchors::default());
        Self { engines, frameworks: self.frameworks.clone(), tables, bands: None, anchors }
    }

    /// What the client of a case sees, or why there is no answer.
    pub fn predict(&mut self, case: &ServingCase) -> Result<ServingPrediction, String> {
        let anchored = self.anchors.at(case);
        let factors = anchored.map_or(Factors::NONE, |anchored| anchored.factors);
        let found = self.predict_with(case, factors)?;
        let mut assumed = case.assumed.clone();
        assumed.extend(anchored.map(|anchored| anchored.said()));
        assumed.extend(found.assumed.iter().cloned());
        let found = ServingPrediction { id: case.id.clone(), assumed, gpus: case.gpus, ..found };
        let removed = self.engines.is_twice_removed(case.gpu.record.architecture);
        let spread = if removed { TWICE_REMOVED } else { 1.0 };
        let left = anchored.map_or([1.0; 2], |anchored| anchored.left).map(|left| left * spread);
        Ok(bands::banded(found, case, self.bands.as_ref(), left))
    }

    /// The same with factors on the time of steps, without id and band; where the layout is not known, of the one that
    /// yields most.
    fn predict_with(&mut self, case: &ServingCase, factors: Factors) -> Result<ServingPrediction, String> {
        let mut best = self.predict_layout(case, factors)?;
        // All of them: the smallest may miss limits, and two accelerators of a mesh share one of its links.
        for plan in &case.others {
            let layout = Layout::Aggregated(*plan);
            let other = ServingCase { layout, replicas: case.gpus / plan.gpus(), ..case.clone() };
            let found = self.predict_layout(&other, factors)?;
            if found.total_output_tok_s > best.total_output_tok_s {
                let said =
                    format!("tp, dp, ep: {}, {}, {} after all, which yields more", plan.tp, plan.dp, plan.ep);
                best = ServingPrediction { assumed: vec![said], ..found };
            }
        }
        Ok(best)
    }

    /// What a client of this layout sees.
    fn predict_layout(&mut self, case: &ServingCase, factors: Factors) -> Result<ServingPrediction, String> {
        let device = Device::new(&case.gpu.record).map_err(|missing| {
            format!("gpu `{}`: its catalog entry has no `{}`", case.gpu.id, missing.group)
        })?;
        let missing = || format!("framework `{}`: no catalog entry", case.backend.name());
        let framework = self.frameworks.get(&case.backend).ok_or_else(missing)?.clone();
        Ok(match case.layout {
            Layout::Aggregated(plan) => aggregated::predict(
                self,
                case,
                &framework,
                &deployment(case, device, &framework, plan),
                factors,
            ),
            Layout::Disaggregated { prefill, decode } => {
                let [first, then] =
                    [prefill.plan, decode.plan].map(|plan| deployment(case, device, &framework, plan));
                disaggregated::predict(self, case, &framework, (prefill, &first), (decode, &then), factors)
            }
        })
    }
}

/// One replica, or one worker of a pool.
fn deployment<'a>(
    case: &'a ServingCase,
    device: Device,
    framework: &Framework,
    plan: ParallelPlan,
) -> Deployment<'a> {
    Deployment {
        model: &case.model.record,
        gpu: &case.gpu.id,
        device,
        backend: case.backend,
        plan,
        precision: case.formats.precision(),
        routing: None,
        redundant_experts: framework.execution.redundant_experts,
        draft_tokens: case.speculative.map_or(0, |speculative| speculative.draft_tokens),
    }
}
