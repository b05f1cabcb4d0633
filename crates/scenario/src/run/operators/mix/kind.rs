//! What racks of one kind take of a load, all classes as they come and each class alone, whichever plans run on them.

use super::super::super::bill;
use super::super::asked::{Asked, Budget};
use super::super::context::Context;
use super::super::difficulty::binding;
use super::super::money::most_racks;
use super::super::outcome::{Outcome, spares};
use super::super::setup::Setup;
use super::super::{Extent, settled, variants};
use super::fill::Supply;
use crate::QuestionError;
use crate::inputs::{Machine, Notes};
use crate::question::Objective;
use rackplan_first_order::{MAX_RACKS, RackCount};
use rackplan_plan::Found;

/// A kind of rack with the set-ups of the model on it.
pub(super) struct Kind {
    pub(super) machine: Machine,
    /// Racks that are there.
    pub(super) stock: u64,
    /// All classes as they come.
    pub(super) whole: Load,
    /// Each class alone; none where all requests are alike.
    pub(super) own: Vec<Load>,
}

/// A load, and every set-up for it: number format, framework and depth of speculation, without a choice.
pub(super) struct Load {
    pub(super) asked: Asked,
    outcomes: Vec<Outcome>,
}

impl Kind {
    /// `context` is the question about this kind alone.
    pub(super) fn new(context: Context, stock: u64) -> Result<Self, QuestionError> {
        let asked = context.asked;
        let whole = Load::new(context, settled_alone(context, stock)?)?;
        let own = (0..asked.classes.kinds.len())
            .map(|class| Load::new(context, asked.of_class(class)))
            .collect::<Result<_, _>>()?;
        Ok(Self { machine: context.request.machines[0].clone(), stock, whole, own })
    }

    /// The load of a class, or of all.
    pub(super) fn load(&self, class: Option<usize>) -> &Load {
        class.map_or(&self.whole, |class| &self.own[class])
    }

    /// So many racks of the kind as filling sees them: no more than take the whole load.
    pub(super) fn supply(&self, context: Context, stock: u64) -> Supply {
        let gpus = self.gpus_per_rack();
        let [power, cost] = self.draws(context);
        // What nobody knows is more than anything known.
        let bill = match context.asked.objective {
            Objective::Cost => cost.unwrap_or(UNKNOWN),
            Objective::Power => power.unwrap_or(UNKNOWN),
            _ => gpus as f64,
        };
        Supply {
            whole: self.whole.parts(context, stock),
            own: self.own.iter().map(|load| load.parts(context, stock)).collect(),
            stock: usize::try_from(stock).unwrap_or(usize::MAX),
            bill,
            gpus,
            draws: [power, cost].map(|draw| draw.unwrap_or(0.0)),
        }
    }

    fn gpus_per_rack(&self) -> u64 {
        self.whole.outcomes.first().map_or(0, |outcome| outcome.setup.site().gpus_per_rack())
    }

    /// Watts and dollars a second of a rack, where known.
    pub(super) fn draws(&self, context: Context) -> [Option<f64>; 2] {
        let gpus = self.gpus_per_rack() as f64;
        let each = bill::per_gpu(&self.machine, &context.request.inputs.catalog);
        each.map(|each| each.map(|each| each * gpus))
    }

    /// Racks that are there and that the limits on power and cost feed where there are no others.
    pub(super) fn fed(&self, context: Context) -> u64 {
        let most =
            self.whole.outcomes.first().map_or(u64::MAX, |outcome| most_racks(context, &outcome.setup));
        self.stock.min(most)
    }

    /// Why no rack of the kind serves anybody.
    pub(super) fn reason(&self, context: Context) -> Option<String> {
        let serves = self.own.iter().any(|load| !load.serves_nobody());
        if serves { None } else { self.whole.reason(context) }
    }
}

/// Bill of a rack whose price or power the catalog lacks.
const UNKNOWN: f64 = 1e14;

/// The question with classes asking as often as the answers of this kind let them: on the racks that are there, or on as
/// many as it takes.
fn settled_alone(context: Context, stock: u64) -> Result<Asked, QuestionError> {
    let mut settling = context.asked.clone();
    if settling.classes.is_empty() {
        return Ok(settling);
    }
    let boundless = Budget { power: f64::INFINITY, cost: f64::INFINITY };
    for (racks, budget) in [(stock, context.asked.budget), (MAX_RACKS, boundless)] {
        let asked = Asked { racks: RackCount::UpTo(racks), budget, ..context.asked.clone() };
        let (asked, found) = settled(context.shared, context.request, asked, Extent::Decision)?;
        settling.classes = asked.classes;
        if found.best.choice.is_some() {
            break;
        }
    }
    settling.blend();
    Ok(settling)
}

impl Load {
    fn new(context: Context, asked: Asked) -> Result<Self, QuestionError> {
        let context = context.asking(&asked);
        let set_up = |variant| {
            let setup = Setup::new(context, variant, &mut Notes::default())?;
            let searched = setup.searched(context);
            Ok(Outcome { setup, searched, choice: None })
        };
        let outcomes = variants(context).into_iter().map(set_up).collect::<Result<_, _>>()?;
        Ok(Self { asked, outcomes })
    }

    /// Users, or requests a second.
    pub(super) fn size(&self) -> f64 {
        self.asked.people.population.size()
    }

    /// Of the load what so many racks take at most within the targets, spares and headroom aside.
    pub(super) fn takes(&self, context: Context, racks: u64) -> f64 {
        let context = context.asking(&self.asked);
        let plans = self.outcomes.iter();
        let plans =
            plans.flat_map(|outcome| outcome.searched.found.iter().map(move |found| (outcome, found)));
        let each = plans.map(|(outcome, found)| {
            let serving = serving(context, &outcome.setup, found, racks) as f64;
            serving * found.served.taken / (1.0 + context.asked.headroom)
        });
        each.fold(0.0, f64::max)
    }

    /// The part of the load that no, one, two and more racks take, up to all of it.
    fn parts(&self, context: Context, stock: u64) -> Vec<f64> {
        let mut parts = vec![0.0];
        while (parts.len() as u64) <= stock && parts.last().is_some_and(|part| *part < 1.0) {
            parts.push(self.takes(context, parts.len() as u64) / self.size());
        }
        parts
    }

    pub(super) fn serves_nobody(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.searched.found.is_empty())
    }

    /// Why no rack serves anybody, where none does.
    pub(super) fn reason(&self, context: Context) -> Option<String> {
        let first = self.outcomes.first().filter(|_| self.serves_nobody())?;
        Some(binding(context.asking(&self.asked), first, first))
    }
}

/// Replicas that serve on so many racks, those kept spare beside them.
fn serving(context: Context, setup: &Setup, found: &Found, racks: u64) -> u64 {
    let asked: &Asked = context.asked;
    let held = setup.site().replicas_in(racks, found.gpus().into());
    let fits = |serving: u64| serving + spares(asked, found.gpus(), context, || serving) <= held;
    let (mut low, mut high) = (0, held);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}
