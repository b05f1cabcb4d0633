//! Serving configurations, one row at a time: what a benchmark's client would have seen.

mod aggregated;
pub(crate) mod bands;
mod disaggregated;
mod engine;
mod outcome;
mod score;
mod tables;

pub use bands::fit_bands;
pub use outcome::{Band, ServingPrediction};
pub use score::{ServingScore, score_serving};

use crate::serving::{Layout, ServingCase};
use rackplan_catalog::{Backend, Bands, Catalog, Framework};
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Deployment, Device, Engines, ParallelPlan};
use std::collections::BTreeMap;
use tables::Tables;

/// Predicts cases; keeps the tables of deployments that it has met.
#[derive(Debug)]
pub struct ServingPredictor {
    engines: Engines,
    frameworks: BTreeMap<Backend, Framework>,
    tables: Tables,
    bands: Option<Bands>,
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
        }
    }

    /// What the client of a case sees, or why there is no answer.
    pub fn predict(&mut self, case: &ServingCase) -> Result<ServingPrediction, String> {
        let device = Device::new(&case.gpu.record).map_err(|missing| {
            format!("gpu `{}`: its catalog entry has no `{}`", case.gpu.id, missing.group)
        })?;
        let missing = || format!("framework `{}`: no catalog entry", case.backend.name());
        let framework = self.frameworks.get(&case.backend).ok_or_else(missing)?.clone();
        let found = match case.layout {
            Layout::Aggregated(plan) => {
                aggregated::predict(self, case, &framework, &deployment(case, device, plan))
            }
            Layout::Disaggregated { prefill, decode } => {
                let (first, then) =
                    (deployment(case, device, prefill.plan), deployment(case, device, decode.plan));
                disaggregated::predict(self, case, &framework, (prefill, &first), (decode, &then))
            }
        };
        let found = ServingPrediction {
            id: case.id.clone(),
            assumed: case.assumed.clone(),
            gpus: case.gpus,
            ..found
        };
        Ok(bands::banded(found, case, self.bands.as_ref()))
    }
}

/// One replica, or one worker of a pool.
fn deployment<'a>(case: &'a ServingCase, device: Device, plan: ParallelPlan) -> Deployment<'a> {
    Deployment {
        model: &case.model.record,
        gpu: &case.gpu.id,
        device,
        backend: case.backend,
        plan,
        precision: case.formats.precision(),
        routing: Routing::Uniform,
        draft_tokens: case.speculative.map_or(0, |speculative| speculative.draft_tokens),
    }
}
