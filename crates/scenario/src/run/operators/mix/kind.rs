//! What racks of one kind take of a load, whichever of its plans runs on them.

use super::super::super::bill;
use super::super::asked::Asked;
use super::super::context::Context;
use super::super::difficulty::binding;
use super::super::money::most_racks;
use super::super::outcome::{Outcome, spares};
use super::super::setup::Setup;
use super::fill::Supply;
use crate::QuestionError;
use crate::inputs::{Machine, Notes};
use crate::question::Objective;
use rackplan_plan::Found;

/// A kind of rack with the set-ups of the model on it.
pub(super) struct Kind {
    pub(super) machine: Machine,
    /// Racks that are there.
    pub(super) stock: u64,
    /// Every number format, framework and depth of speculation, without a choice.
    outcomes: Vec<Outcome>,
}

impl Kind {
    /// `context` is the question about this kind alone.
    pub(super) fn new(context: Context, stock: u64) -> Result<Self, QuestionError> {
        let set_up = |variant| {
            let setup = Setup::new(context, variant, &mut Notes::default())?;
            let searched = setup.searched(context);
            Ok(Outcome { setup, searched, choice: None })
        };
        let outcomes = super::super::variants(context).into_iter().map(set_up).collect::<Result<_, _>>()?;
        Ok(Self { machine: context.request.machines[0].clone(), stock, outcomes })
    }

    /// Of the load what so many racks take at most within the targets, spares and headroom aside.
    pub(super) fn takes(&self, context: Context, racks: u64) -> f64 {
        let plans = self.outcomes.iter();
        let plans =
            plans.flat_map(|outcome| outcome.searched.found.iter().map(move |found| (outcome, found)));
        let each = plans.map(|(outcome, found)| {
            let serving = serving(context, &outcome.setup, found, racks) as f64;
            serving * found.served.taken / (1.0 + context.asked.headroom)
        });
        each.fold(0.0, f64::max)
    }

    /// The kind as filling sees it: no more racks than take the whole load.
    pub(super) fn supply(&self, context: Context) -> Supply {
        let load = context.asked.people.population.size();
        let mut takes = vec![0.0];
        while (takes.len() as u64) <= self.stock && takes.last().is_some_and(|taken| *taken < load) {
            takes.push(self.takes(context, takes.len() as u64));
        }
        let gpus = self.outcomes.first().map_or(0, |outcome| outcome.setup.site().gpus_per_rack());
        let [power, cost] = self.draws(context);
        // What nobody knows is more than anything known.
        let bill = match context.asked.objective {
            Objective::Cost => cost.unwrap_or(UNKNOWN),
            Objective::Power => power.unwrap_or(UNKNOWN),
            _ => gpus as f64,
        };
        Supply { takes, bill, gpus, draws: [power, cost].map(|draw| draw.unwrap_or(0.0)) }
    }

    /// Watts and dollars a second of a rack, where known.
    pub(super) fn draws(&self, context: Context) -> [Option<f64>; 2] {
        let gpus = self.outcomes.first().map_or(0, |outcome| outcome.setup.site().gpus_per_rack());
        let each = bill::per_gpu(&self.machine, &context.request.inputs.catalog);
        each.map(|each| each.map(|each| each * gpus as f64))
    }

    /// Racks that are there and that the limits on power and cost feed where there are no others.
    pub(super) fn fed(&self, context: Context) -> u64 {
        let most = self.outcomes.first().map_or(u64::MAX, |outcome| most_racks(context, &outcome.setup));
        self.stock.min(most)
    }

    /// Why no rack of the kind serves anybody.
    pub(super) fn reason(&self, context: Context) -> Option<String> {
        let nobody = self.outcomes.iter().all(|outcome| outcome.searched.found.is_empty());
        let first = self.outcomes.first().filter(|_| nobody)?;
        Some(binding(context, first, first))
    }
}

/// Bill of a rack whose price or power the catalog lacks.
const UNKNOWN: f64 = 1e14;

/// Replicas that serve on so many racks, those kept spare beside them.
fn serving(context: Context, setup: &Setup, found: &Found, racks: u64) -> u64 {
    let asked: &Asked = context.asked;
    let held = setup.site().replicas_in(racks, found.gpus().into());
    let fits = |serving: u64| serving + spares(asked, found, context, || serving) <= held;
    let (mut low, mut high) = (0, held);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}
