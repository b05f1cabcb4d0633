//! One set-up sized: the plans that serve, and the best of them with its racks.

use super::asked::{Asked, Spares};
use super::context::Context;
use super::money;
use super::setup::{Setup, Variant};
use crate::QuestionError;
use crate::inputs::Notes;
use crate::question::Objective;
use rackplan_first_order::RackCount;
use rackplan_plan::{
    self as plan, Availability, Binds, Found, Promise, Rank, Searched, Served, Sizing, Station, spares_for,
};
use std::sync::Arc;

/// A set-up, sized.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) setup: Setup,
    pub(super) searched: Arc<Searched>,
    /// The best plan, within the racks if any is.
    pub(super) choice: Option<Choice>,
}

/// A plan with its racks, at the load asked for.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) found: Found,
    pub(super) sizing: Sizing,
    /// Instances that the racks hold.
    pub(super) instances: u64,
    pub(super) servers_per_rack: u64,
    /// What users see.
    pub(super) seen: Served,
    /// Whether the racks allowed hold the instances needed.
    pub(super) served: bool,
}

/// Sizes one machine in one number format.
pub(super) fn outcome(
    context: Context,
    variant: Variant,
    notes: &mut Notes,
) -> Result<Outcome, QuestionError> {
    let setup = Setup::new(context, variant, notes)?;
    let searched = setup.searched(context);
    let choice = choose(context, &setup, &searched.found);
    Ok(Outcome { setup, searched, choice })
}

/// The same as far as its best plan is concerned, which is the same: plans that could not be it are not evaluated.
pub(super) fn best_outcome(
    context: Context,
    variant: Variant,
    notes: &mut Notes,
) -> Result<Outcome, QuestionError> {
    let setup = Setup::new(context, variant, notes)?;
    let most = most_racks(context, &setup);
    let rank_of = |promise| rank_of(context, &setup, most, promise);
    let searched = Arc::new(plan::search_best(&setup.question(context), &setup.space(context), &rank_of));
    let choice = choose(context, &setup, &searched.found);
    Ok(Outcome { setup, searched, choice })
}

/// How good a plan would be in its racks, as far as plans are chosen by their size.
fn rank_of(context: Context, setup: &Setup, most_racks: u64, promise: Promise) -> Rank {
    let sizing = size_of(context.asked, setup, (promise.gpus, promise.most), context);
    let score = match context.asked.objective {
        Objective::Gpus => sizing.gpus_active,
        Objective::Cost | Objective::Power => sizing.gpus_provisioned,
        Objective::Throughput | Objective::Ttft => return Rank::default(),
    };
    let over = sizing.racks > most_racks;
    Rank([over.into(), score, sizing.gpus_active, sizing.racks])
}

impl Choice {
    /// Requests per second that all instances needed answer within the targets.
    pub(super) fn most_per_second(&self) -> f64 {
        // What users get is within the targets too, and kernels are not equally fast at every load.
        let each = self.found.served.most_per_second.max(self.seen.point.requests_per_second);
        each * self.sizing.replicas as f64
    }

    /// Requests per second that users send.
    pub(super) fn asked_per_second(&self) -> f64 {
        self.seen.point.requests_per_second * self.sizing.replicas as f64
    }
}

/// Racks, spares included, that a load takes in one plan.
pub(super) fn size(asked: &Asked, setup: &Setup, found: &Found, context: Context) -> Sizing {
    size_of(asked, setup, (found.gpus(), found.served.taken), context)
}

/// The same of replicas of so many accelerators that each take so much.
fn size_of(asked: &Asked, setup: &Setup, (gpus, taken): (u32, f64), context: Context) -> Sizing {
    let load = (asked.people.population.size(), taken);
    let site = setup.site();
    let sized = |spares| site.size(load, asked.headroom, spares, gpus);
    sized(spares(asked, gpus, context, || sized(0).replicas))
}

/// Replicas kept beside those that a load needs.
pub(super) fn spares(asked: &Asked, gpus: u32, context: Context, needed: impl FnOnce() -> u64) -> u64 {
    match asked.spares {
        Spares::Number(spares) => spares,
        Spares::Auto { availability, repair } => {
            let reliability = context.shared.site.as_ref().and_then(|site| site.reliability.as_ref());
            reliability.map_or(0, |reliability| {
                let between_failures = reliability.mtbf_all_causes.get();
                let asked = Availability { between_failures, repair, target: availability };
                spares_for(needed(), gpus, &asked)
            })
        }
    }
}

/// The best by the objective; among equals the fewest accelerators, the fewest racks, the simplest way to keep caches,
/// then the most room.
fn choose(context: Context, setup: &Setup, found: &[Found]) -> Option<Choice> {
    let most = most_racks(context, setup);
    let sized = found.iter().map(|found| (found, size(context.asked, setup, found, context)));
    let rank = |(found, sizing): &(&Found, Sizing)| {
        let room = -(found.served.taken * sizing.replicas as f64);
        let kept = setup.policies.iter().position(|policy| *policy == found.policy);
        let (score, size) = (score(context, setup, found, sizing), (sizing.gpus_active, sizing.racks));
        ((sizing.racks > most), score, (size, kept), room)
    };
    let best = sized.min_by(|a, b| {
        let ((over, score, size, room), (other_over, other, other_size, other_room)) = (rank(a), rank(b));
        let first = over.cmp(&other_over).then(score.total_cmp(&other));
        first.then(size.cmp(&other_size)).then(room.total_cmp(&other_room))
    });
    best.and_then(|(found, sizing)| choice(context, setup, found, sizing))
}

/// What an objective has least of, of one plan on one machine: where the machine is the same, racks cost and draw alike.
fn score(context: Context, setup: &Setup, found: &Found, sizing: &Sizing) -> f64 {
    match context.asked.objective {
        Objective::Gpus => sizing.gpus_active as f64,
        Objective::Cost | Objective::Power => sizing.gpus_provisioned as f64,
        Objective::Throughput => {
            let racks = most_racks(context, setup);
            -(instances(setup, found, racks) as f64 * found.served.most_per_second)
        }
        Objective::Ttft => found.served.point.ttft,
    }
}

/// Instances that racks hold.
fn instances(setup: &Setup, found: &Found, racks: u64) -> u64 {
    setup.site().replicas_in(racks, found.gpus().into())
}

/// Puts a plan into its racks; nothing where it needs more racks than there may be.
pub(super) fn choice(context: Context, setup: &Setup, found: &Found, sizing: Sizing) -> Option<Choice> {
    let (asked, site) = (context.asked, setup.site());
    let (gpus, most) = (u64::from(found.gpus()), most_racks(context, setup));
    let served = sizing.racks <= most;
    let racks = match asked.racks {
        RackCount::Exactly(racks) => racks,
        RackCount::UpTo(_) if !served => return None,
        RackCount::UpTo(_) if asked.objective == Objective::Throughput => most,
        RackCount::UpTo(_) => sizing.racks,
    };
    let instances = instances(setup, found, racks);
    if instances == 0 {
        return None;
    }
    let needed = sizing.replicas.min(instances);
    let seen = seen(context, setup, found, needed);
    let sizing = Sizing {
        replicas: needed,
        gpus_active: needed.saturating_mul(gpus),
        servers: sizing.servers.min(racks.saturating_mul(site.servers_per_rack.into())),
        racks,
        gpus_provisioned: racks.saturating_mul(site.gpus_per_rack()),
        ..sizing
    };
    let servers_per_rack = site.servers_per_rack.into();
    Some(Choice { found: *found, sizing, instances, servers_per_rack, seen, served })
}

/// What users of so many instances see.
fn seen(context: Context, setup: &Setup, found: &Found, instances: u64) -> Served {
    let (asked, question) = (context.asked, setup.question(context));
    let operators = question.operators(found);
    let station: Station = question.station(found, &operators);
    let population = &asked.people.population;
    let share = (population.size() / instances as f64).min(found.served.taken);
    let most = found.served.point.generating;
    let seen = plan::operating(&station, &asked.targets, population, share, most);
    Served { binds: found.served.binds, ..seen }
}

/// Racks that there may be: those allowed, and as many as the limits on power and cost feed.
pub(super) fn most_racks(context: Context, setup: &Setup) -> u64 {
    let allowed = match context.asked.racks {
        RackCount::UpTo(most) | RackCount::Exactly(most) => most,
    };
    allowed.min(money::most_racks(context, setup))
}

/// A plan other than the chosen one, sized on the same machine.
pub(super) fn other_plan(context: Context, setup: &Setup, found: &Found) -> Option<Choice> {
    choice(context, setup, found, size(context.asked, setup, found, context))
}

/// As answers spell it.
pub(super) fn limit(binds: Binds) -> &'static str {
    match binds {
        Binds::Ttft => "ttft",
        Binds::Tpot => "tpot",
        Binds::E2e => "e2e",
        Binds::Memory => "kv_cache",
        Binds::Tier => "kv_tier",
        Binds::Sequences => "sequences",
        Binds::Batches => "batch",
    }
}
