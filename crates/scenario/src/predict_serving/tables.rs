//! Step tables of deployments, each made once.

use crate::serving::ServingCase;
use rackplan_perf::{Batch, Compiled, Deployment, Engines, Evidence, ParallelPlan, StepTable};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What tells two deployments apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    model: String,
    gpu: String,
    backend: &'static str,
    formats: [&'static str; 4],
    plan: ParallelPlan,
    draft_tokens: u32,
}

/// Tables by deployment.
#[derive(Debug, Default)]
pub(super) struct Tables {
    known: BTreeMap<Key, Arc<StepTable>>,
}

impl Tables {
    /// The tables of a deployment of a case.
    pub(super) fn of(
        &mut self,
        case: &ServingCase,
        deployment: &Deployment,
        engines: &Engines,
    ) -> Arc<StepTable> {
        let formats = case.formats;
        let key = Key {
            model: case.model.id.clone(),
            gpu: case.gpu.id.clone(),
            backend: case.backend.name(),
            formats: [formats.attention, formats.weights, formats.experts, formats.kv]
                .map(|dtype| dtype.name()),
            plan: deployment.plan,
            draft_tokens: deployment.draft_tokens,
        };
        let made = || Arc::new(StepTable::new(Compiled::new(deployment, engines)));
        Arc::clone(self.known.entry(key).or_insert_with(made))
    }
}

/// The weakest evidence that more than a tenth of a step rests on.
pub(super) fn evidence(table: &StepTable, batch: &Batch) -> Evidence {
    table.compiled().estimate(batch).evidence()
}
