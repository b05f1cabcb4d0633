//! Where step times come from: the performance model, or tables of operators that the question names.

use crate::QuestionError;
use crate::run::explain::{Asked, Target};
use rackplan_catalog::model::Mixer;
use rackplan_perf::{Compiled, Engines, StepTable};
use rackplan_sim::{Layout, OperatorTables, Step, StepTimes};

/// Step times of a replica.
#[derive(Clone, Debug)]
pub(super) enum Times {
    /// By the performance model.
    Model(Box<StepTable>),
    /// From tables, of one pipeline stage.
    Tables(Box<OperatorTables>),
}

impl Times {
    /// Reads the tables where they are named, else compiles the deployment.
    pub(super) fn new(
        asked: &Asked,
        target: &Target,
        files: &[(String, String)],
    ) -> Result<Self, QuestionError> {
        if asked.question.engine.op_tables.is_none() {
            let compiled =
                Compiled::new(&target.deployment(target.plan), &Engines::new(&asked.inputs.catalog));
            return Ok(Self::Model(Box::new(StepTable::new(compiled))));
        }
        let tables = OperatorTables::read(files, layout(target)).map_err(|error| {
            QuestionError::value(asked.layers.place("engine.op_tables"), error.to_string())
                .with_hint("name a folder with tables of operators as CSV, plain or .gz")
        })?;
        let graphs = target.framework.execution.clone().into();
        Ok(Self::Tables(Box::new(tables.replayed(graphs))))
    }

    pub(super) fn is_given(&self) -> bool {
        matches!(self, Self::Tables(_))
    }
}

fn layout(target: &Target) -> Layout {
    let model = &target.model.record;
    let is_grouped = |mixer: &Mixer| matches!(mixer, Mixer::Gqa(gqa) if gqa.kv_heads < gqa.heads);
    Layout {
        layers: model.layer_counts().map(|(_, _, count)| count as u32).sum(),
        tp: target.plan.tp,
        pp: target.plan.pp,
        is_grouped: model.layer_counts().any(|(_, kind, _)| kind.mixer.as_ref().is_some_and(is_grouped)),
    }
}

impl StepTimes for Times {
    fn time(&self, step: &Step<'_>) -> f64 {
        match self {
            Self::Model(table) => table.time(step),
            Self::Tables(tables) => tables.time(step),
        }
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        match self {
            Self::Model(table) => table.straight_to(step),
            Self::Tables(tables) => tables.straight_to(step),
        }
    }

    fn sending(&self, step: &Step<'_>) -> f64 {
        match self {
            Self::Model(table) => table.sending(step),
            Self::Tables(tables) => tables.sending(step),
        }
    }

    fn wants_longest(&self) -> bool {
        match self {
            Self::Model(table) => table.wants_longest(),
            Self::Tables(tables) => tables.wants_longest(),
        }
    }
}
